//! The gates to the payment providers, one for each storefront, shared by all shards: a
//! [breaker](crate::domain::breaker), and how many calls are under way.
//!
//! A `Permit` is taken before a payment's intent is recorded, so that what is refused leaves
//! nothing behind, and travels with the call until that ends. Who cannot wait for one is told so at
//! once; orders that can stand in the payment's line, whose first looks as soon as a call ends or the
//! breaker lets one through.

#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{coordinator::Lines, handles::Failure, provider::Provider};
use crate::{
    clock::Clock,
    domain::{
        Timestamp,
        breaker::{Admission, Breaker, Counts, Hold, Outcome, Pass, State},
        storefront::{Action, Mode, Step, Storefront},
    },
};

/// A call that has not ended so long after its deadline has been lost, with the thread that made it:
/// its place is given to others.
const LOST_AFTER_MS: u64 = 30_000;

/// The gates of all storefronts, by their place.
#[derive(Debug)]
pub(super) struct Breakers {
    gates: Vec<Arc<Gate>>,
}

/// Whether anybody waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// A caller: that there is no room for their call counts as a call that failed, as with Hystrix.
    Caller,
    /// Nobody; the order waits.
    Order,
}

/// Why a call may not be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Too many failed lately.
    Suspended {
        /// How long nobody is asked; `None` until a person says so.
        for_ms: Option<u64>,
    },
    /// As many as allowed are under way.
    NoRoom,
}

/// A storefront's gate as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gauge {
    /// What the breaker does.
    pub state: State,
    /// What a person decided about it.
    pub hold: Hold,
    /// What ended within its window.
    pub counts: Counts,
    /// Calls under way. Providers that answer at once are not counted.
    pub under_way: usize,
    /// How many may be.
    pub calls_max: usize,
    /// When the provider is asked again, where it is not asked now.
    pub next_trial: Option<Timestamp>,
    /// What there was since the start.
    pub totals: Totals,
}

/// What there was at a gate since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Calls that were answered, also with a no.
    pub answered: u64,
    /// Calls that were not, or not in time.
    pub failed: u64,
    /// Calls that were let through, and not made after all.
    pub not_made: u64,
    /// Calls that were not let through since too many had failed.
    pub suspended: u64,
    /// Calls that were not let through since as many as may be were under way.
    pub no_room: u64,
    /// How often the breaker opened, also by hand.
    pub opened: u64,
}

struct Gate {
    provider: Arc<dyn Provider>,
    lines: Arc<Lines>,
    clock: Clock,
    calls_max: usize,
    /// How many of them may be calls that nobody waits for: where customers wait for their payments,
    /// half of the room is left to them.
    unawaited_max: usize,
    /// A call that began so long ago is lost.
    call_ms_max: u64,
    inner: Mutex<Inner>,
    /// Whether anything at all is in the way, so that hardly anybody takes the lock to find out.
    may_refuse: AtomicBool,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Inner {
    breaker: Breaker,
    under_way: Vec<UnderWay>,
    next_call: u64,
    totals: Totals,
    /// Whether it was open when it was last changed.
    was_open: bool,
}

#[derive(Clone, Copy, Debug)]
struct UnderWay {
    call: u64,
    since: Timestamp,
    asker: Asker,
}

/// Leave to make one call. If it is dropped the call was not made.
#[derive(Debug)]
pub(super) struct Permit {
    gate: Arc<Gate>,
    pass: Pass,
    /// Its place among the calls under way; none where the provider answers at once.
    call: Option<u64>,
    is_ended: bool,
}

impl Breakers {
    /// All closed, and nothing under way.
    pub(super) fn new(
        storefronts: &[Arc<Storefront>],
        providers: &[Arc<dyn Provider>],
        lines: &Arc<Lines>,
        clock: &Clock,
    ) -> Self {
        let gates = storefronts.iter().zip(providers);
        let gates = gates.map(|(storefront, provider)| {
            let rules = storefront.payment;
            let calls_max = usize::try_from(rules.calls_max).unwrap_or(usize::MAX);
            let pays = storefront.flow.step(|action| action == Action::Pay);
            let is_awaited = |step: &Step| matches!(step.mode, Mode::Sync | Mode::Command);
            let call_ms_max = rules.deadline_ms.saturating_add(LOST_AFTER_MS);
            Arc::new(Gate {
                provider: Arc::clone(provider),
                lines: Arc::clone(lines),
                clock: clock.clone(),
                calls_max,
                unawaited_max: if pays.is_some_and(is_awaited) {
                    calls_max.div_ceil(2)
                } else {
                    calls_max
                },
                call_ms_max,
                inner: Mutex::new(Inner {
                    breaker: Breaker::new(rules.breaker, call_ms_max),
                    under_way: Vec::new(),
                    next_call: 0,
                    totals: Totals::default(),
                    was_open: false,
                }),
                may_refuse: AtomicBool::new(false),
            })
        });
        Self {
            gates: gates.collect(),
        }
    }

    /// Leave to call a storefront's provider.
    pub(super) fn ask(&self, storefront: usize, asker: Asker) -> Result<Permit, Refused> {
        let gate = &self.gates[storefront];
        let is_counted = !gate.provider.answers_at_once();
        let now = gate.clock.now();
        let mut inner = gate.locked();
        let pass = match inner.breaker.admit(now) {
            Admission::Granted(pass) => pass,
            Admission::Refused { until } => {
                inner.totals.suspended += 1;
                let for_ms = until.map(|until| until.ms_since(now));
                return Err(Refused::Suspended { for_ms });
            }
        };
        if is_counted && !inner.has_room(gate, asker, now) {
            inner.breaker.record(now, pass, Outcome::NotMade);
            if asker == Asker::Caller {
                inner.breaker.no_room(now);
            }
            inner.totals.no_room += 1;
            gate.note(&mut inner);
            return Err(Refused::NoRoom);
        }
        let call = is_counted.then(|| inner.begin(asker, now));
        gate.note(&mut inner);
        drop(inner);
        Ok(Permit {
            gate: Arc::clone(gate),
            pass,
            call,
            is_ended: false,
        })
    }

    /// Whether a storefront's provider cannot be asked now for what nobody waits for.
    pub(super) fn is_shut(&self, storefront: usize) -> bool {
        let gate = &self.gates[storefront];
        gate.may_refuse.load(Ordering::Acquire)
            && gate
                .next(gate.clock.now())
                .is_none_or(|next| next > gate.clock.now())
    }

    /// When a storefront's provider may be asked for what nobody waits for: now, or later. `None` if
    /// something has to happen first.
    pub(super) fn next(&self, storefront: usize) -> Option<Timestamp> {
        let gate = &self.gates[storefront];
        gate.next(gate.clock.now())
    }

    /// How a storefront's gate is now.
    pub(super) fn gauge(&self, storefront: usize) -> Gauge {
        let gate = &self.gates[storefront];
        let now = gate.clock.now();
        let mut inner = gate.locked();
        let next = inner.breaker.next(now);
        Gauge {
            state: inner.breaker.state(),
            hold: inner.breaker.held(),
            counts: inner.breaker.counts(now),
            under_way: inner.under_way.len(),
            calls_max: gate.calls_max,
            next_trial: next.filter(|_| !inner.breaker.is_closed()),
            totals: inner.totals,
        }
    }

    /// A person decides about a storefront's breaker.
    pub(super) fn hold(&self, storefront: usize, hold: Hold) {
        let gate = &self.gates[storefront];
        let mut inner = gate.locked();
        inner.breaker.hold(hold);
        gate.note(&mut inner);
        drop(inner);
        gate.lines.look();
    }
}

impl Gate {
    fn locked(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let is_counted = !self.provider.answers_at_once();
        let mut inner = self.locked();
        let next = inner.breaker.next(now)?;
        let is_full = is_counted && next <= now && !inner.has_room(self, Asker::Order, now);
        (!is_full).then_some(next)
    }

    /// To be called after every change, before the lock is given back.
    fn note(&self, inner: &mut Inner) {
        let is_open = inner.breaker.state() == State::Open;
        if is_open && !inner.was_open {
            inner.totals.opened += 1;
        }
        inner.was_open = is_open;
        let may_refuse = !inner.breaker.is_closed() || inner.under_way.len() >= self.unawaited_max;
        self.may_refuse.store(may_refuse, Ordering::Release);
    }
}

impl Inner {
    /// Whether another call may be under way. Those that are lost leave their places.
    fn has_room(&mut self, gate: &Gate, asker: Asker, now: Timestamp) -> bool {
        self.fits(gate, asker) || {
            self.under_way.retain_mut(|UnderWay { since, .. }| {
                *since = now.min(*since);
                now.ms_since(*since) < gate.call_ms_max
            });
            self.fits(gate, asker)
        }
    }

    fn fits(&self, gate: &Gate, asker: Asker) -> bool {
        let unawaited = || {
            let calls = self.under_way.iter();
            calls.filter(|other| other.asker == Asker::Order).count()
        };
        let is_full = self.under_way.len() >= gate.calls_max;
        !is_full && (asker == Asker::Caller || unawaited() < gate.unawaited_max)
    }

    fn begin(&mut self, asker: Asker, now: Timestamp) -> u64 {
        self.next_call += 1;
        self.under_way.push(UnderWay {
            call: self.next_call,
            since: now,
            asker,
        });
        self.next_call
    }
}

impl Permit {
    /// The call ended.
    pub(super) fn ended(mut self, outcome: Outcome) {
        self.end(outcome);
    }

    fn end(&mut self, outcome: Outcome) {
        self.is_ended = true;
        let now = self.gate.clock.now();
        let mut inner = self.gate.locked();
        let was_closed = inner.breaker.is_closed();
        inner.breaker.record(now, self.pass, outcome);
        match outcome {
            Outcome::Answered => inner.totals.answered += 1,
            Outcome::Failed => inner.totals.failed += 1,
            Outcome::NotMade => inner.totals.not_made += 1,
        }
        if let Some(own) = self.call {
            inner.under_way.retain(|other| other.call != own);
        }
        self.gate.note(&mut inner);
        drop(inner);
        if self.call.is_some() || !was_closed {
            self.gate.lines.look();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.is_ended {
            self.end(Outcome::NotMade);
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Suspended { for_ms } => Self::PaymentSuspended {
                retry_s: for_ms.map_or(HELD_RETRY_S, seconds),
            },
            Refused::NoRoom => Self::PaymentOverloaded,
        }
    }
}

/// After how many seconds a client may ask again while a person holds the breaker open.
const HELD_RETRY_S: u32 = 10;

/// Whole seconds, at least one.
fn seconds(ms: u64) -> u32 {
    u32::try_from(ms.div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
}
