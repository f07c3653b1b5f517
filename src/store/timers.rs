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
    let mut found = Vec::new();
    pages.each_note(NoteTree::Timers, &mut |key, value| {
        if let (Some(number), Ok(due)) = (number(storefront, key), value.try_into()) {
            found.push((number, Timestamp(i64::from_be_bytes(due))));
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Storefront, a zero, the number big-endian. A storefront's name has no zero in it.
pub(super) fn key(storefront: &str, number: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(storefront.len() + 9);
    key.extend_from_slice(storefront.as_bytes());
    key.push(0);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The number in such a key, if it is one of this storefront's.
pub(super) fn number(storefront: &str, key: &[u8]) -> Option<u64> {
    let number = key
        .strip_prefix(storefront.as_bytes())?
        .strip_prefix(&[0])?;
    Some(u64::from_be_bytes(number.try_into().ok()?))
}
