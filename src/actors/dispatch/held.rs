//! What a courier holds and has not sent yet, lease by lease.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{EntityKey, subscriber::Subscriber};

/// An item that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holding {
    /// Under which lease.
    pub(super) lease: u64,
    /// Which item.
    pub(super) item: u64,
    /// What it is about.
    pub(super) subject: EntityKey,
    /// Which attempt comes next, the first being 1.
    pub(super) attempt: u32,
}

/// Items that wait to be sent, in their order, and subjects with one that is being sent.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BTreeMap<u64, Holding>,
    busy: BTreeSet<EntityKey>,
    /// How often an item was given out and came back without an attempt.
    unsent: BTreeMap<u64, u32>,
}

impl Queue {
    /// Takes in what was given out under a lease.
    pub(super) fn take(&mut self, subscriber: &Subscriber, lease: u64) {
        self.unsent
            .retain(|item, _| subscriber.open.contains_key(item));
        for (item, open) in subscriber.held_by(lease) {
            let unsent = self.unsent.get(&item).copied().unwrap_or_default();
            let holding = Holding {
                lease,
                item,
                subject: open.subject,
                attempt: open.attempts.saturating_sub(unsent).max(1),
            };
            self.waiting.insert(item, holding);
        }
    }

    /// The next item to send: the first whose subject has none that is being sent.
    pub(super) fn next(&mut self) -> Option<Holding> {
        let mut waiting = self.waiting.values();
        let next = *waiting.find(|holding| !self.busy.contains(&holding.subject))?;
        self.waiting.remove(&next.item);
        self.busy.insert(next.subject);
        Some(next)
    }

    /// One is settled: the next of its subject may go.
    pub(super) fn settled(&mut self, holding: &Holding) {
        self.busy.remove(&holding.subject);
        self.unsent.remove(&holding.item);
    }

    /// Takes out what waits: all, or what is about this. It was given out in vain.
    pub(super) fn give_back(&mut self, about: Option<EntityKey>) -> Vec<Holding> {
        let is_meant = |holding: &Holding| about.is_none_or(|about| holding.subject == about);
        let given = self.waiting.values().copied().filter(is_meant);
        let given: Vec<Holding> = given.collect();
        for holding in &given {
            self.waiting.remove(&holding.item);
            *self.unsent.entry(holding.item).or_default() += 1;
        }
        given
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
