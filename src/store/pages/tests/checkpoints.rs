//! What checkpoints write, when they are made, and what happens when they cannot be.

use super::*;

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
