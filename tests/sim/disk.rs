//! The committer of a simulation: the real journal, written when the simulation says so.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

use jumun::{
    actors::lane::Lane,
    store::{
        commit::{
            Commit, CommitFailed, Committed, Lane as _, NotTaken, Position, Settled, Submission,
            Taken,
        },
        journal::{Journal, Record},
    },
};

use super::{STOREFRONTS, book::Book, chance};

/// Shared by the shards and the simulation.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    state: Arc<Mutex<State>>,
    lanes: Vec<Arc<Lane>>,
    /// Whether what comes alone is settled at once, as the committer does: in one life of four.
    settles_at_once: bool,
}

#[derive(Debug)]
struct State {
    journal: Journal,
    waiting: VecDeque<Submission>,
    appended: Vec<Submission>,
    synced: Vec<(usize, Settled)>,
    /// Durable, not seen by the views.
    unseen: VecDeque<Committed>,
    random: fastrand::Rng,
    /// How many of 100 submissions are not taken.
    refusals: u32,
    taken: u64,
    failed: bool,
    /// Who is told what is durable, if anyone is.
    book: Option<Arc<Mutex<Book>>>,
}

impl Disk {
    pub(crate) fn new(
        journal: Journal,
        random: fastrand::Rng,
        refusals: u32,
        lanes: &[Arc<Lane>],
        book: Option<Arc<Mutex<Book>>>,
    ) -> Self {
        let settles_at_once = chance(&mut random.clone(), 25);
        let state = Arc::new(Mutex::new(State {
            journal,
            waiting: VecDeque::new(),
            appended: Vec::new(),
            synced: Vec::new(),
            unseen: VecDeque::new(),
            random,
            refusals,
            taken: 0,
            failed: false,
            book,
        }));
        Self {
            state,
            lanes: lanes.to_vec(),
            settles_at_once,
        }
    }

    pub(crate) fn durable(&self) -> Position {
        self.state().journal.stable()
    }

    pub(crate) fn failed(&self) -> bool {
        self.state().failed
    }

    /// How many submissions it has taken.
    pub(crate) fn taken(&self) -> u64 {
        self.state().taken
    }

    /// Takes everything from now on.
    pub(crate) fn heal(&self) {
        self.state().refusals = 0;
    }

    /// Takes nothing from now on: nobody lives.
    pub(crate) fn go_down(&self) {
        self.state().refusals = 100;
    }

    /// Writes some of what waits, at most `count` batches.
    pub(crate) fn append(&self, count: usize) -> usize {
        let mut state = self.state();
        let count = count.min(state.waiting.len());
        for _ in 0..count {
            let submission = state.waiting.pop_front().expect("counted");
            if let Some(encoded) = &submission.batch {
                let events = u32::try_from(encoded.batch.events.len()).expect("few events");
                let record = Record {
                    body: &encoded.body,
                    count: events,
                };
                state.failed |= state.journal.append(&[record]).is_err();
            }
            state.appended.push(submission);
        }
        count
    }

    /// Makes durable what was written.
    pub(crate) fn sync(&self) -> usize {
        let state = &mut *self.state();
        let events: usize = state
            .appended
            .iter()
            .filter_map(|submission| submission.batch.as_ref())
            .map(|encoded| encoded.batch.events.len())
            .sum();
        state.failed |= events > 0 && state.journal.sync().is_err();
        let mut end = state.journal.end().saturating_sub(events as u64);
        let mut book = state.book.as_ref().map(|book| book.lock().unwrap());
        let count = state.appended.len();
        for Submission {
            lane,
            ticket,
            batch,
            ..
        } in state.appended.drain(..)
        {
            if state.failed {
                state.synced.push((
                    lane,
                    Settled {
                        ticket,
                        outcome: Err(CommitFailed),
                    },
                ));
                continue;
            }
            let mut position = end;
            if let Some(encoded) = batch {
                position = end + 1;
                end += encoded.batch.events.len() as u64;
                if let Some(book) = &mut book {
                    book.take(position, &encoded.batch, &STOREFRONTS);
                }
                state.unseen.push_back(Committed {
                    first: position,
                    batch: encoded.batch,
                });
            }
            state.synced.push((
                lane,
                Settled {
                    ticket,
                    outcome: Ok(position),
                },
            ));
        }
        count
    }

    /// Tells the shards what became of what they submitted.
    pub(crate) fn settle(&self) -> usize {
        let synced = std::mem::take(&mut self.state().synced);
        for (lane, settled) in &synced {
            self.lanes[*lane].settled(&[*settled]);
        }
        synced.len()
    }

    /// The durable batches that the views have not seen.
    pub(crate) fn unseen(&self, count: usize) -> Vec<Committed> {
        let mut state = self.state();
        let count = count.min(state.unseen.len());
        state.unseen.drain(..count).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Commit for Disk {
    fn submit(&self, submission: Submission) -> Result<Taken, NotTaken> {
        let mut state = self.state();
        let refusals = state.refusals;
        if chance(&mut state.random, refusals) {
            return Err(NotTaken(submission));
        }
        state.taken += 1;
        let is_alone = submission.is_straight
            && submission.batch.is_some()
            && state.waiting.is_empty()
            && state.appended.is_empty()
            && state.synced.is_empty();
        state.waiting.push_back(submission);
        drop(state);
        if self.settles_at_once && is_alone {
            self.append(1);
            self.sync();
            self.settle();
        }
        Ok(Taken::default())
    }
}
