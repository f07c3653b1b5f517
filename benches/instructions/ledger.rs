//! A committer without a thread: what waits is written, synced, settled and shown to the views when it is
//! told to.

use std::sync::{Arc, Mutex, MutexGuard};

use jumun::{
    actors::lane::Lane,
    store::{
        commit::{
            Commit, Committed, Follower, Lane as _, NotTaken, Position, Settled, Submission, Taken,
        },
        journal::{Journal, Record},
        tally::Count,
    },
    views::projector::Projector,
};

/// Who hears of what is durable, as `app` wires it.
pub(crate) struct Listeners {
    pub(crate) lanes: Vec<Arc<Lane>>,
    pub(crate) projector: Arc<Projector>,
    pub(crate) count: Count,
}

/// Shared by the shard and whoever drives it.
#[derive(Clone)]
pub(crate) struct Ledger(Arc<Mutex<State>>);

struct State {
    journal: Journal,
    waiting: Vec<Submission>,
    listeners: Listeners,
}

impl Ledger {
    pub(crate) fn new(journal: Journal, listeners: Listeners) -> Self {
        Self(Arc::new(Mutex::new(State {
            journal,
            waiting: Vec::new(),
            listeners,
        })))
    }

    pub(crate) fn durable(&self) -> Position {
        self.state().journal.stable()
    }

    /// Makes everything that waits durable as one group, and tells everybody.
    pub(crate) fn work(&self) {
        let state = &mut *self.state();
        if state.waiting.is_empty() {
            return;
        }
        let group: Vec<Submission> = state.waiting.drain(..).collect();
        let mut position = state.journal.end();
        let encoded = group.iter().filter_map(|own| own.batch.as_ref());
        let records: Vec<Record<'_>> = encoded
            .map(|own| Record {
                body: &own.body,
                count: u32::try_from(own.batch.events.len()).expect("a handful"),
            })
            .collect();
        if !records.is_empty() {
            state.journal.append(&records).expect("there is memory");
            state.journal.sync().expect("there is memory");
        }
        let mut committed = Vec::with_capacity(group.len());
        let mut settled: Vec<Vec<Settled>> = vec![Vec::new(); state.listeners.lanes.len()];
        for Submission {
            lane,
            ticket,
            batch,
            ..
        } in group
        {
            let mut first = position;
            if let Some(encoded) = batch {
                first = position + 1;
                position += encoded.batch.events.len() as u64;
                let batch = encoded.batch;
                committed.push(Committed { first, batch });
            }
            let outcome = Ok(first);
            settled[lane].push(Settled { ticket, outcome });
        }
        let listeners = &mut state.listeners;
        for (lane, settled) in listeners.lanes.iter().zip(&settled) {
            if !settled.is_empty() {
                lane.settled(settled);
            }
        }
        // It has no thread that would have to be woken.
        drop(listeners.count.committed(&committed));
        let seen = listeners.projector.take(&committed);
        seen.expect("there is memory");
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0
            .lock()
            .expect("nothing panics while it holds the lock")
    }
}

impl Commit for Ledger {
    fn submit(&self, submission: Submission) -> Result<Taken, NotTaken> {
        self.state().waiting.push(submission);
        Ok(Taken::default())
    }
}
