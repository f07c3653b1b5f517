//! Commands that were already answered, by the key their caller gave them.

use serde::{Deserialize, Serialize};

use super::{
    pages::{Error, NoteTree, Pages},
    snapshot,
};
use crate::domain::{Batch, Timestamp};

/// A remembered answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The checksum of the request.
    pub fingerprint: u64,
    /// The number of the entity that was answered.
    pub number: u64,
    /// Its version, as answered.
    pub version: u64,
    /// Its state, as answered.
    pub bytes: Vec<u8>,
    /// When.
    pub at: Timestamp,
}

/// Remembers the answer that a batch carries, with the entity as it was answered.
pub fn remember(pages: &Pages, batch: &Batch, bytes: &[u8]) -> Result<(), Error> {
    let Some(answered) = &batch.answered else {
        return Ok(());
    };
    let answer = Answer {
        fingerprint: answered.fingerprint,
        number: answered.entity.number,
        version: answered.version,
        bytes: bytes.to_vec(),
        at: batch.at,
    };
    let value = snapshot::encode(&answer);
    pages.put_note(
        NoteTree::Answered,
        &key(&batch.storefront, &answered.key),
        Some(value.to_vec()),
    )
}

/// The answer to the command with this key, if it is remembered.
pub fn recall(pages: &Pages, storefront: &str, named: &str) -> Result<Option<Answer>, Error> {
    let found = pages.get_note(NoteTree::Answered, &key(storefront, named))?;
    // One that cannot be read was written by another version: the command counts as new.
    Ok(found.and_then(|value| snapshot::decode(&value).ok()))
}

/// Forgets answers given before `before`; says how many. A sweep takes a bounded number at a time.
pub fn forget(pages: &Pages, before: Timestamp) -> Result<usize, Error> {
    pages.sweep_notes(NoteTree::Answered, |_key, value| {
        snapshot::decode::<Answer>(value).is_ok_and(|answer| answer.at >= before)
    })
}

fn key(storefront: &str, named: &str) -> Vec<u8> {
    [storefront.as_bytes(), &[0], named.as_bytes()].concat()
}
