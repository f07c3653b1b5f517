//! Group commit: the batches of all shards, made durable together.
//!
//! A shard submits a turn's batch with a ticket and goes on with other work. The committer appends
//! everything that waits, makes it durable with one sync, and only then settles the tickets.

use std::sync::Arc;

use crate::domain::Batch;

/// A position in the journal: the sequence number of an event, counted from 1. 0 is "before all".
pub type Position = u64;

/// One turn's events on their way to the journal.
#[derive(Debug)]
pub struct Submission {
    /// Which shard waits for it.
    pub lane: usize,
    /// The shard's name for it; settled in the order in which it was submitted.
    pub ticket: u64,
    /// The events, with their encoded form. `None` only waits for what was submitted before it.
    pub batch: Option<Encoded>,
}

/// A batch with the bytes that stand for it in the journal.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The batch itself, for those who follow the journal.
    pub batch: Arc<Batch>,
    /// What `codec::encode` made of it.
    pub body: Vec<u8>,
}

/// A batch that is durable.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The position of its first event; the others follow without a gap.
    pub first: Position,
    /// The batch.
    pub batch: Arc<Batch>,
}

impl Committed {
    /// The position of its last event.
    pub fn last(&self) -> Position {
        self.first + self.batch.events.len() as u64 - 1
    }
}

/// What became of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The shard's name for it.
    pub ticket: u64,
    /// The position of its first event (of the journal's end, for an empty one), or why not.
    pub outcome: Result<Position, CommitFailed>,
}

/// The journal could not be written or synced. What was submitted may or may not be durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal could not be written; nothing more is accepted until a restart")]
pub struct CommitFailed;

/// The committer takes no more: too much waits, or it has stopped.
#[derive(Debug, thiserror::Error)]
#[error("the committer takes nothing at the moment")]
pub struct NotTaken(pub Submission);

/// Where shards submit.
pub trait Commit: Send + Sync + 'static {
    /// Queues a submission without waiting. Its lane hears of it exactly once.
    fn submit(&self, submission: Submission) -> Result<(), NotTaken>;

    /// How many submissions wait to be written.
    fn waiting(&self) -> usize {
        0
    }
}

/// A shard, as the committer sees it.
pub trait Lane: Send + Sync + 'static {
    /// Some of its submissions are settled, in order. Called from the committer's thread: must not
    /// block.
    fn settled(&self, settled: &[Settled]);
}

/// Someone who follows what is committed: views, feeds.
pub trait Follower: Send + 'static {
    /// A group became durable. Called from the committer's thread, in order: must not block.
    fn committed(&mut self, group: &[Committed]);

    /// Those who wait for the group were told. Who wakes another thread does so here: woken before, it
    /// would take a processor that the answers need (a tenth to a quarter of the latency of one order
    /// alone, in two paired runs with two processors).
    fn told(&mut self) {}
}
