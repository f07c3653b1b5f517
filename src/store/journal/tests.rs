//! What opening the journal does with every kind of end that a crash, or a bad disk, can leave.

use std::{fs, ops::ControlFlow};

use super::*;

const LIMITS: Limits = Limits {
    segment_bytes_max: 400,
    frame_bytes_max: 120,
};

/// A body that differs from position to position, of two events.
fn body(first: Position) -> Vec<u8> {
    (0..30)
        .map(|at| (first * 7 + at).to_le_bytes()[0] | 1)
        .collect()
}

fn record(body: &[u8]) -> Record<'_> {
    Record { body, count: 2 }
}

/// Opens the journal and appends `groups`, each of so many frames, each synced but for the last
/// one where `unsynced`.
fn write(medium: impl Medium, limits: Limits, groups: &[usize]) -> Journal {
    let mut journal = Journal::open(medium, limits).unwrap().journal;
    for (index, frames) in groups.iter().enumerate() {
        for _ in 0..*frames {
            let body = body(journal.end() + 1);
            journal.append(&[record(&body)]).unwrap();
        }
        if index + 1 < groups.len() {
            journal.sync().unwrap();
        }
    }
    journal
}

/// Opens the journal, checks that exactly `end` positions are there, and that it goes on from
/// there: after one more frame, what is read is what was written.
fn check(medium: &Memory, end: Position, is_torn: bool) {
    let opened = Journal::open(medium.clone(), LIMITS).unwrap();
    assert_eq!(opened.torn.is_some(), is_torn, "{:?}", opened.torn);
    let mut journal = opened.journal;
    assert_eq!((journal.end(), journal.stable()), (end, end));
    journal.append(&[record(&body(end + 1))]).unwrap();
    journal.sync().unwrap();
    assert_eq!(read_all(&*journal.source()), end + 2);
    let again = Journal::open(medium.clone(), LIMITS).unwrap();
    assert_eq!((again.journal.end(), again.torn), (end + 2, None));
}

/// Checks each body and returns the last position.
fn read_all(source: &dyn Source) -> Position {
    let scanned = scan(source, |first, read, count| {
        assert_eq!((read, count), (&body(first)[..], 2), "at {first}");
    });
    scanned.unwrap().end
}

#[test]
fn positions_go_on_over_segments_and_reopening() {
    let memory = Memory::new();
    drop(write(memory.clone(), LIMITS, &[3, 9, 4, 0]));
    assert!(memory.segments().unwrap().len() >= 3);
    check(&memory, 32, false);
}

#[test]
fn what_was_synced_survives_and_what_was_not_may_go() {
    for survivors in 0..8 {
        let memory = Memory::new();
        drop(write(memory.clone(), LIMITS, &[2, 3]));
        memory.cut_power(|_, write| survivors >> write & 1 == 1);
        // A later frame of the same group without an earlier one is cut as well.
        let kept = [0, 1, 0, 2, 0, 1, 0, 3][survivors];
        check(&memory, 4 + 2 * kept, ![0, 1, 3, 7].contains(&survivors));
    }
}

#[test]
fn a_torn_tail_is_cut_at_every_byte() {
    let memory = Memory::new();
    let journal = write(memory.clone(), LIMITS, &[2, 1]);
    let tail = usize::try_from(journal.tail).unwrap();
    let start = tail - FRAME_BYTES_MIN - body(5).len();
    drop(journal);
    for cut in start..tail {
        let zeros = memory.copy();
        zeros.alter(1, |bytes| bytes[cut..].fill(0));
        check(&zeros, 4, cut > start);
        let gone = memory.copy();
        gone.alter(1, |bytes| bytes.truncate(cut));
        check(&gone, 4, cut > start);
        let garbage = memory.copy();
        garbage.alter(1, |bytes| bytes[cut..].fill(0xA5));
        check(&garbage, 4, true);
        let flipped = memory.copy();
        flipped.alter(1, |bytes| bytes[cut] ^= 0x10);
        check(&flipped, 4, true);
    }
}

#[test]
fn damage_at_any_byte_of_what_was_durable_is_refused() {
    let memory = Memory::new();
    let journal = write(memory.clone(), LIMITS, &[2, 5, 1, 0]);
    let last = journal.segment;
    let tail = usize::try_from(journal.tail).unwrap();
    assert!(last > 1 && tail > 2 * FRAME_BYTES_MIN);
    drop(journal);
    let refused = |segment: Position, at: usize, change: fn(&mut u8)| {
        let damaged = memory.copy();
        damaged.alter(segment, |bytes| change(&mut bytes[at]));
        let opened = Journal::open(damaged, LIMITS);
        let error = opened.map(|opened| opened.torn).unwrap_err();
        let is_damage = matches!(error, Error::Damaged { .. } | Error::Gap { .. });
        assert!(is_damage, "byte {at} of {segment}: {error}");
    };
    let first_segment_end = frame::without_zeros(&memory.read(1, 0, usize::MAX).unwrap());
    for at in 0..first_segment_end {
        refused(1, at, |byte| *byte ^= 1);
        refused(1, at, |byte| *byte = byte.wrapping_add(128));
    }
    // In the last segment, all frames but those of the last group are proven by later ones.
    for at in 0..tail - FRAME_BYTES_MIN - body(1).len() {
        refused(last, at, |byte| *byte ^= 1);
    }
}

#[test]
fn a_durable_record_that_became_zeros_is_damage() {
    let memory = Memory::new();
    drop(write(memory.clone(), LIMITS, &[1, 1, 1, 0]));
    let frame = FRAME_BYTES_MIN + body(1).len();
    memory.alter(1, |bytes| bytes[HEADER_BYTES..HEADER_BYTES + frame].fill(0));
    let error = Journal::open(memory, LIMITS).unwrap_err();
    assert!(
        matches!(error, Error::Damaged { position: 1, .. }),
        "{error}"
    );
}

#[test]
fn a_segment_whose_creation_was_cut_short_is_begun_again() {
    let memory = Memory::new();
    drop(write(memory.clone(), LIMITS, &[2, 0]));
    for bytes in [
        vec![],
        vec![0; 400],
        frame::header(5)[..11].to_vec(),
        vec![9; 77],
    ] {
        let stillborn = memory.copy();
        stillborn.alter(5, |file| file.clone_from(&bytes));
        check(&stillborn, 4, true);
        let only = Memory::new();
        only.alter(1, |file| file.clone_from(&bytes));
        check(&only, 0, true);
    }
}

#[test]
fn a_segment_that_is_missing_or_from_the_future_is_refused() {
    let memory = Memory::new();
    drop(write(memory.clone(), LIMITS, &[3, 9, 4, 0]));
    let segments = memory.segments().unwrap();
    for missing in [0, 1] {
        let mut gap = memory.copy();
        gap.remove(segments[missing]).unwrap();
        let error = Journal::open(gap, LIMITS).unwrap_err();
        let expected = segments[missing];
        assert!(
            matches!(error, Error::Gap { expected: e, .. } if e == expected),
            "{error}"
        );
    }
    let mut header = frame::header(1);
    header[8] = 2;
    let checksum = crc32c::crc32c(&header[..20]).to_le_bytes();
    header[20..].copy_from_slice(&checksum);
    memory.alter(1, |bytes| bytes[..HEADER_BYTES].copy_from_slice(&header));
    let error = Journal::open(memory, LIMITS).unwrap_err();
    assert!(error.to_string().contains("newer version"), "{error}");
}

#[test]
fn a_journal_without_room_goes_on_once_there_is_wherever_it_was_stopped() {
    let mut stopped = 0;
    for room in (0..2_000).step_by(3) {
        let memory = Memory::new();
        let mut journal = write(memory.clone(), LIMITS, &[2, 0]);
        let bodies: Vec<_> = (0..9).map(|frame| body(5 + 2 * frame)).collect();
        let records: Vec<_> = bodies.iter().map(|body| record(body)).collect();
        memory.limit(Some(room));
        let mut left = &records[..];
        // The second time there is as little room as the first.
        for again in [room, usize::MAX] {
            let Err(error) = journal.append(left) else {
                break;
            };
            assert!(matches!(error, Error::Full { .. }), "{room}: {error}");
            stopped += 1;
            // Whoever starts now finds what was durable, and may find more.
            let crashed = Journal::open(memory.copy(), LIMITS).unwrap().journal;
            assert!(crashed.end() >= journal.stable() && crashed.end() <= 22);
            read_all(&*crashed.source());
            let appended = (journal.end() - 4) / 2;
            left = &records[usize::try_from(appended).unwrap()..];
            memory.limit(Some(again));
        }
        memory.limit(None);
        if journal.end() < 22 {
            journal.append(left).unwrap();
        }
        assert_eq!(journal.sync().unwrap(), 22, "{room}");
        drop(journal);
        check(&memory, 22, false);
    }
    assert!(stopped > 500, "{stopped}");
}

#[test]
fn after_a_failure_nothing_more_is_accepted() {
    let memory = Memory::new();
    let mut journal = write(memory.clone(), LIMITS, &[1, 1]);
    memory.fail();
    assert!(matches!(journal.sync(), Err(Error::Sync { .. })));
    memory.mend();
    assert!(matches!(journal.sync(), Err(Error::Poisoned)));
    let more = body(5);
    assert!(matches!(
        journal.append(&[record(&more)]),
        Err(Error::Poisoned)
    ));
    assert_eq!(journal.stable(), 2);
}

#[test]
fn what_a_failed_sync_left_in_the_systems_memory_is_written_again() {
    let memory = Memory::new();
    let mut journal = write(memory.clone(), LIMITS, &[1, 2]);
    memory.fail();
    assert!(journal.sync().is_err());
    memory.mend();
    drop(journal);
    let opened = Journal::open(memory.clone(), LIMITS).unwrap();
    assert_eq!(
        opened.journal.stable(),
        6,
        "still seen, so it counts from now on"
    );
    memory.cut_power(|_, _| false);
    check(&memory, 6, false);
}

#[test]
fn a_record_that_does_not_fit_is_refused_and_the_journal_goes_on() {
    let mut journal = write(Memory::new(), LIMITS, &[1, 0]);
    let large = vec![1; LIMITS.frame_bytes_max - FRAME_BYTES_MIN + 1];
    let fits = body(3);
    let refused = journal.append(&[record(&fits), record(&large)]);
    assert!(matches!(refused, Err(Error::TooLarge { bytes: 121, .. })));
    let empty = Record {
        body: &fits,
        count: 0,
    };
    assert!(matches!(journal.append(&[empty]), Err(Error::Empty)));
    assert_eq!(journal.append(&[record(&fits)]).unwrap(), 3);
    assert!(LIMITS.take(large.len() - 1) && !LIMITS.take(large.len()));
    let narrow = Limits {
        segment_bytes_max: 120,
        ..LIMITS
    };
    assert!(matches!(
        Journal::open(Memory::new(), narrow),
        Err(Error::Limits { .. })
    ));
}

#[test]
fn a_reader_goes_on_where_it_stopped_while_the_journal_grows() {
    let mut journal = write(Memory::new(), LIMITS, &[9, 0]);
    let mut reader = Reader::new(journal.source());
    let mut seen = Vec::new();
    let mut read = |from, to, seen: &mut Vec<Position>| {
        seen.clear();
        reader.read(from, to, |first, found, _| {
            assert_eq!(found, body(first));
            seen.push(first);
            if first == 15 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
    };
    read(4, 9, &mut seen).unwrap();
    assert_eq!(seen, [3, 5, 7, 9]);
    read(11, 18, &mut seen).unwrap();
    assert_eq!(seen, [11, 13, 15], "the visitor had enough");
    read(17, 18, &mut seen).unwrap();
    assert_eq!(seen, [17]);
    journal.append(&[record(&body(19))]).unwrap();
    journal.sync().unwrap();
    read(1, 4, &mut seen).unwrap();
    assert_eq!(seen, [1, 3], "back to the start");
    read(19, 20, &mut seen).unwrap();
    assert_eq!(seen, [19]);
    let error = read(19, 22, &mut seen).unwrap_err();
    assert!(
        matches!(error, Error::Damaged { position: 21, .. }),
        "{error}"
    );
}

#[test]
fn real_files_are_cut_refused_and_locked_like_memory() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("journal");
    let journal = write(Directory::open(&path).unwrap(), LIMITS, &[2, 9, 1, 0]);
    let (segment, tail) = (journal.segment, usize::try_from(journal.tail).unwrap());
    let second = Directory::open(&path).unwrap_err();
    assert_eq!(second.kind(), std::io::ErrorKind::WouldBlock);
    let end = read_all(&*journal.source());
    drop(journal);
    assert_eq!(end, 24);

    let files = Files::new(&path);
    let file = files.path_of(segment);
    assert!(files.path_of(1).ends_with("00000000000000000001.log"));
    let whole = fs::read(&file).unwrap();
    for cut in tail - FRAME_BYTES_MIN - 29..tail {
        for fill in [&[][..], &[0; 50], &[0xFF; 50]] {
            fs::write(&file, [&whole[..cut], fill].concat()).unwrap();
            let opened = Journal::open(Directory::open(&path).unwrap(), LIMITS).unwrap();
            assert_eq!(opened.torn.map(|torn| torn.position), Some(23));
            drop(opened.journal);
            let left = fs::read(&file).unwrap();
            assert_eq!(frame::without_zeros(&left), tail - FRAME_BYTES_MIN - 30);
            assert_eq!(read_all(&files), 22);
        }
    }

    let mut first = fs::read(files.path_of(1)).unwrap();
    first[HEADER_BYTES + 40] ^= 1;
    fs::write(files.path_of(1), first).unwrap();
    let error = Journal::open(Directory::open(&path).unwrap(), LIMITS).unwrap_err();
    let sentence = error.to_string();
    assert!(sentence.contains("00000000000000000001.log"), "{sentence}");
    assert!(sentence.contains("restore a backup"), "{sentence}");
}

#[test]
fn closed_segments_are_not_read_twice_and_what_is_being_written_can_be_looked_at() {
    let memory = Memory::new();
    let mut journal = write(memory.clone(), LIMITS, &[3, 9, 0]);
    let closed = scan_closed(&memory, |_, _, _| {}).unwrap();
    assert_eq!(closed.segments + 1, memory.segments().unwrap().len());
    let look = |from: &Scanned| {
        let mut next = from.end + 1;
        let visit = |first: Position, read: &[u8], count: u32| {
            assert_eq!((first, read, count), (next, &body(first)[..], 2));
            next += u64::from(count);
        };
        look_after(from, &memory, visit).unwrap()
    };
    assert_eq!(look(&closed), 24);
    let tail = usize::try_from(journal.tail).unwrap();
    // Half a frame is no end of the world to somebody who only looks.
    memory.alter(journal.segment, |bytes| bytes[tail] = 0xA5);
    assert_eq!(look(&closed), 24);
    memory.alter(journal.segment, |bytes| bytes[tail] = 0);

    for _ in 0..9 {
        journal.append(&[record(&body(journal.end() + 1))]).unwrap();
    }
    journal.sync().unwrap();
    assert_eq!(look(&closed), 42);
    drop(journal);
    let mut first_read = None;
    let after = scan_after(closed.clone(), &memory, |first, _, _| {
        first_read.get_or_insert(first);
    });
    assert_eq!(after.unwrap(), scan(&memory, |_, _, _| {}).unwrap());
    assert_eq!(first_read, Some(closed.end + 1));
}
