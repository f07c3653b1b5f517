//! Everything that happened since the start, counted by storefront and event type: what became of the
//! orders, and how often.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use super::{
    codec::{TYPES, Type, number_of},
    commit::{Committed, Follower, Wake},
};
use crate::{domain::Kind, metrics::Sheet};

/// What becomes of an order, with the event that says so.
const OUTCOMES: [(&str, Kind, &str); 7] = [
    ("placed", Kind::Order, "placed"),
    ("confirmed", Kind::Order, "confirmed"),
    ("held", Kind::Order, "held"),
    ("completed", Kind::Order, "completed"),
    ("cancelled", Kind::Order, "cancelled"),
    ("expired", Kind::Approval, "expired"),
    ("gave_up", Kind::Saga, "gave_up"),
];

/// The counts. Whoever follows the journal for them is a [`Count`].
#[derive(Debug)]
pub struct Tally {
    fronts: Vec<Front>,
}

#[derive(Debug)]
struct Front {
    name: Arc<str>,
    /// By the registered numbers of the event types, with room for those in between.
    events: Vec<AtomicU64>,
}

/// Counts what is committed: an addition for each event, on the committer's thread.
#[derive(Debug)]
pub struct Count(pub Arc<Tally>);

impl Follower for Count {
    fn committed(&mut self, group: &[Committed]) -> Option<Wake> {
        for committed in group {
            let batch = &committed.batch;
            let mut fronts = self.0.fronts.iter();
            let Some(front) = fronts.find(|own| own.name == batch.storefront) else {
                continue;
            };
            for stamped in &batch.events {
                let number = usize::from(number_of(&stamped.event));
                front.events[number].fetch_add(1, Relaxed);
            }
        }
        None
    }
}

impl Tally {
    /// Of the storefronts with these names, and nothing counted.
    pub fn new(names: impl Iterator<Item = Arc<str>>) -> Self {
        let last = TYPES.last().map_or(0, |known| usize::from(known.number));
        let fronts = names.map(|name| Front {
            name,
            events: (0..=last).map(|_| AtomicU64::new(0)).collect(),
        });
        Self {
            fronts: fronts.collect(),
        }
    }

    /// Writes down what was counted.
    pub fn write_figures(&self, sheet: &mut Sheet) {
        let family = sheet.counter(
            "jumun_orders",
            "What became of orders, by storefront: placed, confirmed, held, completed, cancelled, \
             expired (nobody approved in time), gave_up (a refund that an operator must look at).",
        );
        for front in &self.fronts {
            for (outcome, kind, name) in OUTCOMES {
                let labels = [("storefront", &*front.name), ("outcome", outcome)];
                family.of(&labels, front.count_of(kind, name));
            }
        }
        let family = sheet.counter(
            "jumun_saga_retries",
            "Steps of orders that failed and are to be tried again, such as refunds.",
        );
        for front in &self.fronts {
            let count = front.count_of(Kind::Saga, "retry_scheduled");
            family.of(&[("storefront", &front.name)], count);
        }
        let family = sheet.counter(
            "jumun_events",
            "Events that became durable, by storefront, the kind of what they happened to, and type.",
        );
        for front in &self.fronts {
            for known in TYPES {
                let count = front.count(known);
                if count > 0 {
                    let kind = known.kind.name();
                    let labels = [
                        ("storefront", &*front.name),
                        ("kind", kind),
                        ("type", known.name),
                    ];
                    family.of(&labels, count);
                }
            }
        }
    }
}

impl Front {
    fn count(&self, known: &Type) -> u64 {
        self.events[usize::from(known.number)].load(Relaxed)
    }

    fn count_of(&self, kind: Kind, name: &str) -> u64 {
        let mut known = TYPES.iter();
        let known = known.find(|known| known.kind == kind && known.name == name);
        known.map_or(0, |known| self.count(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_said_by_an_event_that_there_is() {
        for (outcome, kind, name) in OUTCOMES {
            let is_it = |known: &&Type| known.kind == kind && known.name == name;
            assert_eq!(TYPES.iter().filter(is_it).count(), 1, "{outcome}");
        }
    }
}
