//! What was attempted lately, for people who look why something does not arrive. In memory only: what
//! counts is in the subscriber's state.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use crate::domain::Timestamp;

/// How many attempts are remembered for each subscriber.
const ATTEMPTS_MAX: usize = 100;

/// One attempt to send something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// The id of what was sent.
    pub id: String,
    /// The name of what happened.
    pub kind: String,
    /// Which attempt for this it was; 0 for a trial that is not repeated.
    pub number: u32,
    /// Whether the receiver took it.
    pub is_delivered: bool,
    /// The status that the receiver answered, if it did.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// What came of it, in a sentence.
    pub what: String,
}

/// The last attempts of one subscriber.
#[derive(Debug, Default)]
pub(in crate::actors) struct Attempts {
    last: Mutex<VecDeque<Attempt>>,
}

impl Attempts {
    /// The last ones, the latest first.
    pub(in crate::actors) fn list(&self) -> Vec<Attempt> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.iter().rev().cloned().collect()
    }

    pub(super) fn note(&self, attempt: Attempt) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() >= ATTEMPTS_MAX {
            last.pop_front();
        }
        last.push_back(attempt);
    }
}
