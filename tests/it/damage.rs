//! A data directory that lost something: what was never acknowledged is cut, anything else is
//! refused with a sentence, and a refused directory stays as it was found.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jumun::{
    app::{definitions, open},
    store::{
        journal,
        mark::Mark,
        pages::{self, Guard},
    },
};
use tempfile::TempDir;

use crate::support::{CANCEL, DELIVER, ORDER, Process, Recorded, process::does_not_start};

/// The journal's header, and what stands before each frame's covered bytes: length and checksum.
const HEADER_BYTES: usize = 24;
const LENGTH_BYTES: usize = 8;

/// A small store as the binary left it, with its journal in memory.
struct Left {
    data: TempDir,
    /// Without the preallocated tail.
    journal: Vec<u8>,
    /// Where each record begins.
    records: Vec<usize>,
    recorded: Recorded,
    mark: Mark,
}

impl Left {
    /// Some orders; then the process is stopped, or killed before it could raise its mark.
    fn make(is_killed: bool) -> Self {
        let data = TempDir::new().unwrap();
        let config = data.path().join("jumun.toml");
        fs::write(&config, "[limits]\ncheckpoint_ms = 60000\n").unwrap();
        let config = ["--root", "flowers", "--config", config.to_str().unwrap()];
        let process = Process::serve(&data.path().join("data"), &config);
        let client = process.client();
        client.post("/orders", ORDER);
        let other = client.post("/orders", ORDER).number();
        client.post("/deliveries", DELIVER);
        client.patch("/orders/1", CANCEL);
        client.until("/payments/1", "/status", "PaymentCancelled");
        client.patch(&format!("/orders/{other}"), r#"{"address": "Busan"}"#);
        if is_killed {
            process.kill();
        } else {
            process.terminate();
            process.wait();
        }
        Self::read(data)
    }

    fn read(data: TempDir) -> Self {
        let path = data.path().join("data");
        let mut journal = fs::read(segment(&path)).unwrap();
        let (mut records, mut end) = (Vec::new(), HEADER_BYTES);
        while let length @ 1.. = u32::from_le_bytes(journal[end..end + 4].try_into().unwrap()) {
            records.push(end);
            end += LENGTH_BYTES + usize::try_from(length).unwrap();
        }
        journal.truncate(end);
        let mark = Mark::read(&path.join("mark")).unwrap();
        Self {
            recorded: Recorded::read(&path),
            data,
            journal,
            records,
            mark,
        }
    }

    /// A copy of the directory, with this journal.
    fn with(&self, journal: &[u8]) -> Copy {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("data");
        copy(&self.data.path().join("data"), &path);
        fs::write(segment(&path), journal).unwrap();
        Copy { _dir: dir, path }
    }
}

struct Copy {
    _dir: TempDir,
    path: PathBuf,
}

impl Copy {
    /// Opens it as a start does, and reads what the journal has then.
    fn open(&self) -> Result<(Recorded, Vec<String>), String> {
        let storefronts = definitions::load(None).unwrap();
        let limits = pages::Limits::default();
        let guard = Guard::InProcess;
        let opened = open::open(&self.path, &storefronts, limits, &guard, open::nothing());
        let opened = opened.map_err(|error| error.to_string())?;
        let recorded = Recorded::up_to(opened.journal.source(), opened.journal.end());
        Ok((recorded, opened.notices))
    }

    /// It must be refused with a sentence that has these words, and stay as it was.
    fn is_refused(&self, words: &[&str]) {
        let before = fs::read(segment(&self.path)).ok();
        let sentence = self.open().expect_err("it is damaged");
        for word in words {
            assert!(sentence.contains(word), "`{word}` is not in: {sentence}");
        }
        let after = fs::read(segment(&self.path)).ok();
        assert!(
            before == after,
            "the journal was changed, and then refused: {sentence}"
        );
    }
}

fn segment(data: &Path) -> PathBuf {
    journal::Files::new(data.join("journal")).path_of(1)
}

/// Copies a data directory, without the journal's files.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_name() == "journal" {
            fs::create_dir(target).unwrap();
        } else if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_file() {
            // Beside files there is the socket that a killed process leaves.
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_last_record_cut_anywhere_is_gone_and_nothing_else() {
    let left = Left::make(true);
    let begin = *left.records.last().unwrap();
    let kept = left.recorded.but_the_last();
    assert!(
        left.recorded.0.last().unwrap().starts_with("order.amended"),
        "{:?}",
        left.recorded
    );
    assert!(
        left.mark.position < left.recorded.0.len() as u64,
        "the mark does not cover it"
    );
    let (whole, _) = left.with(&left.journal).open().unwrap();
    assert_eq!(whole, left.recorded);
    for cut in begin..left.journal.len() {
        // The file ends there; or it was preallocated, and zeros follow.
        for zeros in [0, 4_096] {
            let mut journal = left.journal[..cut].to_vec();
            journal.resize(cut + zeros, 0);
            let (found, notices) = left.with(&journal).open().unwrap_or_else(|error| {
                panic!(
                    "cut at byte {cut} of {begin}..{}: {error}",
                    left.journal.len()
                )
            });
            assert_eq!(found, kept, "cut at byte {cut}");
            let is_said = notices
                .iter()
                .any(|notice| notice.contains("never acknowledged"));
            let has_torn_bytes = left.journal[begin..cut].iter().any(|byte| *byte != 0);
            assert_eq!(is_said, has_torn_bytes, "cut at byte {cut}: {notices:?}");
        }
    }
}

#[test]
fn a_last_record_that_the_mark_covers_must_be_there() {
    let left = Left::make(false);
    let end = left.recorded.0.len() as u64;
    assert_eq!(
        left.mark.position, end,
        "a proper stop raises the mark to the end"
    );
    let begin = *left.records.last().unwrap();
    let known = format!("{end} were known to be durable");
    for cut in begin..left.journal.len() {
        left.with(&left.journal[..cut])
            .is_refused(&[&known, "restore a backup"]);
    }
    let mut flipped = left.journal.clone();
    *flipped.last_mut().unwrap() ^= 1;
    left.with(&flipped)
        .is_refused(&[&known, "restore a backup"]);
}

#[test]
fn a_byte_flipped_anywhere_earlier_is_refused() {
    let left = Left::make(true);
    let last = *left.records.last().unwrap();
    let middle = left.records[left.records.len() / 2];
    let mut places: Vec<usize> = (0..HEADER_BYTES).collect();
    for record in [
        left.records[0],
        middle,
        left.records[left.records.len() - 2],
    ] {
        // Length, checksum, first position, `stable`, count, and into the body.
        places.extend(record..record + 40);
    }
    places.extend((HEADER_BYTES..last).step_by(97));
    places.push(last - 1);
    for place in places {
        for flip in [0x01, 0x80, 0xff] {
            let mut journal = left.journal.clone();
            journal[place] ^= flip;
            let name = format!("{:020}.log", 1);
            left.with(&journal).is_refused(&[&name, "restore a backup"]);
        }
    }
}

#[test]
fn a_directory_that_cannot_be_used_is_refused_with_a_sentence() {
    let left = Left::make(false);

    let used = left.with(&left.journal);
    let process = Process::serve(&used.path, &[]);
    does_not_start(&used.path, &["in use by another process", "stop it first"]);
    drop(process);

    let newer = left.with(&left.journal);
    fs::write(newer.path.join("FORMAT"), "jumun 2\n").unwrap();
    does_not_start(&newer.path, &["format 2", "newer program"]);

    let emptied = left.with(&left.journal);
    fs::remove_file(segment(&emptied.path)).unwrap();
    does_not_start(&emptied.path, &["ends at event 0", "restore a backup"]);
    emptied.is_refused(&["ends at event 0"]);

    let truncated = left.with(&[]);
    does_not_start(&truncated.path, &["ends at event 0", "restore a backup"]);

    let flipped = left.with(&left.journal);
    let mut journal = left.journal.clone();
    journal[left.records[0] + 30] ^= 1;
    fs::write(segment(&flipped.path), journal).unwrap();
    does_not_start(
        &flipped.path,
        &["the journal is damaged", "00000000000000000001.log"],
    );

    let unmarked = left.with(&left.journal);
    fs::write(unmarked.path.join("mark"), [0; 8192]).unwrap();
    does_not_start(&unmarked.path, &["high-water mark are damaged"]);

    let foreign = TempDir::new().unwrap();
    fs::write(foreign.path().join("thesis.odt"), "x").unwrap();
    does_not_start(
        foreign.path(),
        &["not a data directory", "name an empty or a new"],
    );
}
