//! Between a shard and the committer: what was submitted, and what has become of it.
//!
//! Bounded by the shard's permits: every submission belongs to a request that holds one, or to a
//! saga's own step, of which an order has one at a time.
//!
//! The committer has the lane, whoever runs the shard; a coordinator has its own end of it. When a
//! shard is replaced, the end of its old coordinator hears of nothing any more.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use tokio::sync::Notify;

use crate::store::commit::{Lane as CommitLane, Position, Settled};

/// One shard's lane.
#[derive(Debug, Default)]
pub struct Lane(Mutex<Current>);

#[derive(Debug, Default)]
struct Current {
    end: Arc<End>,
    /// While the shard is being replaced: up to where its snapshots are complete.
    pinned: Option<Position>,
}

/// A coordinator's end of its lane.
#[derive(Debug, Default)]
pub(super) struct End {
    settled: Mutex<Vec<Settled>>,
    floors: Mutex<VecDeque<Position>>,
    wake: Notify,
}

impl Lane {
    /// A position up to which all snapshots of this shard are in the page cache, given that
    /// everything up to `durable` was durable before this call.
    pub fn complete_to(&self, durable: Position) -> Position {
        let current = lock(&self.0);
        let own = || current.end.complete_to(durable);
        current.pinned.unwrap_or_else(own)
    }

    /// The coordinator's end.
    pub(super) fn end(&self) -> Arc<End> {
        Arc::clone(&lock(&self.0).end)
    }

    /// A new end in place of the old one. The snapshots are complete up to where they were, until
    /// [`Lane::release`].
    pub(super) fn renew(&self, durable: Position) -> Arc<End> {
        let current = &mut *lock(&self.0);
        let complete_to = current.end.complete_to(durable);
        // One replacement may follow on another that did not come to its end.
        current.pinned = Some(current.pinned.unwrap_or(complete_to));
        current.end = Arc::default();
        Arc::clone(&current.end)
    }

    /// The snapshots are complete up to what was durable when it was renewed.
    pub(super) fn release(&self) {
        lock(&self.0).pinned = None;
    }
}

impl End {
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

    /// Waits until something is settled.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Takes what is settled, in the order it was submitted.
    pub(super) fn take(&self) -> Vec<Settled> {
        std::mem::take(&mut *lock(&self.settled))
    }

    fn complete_to(&self, durable: Position) -> Position {
        lock(&self.floors).front().copied().unwrap_or(durable)
    }
}

impl CommitLane for Lane {
    fn settled(&self, settled: &[Settled]) {
        let current = lock(&self.0);
        lock(&current.end.settled).extend_from_slice(settled);
        current.end.wake.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while a lane is locked")
}
