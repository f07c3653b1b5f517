//! What the views keep, read again.

use serde::Deserialize;

use crate::store::{pages::Error, snapshot};

/// What a view kept, or what refers to its texts where they stand.
///
/// [`Error::Damaged`] if it cannot be read. It is not begun anew: nobody would hear that what it said
/// before is gone.
pub fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Error> {
    snapshot::decode(bytes).map_err(|error| {
        tracing::error!(%error, "what a view keeps cannot be read");
        Error::Damaged("what a view keeps cannot be read")
    })
}
