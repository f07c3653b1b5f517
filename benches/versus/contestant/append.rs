//! The ceiling of everything that is durable: one thread that appends the bytes of orders to a
//! preallocated file, as the journal does, and waits for `fdatasync`.

use std::{fs::File, io, os::unix::fs::FileExt, time::Duration};

use rustix::fs::{FallocateFlags, fallocate};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::{
    contest::{self, Server},
    result::{Line, median},
};

/// As large as the journal's segments; the file is written again from its beginning.
const FILE_BYTES: u64 = 64 << 20;

/// What a batch has around it in the journal: length, checksum, positions, number of events.
const FRAME_BYTES: u64 = 28;

/// A file that is appended to, and what came of it.
#[derive(Debug)]
pub(crate) struct Append {
    file: File,
    at: u64,
    rounds: Vec<[u64; 3]>,
    /// Orders in a sync and bytes of an order, of the last round.
    group: (u64, u64),
    _directory: TempDir,
}

/// What the engine had committed at some time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Committed {
    groups: u64,
    batches: u64,
    bytes: u64,
}

impl Append {
    /// On the disk on which Jumun has its data.
    pub(crate) fn new() -> io::Result<Self> {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let file = File::create(directory.path().join("append"))?;
        fallocate(&file, FallocateFlags::empty(), 0, FILE_BYTES)?;
        file.sync_all()?;
        Ok(Self {
            file,
            at: 0,
            rounds: Vec::new(),
            group: (1, 1),
            _directory: directory,
        })
    }

    /// A round of as many bytes in as large groups as the engine wrote between `before` and `after`.
    pub(crate) fn round(
        &mut self,
        before: Committed,
        after: Committed,
        length: Duration,
    ) -> io::Result<()> {
        let batches = (after.batches - before.batches).max(1);
        let groups = (after.groups - before.groups).max(1);
        let orders = (batches / groups).max(1);
        let bytes = (after.bytes - before.bytes) / batches + FRAME_BYTES;
        self.group = (orders, bytes);
        let group = vec![0x5a; usize::try_from(orders * bytes).map_err(io::Error::other)?];
        let began = Instant::now();
        let mut latencies_us = Vec::new();
        let mut last = began;
        while latencies_us.is_empty() || last - began < length {
            if self.at + orders * bytes > FILE_BYTES {
                self.at = 0;
            }
            self.file.write_all_at(&group, self.at)?;
            self.file.sync_data()?;
            self.at += orders * bytes;
            let now = Instant::now();
            latencies_us.push(u64::try_from((now - last).as_micros()).unwrap_or(u64::MAX));
            last = now;
        }
        let took_us = u64::try_from((last - began).as_micros()).unwrap_or(u64::MAX);
        let syncs = latencies_us.len() as u64;
        latencies_us.sort_unstable();
        let percentile = |percent| latencies_us[(latencies_us.len() - 1) * percent / 100];
        let per_second = syncs * orders * 1_000_000 / took_us.max(1);
        self.rounds
            .push([per_second, percentile(50), percentile(99)]);
        Ok(())
    }

    /// All rounds as a line, and a sentence about how it appended.
    pub(crate) fn line(&self) -> (Line, String) {
        let all = |at: usize| self.rounds.iter().map(|own| own[at]).collect::<Vec<_>>();
        let (orders, bytes) = self.group;
        let line = Line {
            p50_us: Some(median(&all(1))),
            p99_us: Some(median(&all(2))),
            ..Line::plain("append", all(0))
        };
        let each = match orders {
            1 => "each with a sync of its own".to_owned(),
            _ => format!("{orders} with one sync, as many as Jumun had in a group"),
        };
        let what = format!("append: {bytes} bytes an order, as Jumun writes them, {each}");
        (line, what)
    }
}

impl Committed {
    /// As `/metrics` of this server says.
    pub(crate) fn of(server: &Server) -> io::Result<Self> {
        let text = contest::ask(server, &contest::get(server, "/metrics"), 200)?;
        let text = String::from_utf8_lossy(&text);
        let figure = |name: &str| {
            let mut lines = text.lines();
            let value = lines.find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
            value.ok_or_else(|| io::Error::other(format!("/metrics has no {name}")))
        };
        Ok(Self {
            groups: figure("jumun_commit_groups_total ")?,
            batches: figure("jumun_commit_batches_total ")?,
            bytes: figure("jumun_commit_written_bytes_total ")?,
        })
    }
}
