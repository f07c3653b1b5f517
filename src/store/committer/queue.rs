//! What waits for the committer, and when it is woken for it.
//!
//! A wake-up costs more than a batch (two context switches, 3 to 5 µs). So while a group gathers,
//! what arrives does not wake the thread, unless with it most of those under way are there.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::UnderWay;
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
            Asleep::First => true,
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

    /// How many may wait.
    pub(super) const fn len_max(&self) -> usize {
        self.waiting_max
    }

    /// Takes no more. What waits can still be taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    /// Takes the first submission of a group, once there is one. `None` if there will be none.
    pub(super) fn first(&self) -> Option<Submission> {
        let mut state = self.lock();
        loop {
            if let Some(submission) = state.waiting.pop_front() {
                return Some(submission);
            }
            if state.closed {
                return None;
            }
            state.asleep = Asleep::First;
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.asleep = Asleep::No;
        }
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
