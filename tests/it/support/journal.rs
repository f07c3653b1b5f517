//! What a stopped server's journal has.

use std::{fmt::Write, ops::ControlFlow, path::Path, sync::Arc};

use jumun::store::{
    codec,
    commit::Position,
    journal::{self, Source},
};

/// Every event of a journal, as `order.placed 1`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Recorded(pub(crate) Vec<String>, Vec<Arc<str>>);

impl Recorded {
    /// The journal of the data directory at `path`, which nobody is writing.
    pub(crate) fn read(path: &Path) -> Self {
        let files = journal::Files::new(path.join("journal"));
        let mut recorded = Self(Vec::new(), Vec::new());
        let scanned = journal::scan(&files, |_, body, _| recorded.add(body));
        assert_eq!(scanned.unwrap().end, recorded.0.len() as u64);
        recorded
    }

    /// What a journal has by now that somebody is writing; nothing while it cannot be read.
    pub(crate) fn by_now(path: &Path) -> Option<Self> {
        let files = journal::Files::new(path.join("journal"));
        let mut recorded = Self(Vec::new(), Vec::new());
        let scanned = journal::scan(&files, |_, body, _| recorded.add(body));
        scanned.ok().map(|_| recorded)
    }

    /// The same of a journal that is open and ends with the event `end`.
    pub(crate) fn up_to(source: Arc<dyn Source>, end: Position) -> Self {
        let mut recorded = Self(Vec::new(), Vec::new());
        let read = journal::Reader::new(source).read(1, end, |_, body, _| {
            recorded.add(body);
            ControlFlow::Continue(())
        });
        read.unwrap();
        recorded
    }

    fn add(&mut self, body: &[u8]) {
        let batch = codec::decode(body).unwrap();
        for stamped in batch.events {
            let (kind, name) = (stamped.event.kind(), stamped.event.name());
            self.0
                .push(format!("{kind}.{name} {}", stamped.entity.number));
            self.1.push(Arc::clone(&batch.storefront));
        }
    }

    /// All but the last.
    pub(crate) fn but_the_last(&self) -> Self {
        let count = self.0.len() - 1;
        Self(self.0[..count].to_vec(), self.1[..count].to_vec())
    }

    /// Those of one shop.
    pub(crate) fn of(&self, shop: &str) -> Self {
        let events = self.0.iter().cloned().zip(self.1.iter().cloned());
        let (events, shops) = events.filter(|(_, own)| **own == *shop).unzip();
        Self(events, shops)
    }

    /// How many there are of `what`, such as `payment.captured`.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.0
            .iter()
            .filter(|event| event.split_once(' ').is_some_and(|(name, _)| name == what))
            .count()
    }

    /// There must be so many of each.
    pub(crate) fn has(&self, expected: &[(&str, usize)]) {
        let mut faults = String::new();
        for (what, count) in expected {
            let found = self.count(what);
            if found != *count {
                writeln!(faults, "{what}: {found}, not {count}").unwrap();
            }
        }
        assert!(faults.is_empty(), "{faults}in {:#?}", self.0);
    }
}
