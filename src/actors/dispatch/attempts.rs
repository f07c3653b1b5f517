//! What was attempted lately, for people who look why something does not arrive. In memory only: what
//! counts is in the subscriber's state.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use crate::{
    domain::Timestamp,
    metrics::{Distribution, Histogram},
};

/// How many attempts are remembered for each subscriber.
const ATTEMPTS_MAX: usize = 100;

/// Bounds of an attempt's time, in microseconds. The last is the longest that an attempt takes, unless
/// the settings say otherwise.
const BOUNDS_US: &[u64] = &[
    1_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 15_000_000,
];

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

/// The last attempts of one subscriber, and how many there were since the start.
#[derive(Debug)]
pub(in crate::actors) struct Attempts {
    last: Mutex<VecDeque<Attempt>>,
    delivered: AtomicU64,
    failed: AtomicU64,
    took: Histogram,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            last: Mutex::default(),
            delivered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            took: Histogram::of_times(BOUNDS_US),
        }
    }
}

impl Attempts {
    /// The last ones, the latest first.
    pub(in crate::actors) fn list(&self) -> Vec<Attempt> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.iter().rev().cloned().collect()
    }

    /// How many were delivered, and how many failed.
    pub(in crate::actors) fn counts(&self) -> [(&'static str, u64); 2] {
        [
            ("delivered", self.delivered.load(Relaxed)),
            ("failed", self.failed.load(Relaxed)),
        ]
    }

    /// How long they took.
    pub(in crate::actors) fn took(&self) -> Distribution {
        self.took.read()
    }

    pub(super) fn note(&self, attempt: Attempt) {
        let outcome = if attempt.is_delivered {
            &self.delivered
        } else {
            &self.failed
        };
        outcome.fetch_add(1, Relaxed);
        self.took.observe(attempt.took_ms.saturating_mul(1_000));
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() >= ATTEMPTS_MAX {
            last.pop_front();
        }
        last.push_back(attempt);
    }
}
