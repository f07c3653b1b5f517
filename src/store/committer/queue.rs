//! What waits for the committer, and when it is woken for it.
//!
//! A wake-up costs more than a batch (two context switches, 3 to 5 µs). So while a group gathers,
//! what arrives does not wake the thread, unless with it most of those under way are there. While it
//! sleeps its work rests here, and whoever submits something alone may borrow that.

use std::{
    collections::VecDeque,
    ops::{Deref, DerefMut},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{UnderWay, worker::Worker};
use crate::store::commit::Submission;

#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    under_way: UnderWay,
    waiting_max: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Submission>,
    closed: bool,
    asleep: Asleep,
    /// Here while the thread sleeps for the first submission of a group, unless somebody borrowed it.
    resting: Option<Box<Worker>>,
}

/// A worker that somebody borrowed. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Borrowed<'a> {
    queue: &'a Queue,
    worker: Option<Box<Worker>>,
}

/// What the committer's thread sleeps for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Asleep {
    /// It is at work.
    #[default]
    No,
    /// The first submission of a group.
    First,
    /// That with what it has already, most of those under way have come.
    Most { taken: usize },
}

impl Queue {
    pub(super) fn new(under_way: UnderWay, waiting_max: usize) -> Self {
        Self {
            state: Mutex::default(),
            wake: Condvar::new(),
            under_way,
            waiting_max,
        }
    }

    /// Adds a submission; gives it back if the queue is full or closed.
    pub(super) fn push(&self, submission: Submission) -> Result<(), Submission> {
        let mut state = self.lock();
        if state.closed || state.waiting.len() >= self.waiting_max {
            return Err(submission);
        }
        state.waiting.push_back(submission);
        let wakes = match state.asleep {
            Asleep::No => false,
            // Who has borrowed the worker wakes the thread.
            Asleep::First => state.resting.is_some(),
            Asleep::Most { taken } => taken + state.waiting.len() >= self.under_way.count(),
        };
        if wakes {
            state.asleep = Asleep::No;
            drop(state);
            self.wake.notify_one();
        }
        Ok(())
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    /// How many requests are under way and may still submit something.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.count()
    }

    /// How many may wait.
    pub(super) const fn len_max(&self) -> usize {
        self.waiting_max
    }

    /// Takes no more. What waits can still be taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    /// Takes the first submission of a group, once there is one; the worker may be borrowed until then.
    /// `None` if there will be none.
    pub(super) fn first(&self, worker: Box<Worker>) -> Option<(Box<Worker>, Submission)> {
        let mut state = self.lock();
        state.resting = Some(worker);
        loop {
            if let Some(worker) = state.resting.take() {
                if let Some(submission) = state.waiting.pop_front() {
                    return Some((worker, submission));
                }
                if state.closed {
                    // Before the worker is dropped, which takes as long as closing the journal.
                    drop(state);
                    return None;
                }
                state.resting = Some(worker);
            }
            state.asleep = Asleep::First;
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.asleep = Asleep::No;
        }
    }

    /// Lends the worker, if it has nothing to do.
    pub(super) fn borrow(&self) -> Option<Borrowed<'_>> {
        let mut state = self.lock();
        if state.asleep != Asleep::First || !state.waiting.is_empty() || state.closed {
            return None;
        }
        state.resting.take().map(|worker| Borrowed {
            queue: self,
            worker: Some(worker),
        })
    }

    /// Takes the next submission, if one waits.
    pub(super) fn next(&self) -> Option<Submission> {
        self.lock().waiting.pop_front()
    }

    /// Waits until, with those `taken` already, most of those under way are there, or so long. May return
    /// early.
    pub(super) fn wait_for_most(&self, taken: usize, longest: Duration) {
        let mut state = self.lock();
        let is_most = taken + state.waiting.len() >= self.under_way.count();
        if state.closed || (is_most && !state.waiting.is_empty()) {
            return;
        }
        state.asleep = Asleep::Most { taken };
        let waited = self.wake.wait_timeout(state, longest);
        let (mut state, _elapsed) = waited.unwrap_or_else(PoisonError::into_inner);
        state.asleep = Asleep::No;
    }

    /// Waits until it is closed, or so long. Says whether it is.
    pub(super) fn closed_within(&self, longest: Duration) -> bool {
        let state = self.lock();
        let waited = self
            .wake
            .wait_timeout_while(state, longest, |state| !state.closed);
        let (state, _elapsed) = waited.unwrap_or_else(PoisonError::into_inner);
        state.closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Borrowed<'_> {
    type Target = Worker;

    fn deref(&self) -> &Worker {
        self.worker
            .as_ref()
            .expect("it is here until it is dropped")
    }
}

impl DerefMut for Borrowed<'_> {
    fn deref_mut(&mut self) -> &mut Worker {
        self.worker
            .as_mut()
            .expect("it is here until it is dropped")
    }
}

impl Drop for Borrowed<'_> {
    /// Wakes the thread for what has come meanwhile.
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.resting = self.worker.take();
        if state.closed || !state.waiting.is_empty() {
            state.asleep = Asleep::No;
            drop(state);
            self.queue.wake.notify_one();
        }
    }
}
