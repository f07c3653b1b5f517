//! Orders that await something, so that a start finds them without looking at all orders.

use std::ops::ControlFlow;

use super::pages::{Error, NoteTree, Pages};
use crate::domain::Timestamp;

/// Sets or clears an order's timer.
pub fn set(
    pages: &Pages,
    storefront: &str,
    number: u64,
    due: Option<Timestamp>,
) -> Result<(), Error> {
    let value = due.map(|due| due.0.to_be_bytes().to_vec());
    pages.put_note(NoteTree::Timers, &key(storefront, number), value)
}

/// Every order of the storefront that has a timer.
pub fn all(pages: &Pages, storefront: &str) -> Result<Vec<(u64, Timestamp)>, Error> {
    let prefix = key(storefront, 0);
    let prefix = &prefix[..prefix.len() - 8];
    let mut found = Vec::new();
    pages.each_note(NoteTree::Timers, &mut |key, value| {
        let number = key
            .strip_prefix(prefix)
            .and_then(|number| number.try_into().ok());
        if let (Some(number), Ok(due)) = (number, value.try_into()) {
            let due = Timestamp(i64::from_be_bytes(due));
            found.push((u64::from_be_bytes(number), due));
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Storefront, a zero, the number big-endian. A storefront's name has no zero in it.
fn key(storefront: &str, number: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(storefront.len() + 9);
    key.extend_from_slice(storefront.as_bytes());
    key.push(0);
    key.extend_from_slice(&number.to_be_bytes());
    key
}
