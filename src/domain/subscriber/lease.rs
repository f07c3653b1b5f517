//! What is given out under a lease: what came back before what is new, each subject in order.

use std::collections::BTreeSet;

use super::{
    Event, Given, PASSED_MIN, Subscriber, WINDOW_MAX,
    command::{Found, Wanted},
};
use crate::domain::{EntityKey, Refusal, Timestamp};

/// The most leases that have items and have not ended.
const LEASES_MAX: usize = 256;

/// What is being given out.
struct Giving<'a> {
    of: &'a Subscriber,
    now: Timestamp,
    /// How many more may be given out.
    left: usize,
    /// Subjects whose later items have to wait.
    blocked: BTreeSet<EntityKey>,
    again: Vec<u64>,
    /// Given out too often.
    worn: Vec<u64>,
    new: Vec<Found>,
    behind: Vec<Found>,
}

impl Subscriber {
    /// Decides what a lease has.
    pub(super) fn lease(&self, wanted: &Wanted) -> Result<Vec<Event>, Refusal> {
        if let Some(paused) = &self.paused {
            let why = paused.why.clone();
            return Err(Refusal::SubscriberPaused { why });
        }
        if self.leases.contains_key(&wanted.lease) {
            return Ok(Vec::new());
        }
        if wanted.from != self.seen_to {
            return Err(Refusal::LeaseStale);
        }
        let running = self.leases.values();
        let running = running.filter(|lease| lease.until > wanted.now).count();
        if running >= LEASES_MAX {
            return Ok(Vec::new());
        }
        let mut giving = Giving {
            of: self,
            now: wanted.now,
            left: wanted.max,
            blocked: BTreeSet::new(),
            again: Vec::new(),
            worn: Vec::new(),
            new: Vec::new(),
            behind: Vec::new(),
        };
        giving.open();
        let seen_to = giving.found(wanted);
        Ok(giving.events(wanted, seen_to))
    }
}

impl Giving<'_> {
    /// What is open, and not out under a lease that runs.
    fn open(&mut self) {
        for (item, open) in &self.of.open {
            let is_first = !self.blocked.contains(&open.subject);
            if !is_first {
                continue;
            }
            if self.of.is_free(open, self.now) && self.of.is_worn(open) {
                self.worn.push(*item);
            } else if self.of.is_free(open, self.now) && self.left > 0 {
                self.again.push(*item);
                self.left = self.left.saturating_sub(1);
            } else {
                self.blocked.insert(open.subject);
            }
        }
    }

    /// What was found; up to where that is taken in.
    fn found(&mut self, wanted: &Wanted) -> u64 {
        let open = self.of.open.len().saturating_sub(self.worn.len());
        let mut room = WINDOW_MAX.saturating_sub(open);
        let mut seen_to = wanted.from;
        for (item, subject) in &wanted.found {
            if *item <= seen_to {
                continue;
            }
            if self.left == 0 || room == 0 {
                return seen_to;
            }
            room = room.saturating_sub(1);
            if self.blocked.contains(subject) {
                self.behind.push((*item, *subject));
            } else {
                self.new.push((*item, *subject));
                self.left = self.left.saturating_sub(1);
            }
            seen_to = *item;
        }
        seen_to.max(wanted.seen_to)
    }

    fn events(self, wanted: &Wanted, seen_to: u64) -> Vec<Event> {
        let often = "given out as often as it may be, and never acknowledged";
        let mut events = self.of.park_all(&self.worn, often, wanted.now);
        let is_paused = events
            .iter()
            .any(|event| matches!(event, Event::Paused { .. }));
        let found = [self.new.len(), self.behind.len(), self.again.len()];
        if found.iter().any(|count| *count > 0) && !is_paused {
            events.push(Event::Leased(Box::new(Given {
                lease: wanted.lease,
                member: wanted.member.clone(),
                at: wanted.now,
                until: wanted.until,
                again: self.again,
                new: self.new,
                behind: self.behind,
                seen_to,
            })));
        } else if seen_to.saturating_sub(wanted.from) >= PASSED_MIN && !is_paused {
            events.push(Event::Passed { to: seen_to });
        }
        events
    }
}
