//! What is refused of a backup, byte by byte, and that nothing is unpacked elsewhere.

use std::fs;

use tempfile::TempDir;

use super::{manifest::Name, *};
use crate::{
    domain::Timestamp,
    store::{
        directory::Directory,
        journal::{Journal, Limits, Record, Source, extent},
    },
};

const LIMITS: Limits = Limits {
    segment_bytes_max: 400,
    frame_bytes_max: 120,
};

/// A data directory with so many events in groups of two, the last group not synced.
fn filled(path: &Path, groups: u64) -> Journal {
    let directory = Directory::open(path).unwrap();
    fs::create_dir(directory.storefronts()).unwrap();
    fs::write(directory.storefronts().join("shop.toml"), "name = \"shop\"").unwrap();
    let medium = journal::Directory::open(directory.journal()).unwrap();
    let mut journal = Journal::open(medium, LIMITS).unwrap().journal;
    for group in 1..=groups {
        let body = [u8::try_from(group).unwrap(); 30];
        let record = Record {
            body: &body,
            count: 2,
        };
        journal.append(&[record]).unwrap();
        if group < groups {
            journal.sync().unwrap();
        }
    }
    journal
}

fn back_up(data: &Path, position: u64, to: &Path) -> Result<Written, Error> {
    let now = Timestamp(1_603_846_923_456);
    let origin = Origin {
        data,
        position,
        now,
    };
    write(&origin, to, &mut |_, _| {})
}

#[test]
fn what_is_known_to_be_durable_needs_no_mark() {
    let dir = TempDir::new().unwrap();
    let mut journal = filled(dir.path(), 10);
    let files = journal::Files::new(directory::journal(dir.path()));
    for known in [0, 4, 18] {
        // The last group may be there or not; that before it was when the last was begun.
        let reach = extent::reach(&files, known).unwrap();
        assert_eq!((reach.durable, reach.end), (18, 20));
    }
    journal.sync().unwrap();
    let reach = extent::reach(&files, 20).unwrap();
    assert_eq!((reach.durable, reach.end), (20, 20));
    reach.check_end(&files).unwrap();

    // A byte of an earlier group: what comes after it proves that it was durable.
    let segment = *files.segments().unwrap().last().unwrap();
    let path = files.path_of(segment);
    let mut bytes = fs::read(&path).unwrap();
    bytes[60] ^= 1;
    fs::write(&path, bytes).unwrap();
    let reach = extent::reach(&files, 4).unwrap();
    assert_eq!(reach.end, segment - 1);
    let error = reach.check_end(&files).unwrap_err();
    assert!(matches!(error, journal::Error::Damaged { .. }), "{error}");
}

#[test]
fn a_backup_ends_at_its_position_and_is_the_same_when_restored() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let journal = filled(&data, 14);
    assert!(journal.source().segments().unwrap().len() > 2);
    for position in [0, 2, 10, 28] {
        let to = dir.path().join(format!("{position}.tar"));
        let written = back_up(&data, position, &to).unwrap();
        assert_eq!(written.bytes, fs::metadata(&to).unwrap().len());
        assert_eq!(crc32c::crc32c(&fs::read(&to).unwrap()), written.crc32c);
        let archive = Archive::open(&to, &mut |_, _| {}).unwrap();
        assert_eq!(archive.manifest().made, "2020-10-28T01:02:03.456Z");

        let fresh = dir.path().join(format!("fresh {position}"));
        let directory = Directory::vacant(&fresh).unwrap();
        archive.restore(&directory, &mut |_, _| {}).unwrap();
        let text = fs::read_to_string(directory.storefronts().join("shop.toml"));
        assert_eq!(text.unwrap(), "name = \"shop\"");
        drop(directory);
        let directory = Directory::existing(&fresh).unwrap();
        let medium = journal::Directory::open(directory.journal()).unwrap();
        let opened = Journal::open(medium, LIMITS).unwrap();
        assert_eq!((opened.journal.end(), opened.torn), (position, None));
        let error = Directory::vacant(&fresh).unwrap_err();
        assert!(error.to_string().contains("is not empty"), "{error}");
    }
    let beyond = back_up(&data, 30, &dir.path().join("30.tar")).unwrap_err();
    assert!(matches!(beyond, Error::Journal(_)), "{beyond}");
    assert!(!dir.path().join("30.tar.part").exists());
}

#[test]
fn a_flipped_bit_is_refused_or_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    drop(filled(&data, 4));
    let to = dir.path().join("backup.tar");
    back_up(&data, 8, &to).unwrap();
    let whole = fs::read(&to).unwrap();
    let journal_of = |archive: &Archive| archive.read(1, 0, usize::MAX).unwrap();
    let expected = journal_of(&Archive::open(&to, &mut |_, _| {}).unwrap());
    let mut refused = 0;
    for at in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&to, &bytes).unwrap();
        match Archive::open(&to, &mut |_, _| {}) {
            Ok(archive) => assert_eq!(journal_of(&archive), expected, "byte {at}"),
            Err(_) => refused += 1,
        }
    }
    // The rest is padding.
    assert!(refused * 21 > whole.len(), "{refused} of {}", whole.len());
    for len in (0..whole.len() - 1024).step_by(97) {
        fs::write(&to, &whole[..len]).unwrap();
        assert!(Archive::open(&to, &mut |_, _| {}).is_err(), "cut at {len}");
    }
}

#[test]
fn only_names_of_a_data_directory_are_unpacked() {
    let check = |text: &str, is_ours: bool| {
        let name = Name::parse(text);
        assert_eq!(name.is_some(), is_ours, "{text}: {name:?}");
    };
    check("FORMAT", true);
    check("components.json", true);
    check("storefronts/two-words_2.toml", true);
    check("journal/00000000000000000001.log", true);
    check("journal/1.log", false);
    check("journal/../FORMAT", false);
    check("storefronts/../../x.toml", false);
    check("storefronts/.toml", false);
    check("/etc/00000000000000000001.log", false);
    check("mark", false);
    check("sled/db", false);
}
