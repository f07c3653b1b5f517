//! The cache over memory: what is read back, when, and from where.

use std::{ops::ControlFlow, sync::atomic::Ordering::Relaxed};

use super::*;
use crate::store::space::Room;

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
        pages.cache.len() <= 128,
        "{} pages stayed",
        pages.cache.len()
    );
    pages.close().unwrap();
    assert!(matches!(pages.checkpoint(9), Err(Error::Closed)));
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
    assert_eq!(pages.cache.len(), 1);
    pages
        .each(ORDERS, &mut |_, _| ControlFlow::Continue(()))
        .unwrap();
    assert_eq!(pages.cache.len(), 1, "a walk leaves the cache alone");
}

#[test]
fn after_a_crash_everything_up_to_the_last_checkpoint_is_there() {
    let durable = Durable::default();
    let pages = open(&durable, Limits::default()).pages;
    pages.put(ORDERS, 1, slot(1, true)).unwrap();
    pages
        .put_note(NoteTree::Timers, b"posies\x00a", Some(vec![1]))
        .unwrap();
    pages
        .put_note(NoteTree::Timers, b"posies\x00b", Some(vec![2]))
        .unwrap();
    let done = pages.checkpoint(7).unwrap();
    assert_eq!((done.complete_to, done.pages, done.notes), (7, 1, 2));
    assert_eq!(pages.checkpoint(7).unwrap().pages, 0);

    pages.put(ORDERS, 1, slot(8, false)).unwrap();
    pages
        .put_note(NoteTree::Timers, b"posies\x00a", None)
        .unwrap();
    let crashed = open(&durable.fork(), Limits::default());
    assert_eq!(crashed.complete_to, 7);
    assert_eq!(crashed.pages.get(ORDERS, 1).unwrap(), Some(slot(1, true)));
    let note = |pages: &Pages, key| pages.get_note(NoteTree::Timers, key).unwrap();
    assert_eq!(note(&crashed.pages, b"posies\x00a"), Some(vec![1]));

    assert_eq!(note(&pages, b"posies\x00a"), None, "unwritten comes first");
    pages.checkpoint(8).unwrap();
    let later = open(&durable, Limits::default());
    assert_eq!(later.complete_to, 8);
    assert_eq!(later.pages.get(ORDERS, 1).unwrap(), Some(slot(8, false)));
    assert_eq!(note(&later.pages, b"posies\x00a"), None);
    assert_eq!(note(&later.pages, b"posies\x00b"), Some(vec![2]));
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
fn what_is_not_written_holds_new_work_back_and_wakes_the_thread() {
    let limits = Limits {
        backlog_max: 8,
        ..Limits::default()
    };
    let durable = Durable::default();
    let pages = Arc::new(open(&durable, limits).pages);
    for page in 0..8 {
        assert!(!pages.is_behind());
        pages.put(ORDERS, page * 64, slot(page, true)).unwrap();
    }
    assert!(pages.is_behind());
    // An interval that no test waits for: only the early call can make the checkpoint.
    let hour = std::time::Duration::from_hours(1);
    let (asked, heard) = std::sync::mpsc::channel();
    let complete_to = move || {
        asked.send(()).unwrap();
        5
    };
    let thread = Checkpointer::start(Arc::clone(&pages), room(), hour, complete_to, || {}).unwrap();
    heard.recv_timeout(hour / 60).unwrap();
    pages.put(ORDERS, 1, slot(9, true)).unwrap();
    thread.stop().unwrap();
    assert_eq!((pages.backlog(), pages.complete_to()), (0, 5));

    // A second thread goes on after its first checkpoint too. Up to half the limit may wait.
    let thread = Checkpointer::start(Arc::clone(&pages), room(), hour, || 6, || {}).unwrap();
    for round in 0..3 {
        for page in 0..8 {
            pages.put(ORDERS, page * 64, slot(round, true)).unwrap();
        }
        let drained = (0..10_000_000).any(|_| {
            std::thread::yield_now();
            pages.backlog() < 4
        });
        assert!(drained, "round {round}");
    }
    thread.stop().unwrap();
}

#[test]
fn there_is_no_checkpoint_without_room_and_one_once_there_is() {
    let limits = Limits {
        backlog_max: 2,
        ..Limits::default()
    };
    let bytes = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&bytes);
    let room = Arc::new(Room::measured(move || Ok(seen.load(Relaxed)), 100));
    let pages = Arc::new(open(&Durable::default(), limits).pages);
    let hour = std::time::Duration::from_hours(1);
    let start = || Checkpointer::start(Arc::clone(&pages), Arc::clone(&room), hour, || 7, || {});
    let thread = start().unwrap();
    pages.put(ORDERS, 1, slot(1, true)).unwrap();
    thread.stop().unwrap();
    assert_eq!((pages.backlog(), pages.complete_to()), (1, 0));
    bytes.store(100, Relaxed);
    start().unwrap().stop().unwrap();
    assert_eq!((pages.backlog(), pages.complete_to()), (0, 7));
}

#[test]
fn checkpoints_that_failed_for_want_of_room_are_announced_once_there_is_some() {
    let pages = Arc::new(open(&Durable::default(), Limits::default()).pages);
    // There is room at the beginning and before the checkpoint, none after it, and then again.
    let looks = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&looks);
    let seen = move || Ok([100, 100, 0, 0][counted.fetch_add(1, Relaxed).min(3) as usize]);
    let room = Arc::new(Room::measured(seen, 100));
    let panics = || -> Position { panic!("no room") };
    let soon = std::time::Duration::from_millis(1);
    let thread = Checkpointer::start(Arc::clone(&pages), room, soon, panics, || {
        panic!("a restart would find no room")
    });
    let thread = thread.unwrap();
    let has_failed = thread.watch();
    while !has_failed() || looks.load(Relaxed) < 4 {
        std::thread::yield_now();
    }
    assert!(matches!(thread.stop(), Err(Error::Failed(why)) if why == "a checkpoint panicked"));
}

#[test]
fn checkpoints_that_have_stopped_are_announced() {
    let limits = Limits {
        backlog_max: 2,
        ..Limits::default()
    };
    let pages = Arc::new(open(&Durable::default(), limits).pages);
    let panics = || -> Position { panic!("no position") };
    let hour = std::time::Duration::from_hours(1);
    let (announce, announced) = std::sync::mpsc::channel();
    let on_failure = move || announce.send(()).unwrap();
    let thread = Checkpointer::start(Arc::clone(&pages), room(), hour, panics, on_failure).unwrap();
    let has_failed = thread.watch();
    assert!(!has_failed());
    pages.put(ORDERS, 1, slot(1, true)).unwrap();
    announced.recv_timeout(hour / 60).unwrap();
    assert!(has_failed());
    assert!(matches!(thread.stop(), Err(Error::Failed(_))));
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

#[test]
fn checkpoints_amid_changes_and_evictions_keep_everything() {
    let limits = Limits {
        pages_max: 64,
        ..Limits::default()
    };
    let durable = Durable::default();
    let pages = open(&durable, limits).pages;
    let writers = [0, 1].map(|lane: u64| {
        let pages = &pages;
        move || {
            for step in 0..60_000 {
                // Both lanes share pages, never numbers; old pages come back after eviction.
                let number = step * 7_919 % 20_000 / 2 * 2 + lane;
                let before = pages.get(ORDERS, number).unwrap();
                let version = before.map_or(0, |slot| slot.version) + 1;
                let slot = Slot {
                    version,
                    ..slot(step, step % 3 > 0)
                };
                pages.put(ORDERS, number, slot).unwrap();
                let key = [b"f\0".as_slice(), &(number % 100).to_be_bytes()].concat();
                let value = version.to_be_bytes().to_vec();
                pages.put_note(NoteTree::Timers, &key, Some(value)).unwrap();
            }
        }
    });
    std::thread::scope(|scope| {
        let running = writers.map(|writer| scope.spawn(writer));
        let mut position = 0;
        while running.iter().any(|writer| !writer.is_finished()) {
            position += 1;
            pages.checkpoint(position).unwrap();
        }
    });
    pages.checkpoint(60_000).unwrap();

    for space in Space::ALL {
        meta::verify(&durable, space).unwrap();
    }
    let read = open(&durable, limits).pages;
    let mut versions = 0;
    let visit = &mut |number, slot: &Slot| {
        assert_eq!(pages.get(ORDERS, number).unwrap().as_ref(), Some(slot));
        versions += slot.version;
        ControlFlow::Continue(())
    };
    read.each(ORDERS, visit).unwrap();
    assert_eq!(
        versions,
        2 * 60_000,
        "every change was made on top of the last"
    );
    assert_eq!(read.listed(ORDERS), pages.listed(ORDERS));
}

#[test]
fn what_is_put_together_is_in_the_same_checkpoint() {
    let durable = Durable::default();
    let pages = open(&durable, Limits::default()).pages;
    let put = |version| {
        let _same_checkpoint = pages.together();
        pages.put(ORDERS, 1, slot(version, true)).unwrap();
        pages.put(VIEW, 6_400, slot(version, true)).unwrap();
    };
    put(1);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (2..40_000).for_each(put));
        while !writer.is_finished() {
            pages.checkpoint(1).unwrap();
            let stored = open(&durable.fork(), Limits::default()).pages;
            let order = stored.get(ORDERS, 1).unwrap();
            assert_eq!(order, stored.get(VIEW, 6_400).unwrap());
        }
    });
}
