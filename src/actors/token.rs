//! Tells a turn's coordinator if the turn is lost on its way.
//!
//! A turn travels in messages, also to other shards. Should it be dropped there (a panic, a mailbox
//! that closed, a shard that died), its order would wait for it for ever.

use std::{fmt, sync::Arc};

use super::{coordinator::Work, fence::Fence, local::Local, table::Table, turn::Subject};

/// Which turn of a coordinator's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Serial(pub(super) u64);

/// A turn's own. Dropping it unspent is a report.
pub(super) struct Token {
    key: Subject,
    serial: Serial,
    shards: Option<Arc<Table>>,
    /// Of the shard whose turn it is.
    fence: Arc<Fence>,
}

impl Token {
    pub(super) fn new(key: Subject, serial: Serial, local: &Local) -> Self {
        Self {
            key,
            serial,
            shards: Some(Arc::clone(&local.shards)),
            fence: Arc::clone(&local.fence),
        }
    }

    pub(super) const fn serial(&self) -> Serial {
        self.serial
    }

    /// Of the shard whose turn it is.
    pub(super) const fn fence(&self) -> &Arc<Fence> {
        &self.fence
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
