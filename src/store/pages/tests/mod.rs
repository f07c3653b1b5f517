//! The cache over memory: what is read back, when, and from where.

use std::{ops::ControlFlow, sync::atomic::Ordering::Relaxed};

use super::*;
use crate::store::space::Room;

mod checkpoints;

const ORDERS: CollectionId = CollectionId(0);
const VIEW: CollectionId = CollectionId(1);

fn collections() -> Vec<Collection> {
    [(Tree::Orders, "posies"), (Tree::Views, "posies/my")]
        .map(|(tree, name)| Collection {
            tree,
            name: name.into(),
        })
        .to_vec()
}

fn open(durable: &Durable, limits: Limits) -> OpenedPages {
    Pages::in_memory(durable, collections(), limits).unwrap()
}

fn slot(position: u64, listed: bool) -> Slot {
    Slot {
        version: position,
        position,
        listed,
        bytes: position.to_be_bytes().repeat(3).into(),
    }
}

/// As much room as one likes.
fn room() -> Arc<Room> {
    Arc::new(Room::measured(|| Ok(u64::MAX), 0))
}

fn numbers(pages: &Pages, offset: u64, limit: usize) -> Vec<u64> {
    let found = pages.range(ORDERS, offset, limit).unwrap();
    found.into_iter().map(|(number, _)| number).collect()
}

#[test]
fn few_pages_stay_in_memory_and_all_read_back() {
    let limits = Limits {
        pages_max: 64,
        ..Limits::default()
    };
    let durable = Durable::default();
    let pages = open(&durable, limits).pages;
    for round in 1..=3 {
        for number in 1..=64_000 {
            if number % 7 == round {
                pages
                    .put(ORDERS, number, slot(number + round, true))
                    .unwrap();
            }
        }
        pages.checkpoint(round).unwrap();
    }
    assert_eq!(pages.backlog(), 0);
    for number in 1..=64_000 {
        let expected = (1..=3).contains(&(number % 7));
        let expected = expected.then(|| slot(number + number % 7, true));
        assert_eq!(pages.get(ORDERS, number).unwrap(), expected, "{number}");
    }
    assert!(
        pages.cache.usage().pages <= 128,
        "{} pages stayed",
        pages.cache.usage().pages
    );
    pages.close().unwrap();
    assert!(matches!(pages.checkpoint(9), Err(Error::Closed)));
}

#[test]
fn large_pages_stay_in_memory_up_to_so_many_bytes_and_refuse_what_is_new_at_twice_as_many() {
    let limits = Limits {
        bytes_max: 1 << 20,
        ..Limits::default()
    };
    let pages = open(&Durable::default(), limits).pages;
    let large = |number| Slot {
        bytes: vec![7; 10_000].into(),
        ..slot(number, true)
    };
    let mut numbers = (1..).map(|number| number * 64);
    while !pages.is_behind() {
        let number = numbers.next().unwrap();
        pages.put(ORDERS, number, large(number)).unwrap();
    }
    let usage = pages.cache.usage();
    assert!((150..=210).contains(&usage.pages), "{usage:?}");
    assert_eq!(usage.bytes, pages.cache.bytes());

    pages.checkpoint(1).unwrap();
    let usage = pages.cache.usage();
    assert!(!pages.is_behind() && !pages.is_filling());
    assert!(usage.bytes <= 2 << 20, "{usage:?}");
    for number in (1..=100).map(|number| number * 64) {
        assert_eq!(pages.get(ORDERS, number).unwrap(), Some(large(number)));
    }
    assert_eq!(pages.cache.usage().bytes, pages.cache.bytes());
    let smaller = slot(64, true);
    pages.put(ORDERS, 64, smaller).unwrap();
    assert_eq!(pages.cache.usage().bytes, pages.cache.bytes());
}

#[test]
fn places_skip_gaps_and_what_is_not_listed() {
    let durable = Durable::default();
    let pages = open(&durable, Limits::default()).pages;
    assert_eq!(
        (pages.listed(ORDERS), pages.highest(ORDERS).unwrap()),
        (0, 0)
    );
    let far = 1 << 40;
    for (number, listed) in [(1, true), (2, false), (64, true), (500, false), (far, true)] {
        pages.put(ORDERS, number, slot(number, listed)).unwrap();
    }
    pages.checkpoint(1).unwrap();
    pages.put(ORDERS, 500, slot(501, true)).unwrap();
    pages.put(ORDERS, 1, slot(502, false)).unwrap();
    pages.put(ORDERS, 129, slot(503, true)).unwrap();

    let check = |pages: &Pages| {
        assert_eq!(pages.listed(ORDERS), 4);
        assert_eq!(pages.highest(ORDERS).unwrap(), far);
        assert_eq!(numbers(pages, 0, 9), [64, 129, 500, far]);
        assert_eq!(numbers(pages, 1, 2), [129, 500]);
        assert_eq!(numbers(pages, 3, 2), [far]);
        assert!(numbers(pages, 4, 2).is_empty() && numbers(pages, 0, 0).is_empty());
        let mut all = Vec::new();
        let visit = &mut |number, _: &Slot| {
            all.push(number);
            if number == 500 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        pages.each(ORDERS, visit).unwrap();
        assert_eq!(all, [1, 2, 64, 129, 500]);
        assert_eq!(pages.listed(VIEW), 0, "another collection");
    };
    check(&pages);
    pages.checkpoint(2).unwrap();
    drop(pages);
    check(&open(&durable, Limits::default()).pages);
}

#[test]
fn a_high_place_does_not_read_the_pages_before_it() {
    let durable = Durable::default();
    let pages = open(&durable, Limits::default()).pages;
    for number in 0..64_000 {
        pages.put(ORDERS, number, slot(number, true)).unwrap();
    }
    pages.checkpoint(1).unwrap();
    drop(pages);
    let pages = open(&durable, Limits::default()).pages;
    assert_eq!(numbers(&pages, 63_000, 3), [63_000, 63_001, 63_002]);
    assert_eq!(pages.cache.usage().pages, 1);
    pages
        .each(ORDERS, &mut |_, _| ControlFlow::Continue(()))
        .unwrap();
    assert_eq!(
        pages.cache.usage().pages,
        1,
        "a walk leaves the cache alone"
    );
}

#[test]
fn a_sweep_takes_what_is_unwanted_written_or_not() {
    let durable = Durable::default();
    let pages = open(&durable, Limits::default()).pages;
    let key = |number: u8| [b"f\x00".as_slice(), &[number]].concat();
    for number in 0..20 {
        let put = pages.put_note(NoteTree::Answered, &key(number), Some(vec![number]));
        put.unwrap();
        if number == 9 {
            pages.checkpoint(1).unwrap();
        }
    }
    let removed = pages.sweep_notes(NoteTree::Answered, |_, value| value[0] % 2 == 0);
    assert_eq!(removed.unwrap(), 10);
    let check = |pages: &Pages| {
        let mut left = Vec::new();
        let visit = &mut |_: &[u8], value: &[u8]| {
            left.push(value[0]);
            ControlFlow::Continue(())
        };
        pages.each_note(NoteTree::Answered, visit).unwrap();
        left.sort_unstable();
        assert_eq!(left, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
    };
    check(&pages);
    pages.checkpoint(2).unwrap();
    check(&pages);
    drop(pages);
    check(&open(&durable, Limits::default()).pages);
}

#[test]
fn what_sled_would_make_files_of_is_split_or_refused() {
    let durable = Durable::default();
    let pages = open(&durable, Limits::default()).pages;
    let large = |bytes: usize| Slot {
        bytes: vec![7; bytes].into(),
        ..slot(1, true)
    };
    for (round, bytes) in [(1, 3_000), (2, SLOT_BYTES_MAX), (3, 10)] {
        for number in 0..64 {
            pages.put(ORDERS, number, large(bytes)).unwrap();
        }
        pages.checkpoint(round).unwrap();
        meta::verify(&durable, Space::Pages(Tree::Orders)).unwrap();
        durable
            .scan(Space::Pages(Tree::Orders), &[], &mut |_, value| {
                assert!(value.len() < 64 * 1024);
                ControlFlow::Continue(())
            })
            .unwrap();
        let read = open(&durable.fork(), Limits::default()).pages;
        assert_eq!(read.get(ORDERS, 63).unwrap(), Some(large(bytes)));
    }
    let refused = pages.put(ORDERS, 1, large(SLOT_BYTES_MAX + 1));
    assert!(matches!(refused, Err(Error::TooLarge { .. })));
    let refused = pages.put_note(NoteTree::Timers, b"\0meta", None);
    assert!(matches!(refused, Err(Error::Name(_))));
}

#[test]
fn a_changed_lost_or_stale_value_is_noticed() {
    let space = Space::Pages(Tree::Orders);
    let durable = Durable::default();
    let pages = open(&durable, Limits::default()).pages;
    pages.put(ORDERS, 1, slot(1, true)).unwrap();
    pages.put(ORDERS, 65, slot(1, true)).unwrap();
    pages.checkpoint(1).unwrap();
    let old = durable.read(space, &page::key("posies", 0, 0)).unwrap();
    pages.put(ORDERS, 1, slot(2, true)).unwrap();
    pages.checkpoint(2).unwrap();
    meta::verify(&durable, space).unwrap();

    let check = |value: Option<Vec<u8>>| {
        let copy = durable.fork();
        let mut batches = vec![Vec::new(); Space::ALL.len()];
        batches[space.index()] = vec![(page::key("posies", 0, 0), value)];
        copy.write(batches).unwrap();
        assert!(meta::verify(&copy, space).is_err());
    };
    check(None);
    check(old);
    check(Some(vec![1, 2, 3]));
}
