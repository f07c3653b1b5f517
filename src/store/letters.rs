//! Dead letters: orders whose refund or void was given up, so that nobody need look at all orders to
//! find them. What was given up, when and why is in the order's saga.

use std::ops::ControlFlow;

use super::{
    pages::{Error, NoteTree, Pages},
    timers::{key, number},
};

/// Notes that an order has a dead letter, or that it has none any more.
pub fn set(pages: &Pages, storefront: &str, order: u64, is_letter: bool) -> Result<(), Error> {
    let value = is_letter.then(Vec::new);
    pages.put_note(NoteTree::Letters, &key(storefront, order), value)
}

/// Every order of the storefront that has one, in the order of their numbers.
pub fn all(pages: &Pages, storefront: &str) -> Result<Vec<u64>, Error> {
    let mut found = Vec::new();
    pages.each_note(NoteTree::Letters, &mut |key, _value| {
        found.extend(number(storefront, key));
        ControlFlow::Continue(())
    })?;
    found.sort_unstable();
    Ok(found)
}
