//! The restart budget: what panics too often is quarantined, and nobody else is.
//!
//! Kept for each shard, and outlives its coordinator: what is quarantined stays so until an operator
//! releases it or the program starts again.

use std::{
    any::Any,
    collections::{BTreeMap, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{settings::Settings, turn::Subject};
use crate::domain::{Kind, Timestamp};

/// More of a panic's message is not kept, in characters.
const TEXT_CHARS_MAX: usize = 300;

/// The most subjects whose panics are counted at once. Who panicked longest ago is forgotten first.
const COUNTED_MAX: usize = 1_024;

/// For how long it is known when something panicked, in milliseconds.
const KEPT_MS: u64 = 60 * 60 * 1_000;

/// How often what belongs to a shard has panicked lately.
#[derive(Debug)]
pub(super) struct Crashes {
    settings: Settings,
    /// How many are quarantined. Read without the lock, since hardly ever anything is.
    count: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    lately: BTreeMap<Subject, VecDeque<Timestamp>>,
    quarantined: BTreeMap<Subject, Quarantined>,
    last: Option<Panicked>,
    panics: u64,
    /// When, within the last hour; the last [`COUNTED_MAX`] of them.
    times: VecDeque<Timestamp>,
    /// The same, by the storefront's place and the kind of whose work it was.
    panics_of: BTreeMap<(usize, u8), u64>,
}

/// Something that waits for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quarantined {
    pub(super) since: Timestamp,
    /// How often it panicked before it was quarantined.
    pub(super) panics: usize,
    /// The last panic's message.
    pub(super) reason: String,
}

/// A panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Panicked {
    pub(super) subject: Subject,
    pub(super) at: Timestamp,
    pub(super) text: String,
}

impl Crashes {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            count: AtomicUsize::new(0),
            state: Mutex::default(),
        }
    }

    /// Whether it waits for an operator.
    pub(super) fn is_quarantined(&self, key: Subject) -> bool {
        self.count.load(Ordering::Relaxed) > 0 && self.state().quarantined.contains_key(&key)
    }

    /// Notes a panic. True if it was one too many.
    pub(super) fn note(&self, key: Subject, now: Timestamp, text: &str) -> bool {
        let window_ms = self.settings.crash_window_ms;
        let state = &mut *self.state();
        state.panics += 1;
        state.times.push_back(now);
        let is_old = |at: &Timestamp| now.ms_since(*at) >= KEPT_MS;
        while state.times.len() > COUNTED_MAX || state.times.front().is_some_and(is_old) {
            state.times.pop_front();
        }
        *state
            .panics_of
            .entry((key.storefront, key.kind.number()))
            .or_default() += 1;
        state.last = Some(Panicked {
            subject: key,
            at: now,
            text: text.to_owned(),
        });
        state.lately.retain(|_, crashes| {
            crashes.retain(|crash| now.ms_since(*crash) < window_ms);
            !crashes.is_empty()
        });
        if state.lately.len() >= COUNTED_MAX && !state.lately.contains_key(&key) {
            let oldest = state
                .lately
                .iter()
                .min_by_key(|(_, crashes)| crashes.back());
            let oldest = oldest.map(|(key, _)| *key);
            oldest.and_then(|key| state.lately.remove(&key));
        }
        let crashes = state.lately.entry(key).or_default();
        crashes.push_back(now);
        if crashes.len() < self.settings.crashes_max {
            return false;
        }
        let panics = crashes.len();
        state.lately.remove(&key);
        let quarantined = Quarantined {
            since: now,
            panics,
            reason: text.to_owned(),
        };
        state.quarantined.insert(key, quarantined);
        self.count.store(state.quarantined.len(), Ordering::Relaxed);
        true
    }

    /// Lets it try again. False if it was not quarantined.
    pub(super) fn release(&self, key: Subject) -> bool {
        let mut state = self.state();
        let released = state.quarantined.remove(&key).is_some();
        self.count.store(state.quarantined.len(), Ordering::Relaxed);
        released
    }

    /// Everything that is quarantined.
    pub(super) fn quarantined(&self) -> Vec<(Subject, Quarantined)> {
        let state = self.state();
        let quarantined = state.quarantined.iter();
        quarantined.map(|(key, why)| (*key, why.clone())).collect()
    }

    /// How many panics there were, and the last one.
    pub(super) fn panics(&self) -> (u64, Option<Panicked>) {
        let state = self.state();
        (state.panics, state.last.clone())
    }

    /// How many panics there were in the work of this kind of a storefront.
    pub(super) fn panics_of(&self, storefront: usize, kind: Kind) -> u64 {
        let state = self.state();
        let panics = state.panics_of.get(&(storefront, kind.number()));
        panics.copied().unwrap_or_default()
    }

    /// How many panics there were in the last hour; 1,024 at most.
    pub(super) fn panics_in_hour(&self, now: Timestamp) -> usize {
        let state = self.state();
        let lately = state.times.iter().filter(|at| now.ms_since(**at) < KEPT_MS);
        lately.count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a panic says.
pub(super) fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("without a message");
    text.chars().take(TEXT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_culprit_is_quarantined_and_only_for_a_burst_until_it_is_released() {
        let settings = Settings {
            crashes_max: 3,
            crash_window_ms: 100,
            ..Settings::default()
        };
        let crashes = Crashes::new(settings);
        let [culprit, neighbour] = [1, 2].map(|number| Subject::of_order(0, number));
        let note = |at| crashes.note(culprit, Timestamp(at), "broken");
        assert!(!note(0));
        assert!(!note(50));
        assert!(!note(120), "the first has left the window");
        assert!(note(130));
        assert!(crashes.is_quarantined(culprit));
        assert!(!crashes.is_quarantined(neighbour));
        assert_eq!(crashes.quarantined()[0].1.reason, "broken");
        assert!(!crashes.release(neighbour));
        assert!(crashes.release(culprit) && !crashes.is_quarantined(culprit));
        assert!(!note(140), "it begins anew");
        assert_eq!(crashes.panics().0, 5);
        assert_eq!(
            crashes.panics_in_hour(Timestamp(KEPT_MS.cast_signed() + 100)),
            3
        );
        let of = |kind| crashes.panics_of(0, kind);
        assert_eq!((of(Kind::Order), of(Kind::Listing)), (5, 0));
    }
}
