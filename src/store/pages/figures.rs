//! The pages' figures: the cache, what is not written yet, and the checkpoints.

use std::{sync::Mutex, time::Duration};

use tokio::time::Instant;

use super::{Pages, locked};
use crate::metrics::{Histogram, Sheet};

/// Bounds of a checkpoint's time, in microseconds.
const BOUNDS_US: &[u64] = &[
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];

/// The checkpoints that were made.
#[derive(Debug)]
pub(super) struct Checkpoints {
    took: Histogram,
    /// When everything was on the disk, the last time.
    last: Mutex<Instant>,
}

impl Checkpoints {
    pub(super) fn new() -> Self {
        Self {
            took: Histogram::of_times(BOUNDS_US),
            last: Mutex::new(Instant::now()),
        }
    }

    /// One ended well; `None` if there was nothing to write.
    pub(super) fn ended(&self, took: Option<Duration>) {
        *locked(&self.last) = Instant::now();
        if let Some(took) = took {
            self.took.observe_time(took);
        }
    }
}

impl Pages {
    /// Writes down how the cache does, what is not written yet, and how checkpoints go.
    pub fn write_figures(&self, sheet: &mut Sheet) {
        let usage = self.cache.usage();
        let family = sheet.gauge(
            "jumun_page_cache_pages",
            "Pages of snapshots and rows in memory, 64 numbers each. More than \
             jumun_page_cache_pages_max only while they wait to be written.",
        );
        family.is(usage.pages);
        let family = sheet.gauge(
            "jumun_page_cache_pages_max",
            "The setting limits.pages_max.",
        );
        family.is(self.limits.pages_max);
        let family = sheet.gauge(
            "jumun_page_cache_bytes",
            "What the pages in memory take there. More than jumun_page_cache_bytes_max only while they \
             wait to be written; at twice as much commands are refused as overloaded.",
        );
        family.is(usage.bytes);
        let family = sheet.gauge(
            "jumun_page_cache_bytes_max",
            "The setting limits.pages_bytes_max.",
        );
        family.is(self.limits.bytes_max);
        let family = sheet.counter(
            "jumun_page_cache_hits",
            "Looks that found their page in memory.",
        );
        family.is(usage.hits);
        let family = sheet.counter(
            "jumun_page_cache_misses",
            "Looks that had to load their page from the trees, or begin a new one.",
        );
        family.is(usage.misses);
        let family = sheet.gauge(
            "jumun_pages_unwritten",
            "Pages and notes that the next checkpoint writes. At jumun_pages_unwritten_max commands \
             are refused as overloaded.",
        );
        family.is(self.backlog());
        let family = sheet.gauge(
            "jumun_pages_unwritten_max",
            "The setting limits.backlog_max.",
        );
        family.is(self.limits.backlog_max);
        let family = sheet.histogram(
            "jumun_checkpoint_duration_seconds",
            "Time of a checkpoint that had something to write.",
        );
        family.is(self.checkpoints.took.read());
        let family = sheet.gauge(
            "jumun_checkpoint_age_seconds",
            "Time since everything was in the trees on disk, the last time. A start after a crash \
             replays what came later.",
        );
        let last = *locked(&self.checkpoints.last);
        family.is(last.elapsed());
        let family = sheet.gauge(
            "jumun_checkpoint_position",
            "Up to which event the trees on disk are complete.",
        );
        family.is(self.complete_to());
    }
}
