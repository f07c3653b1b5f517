//! Keeps a shard that was replaced from doing anything more, whenever its thread comes back.
//!
//! What must not happen after the replacement began passes the fence: to submit what its orders or its
//! listings did, and to store what became durable. A replacement closes the fence first, and only
//! then looks at what was submitted and reads the journal up to there.

use std::sync::{
    PoisonError, RwLock, RwLockReadGuard, TryLockError,
    atomic::{AtomicBool, Ordering},
};

/// One life of a shard's.
#[derive(Debug, Default)]
pub(super) struct Fence {
    passing: RwLock<()>,
    closed: AtomicBool,
}

/// Somebody passes. The fence is not closed meanwhile.
pub(super) type Pass<'a> = RwLockReadGuard<'a, ()>;

impl Fence {
    /// Passes; `None` if it is closed.
    pub(super) fn pass(&self) -> Option<Pass<'_>> {
        let pass = self.passing.read();
        let pass = pass.unwrap_or_else(PoisonError::into_inner);
        (!self.is_closed()).then_some(pass)
    }

    /// Closes it for good. False if somebody passes just now.
    pub(super) fn try_close(&self) -> bool {
        let alone = match self.passing.try_write() {
            Ok(alone) => alone,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        self.closed.store(true, Ordering::Release);
        drop(alone);
        true
    }

    /// Whether it is closed.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_not_closed_while_somebody_passes_and_nobody_passes_afterwards() {
        let fence = Fence::default();
        let pass = fence.pass();
        assert!(pass.is_some() && !fence.try_close());
        drop(pass);
        assert!(fence.try_close() && fence.pass().is_none());
    }
}
