//! Requests on their way to a shard: what comes from one thread at once is announced once.
//!
//! A message of its own for each would wake the shard's thread for the first of them, while the others
//! are still being read from their connections: on two cores, four system calls for five orders.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::coordinator::Ask;

/// What was put in and is not taken yet. Bounded by the shard's permits, of which each holds one.
#[derive(Default)]
pub(super) struct Inbox(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    #[expect(clippy::vec_box, reason = "it goes on from queue to queue as it is")]
    asks: Vec<Box<Ask>>,
    is_announced: bool,
}

impl Inbox {
    /// Puts a request in. True if nobody is about to announce what is there: the caller has to.
    pub(super) fn put(&self, ask: Box<Ask>) -> bool {
        let mut waiting = self.lock();
        waiting.asks.push(ask);
        !std::mem::replace(&mut waiting.is_announced, true)
    }

    /// Takes what is there, in the order in which it came. Who comes from now on announces again.
    #[expect(clippy::vec_box, reason = "it goes on from queue to queue as it is")]
    pub(super) fn take(&self) -> Vec<Box<Ask>> {
        let mut waiting = self.lock();
        waiting.is_announced = false;
        std::mem::take(&mut waiting.asks)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
