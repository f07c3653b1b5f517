//! What a view's row said before: a bounded list for each row, the latest last.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    domain::{Fields, Timestamp},
    store::snapshot,
};

/// The most entries that a row keeps; beyond it the oldest are forgotten. An order has some ten
/// events.
pub const HISTORY_ENTRIES_MAX: usize = 100;

/// The most bytes that the entries of a row take as they are stored; beyond it the oldest are
/// forgotten. 64 rows share a page, and a page is written whole.
pub const HISTORY_BYTES_MAX: usize = 32 * 1024;

/// What a row said after an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The storefront's name for the event, or the domain's if it has none.
    pub event: Arc<str>,
    /// When it happened.
    pub at: Timestamp,
    /// The row's fields after it.
    pub row: Fields,
}

/// As bytes, without what is too much.
pub(super) fn bounded(mut entries: Vec<Entry>) -> Arc<[u8]> {
    entries.drain(..entries.len().saturating_sub(HISTORY_ENTRIES_MAX));
    loop {
        let bytes = snapshot::encode(&entries);
        if bytes.len() <= HISTORY_BYTES_MAX || entries.len() <= 1 {
            return bytes;
        }
        // More than one at a time, so that a long list is not encoded a hundred times.
        entries.drain(..entries.len().div_ceil(8));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entries_go_when_there_are_too_many_or_they_are_too_large() {
        let check = |count: usize, text_bytes: usize, most: usize| {
            let entries = (0..count).map(|at| Entry {
                event: "changed".into(),
                at: Timestamp(i64::try_from(at).unwrap()),
                row: [("text".into(), "x".repeat(text_bytes).as_str().into())]
                    .into_iter()
                    .collect(),
            });
            let bytes = bounded(entries.collect());
            let kept: Vec<Entry> = snapshot::decode(&bytes).unwrap();
            assert!(bytes.len() <= HISTORY_BYTES_MAX.max(text_bytes + 100));
            assert!(
                kept.len() <= most && kept.len() > most * 3 / 4,
                "{}",
                kept.len()
            );
            let last = i64::try_from(count).unwrap() - 1;
            assert_eq!(kept.last().unwrap().at, Timestamp(last));
            let first = last + 1 - i64::try_from(kept.len()).unwrap();
            assert_eq!(kept[0].at, Timestamp(first), "nothing is missing between");
        };
        check(1, 10, 1);
        check(HISTORY_ENTRIES_MAX + 30, 10, HISTORY_ENTRIES_MAX);
        check(50, HISTORY_BYTES_MAX / 16, 16);
        check(2, HISTORY_BYTES_MAX * 2, 1);
    }
}
