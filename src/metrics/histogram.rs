//! How often something was how large, counted without a lock.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Counts of what was observed, by size. An observation costs two additions and a short search.
#[derive(Debug)]
pub struct Histogram {
    /// The upper bounds, ascending and inclusive, in the unit that is observed.
    bounds: &'static [u64],
    /// One for each bound, and one for what is above all of them.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
    is_time: bool,
}

/// What a [`Histogram`] had counted at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// The upper bounds, ascending; in microseconds for times.
    pub bounds: &'static [u64],
    /// How many were observed up to each bound and above the one before; last those above all.
    pub counts: Vec<u64>,
    /// Of all that was observed; in microseconds for times.
    pub sum: u64,
    /// Whether it is of times.
    pub is_time: bool,
}

impl Histogram {
    /// For times, with these bounds in microseconds, ascending.
    pub fn of_times(bounds_us: &'static [u64]) -> Self {
        Self::new(bounds_us, true)
    }

    /// For numbers of things, with these bounds, ascending.
    pub fn of_numbers(bounds: &'static [u64]) -> Self {
        Self::new(bounds, false)
    }

    fn new(bounds: &'static [u64], is_time: bool) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
            is_time,
        }
    }

    /// Counts one of this size.
    pub fn observe(&self, size: u64) {
        let at = self.bounds.partition_point(|bound| *bound < size);
        self.counts[at].fetch_add(1, Relaxed);
        self.sum.fetch_add(size, Relaxed);
    }

    /// Counts one that took so long.
    pub fn observe_time(&self, time: Duration) {
        self.observe(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// What was counted so far. Taken while others count: an observation may be in the counts and not
    /// in the sum yet.
    pub fn read(&self) -> Distribution {
        Distribution {
            bounds: self.bounds,
            counts: self.counts.iter().map(|one| one.load(Relaxed)).collect(),
            sum: self.sum.load(Relaxed),
            is_time: self.is_time,
        }
    }
}

impl Distribution {
    /// How many were observed.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_counts_what_is_as_large_as_it_and_the_last_place_what_is_larger_than_all() {
        let histogram = Histogram::of_times(&[10, 100]);
        for size in [0, 10, 11, 100] {
            histogram.observe(size);
        }
        histogram.observe_time(Duration::from_millis(1));
        let read = histogram.read();
        assert_eq!((read.counts.as_slice(), read.sum), (&[2, 2, 1][..], 1_121));
        assert_eq!(read.count(), 5);
    }
}
