//! Panics, where the engine says that it survives them.

use std::{
    collections::BTreeSet,
    panic::resume_unwind,
    sync::{Arc, Mutex, MutexGuard},
};

use jumun::actors::faults::{Faults, Place, Point};

/// Panics now and then, without a word on the terminal.
#[derive(Clone, Debug)]
pub(crate) struct Strikes(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    random: fastrand::Rng,
    per_mille: u32,
    /// Of 10,000 messages to a shard, after how many it dies.
    deaths: u32,
    died: usize,
    hit: BTreeSet<u64>,
}

impl Strikes {
    pub(crate) fn new(random: fastrand::Rng, per_mille: u32) -> Self {
        Self(Arc::new(Mutex::new(State {
            random,
            per_mille,
            deaths: 0,
            died: 0,
            hit: BTreeSet::new(),
        })))
    }

    /// Lets whole shards die, too.
    pub(crate) fn with_deaths(self, of_ten_thousand: u32) -> Self {
        self.state().deaths = of_ten_thousand;
        self
    }

    /// How many shards died.
    pub(crate) fn died(&self) -> usize {
        self.state().died
    }

    pub(crate) fn end(&self) {
        self.state().deaths = 0;
        self.state().per_mille = 0;
    }

    /// Whether an order of this number has ever made something panic.
    pub(crate) fn hit(&self, number: u64) -> bool {
        self.state().hit.contains(&number)
    }

    pub(crate) fn any(&self) -> bool {
        let state = self.state();
        state.died > 0 || !state.hit.is_empty()
    }

    fn strike_shard(&self) {
        let mut state = self.state();
        if state.deaths > 0 && state.random.u32(0..10_000) < state.deaths {
            state.died += 1;
            drop(state);
            resume_unwind(Box::new("a death"));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl Faults for Strikes {
    fn strike(&self, point: Point<'_>) {
        if point.place == Place::Shard {
            return self.strike_shard();
        }
        let (Place::Decide | Place::Apply | Place::React, Some(number)) =
            (point.place, point.number)
        else {
            return;
        };
        let mut state = self.state();
        if state.random.u32(0..1_000) < state.per_mille {
            state.hit.insert(number);
            drop(state);
            resume_unwind(Box::new("a strike"));
        }
    }
}
