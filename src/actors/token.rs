//! Tells a turn's coordinator if the turn is lost on its way.
//!
//! A turn travels in messages, also to other shards. Should it be dropped there (a panic, a mailbox
//! that closed, a shard that died), its order would wait for it for ever.

use std::{fmt, sync::Arc};

use super::{coordinator::Work, table::Table, turn::Subject};

/// Which turn of a coordinator's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Serial(pub(super) u64);

/// A turn's own. Dropping it unspent is a report.
pub(super) struct Token {
    key: Subject,
    serial: Serial,
    shards: Option<Arc<Table>>,
}

impl Token {
    pub(super) const fn new(key: Subject, serial: Serial, shards: Arc<Table>) -> Self {
        Self {
            key,
            serial,
            shards: Some(shards),
        }
    }

    pub(super) const fn serial(&self) -> Serial {
        self.serial
    }

    /// The turn is over.
    pub(super) fn spend(&mut self) {
        self.shards = None;
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Token").field(&self.serial).finish()
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        if let Some(shards) = self.shards.take() {
            shards.tell(self.key.number, Work::Lost(self.key, self.serial));
        }
    }
}
