//! Between a shard and the committer: what was submitted, and what has become of it.
//!
//! Bounded by the shard's permits: every submission belongs to a request that holds one, or to a
//! saga's own step, of which an order has one at a time.

use std::{collections::VecDeque, sync::Mutex};

use tokio::sync::Notify;

use crate::store::commit::{Lane as CommitLane, Position, Settled};

/// One shard's lane.
#[derive(Debug, Default)]
pub struct Lane {
    settled: Mutex<Vec<Settled>>,
    floors: Mutex<VecDeque<Position>>,
    wake: Notify,
}

impl Lane {
    /// Notes that something is submitted, while everything up to `durable` was durable.
    pub(super) fn submitting(&self, durable: Position) {
        lock(&self.floors).push_back(durable);
    }

    /// Notes that the oldest submission's snapshots are in the page cache, or that it failed.
    pub(super) fn stored(&self) {
        lock(&self.floors).pop_front();
    }

    /// Notes that the newest submission was not taken.
    pub(super) fn withdrawn(&self) {
        lock(&self.floors).pop_back();
    }

    /// A position up to which all snapshots of this shard are in the page cache, given that
    /// everything up to `durable` was durable before this call.
    pub fn complete_to(&self, durable: Position) -> Position {
        lock(&self.floors).front().copied().unwrap_or(durable)
    }

    /// Waits until something is settled.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Takes what is settled, in the order it was submitted.
    pub(super) fn take(&self) -> Vec<Settled> {
        std::mem::take(&mut *lock(&self.settled))
    }
}

impl CommitLane for Lane {
    fn settled(&self, settled: &[Settled]) {
        lock(&self.settled).extend_from_slice(settled);
        self.wake.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while a lane is locked")
}
