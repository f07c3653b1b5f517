//! The committer's figures.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{Committer, Statistics};
use crate::metrics::{Histogram, Sheet};

/// Bounds of a group's batches. The committer takes 1,024 at most.
const GROUP_BOUNDS: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];

/// Bounds of a sync's time, in microseconds: 0.1 ms on a good drive, 10 ms on a turning one; seconds
/// where something else floods the disk.
const SYNC_BOUNDS_US: &[u64] = &[
    50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 102_400, 409_600,
    1_638_400,
];

impl Statistics {
    pub(super) fn new() -> Self {
        let none = || AtomicU64::new(0);
        Self {
            groups: none(),
            groups_alone: none(),
            batches: none(),
            events: none(),
            bytes: none(),
            syncs: none(),
            not_taken: none(),
            group_sizes: Histogram::of_numbers(GROUP_BOUNDS),
            sync_times: Histogram::of_times(SYNC_BOUNDS_US),
        }
    }
}

impl Committer {
    /// Writes down what was committed, what waits, and how long the disk takes.
    pub fn write_figures(&self, sheet: &mut Sheet) {
        let statistics = self.statistics();
        let counters = [
            (
                "jumun_commit_groups",
                "Groups written to the journal. Each is made durable with one sync.",
                &statistics.groups,
            ),
            (
                "jumun_commit_groups_alone",
                "Groups of one batch that its shard wrote itself, since nothing else was under way.",
                &statistics.groups_alone,
            ),
            (
                "jumun_commit_batches",
                "Batches written: one for each command that changed something.",
                &statistics.batches,
            ),
            ("jumun_commit_events", "Events written.", &statistics.events),
            (
                "jumun_commit_written_bytes",
                "Bytes of batches written, without the journal's frames.",
                &statistics.bytes,
            ),
            (
                "jumun_commit_syncs",
                "Syncs of the journal, those on changing segments included.",
                &statistics.syncs,
            ),
            (
                "jumun_commit_rejections",
                "Batches that the committer did not take, since too many waited. Their requests were \
                 refused and nothing was done.",
                &statistics.not_taken,
            ),
        ];
        for (name, help, counter) in counters {
            sheet.counter(name, help).is(counter.load(Relaxed));
        }
        let family = sheet.histogram(
            "jumun_commit_group_batches",
            "Batches in a group. Grows with the load: that is what makes syncs cheap.",
        );
        family.is(statistics.group_sizes.read());
        let family = sheet.histogram(
            "jumun_commit_sync_duration_seconds",
            "Time of a group's sync: the disk's, and the least that a command takes.",
        );
        family.is(statistics.sync_times.read());
        self.write_queue(sheet);
    }

    fn write_queue(&self, sheet: &mut Sheet) {
        let queue = &self.shared.queue;
        let family = sheet.gauge(
            "jumun_commit_queue_batches",
            "Batches that wait for the committer. At jumun_commit_queue_batches_max it takes no more.",
        );
        family.is(queue.len());
        let family = sheet.gauge("jumun_commit_queue_batches_max", "How many may wait.");
        family.is(queue.len_max());
        let family = sheet.gauge(
            "jumun_commit_failed",
            "1 once the journal failed: nothing more is committed until a restart.",
        );
        family.is(self.failed());
        let family = sheet.gauge(
            "jumun_commit_waits_for_room",
            "1 while a group waits for room on the disk.",
        );
        family.is(self.is_full());
        let family = sheet.gauge(
            "jumun_journal_position",
            "The number of the last event that is durable: how many there ever were.",
        );
        family.is(self.durable());
    }
}
