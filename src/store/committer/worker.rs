//! The committer's work: done by its thread, or by whoever submits alone.

use std::{
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::{Limits, Listeners, Shared, UnderWay};
use crate::store::{
    commit::{CommitFailed, Committed, Follower, Lane, Settled, Submission, Wake},
    journal::{self, Journal, Record},
};

pub(super) struct Worker {
    journal: Journal,
    lanes: Vec<Arc<dyn Lane>>,
    followers: Vec<Box<dyn Follower>>,
    on_failure: Option<Box<dyn FnOnce() + Send>>,
    /// Whether it failed in a way that the program is to end of.
    is_over: bool,
    under_way: UnderWay,
    limits: Limits,
    shared: Arc<Shared>,
    /// What is being committed. Lives here, so that a panic does not lose it.
    group: Vec<Submission>,
    group_bytes: usize,
    /// By lane, what it has not been told yet.
    untold: Vec<Vec<Settled>>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("journal", &self.journal)
            .field("group", &self.group.len())
            .finish_non_exhaustive()
    }
}

impl Worker {
    pub(super) fn new(
        journal: Journal,
        listeners: Listeners,
        under_way: UnderWay,
        limits: Limits,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            journal,
            untold: vec![Vec::new(); listeners.lanes.len()],
            lanes: listeners.lanes,
            followers: listeners.followers,
            on_failure: Some(listeners.on_failure),
            is_over: false,
            under_way,
            limits,
            shared,
            group: Vec::new(),
            group_bytes: 0,
        }
    }

    /// Works until nothing more can be submitted and everything is settled.
    pub(super) fn run(self) {
        let shared = Arc::clone(&self.shared);
        let mut resting = Box::new(self);
        while let Some((worker, first)) = shared.queue.first(resting) {
            resting = worker;
            resting.guarded(|worker| {
                worker.take(first);
                worker.gather();
                for wake in worker.commit() {
                    wake();
                }
            });
        }
    }

    /// Commits what somebody submitted alone, on their thread, and says who is to be woken then. Gives it
    /// back where the disk has no room for it: the thread can wait for that.
    pub(super) fn commit_alone(&mut self, submission: Submission) -> Result<Vec<Wake>, Submission> {
        self.take(submission);
        let mut outcome = Ok(Vec::new());
        self.guarded(|worker| {
            let records: Vec<_> = worker.group.iter().filter_map(record).collect();
            let appended = worker.journal.append(&records);
            if let Err(journal::Error::Full { .. }) = appended {
                worker.group_bytes = 0;
                outcome = worker.group.pop().map_or(Ok(Vec::new()), Err);
                return;
            }
            let written = appended.and_then(|_end| worker.sync());
            if written.is_ok() {
                let alone = &worker.shared.statistics.groups_alone;
                alone.fetch_add(1, Ordering::Relaxed);
            }
            outcome = Ok(worker.settle(written));
        });
        outcome
    }

    /// Takes a step. After a panic nothing more is taken, and nobody is left waiting.
    fn guarded(&mut self, step: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| step(self))).is_err() {
            self.give_up();
        }
    }

    fn take(&mut self, submission: Submission) {
        let bytes = submission
            .batch
            .as_ref()
            .map_or(0, |batch| batch.body.len());
        self.group_bytes += bytes;
        self.group.push(submission);
    }

    /// Adds what waits, and what comes while most of those under way are still to come and the window is
    /// open. Waiting for the last of them left the processors idle: nobody who waits for the disk asks
    /// for anything, so it is better to sync one half while the other is worked on.
    fn gather(&mut self) {
        let window = Duration::from_micros(self.limits.window_us);
        let mut deadline = None;
        loop {
            while self.has_room() {
                match self.shared.queue.next() {
                    Some(submission) => self.take(submission),
                    None => break,
                }
            }
            // Without bytes there is no sync to share, and nothing to wait for.
            let is_most = self.group.len() >= self.under_way.count();
            if !self.has_room() || self.group_bytes == 0 || is_most {
                return;
            }
            let now = Instant::now();
            let left = *deadline.get_or_insert(now + window) - now;
            if left.is_zero() {
                return;
            }
            self.shared.queue.wait_for_most(self.group.len(), left);
        }
    }

    fn has_room(&self) -> bool {
        self.group.len() < self.limits.group_max && self.group_bytes < self.limits.group_bytes_max
    }

    /// Commits the group, and says who is to be woken then.
    fn commit(&mut self) -> Vec<Wake> {
        let written = self.write();
        self.settle(written)
    }

    /// Makes the group durable.
    fn write(&mut self) -> Result<(), journal::Error> {
        let records: Vec<_> = self.group.iter().filter_map(record).collect();
        if records.is_empty() {
            return if self.shared.failed.load(Ordering::Relaxed) {
                Err(journal::Error::Poisoned)
            } else {
                Ok(())
            };
        }
        append(&mut self.journal, &records, &self.shared, self.limits)?;
        self.sync()
    }

    /// Makes durable what was appended of the group.
    fn sync(&mut self) -> Result<(), journal::Error> {
        let syncing = Instant::now();
        let durable = self.journal.sync()?;
        let synced = syncing.elapsed();
        self.shared.durable.store(durable, Ordering::Release);

        let records = || self.group.iter().filter_map(record);
        let batches = records().count();
        let alone = self.shared.alone.load(Ordering::Relaxed);
        let alone = if batches == 1 { alone + 1 } else { 0 };
        self.shared.alone.store(alone, Ordering::Relaxed);
        let statistics = &self.shared.statistics;
        let events: u64 = records().map(|record| u64::from(record.count)).sum();
        let add = |counter: &AtomicU64, more: u64| {
            counter.fetch_add(more, Ordering::Relaxed);
        };
        add(&statistics.groups, 1);
        add(&statistics.batches, batches as u64);
        add(&statistics.events, events);
        add(&statistics.bytes, self.group_bytes as u64);
        statistics.group_sizes.observe(batches as u64);
        statistics.sync_times.observe_time(synced);
        statistics
            .syncs
            .store(self.journal.syncs(), Ordering::Relaxed);
        Ok(())
    }

    /// Says what became of the group, and who is to be woken then.
    fn settle(&mut self, written: Result<(), journal::Error>) -> Vec<Wake> {
        let mut wakes = Vec::new();
        if let Err(error) = written {
            // Once it failed every further group fails, and says nothing new.
            if !self.shared.failed.swap(true, Ordering::AcqRel) {
                self.is_over = matches!(error, journal::Error::Sync { .. });
                tracing::error!(%error, "nothing more can be committed");
            }
            self.settle_group_as_failed();
        } else {
            let committed = self.settle_group();
            if !committed.is_empty() {
                let followers = self.followers.iter_mut();
                wakes.extend(followers.filter_map(|follower| follower.committed(&committed)));
            }
        }
        self.group_bytes = 0;
        self.tell();
        if self.is_over {
            self.announce_failure();
        }
        wakes
    }

    /// Gives each submission of a durable group its position; returns its batches.
    fn settle_group(&mut self) -> Vec<Committed> {
        let events: u64 = self
            .group
            .iter()
            .filter_map(|submission| submission.batch.as_ref())
            .map(|encoded| encoded.batch.events.len() as u64)
            .sum();
        let mut end = self.journal.end() - events;
        let mut committed = Vec::with_capacity(self.group.len());
        for Submission {
            lane,
            ticket,
            batch,
            ..
        } in self.group.drain(..)
        {
            let mut position = end;
            if let Some(encoded) = batch {
                position = end + 1;
                end += encoded.batch.events.len() as u64;
                committed.push(Committed {
                    first: position,
                    batch: encoded.batch,
                });
            }
            let outcome = Ok(position);
            self.untold[lane].push(Settled { ticket, outcome });
        }
        committed
    }

    fn settle_group_as_failed(&mut self) {
        for submission in self.group.drain(..) {
            self.untold[submission.lane].push(failed(&submission));
        }
    }

    /// Tells each lane what became of its submissions.
    fn tell(&mut self) {
        for (lane, untold) in self.lanes.iter().zip(&mut self.untold) {
            if !untold.is_empty() {
                // Taken first: a lane that panics has been told.
                let mut told = mem::take(untold);
                lane.settled(&told);
                told.clear();
                *untold = told;
            }
        }
    }

    /// After the lanes were told, so that callers have their answers before the program ends.
    fn announce_failure(&mut self) {
        if let Some(on_failure) = self.on_failure.take() {
            on_failure();
        }
    }

    /// After a panic: takes nothing more, and leaves nobody waiting.
    fn give_up(&mut self) {
        tracing::error!("the committer panicked; nothing more can be committed");
        self.shared.failed.store(true, Ordering::Release);
        self.shared.close();
        self.settle_group_as_failed();
        while let Some(submission) = self.shared.queue.next() {
            self.untold[submission.lane].push(failed(&submission));
        }
        let mut lanes_left = self.lanes.len();
        while lanes_left > 0 && catch_unwind(AssertUnwindSafe(|| self.tell())).is_err() {
            lanes_left -= 1;
        }
        if catch_unwind(AssertUnwindSafe(|| self.announce_failure())).is_err() {
            tracing::error!("whoever was to hear that nothing can be committed panicked too");
        }
    }
}

/// Appends the group, once there is room for it. Fails for want of room only when nothing more is to
/// be submitted.
fn append(
    journal: &mut Journal,
    records: &[Record<'_>],
    shared: &Shared,
    limits: Limits,
) -> Result<(), journal::Error> {
    let mut left = records;
    loop {
        let mut end = journal.end();
        let appended = journal.append(left);
        let Err(error @ journal::Error::Full { .. }) = appended else {
            if appended.is_ok() && shared.full.swap(false, Ordering::AcqRel) {
                tracing::info!("there is room again; what waited is committed");
            }
            return appended.map(drop);
        };
        while let [first, rest @ ..] = left
            && end < journal.end()
        {
            end += u64::from(first.count);
            left = rest;
        }
        if !shared.full.swap(true, Ordering::AcqRel) {
            tracing::error!(%error, "commits wait for room; new commands are refused meanwhile");
        }
        let pause = Duration::from_millis(limits.full_retry_ms);
        if shared.queue.closed_within(pause) {
            return Err(error);
        }
    }
}

fn failed(submission: &Submission) -> Settled {
    Settled {
        ticket: submission.ticket,
        outcome: Err(CommitFailed),
    }
}

fn record(submission: &Submission) -> Option<Record<'_>> {
    let encoded = submission.batch.as_ref()?;
    let count = u32::try_from(encoded.batch.events.len()).expect("a batch fits in a frame");
    let body = &encoded.body;
    Some(Record { body, count })
}
