//! The watchdog: finds orders that should go on by themselves and have stopped.
//!
//! Whatever an order waits for, there is a timer for it, an open turn, a batch in flight or a call
//! under way. One that has none of these would wait for ever: a mistake of ours, or of a store that
//! somebody edited. So each shard looks through its sagas, a few at a time. What looks stopped twice
//! in a row is logged and taken up.

use std::{
    collections::{BTreeSet, VecDeque},
    ops::ControlFlow,
};

use super::{Coordinator, Live, log::about};
use crate::{
    actors::{handles::Stopped, local::decode, numbers::shard_of, turn::Subject},
    domain::{
        Kind, Timestamp,
        ids::{NUMBERS_PER_PAGE, OrderId},
        saga::{Kept, Saga},
    },
};

/// How often it looks, in milliseconds.
pub(super) const WATCH_MS: u64 = 1_000;

/// How many pages of sagas it looks at each time.
const PAGES_MAX: usize = 8;

/// How many pages of others it passes over each time.
const PASSED_MAX: usize = 256;

/// How many orders it remembers.
const FOUND_MAX: usize = 128;

/// How many it suspects at once; more are found in a later pass.
const SUSPECTS_MAX: usize = 1_024;

/// How much later than its own deadline a call may end, in milliseconds, before it counts as lost.
const CALL_GRACE_MS: u64 = 60_000;

/// How far it has come, and what it found.
#[derive(Debug, Default)]
pub(super) struct Watch {
    storefront: usize,
    from: u64,
    /// What looked stopped in the last pass, and in this one.
    suspects: [BTreeSet<Subject>; 2],
    found: VecDeque<Stopped>,
}

impl Watch {
    /// The orders that it found, the latest last.
    pub(super) fn found(&self) -> Vec<Stopped> {
        self.found.iter().copied().collect()
    }

    /// Whether this looked stopped in the last pass too.
    fn suspect(&mut self, key: Subject) -> bool {
        let [last, this] = &mut self.suspects;
        if this.len() < SUSPECTS_MAX {
            this.insert(key);
        }
        last.remove(&key)
    }

    fn next_storefront(&mut self, storefronts: usize) {
        (self.storefront, self.from) = (self.storefront + 1, 0);
        if self.storefront >= storefronts {
            self.storefront = 0;
            self.suspects.swap(0, 1);
            self.suspects[1].clear();
        }
    }

    fn note(&mut self, key: Subject, now: Timestamp) {
        let (storefront, order) = (key.storefront, key.number);
        let is_same = |stuck: &Stopped| (stuck.storefront, stuck.order) == (storefront, order);
        let before = self.found.iter().position(is_same);
        let before = before.and_then(|place| self.found.remove(place));
        let times = before.map_or(0, |stuck| stuck.times).saturating_add(1);
        if self.found.len() >= FOUND_MAX {
            self.found.pop_front();
        }
        self.found.push_back(Stopped {
            storefront,
            order,
            found: now,
            times,
        });
    }
}

impl Coordinator {
    /// Looks at the next few sagas.
    pub(super) fn watch(&mut self) {
        if self.store_failed {
            return;
        }
        let (mut looked, mut passed) = (0, 0);
        while looked < PAGES_MAX && passed < PASSED_MAX {
            let (storefront, from) = (self.watch.storefront, self.watch.from);
            let collection = self.local.layout.entities(storefront, Kind::Saga);
            let Some(first) = self.local.pages.page_from(collection, from) else {
                let count = self.local.storefronts.len();
                self.watch.next_storefront(count);
                if self.watch.storefront == 0 {
                    return;
                }
                continue;
            };
            self.watch.from = first.saturating_add(NUMBERS_PER_PAGE);
            if shard_of(first, self.local.settings.shards) != self.outside.lane_number {
                passed += 1;
                continue;
            }
            looked += 1;
            for key in self.stopped(storefront, first) {
                if self.watch.suspect(key) {
                    self.take_up(key);
                }
            }
        }
    }

    /// The orders of a page that have stopped.
    fn stopped(&self, storefront: usize, first: u64) -> Vec<Subject> {
        let mut stopped = Vec::new();
        let collection = self.local.layout.entities(storefront, Kind::Saga);
        let visited = self
            .local
            .pages
            .each_of_page(collection, first, &mut |number, slot| {
                let key = Subject::of_order(storefront, number);
                let kept: Result<Kept, _> = decode(OrderId(number).saga(), &slot.bytes);
                if kept.is_ok_and(|kept| self.has_stopped(key, &kept.saga)) {
                    stopped.push(key);
                }
                ControlFlow::Continue(())
            });
        if let Err(error) = visited {
            tracing::error!(%error, "the watchdog cannot read the store");
        }
        stopped
    }

    fn has_stopped(&self, key: Subject, saga: &Saga) -> bool {
        let live = self.live.get(&key);
        if live.is_some_and(|live| self.is_under_way(key, live)) || self.crashes.is_quarantined(key)
        {
            return false;
        }
        let will_ring = self.timers.rings(key) || self.timers.of(key).is_some() && self.stands(key);
        let is_call_lost = live.is_some_and(|live| live.calls > 0);
        (is_call_lost || !will_ring) && saga.goes_on(&self.circumstances(key, self.now()))
    }

    fn is_under_way(&self, key: Subject, live: &Live) -> bool {
        let deadline_ms = self.local.storefronts[key.storefront].payment.deadline_ms;
        let call_ms_max = deadline_ms.saturating_add(CALL_GRACE_MS);
        let is_called = live.calls > 0 && self.now().ms_since(live.called) <= call_ms_max;
        live.busy || live.reload || live.in_flight > 0 || is_called || !live.waiting.is_empty()
    }

    fn take_up(&mut self, key: Subject) {
        let now = self.now();
        about!(
            error,
            self,
            key,
            self.origin_of(key),
            "it had stopped and is taken up; see /ops/sagas/stuck"
        );
        self.watch.note(key, now);
        self.current = Some(key);
        match self.live(key) {
            Err(failure) => {
                about!(error, self, key, self.origin_of(key), %failure, "it cannot be taken up now");
            }
            Ok(live) => {
                live.calls = 0;
                self.call_again(key);
            }
        }
    }
}
