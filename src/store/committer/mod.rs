//! Group commit on one thread: what waits is appended together and made durable with one sync.
//!
//! Nobody hears of a batch before the sync that covers it: first the followers, then the lanes,
//! each with its tickets in the order of submission. Threads that only follow are woken last. While one
//! group is being synced the next one gathers.
//!
//! Where submissions have come one at a time for a while and nothing else is under way, who submits what a
//! request asked for borrows the sleeping thread's work and commits for itself: two wake-ups less
//! (`queue.rs`).
//!
//! When the journal fails, everything that waits and everything that still comes is settled with
//! [`CommitFailed`](super::commit::CommitFailed); if a sync failed, the program should end then.
//!
//! A disk without room is no failure: the group waits, and so does what comes behind it, until
//! there is some. What was submitted was built on what was submitted before, so nothing may be left
//! out.

mod figures;
mod queue;
mod under_way;
mod worker;

use std::{
    fmt, io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

pub use under_way::{Guard, UnderWay};

use super::{
    commit::{Commit, Follower, Lane, NotTaken, Position, Submission, Taken},
    journal::{self, Journal},
};
use crate::metrics::Histogram;
use queue::{Borrowed, Queue};
use worker::Worker;

/// How many groups in a row had one batch before the next is committed by who submits it. A shard that
/// waits for the disk decides nothing meanwhile: after a single such group four connections lost 4 % of
/// their orders.
const ALONE_MIN: u64 = 16;

/// How much the committer takes at once, and how long it waits for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Submissions that wait. More are not taken.
    pub queue_max: usize,
    /// Submissions in one group.
    pub group_max: usize,
    /// Encoded bytes after which a group takes no further batch.
    pub group_bytes_max: usize,
    /// How long a group waits at most for requests that are under way, in microseconds; it goes as
    /// soon as none is. Measured at 64 connections on two cores: 500 spends 7 % less CPU on an
    /// order than 50, and nobody waits longer, because the cores are busy meanwhile.
    pub window_us: u64,
    /// How long a group waits, in milliseconds, before it is tried again on a disk without room.
    pub full_retry_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue_max: 8192,
            group_max: 1024,
            group_bytes_max: 4 * 1024 * 1024,
            window_us: 500,
            full_retry_ms: 500,
        }
    }
}

/// Who hears of what is committed.
pub struct Listeners {
    /// The shards, by [`Submission::lane`].
    pub lanes: Vec<Arc<dyn Lane>>,
    /// Views and feeds, in the order in which they hear of a group.
    pub followers: Vec<Box<dyn Follower>>,
    /// Called once, from the committer's thread, when a sync failed: nobody knows what the disk has,
    /// and the program should end. Not when the disk takes nothing more, and what it has is known:
    /// then it can still be read.
    pub on_failure: Box<dyn FnOnce() + Send>,
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners")
            .field("lanes", &self.lanes.len())
            .field("followers", &self.followers.len())
            .finish_non_exhaustive()
    }
}

/// What the committer has done since it was started.
#[derive(Debug)]
pub struct Statistics {
    /// Groups that were written.
    pub groups: AtomicU64,
    /// Those of one batch that was written by who submitted it.
    pub groups_alone: AtomicU64,
    /// Batches in them.
    pub batches: AtomicU64,
    /// Events in them.
    pub events: AtomicU64,
    /// Encoded bytes in them, without the journal's frames.
    pub bytes: AtomicU64,
    /// Syncs, the journal's own on changing segments included.
    pub syncs: AtomicU64,
    /// Submissions that were not taken, since too many waited or nothing is taken any more.
    pub not_taken: AtomicU64,
    /// How many batches the groups had.
    pub group_sizes: Histogram,
    /// How long the syncs of groups took.
    pub sync_times: Histogram,
}

/// The committer's handle: shared by the shards as an `Arc<dyn Commit>`.
#[derive(Debug)]
pub struct Committer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What handle and thread share.
#[derive(Debug)]
struct Shared {
    /// Closed when nothing more is to be submitted; the thread ends when it has done the rest.
    queue: Queue,
    lanes: usize,
    frames: journal::Limits,
    durable: AtomicU64,
    failed: AtomicBool,
    full: AtomicBool,
    /// How many groups in a row had one batch.
    alone: AtomicU64,
    statistics: Statistics,
}

impl Committer {
    /// Starts the thread, which owns the journal from now on. Fails where no thread can be started.
    pub fn start(
        journal: Journal,
        listeners: Listeners,
        under_way: UnderWay,
        limits: Limits,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Queue::new(under_way.clone(), limits.queue_max),
            lanes: listeners.lanes.len(),
            frames: journal.limits(),
            durable: AtomicU64::new(journal.stable()),
            failed: AtomicBool::new(false),
            full: AtomicBool::new(false),
            alone: AtomicU64::new(0),
            statistics: Statistics::new(),
        });
        let worker = Worker::new(journal, listeners, under_way, limits, Arc::clone(&shared));
        let thread = thread::Builder::new()
            .name("committer".to_owned())
            .spawn(|| worker.run())?;
        Ok(Self {
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// The position of the last event that is durable.
    pub fn durable(&self) -> Position {
        self.shared.durable.load(Ordering::Acquire)
    }

    /// Whether a group waits for room on the disk.
    pub fn is_full(&self) -> bool {
        self.shared.full.load(Ordering::Acquire)
    }

    /// Whether the journal failed, or the thread panicked: nothing more is committed.
    pub fn failed(&self) -> bool {
        self.shared.failed.load(Ordering::Acquire)
    }

    /// What it has done so far.
    pub fn statistics(&self) -> &Statistics {
        &self.shared.statistics
    }

    /// Takes nothing more, settles everything that waits, and ends the thread; the journal is
    /// closed when this returns. A second call does nothing.
    pub fn stop(&self) {
        self.shared.close();
        let mut slot = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(thread) = slot.take() else {
            return;
        };
        drop(slot);
        // A listener that stops the committer is on that thread; it ends after the listener.
        if thread.thread().id() != thread::current().id() && thread.join().is_err() {
            tracing::error!("the committer's thread panicked");
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Commit for Committer {
    /// Also refuses, as not taken, what no journal frame can hold and what no lane could hear of:
    /// a batch that is too large or without events, and a lane that does not exist.
    ///
    /// What comes alone is durable, and its lane has heard of it, before this returns; that takes as long as
    /// the disk. Where that has no room it waits in the queue like everything else.
    fn submit(&self, submission: Submission) -> Result<Taken, NotTaken> {
        let shared = &self.shared;
        let taken = if !shared.fits(&submission) {
            Err(submission)
        } else if let Some(mut worker) = shared.borrow_for(&submission) {
            let settled = worker.commit_alone(submission).map(Taken::settled);
            settled.or_else(|submission| shared.push(submission))
        } else {
            shared.push(submission)
        };
        taken.map_err(|submission| {
            let not_taken = &self.shared.statistics.not_taken;
            not_taken.fetch_add(1, Ordering::Relaxed);
            NotTaken(submission)
        })
    }

    fn waiting(&self) -> usize {
        self.shared.queue.len()
    }
}

impl Shared {
    fn fits(&self, submission: &Submission) -> bool {
        let fits = submission.batch.as_ref().is_none_or(|encoded| {
            !encoded.batch.events.is_empty() && self.frames.take(encoded.body.len())
        });
        fits && submission.lane < self.lanes
    }

    /// The worker, for a submission that is alone: nothing else waits or is under way, nor did lately.
    fn borrow_for(&self, submission: &Submission) -> Option<Borrowed<'_>> {
        let is_alone = submission.is_straight
            && submission.batch.is_some()
            && self.alone.load(Ordering::Relaxed) >= ALONE_MIN
            && self.queue.under_way() == 0;
        is_alone.then(|| self.queue.borrow()).flatten()
    }

    fn push(&self, submission: Submission) -> Result<Taken, Submission> {
        self.queue.push(submission).map(|()| Taken::default())
    }

    fn close(&self) {
        self.queue.close();
    }
}

#[cfg(test)]
mod tests;
