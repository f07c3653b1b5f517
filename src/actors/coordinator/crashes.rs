//! The restart budget: an order whose actors panic too often is quarantined, and nobody else is.

use std::collections::{BTreeMap, VecDeque};

use super::Coordinator;
use crate::{
    actors::{settings::Settings, turn::Subject},
    domain::Timestamp,
};

/// How often the orders of a shard have made something panic lately.
pub(super) struct Crashes {
    settings: Settings,
    lately: BTreeMap<Subject, VecDeque<Timestamp>>,
    quarantined: BTreeMap<Subject, Timestamp>,
}

impl Crashes {
    pub(super) const fn new(settings: Settings) -> Self {
        Self {
            settings,
            lately: BTreeMap::new(),
            quarantined: BTreeMap::new(),
        }
    }

    /// Whether the order waits for an operator.
    pub(super) fn is_quarantined(&self, key: Subject) -> bool {
        self.quarantined.contains_key(&key)
    }

    /// Notes a panic. True if it was one too many.
    pub(super) fn note(&mut self, key: Subject, now: Timestamp) -> bool {
        let window_ms = self.settings.crash_window_ms;
        self.lately.retain(|_, crashes| {
            crashes.retain(|crash| now.ms_since(*crash) < window_ms);
            !crashes.is_empty()
        });
        let crashes = self.lately.entry(key).or_default();
        crashes.push_back(now);
        if crashes.len() < self.settings.crashes_max {
            return false;
        }
        self.lately.remove(&key);
        self.quarantined.insert(key, now);
        true
    }
}

impl Coordinator {
    /// Something of this order or listing panicked.
    pub(super) fn note_crash(&mut self, key: Subject) {
        let now = self.now();
        if self.crashes.note(key, now) {
            tracing::error!(subject = %key, "quarantined: it panicked too often");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_culprit_is_quarantined_and_only_for_a_burst() {
        let settings = Settings {
            crashes_max: 3,
            crash_window_ms: 100,
            ..Settings::default()
        };
        let mut crashes = Crashes::new(settings);
        let [culprit, neighbour] = [1, 2].map(|number| Subject::of_order(0, number));
        assert!(!crashes.note(culprit, Timestamp(0)));
        assert!(!crashes.note(culprit, Timestamp(50)));
        assert!(
            !crashes.note(culprit, Timestamp(120)),
            "the first has left the window"
        );
        assert!(crashes.note(culprit, Timestamp(130)));
        assert!(crashes.is_quarantined(culprit));
        assert!(!crashes.is_quarantined(neighbour));
    }
}
