//! What a stopped server's journal has.

use std::{fmt::Write, path::Path};

use jumun::store::{codec, journal};

/// Every event of a journal, as `order.placed 1`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Recorded(pub(crate) Vec<String>);

impl Recorded {
    /// The journal of the data directory at `path`, which nobody is writing.
    pub(crate) fn read(path: &Path) -> Self {
        let files = journal::Files::new(path.join("journal"));
        let mut events = Vec::new();
        let scanned = journal::scan(&files, |_, body, _| {
            for stamped in codec::decode(body).unwrap().events {
                let (kind, name) = (stamped.event.kind(), stamped.event.name());
                events.push(format!("{kind}.{name} {}", stamped.entity.number));
            }
        });
        assert_eq!(scanned.unwrap().end, events.len() as u64);
        Self(events)
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
