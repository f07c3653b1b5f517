//! The journal on a real, small disk: a segment for which there is no room is not there, and the
//! same goes on once there is.
//!
//! The test runs itself once more, in a mount namespace where a tmpfs is the disk.

#![cfg(test)]
#![expect(
    clippy::print_stdout,
    reason = "a test that cannot be run says so in its output"
)]

use std::{
    env,
    fs::{self, File},
    path::Path,
    process::Command,
};

use jumun::store::journal::{self, Directory, Error, Journal, Limits, Record, Source};
use rustix::fs::{FallocateFlags, fallocate};
use tempfile::TempDir;

/// Says where the disk is to the test that runs on it.
const DISK: &str = "JUMUN_TEST_DISK";

const LIMITS: Limits = Limits {
    segment_bytes_max: 1 << 20,
    frame_bytes_max: 128 << 10,
};

#[test]
fn a_segment_without_room_is_not_there_and_made_once_there_is() {
    if let Some(disk) = env::var_os(DISK) {
        return on(Path::new(&disk));
    }
    let dir = TempDir::new().unwrap();
    let test = "a_segment_without_room_is_not_there_and_made_once_there_is";
    let script =
        "mount -t tmpfs -o size=4m none \"$JUMUN_TEST_DISK\" || exit 77; \"$0\" --exact \"$1\"";
    let run = Command::new("unshare")
        .args(["-Urm", "sh", "-c", script])
        .arg(env::current_exe().unwrap())
        .arg(test)
        .env(DISK, dir.path())
        .output();
    match run {
        Ok(output) if output.status.success() => {
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(said.contains("1 passed"), "{said}");
        }
        Ok(output) if ![Some(1), Some(77)].contains(&output.status.code()) => {
            panic!("{}", String::from_utf8_lossy(&output.stdout));
        }
        _ => println!("skipped: this system allows no mount namespace"),
    }
}

fn on(disk: &Path) {
    let path = disk.join("journal");
    let files = journal::Files::new(&path);
    let open = || {
        let opened = Journal::open(Directory::open(&path).unwrap(), LIMITS).unwrap();
        (opened.journal, opened.torn)
    };
    let (mut journal, _) = open();
    let ballast = File::create(disk.join("ballast")).unwrap();
    fallocate(&ballast, FallocateFlags::empty(), 0, 5 << 19).unwrap();
    let body = vec![7; 100 << 10];
    let record = Record {
        body: &body,
        count: 1,
    };
    // More than a segment takes, as one group.
    let records = [record; 15];
    let full = journal.append(&records).unwrap_err();
    assert!(matches!(full, Error::Full { .. }), "{full}");
    let written = journal.end();
    assert!((1..15).contains(&written) && journal.stable() == written);
    assert_eq!(files.segments().unwrap(), [1]);
    let rest = &records[usize::try_from(written).unwrap()..];
    let again = journal.append(rest).unwrap_err();
    assert!(matches!(again, Error::Full { .. }), "{again}");

    fs::remove_file(disk.join("ballast")).unwrap();
    ballast.set_len(0).unwrap();
    journal.append(rest).unwrap();
    assert_eq!(journal.sync().unwrap(), 15);
    drop(journal);
    let (journal, torn) = open();
    assert_eq!((journal.end(), torn), (15, None));
    assert_eq!(files.segments().unwrap(), [1, written + 1]);
}
