//! Group commit: the batches of all shards, made durable together.
//!
//! A shard submits a turn's batch with a ticket and goes on with other work. The committer appends
//! everything that waits, makes it durable with one sync, and only then settles the tickets. What comes
//! alone it may make durable at once.

use std::{fmt, sync::Arc};

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
    /// Whether it comes straight from a request, which was under way until now. Such requests are counted,
    /// so the committer knows whether it is alone; of what else a shard does, much more may follow at once.
    pub is_straight: bool,
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

/// A submission was taken; one that came alone may be settled already.
///
/// Dropping it wakes those who follow: best after those who wait for the submission have their answers.
#[must_use = "dropping it wakes those who follow"]
#[derive(Default)]
pub struct Taken(Vec<Wake>);

/// Wakes the thread of somebody who follows.
pub type Wake = Box<dyn FnOnce() + Send>;

impl Taken {
    /// Settled already, and these are still to be woken.
    pub fn settled(wakes: Vec<Wake>) -> Self {
        Self(wakes)
    }
}

impl fmt::Debug for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Taken").field(&self.0.len()).finish()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        for wake in self.0.drain(..) {
            wake();
        }
    }
}

/// Where shards submit.
pub trait Commit: Send + Sync + 'static {
    /// Takes a submission. Its lane hears of it exactly once, perhaps before this returns.
    fn submit(&self, submission: Submission) -> Result<Taken, NotTaken>;

    /// How many submissions wait to be written.
    fn waiting(&self) -> usize {
        0
    }
}

/// A shard, as the committer sees it.
pub trait Lane: Send + Sync + 'static {
    /// Some of its submissions are settled, in order. Called from the committer's thread, or from that of a
    /// shard: must not block.
    fn settled(&self, settled: &[Settled]);
}

/// Someone who follows what is committed: views, feeds.
pub trait Follower: Send + 'static {
    /// A group became durable. Called from the committer's thread, or from that of a shard, in order: must
    /// not block.
    ///
    /// Who wakes another thread does not do so here but says how: it is done once those who wait for the
    /// group were told, perhaps after the next group. Woken before, that thread would take a processor that
    /// the answers need (a tenth to a quarter of the latency of one order alone, in two paired runs with
    /// two processors).
    fn committed(&mut self, group: &[Committed]) -> Option<Wake>;
}
