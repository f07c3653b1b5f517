//! The pages on a real disk: what a start finds after a clean end, a crash, and damage.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeMap,
    fs,
    io::{Seek, SeekFrom, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};

use jumun::store::{
    directory::Directory,
    mark::MarkFile,
    pages::{
        Ahead, Collection, CollectionId, Durable, Guard, Limits, NoteTree, OpenedPages, Opening,
        Pages, Slot, Tree, probe,
    },
};

const ORDERS: CollectionId = CollectionId(0);
const PAYMENTS: CollectionId = CollectionId(1);
const JOURNAL_END: u64 = 10_000;

fn slot(position: u64) -> Slot {
    Slot {
        version: position % 5,
        position,
        listed: !position.is_multiple_of(3),
        bytes: position.to_be_bytes().repeat(20).into(),
    }
}

fn mark(dir: &Path) -> Arc<MarkFile> {
    Arc::new(MarkFile::open(&dir.join("mark")).unwrap())
}

fn collections() -> Vec<Collection> {
    [Tree::Orders, Tree::Payments]
        .map(|tree| Collection {
            tree,
            name: "flowers".into(),
        })
        .to_vec()
}

fn opening<'a>(dir: &'a Path, guard: &'a Guard) -> Opening<'a> {
    let limits = Limits {
        probe_ms_max: Some(10_000),
        ..Limits::default()
    };
    Opening {
        dir,
        collections: collections(),
        limits,
        journal_end: JOURNAL_END,
        ahead: Ahead::nothing(),
        mark: mark(dir),
        fingerprint: "definitions 1",
        guard,
    }
}

fn open(dir: &Path) -> OpenedPages {
    Pages::open(opening(dir, &Guard::InProcess)).unwrap()
}

/// A new data directory, without a journal.
fn fresh() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    drop(Directory::open(dir.path()).unwrap());
    dir
}

/// Events up to `to`: each moves an order and its payment, and sets a timer.
fn play(pages: &Pages, from: u64, to: u64) {
    for position in from..=to {
        let number = position % 2_000;
        pages.put(ORDERS, number, slot(position)).unwrap();
        pages.put(PAYMENTS, number, slot(position)).unwrap();
        let key = [b"flowers\x00".as_slice(), &(number % 50).to_be_bytes()].concat();
        let due = (position % 4 > 0).then(|| position.to_be_bytes().to_vec());
        pages.put_note(NoteTree::Timers, &key, due).unwrap();
    }
}

type Content = (BTreeMap<(usize, u64), Slot>, BTreeMap<Vec<u8>, Vec<u8>>);

fn content(pages: &Pages) -> Content {
    let (mut slots, mut notes) = Content::default();
    for collection in [ORDERS, PAYMENTS] {
        let visit = &mut |number, slot: &Slot| {
            slots.insert((collection.0, number), slot.clone());
            ControlFlow::Continue(())
        };
        pages.each(collection, visit).unwrap();
        let listed = slots
            .iter()
            .filter(|((id, _), slot)| *id == collection.0 && slot.listed);
        assert_eq!(pages.listed(collection), listed.count() as u64);
    }
    let visit = &mut |key: &[u8], value: &[u8]| {
        notes.insert(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    };
    pages.each_note(NoteTree::Timers, visit).unwrap();
    (slots, notes)
}

/// What the pages hold when everything up to `to` was played and nothing more.
fn content_at(to: u64) -> Content {
    let pages = Pages::in_memory(&Durable::default(), collections(), Limits::default());
    let pages = pages.unwrap().pages;
    play(&pages, 1, to);
    content(&pages)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A directory that a crash left behind: checkpoints up to 5000, some unwritten events after.
fn crashed(snapshot: bool) -> tempfile::TempDir {
    let dir = fresh();
    if snapshot {
        let pages = open(dir.path()).pages;
        play(&pages, 1, 1_000);
        pages.checkpoint(1_000).unwrap();
        pages.close().unwrap();
    }
    let pages = open(dir.path()).pages;
    for to in [1_000, 2_000, 3_000, 4_000, 5_000] {
        play(&pages, to - 999, to);
        pages.checkpoint(to).unwrap();
    }
    play(&pages, 5_001, 5_100);
    let left = tempfile::tempdir().unwrap();
    copy(dir.path(), left.path());
    assert!(!left.path().join("seal").exists());
    left
}

/// Opens what is there: either everything up to the mark, or nothing and a reason. Then goes on.
fn check_healthy_or_rebuilt(dir: &Path, what: &str) -> Option<String> {
    let OpenedPages {
        pages,
        complete_to,
        rebuilt,
    } = open(dir);
    if let Some(why) = &rebuilt {
        assert_eq!(complete_to, 0, "{what}: {why}");
        assert_eq!(content(&pages), Content::default(), "{what}: {why}");
        assert_eq!(mark(dir).last().complete_to, 0, "{what}: {why}");
        assert_eq!(
            mark(dir).last().position,
            5_000,
            "{what}: the journal's mark stays"
        );
    } else {
        assert_eq!(complete_to, 5_000, "{what}");
        assert!(
            content(&pages) == content_at(5_000),
            "{what}: not what was written"
        );
    }
    play(&pages, complete_to + 1, 5_200);
    pages.checkpoint(5_200).unwrap();
    drop(pages);
    let again = open(dir);
    assert_eq!((again.complete_to, again.rebuilt), (5_200, None), "{what}");
    assert!(
        content(&again.pages) == content_at(5_200),
        "{what}: after going on"
    );
    rebuilt
}

fn damaged(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries
        .filter(|path| path.to_string_lossy().contains("sled.damaged-"))
        .collect();
    found.sort();
    found
}

#[test]
fn a_closed_store_opens_as_it_was_and_without_a_check() {
    let dir = fresh();
    let first = open(dir.path());
    assert_eq!((first.complete_to, first.rebuilt), (0, None));
    play(&first.pages, 1, 5_000);
    first.pages.checkpoint(5_000).unwrap();
    first.pages.close().unwrap();
    assert!(dir.path().join("seal").exists());

    // A child that cannot even start would be a reason to rebuild, if it were asked.
    let guard = Guard::Child("/nonexistent/jumun".into());
    let second = Pages::open(opening(dir.path(), &guard)).unwrap();
    assert_eq!((second.complete_to, second.rebuilt), (5_000, None));
    assert!(
        !dir.path().join("seal").exists(),
        "broken before it is used"
    );
    assert!(content(&second.pages) == content_at(5_000));
    second.pages.close().unwrap();

    fs::write(dir.path().join("sled/note"), "touched").unwrap();
    let third = Pages::open(opening(dir.path(), &guard)).unwrap();
    assert!(third.rebuilt.unwrap().contains("cannot be started"));
}

#[test]
fn a_crash_loses_only_what_no_checkpoint_had() {
    for snapshot in [false, true] {
        let left = crashed(snapshot);
        let healthy = probe(left.path()).unwrap();
        assert_eq!(healthy.complete_to, 5_000);
        assert_eq!(check_healthy_or_rebuilt(left.path(), "crash"), None);
    }
}

#[test]
fn a_log_that_came_back_shorter_is_whole_or_rebuilt() {
    let mut rebuilds = 0;
    for snapshot in [false, true] {
        let left = crashed(snapshot);
        let len = fs::metadata(left.path().join("sled/db")).unwrap().len();
        for step in 0..10 {
            let dir = tempfile::tempdir().unwrap();
            copy(left.path(), dir.path());
            let db = fs::File::options()
                .write(true)
                .open(dir.path().join("sled/db"))
                .unwrap();
            db.set_len(len * step / 10).unwrap();
            let what = format!("{step} tenths of {len} bytes, snapshot: {snapshot}");
            let why = check_healthy_or_rebuilt(dir.path(), &what);
            rebuilds += usize::from(why.is_some());
        }
    }
    assert!(rebuilds > 0, "no damage at all was done");
}

#[test]
fn garbage_and_missing_files_are_noticed() {
    let left = crashed(true);
    let check = |what: &str, damage: &dyn Fn(&Path)| {
        let dir = tempfile::tempdir().unwrap();
        copy(left.path(), dir.path());
        damage(&dir.path().join("sled"));
        check_healthy_or_rebuilt(dir.path(), what)
    };
    let len = fs::metadata(left.path().join("sled/db")).unwrap().len();
    for place in 1..8 {
        check(&format!("garbage at {place} eighths"), &|sled| {
            let mut db = fs::File::options()
                .write(true)
                .open(sled.join("db"))
                .unwrap();
            db.seek(SeekFrom::Start(len * place / 8)).unwrap();
            db.write_all(&vec![0xa5; 20_000]).unwrap();
        });
    }
    let gone = |name: &'static str| move |sled: &Path| fs::remove_file(sled.join(name)).unwrap();
    assert!(check("no db", &gone("db")).is_some());
    check("no conf", &gone("conf"));
    check("no snapshot", &|sled| {
        for entry in fs::read_dir(sled).unwrap() {
            let path = entry.unwrap().path();
            if path.to_string_lossy().contains("snap.") {
                fs::remove_file(path).unwrap();
            }
        }
    });
    let why = check("nothing", &|sled| fs::remove_dir_all(sled).unwrap());
    assert!(why.unwrap().contains("missing"));
}

#[test]
fn what_does_not_fit_the_rest_is_rebuilt_with_the_reason() {
    let left = crashed(false);
    let check = |words: &str, change: &dyn Fn(&mut Opening<'_>)| {
        let dir = tempfile::tempdir().unwrap();
        copy(left.path(), dir.path());
        let mut opening = opening(dir.path(), &Guard::InProcess);
        change(&mut opening);
        let opened = Pages::open(opening).unwrap();
        let why = opened.rebuilt.expect(words);
        assert!(why.contains(words), "{why}");
        assert_eq!(opened.complete_to, 0);
        assert_eq!(damaged(dir.path()).len(), 1);
    };
    check("other definitions", &|opening| {
        opening.fingerprint = "definitions 2";
    });
    check("the journal ends at 4999", &|opening| {
        opening.journal_end = 4_999;
    });
    check("known to be to 5001", &|opening| {
        opening.mark.write(5_001, 5_001).unwrap();
    });
    check("did not survive", &|opening| {
        fs::write(opening.dir.join("opening"), "").unwrap();
    });
    check("longer than 0 ms", &|opening| {
        opening.limits.probe_ms_max = Some(0);
    });
}

#[test]
fn a_check_in_a_child_counts_only_if_it_says_healthy() {
    use std::os::unix::fs::PermissionsExt;
    let left = crashed(false);
    let check_begun = |is_begun_before: bool, script: &str, words: Option<&str>| {
        let dir = tempfile::tempdir().unwrap();
        copy(left.path(), dir.path());
        let child = dir.path().join("child");
        fs::write(&child, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&child, fs::Permissions::from_mode(0o700)).unwrap();
        let guard = Guard::Child(child);
        let mut opening = opening(dir.path(), &guard);
        opening.limits.probe_ms_max = Some(2_000);
        if is_begun_before {
            let mark = opening.mark.last();
            opening.ahead = Ahead::begin(dir.path(), opening.limits, &guard, mark);
        }
        let rebuilt = Pages::open(opening).unwrap().rebuilt;
        match (rebuilt, words) {
            (None, None) => {}
            (Some(why), Some(words)) => assert!(why.contains(words), "{why}"),
            (rebuilt, words) => panic!("{script}: {rebuilt:?} is not {words:?}"),
        }
    };
    let check = |script: &str, words: Option<&str>| {
        check_begun(false, script, words);
        check_begun(true, script, words);
    };
    check("[ \"$1\" = probe-store ] && echo healthy: all", None);
    check("echo fine", Some("said nothing"));
    check(
        "echo healthy:; echo out of memory >&2; exit 1",
        Some("what is stored is damaged"),
    );
    check("kill -ABRT $$", Some("signal: 6"));
    check("exec sleep 60", Some("longer than 2000 ms"));
}

#[test]
fn only_the_last_two_damaged_stores_are_kept() {
    let dir = fresh();
    for round in 1..=4 {
        let opened = open(dir.path());
        assert_eq!(opened.rebuilt.is_some(), round > 1);
        play(&opened.pages, 1, 10);
        opened.pages.checkpoint(10).unwrap();
        drop(opened);
        fs::write(dir.path().join("opening"), "").unwrap();
    }
    let names = ["sled.damaged-2", "sled.damaged-3"].map(|name| dir.path().join(name));
    assert_eq!(damaged(dir.path()), names);

    Pages::discard(dir.path(), &mark(dir.path())).unwrap();
    let opened = open(dir.path());
    assert_eq!((opened.complete_to, opened.rebuilt), (0, None));
    assert_eq!(mark(dir.path()).last().position, 10);
}
