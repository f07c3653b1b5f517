//! Clients' own keys of their orders, so that a request which names the key finds the order.

use super::pages::{Error, NoteTree, Pages};

/// Remembers which order has a key.
pub fn set(pages: &Pages, storefront: &str, key: &str, number: u64) -> Result<(), Error> {
    let value = number.to_be_bytes().to_vec();
    pages.put_note(NoteTree::Keys, &note(storefront, key), Some(value))
}

/// The number of the order with this key, if there is one.
pub fn find(pages: &Pages, storefront: &str, key: &str) -> Result<Option<u64>, Error> {
    let found = pages.get_note(NoteTree::Keys, &note(storefront, key))?;
    Ok(found.and_then(|value| Some(u64::from_be_bytes(value.try_into().ok()?))))
}

/// Storefront, a zero, the key. A storefront's name has no zero in it.
fn note(storefront: &str, key: &str) -> Vec<u8> {
    [storefront.as_bytes(), &[0], key.as_bytes()].concat()
}
