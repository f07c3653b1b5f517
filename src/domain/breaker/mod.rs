//! A circuit breaker: whether somebody outside who failed too often lately is asked at all.
//!
//! While it is closed every call is let through, and its outcome counted in a sliding window. When
//! too many of enough calls fail it opens, and nobody is asked. Some time later it is half open: a
//! few trials are let through, and their outcomes say whether it closes or opens again. A person may
//! hold it open or closed; then no outcome changes it.
//!
//! Instants are handed in. One that is earlier than the last never makes it wait longer than a whole
//! pause from there.

#[cfg(test)]
mod tests;

use super::Timestamp;

/// In how many parts the window slides.
const BUCKETS: usize = 10;

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How far back calls are counted.
    pub window_ms: u64,
    /// With fewer calls in the window it stays closed.
    pub calls_min: u32,
    /// Of 100 calls in the window, how many may not fail.
    pub errors_percent: u32,
    /// How long nobody is asked, before the next trial.
    pub open_ms: u64,
    /// How many calls are let through to see whether it may close; all of them must succeed.
    pub trials: u32,
    /// Whether a call for which there was no room counts as one that failed. It says that too much is
    /// asked, and nothing of the provider; Hystrix counts it.
    pub counts_no_room: bool,
}

impl Default for Rules {
    /// Hystrix as the originals used it, which set none of these (SEED API 1.9).
    fn default() -> Self {
        Self {
            window_ms: 10_000,
            calls_min: 20,
            errors_percent: 50,
            open_ms: 5_000,
            trials: 1,
            counts_no_room: true,
        }
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was an answer, also if it was a no.
    Answered,
    /// There was none, or not in time.
    Failed,
    /// The call was not made after all.
    NotMade,
}

/// Lets one call through. [`Breaker::record`] wants it back with how that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Which of the breaker's states it was given in: what it says counts for no other.
    era: u64,
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Granted(Pass),
    /// It may not.
    Refused {
        /// When it is worth asking again; `None` while a person holds the breaker open.
        until: Option<Timestamp>,
    },
}

/// What a breaker does, for whoever looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Lets everything through.
    Closed,
    /// Lets nothing through.
    Open,
    /// Lets trials through.
    HalfOpen,
}

impl State {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// What a person wants of a breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hold {
    /// Nothing: the outcomes decide.
    #[default]
    Automatic,
    /// It lets nothing through.
    Open,
    /// It lets everything through.
    Closed,
}

impl Hold {
    /// Every one with its stable name.
    pub const ALL: [(&'static str, Self); 3] = [
        ("automatic", Self::Automatic),
        ("open", Self::Open),
        ("closed", Self::Closed),
    ];

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// Calls that ended within the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many.
    pub calls: u32,
    /// How many of them failed.
    pub errors: u32,
}

#[derive(Clone, Copy, Debug)]
enum Inner {
    Closed,
    Open {
        since: Timestamp,
    },
    HalfOpen {
        /// When the last trial began.
        tried: Timestamp,
        out: u32,
        answered: u32,
    },
}

/// The breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    rules: Rules,
    /// A trial that has said nothing for so long has failed: nobody waits for it.
    trial_ms_max: u64,
    hold: Hold,
    inner: Inner,
    era: u64,
    window: [Counts; BUCKETS],
    /// The number of the window's last part, counted from the beginning of time.
    newest: i64,
}

impl Breaker {
    /// Closed, and nothing was counted. A trial that has not ended after `trial_ms_max` counts as
    /// failed.
    pub fn new(rules: Rules, trial_ms_max: u64) -> Self {
        Self {
            rules,
            trial_ms_max,
            hold: Hold::Automatic,
            inner: Inner::Closed,
            era: 0,
            window: [Counts::default(); BUCKETS],
            newest: i64::MIN,
        }
    }

    /// Whether a call may be made now. Each that is granted must be [recorded](Self::record).
    pub fn admit(&mut self, now: Timestamp) -> Admission {
        let pass = |breaker: &Self| Admission::Granted(Pass { era: breaker.era });
        match (self.hold, self.inner) {
            (Hold::Open, _) => return Admission::Refused { until: None },
            (Hold::Closed, _) | (Hold::Automatic, Inner::Closed) => return pass(self),
            (Hold::Automatic, Inner::Open { .. } | Inner::HalfOpen { .. }) => {}
        }
        self.settle(now);
        if let Some(until) = self.refused_until(now) {
            return Admission::Refused { until: Some(until) };
        }
        let (out, answered) = match self.inner {
            Inner::HalfOpen { out, answered, .. } => (out, answered),
            Inner::Open { .. } | Inner::Closed => {
                self.era = self.era.saturating_add(1);
                (0, 0)
            }
        };
        self.inner = Inner::HalfOpen {
            tried: now,
            out: out.saturating_add(1),
            answered,
        };
        pass(self)
    }

    /// Takes in how a call ended. What was let through before the breaker last changed says nothing
    /// about it now.
    pub fn record(&mut self, now: Timestamp, pass: Pass, outcome: Outcome) {
        if pass.era != self.era {
            return;
        }
        match (self.inner, outcome) {
            (Inner::Closed, Outcome::NotMade) | (Inner::Open { .. }, _) => {}
            (Inner::Closed, Outcome::Answered) => self.count(now, false),
            (Inner::Closed, Outcome::Failed) => self.failed(now),
            (Inner::HalfOpen { .. }, Outcome::Failed) => self.open(now),
            (
                Inner::HalfOpen {
                    tried,
                    out,
                    answered,
                },
                Outcome::Answered | Outcome::NotMade,
            ) => {
                let answered = answered.saturating_add(u32::from(outcome == Outcome::Answered));
                if answered >= self.rules.trials {
                    return self.close();
                }
                self.inner = Inner::HalfOpen {
                    tried,
                    out: out.saturating_sub(1),
                    answered,
                };
            }
        }
    }

    /// A call was not made although the breaker would have let it through: there was no room for it.
    /// It counts as one that failed, if the rules say so.
    pub fn no_room(&mut self, now: Timestamp) {
        if self.rules.counts_no_room && matches!(self.inner, Inner::Closed) {
            self.failed(now);
        }
    }

    /// A person decides. What was counted is forgotten.
    pub fn hold(&mut self, hold: Hold) {
        self.hold = hold;
        self.close();
    }

    /// What a person decided.
    pub const fn held(&self) -> Hold {
        self.hold
    }

    /// Whether every call is let through, as long as nothing is recorded.
    pub const fn is_closed(&self) -> bool {
        match self.hold {
            Hold::Automatic => matches!(self.inner, Inner::Closed),
            Hold::Open => false,
            Hold::Closed => true,
        }
    }

    /// What it does now.
    pub const fn state(&self) -> State {
        match (self.hold, self.inner) {
            (Hold::Open, _) | (Hold::Automatic, Inner::Open { .. }) => State::Open,
            (Hold::Closed, _) | (Hold::Automatic, Inner::Closed) => State::Closed,
            (Hold::Automatic, Inner::HalfOpen { .. }) => State::HalfOpen,
        }
    }

    /// When it is worth asking [`Breaker::admit`]: now, or later if it refuses now. `None` while a
    /// person holds it open.
    pub fn next(&mut self, now: Timestamp) -> Option<Timestamp> {
        match self.hold {
            Hold::Open => None,
            Hold::Closed => Some(now),
            Hold::Automatic => {
                self.settle(now);
                Some(self.refused_until(now).unwrap_or(now))
            }
        }
    }

    /// What ended within the window.
    pub fn counts(&mut self, now: Timestamp) -> Counts {
        self.slide(now);
        let parts = self.window.iter();
        parts.fold(Counts::default(), |sum, part| Counts {
            calls: sum.calls.saturating_add(part.calls),
            errors: sum.errors.saturating_add(part.errors),
        })
    }

    /// Until when nothing is let through, if that is so; after [`Breaker::settle`].
    fn refused_until(&self, now: Timestamp) -> Option<Timestamp> {
        let until = match self.inner {
            Inner::Closed => return None,
            Inner::Open { since } => since.plus_ms(self.rules.open_ms),
            Inner::HalfOpen { out, answered, .. }
                if out.saturating_add(answered) < self.rules.trials =>
            {
                return None;
            }
            Inner::HalfOpen { tried, .. } => tried.plus_ms(self.trial_ms_max),
        };
        (now < until).then_some(until)
    }

    /// Notices that time went backwards, and that a trial says nothing.
    fn settle(&mut self, now: Timestamp) {
        match &mut self.inner {
            Inner::Closed => {}
            Inner::Open { since } => *since = now.min(*since),
            Inner::HalfOpen { tried, out, .. } => {
                *tried = now.min(*tried);
                if *out > 0 && now >= tried.plus_ms(self.trial_ms_max) {
                    self.open(now);
                }
            }
        }
    }

    fn failed(&mut self, now: Timestamp) {
        self.count(now, true);
        let Counts { calls, errors } = self.counts(now);
        let share = u64::from(errors).saturating_mul(100);
        let too_many = u64::from(calls).saturating_mul(u64::from(self.rules.errors_percent));
        if self.hold == Hold::Automatic && calls >= self.rules.calls_min && share >= too_many {
            self.open(now);
        }
    }

    fn open(&mut self, now: Timestamp) {
        self.inner = Inner::Open { since: now };
        self.era = self.era.saturating_add(1);
    }

    fn close(&mut self) {
        self.inner = Inner::Closed;
        self.era = self.era.saturating_add(1);
        self.window = [Counts::default(); BUCKETS];
    }

    fn count(&mut self, now: Timestamp, failed: bool) {
        let part = self.slide(now);
        part.calls = part.calls.saturating_add(1);
        part.errors = part.errors.saturating_add(u32::from(failed));
    }

    /// Forgets what has left the window. The part that `now` is in.
    fn slide(&mut self, now: Timestamp) -> &mut Counts {
        let parts = i64::try_from(BUCKETS).unwrap_or(i64::MAX);
        let window_ms = i64::try_from(self.rules.window_ms).unwrap_or(i64::MAX);
        let part_ms = window_ms.checked_div(parts).unwrap_or(1).max(1);
        let wanted = now.0.div_euclid(part_ms);
        let ahead = wanted.saturating_sub(self.newest);
        if ahead >= parts || ahead <= parts.saturating_neg() {
            self.window = [Counts::default(); BUCKETS];
            self.newest = wanted;
        }
        while self.newest < wanted {
            self.newest = self.newest.saturating_add(1);
            *self.part(self.newest) = Counts::default();
        }
        // What comes from before is counted with the last that was seen.
        self.part(self.newest)
    }

    fn part(&mut self, number: i64) -> &mut Counts {
        let parts = i64::try_from(BUCKETS).unwrap_or(i64::MAX);
        let place = usize::try_from(number.rem_euclid(parts)).unwrap_or(0);
        &mut self.window[place]
    }
}
