//! `[limits]`: how much of everything.

use serde::Deserialize;

use super::Range;

/// How much of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Shards; 0 for one for every two cores.
    pub shards: usize,
    /// HTTP workers; 0 for one for each core.
    pub workers: usize,
    /// Requests under way at once on one shard.
    pub requests_per_shard_max: usize,
    /// How long a caller waits.
    pub request_ms_max: u64,
    /// How long a shard may take to answer before it is replaced.
    pub stuck_ms_max: u64,
    /// How long a shutdown waits for what is under way.
    pub drain_ms_max: u64,
    /// How often what changed in memory is written to the trees.
    pub checkpoint_ms: u64,
    /// Pages kept in memory.
    pub pages_max: usize,
    /// Bytes of pages kept in memory.
    pub pages_bytes_max: u64,
    /// Pages that may wait to be written.
    pub backlog_max: usize,
    /// Bytes that must be free on the data directory's disk for commands to be taken.
    pub disk_free_bytes_min: u64,
}

impl Limits {
    pub(super) fn ranges(&self) -> Vec<Range> {
        let requests = self.requests_per_shard_max as u64;
        vec![
            ("limits.shards", self.shards as u64, 0, 256),
            ("limits.workers", self.workers as u64, 0, 256),
            ("limits.requests_per_shard_max", requests, 1, 65_536),
            ("limits.request_ms_max", self.request_ms_max, 1, 600_000),
            ("limits.stuck_ms_max", self.stuck_ms_max, 50, 600_000),
            ("limits.drain_ms_max", self.drain_ms_max, 0, 600_000),
            ("limits.checkpoint_ms", self.checkpoint_ms, 10, 60_000),
            ("limits.pages_max", self.pages_max as u64, 64, 1 << 20),
            (
                "limits.pages_bytes_max",
                self.pages_bytes_max,
                1 << 20,
                1 << 40,
            ),
            ("limits.backlog_max", self.backlog_max as u64, 64, 1 << 20),
            (
                "limits.disk_free_bytes_min",
                self.disk_free_bytes_min,
                16 << 20,
                1 << 50,
            ),
        ]
    }
}
