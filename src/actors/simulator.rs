//! The embedded payment provider: takes any payment, as slowly and as unreliably as configured.
//!
//! It keeps no books of its own, so its captures are what the journal says ([`Settles::InJournal`]).
//! The originals' payment services slept and answered the same way; the latency range stands in
//! for their `Thread.sleep(400 + random * 220)`.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::provider::{Answer, Call, Provider, Settles, Trouble};

/// How the simulated provider behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// The shortest time to an answer.
    pub latency_ms_min: u64,
    /// The longest time to an answer.
    pub latency_ms_max: u64,
    /// How many of 1,000 calls fail as if it could not be reached.
    pub failures_per_mille: u16,
    /// Whether no call gets through at all.
    pub down: bool,
}

impl Behaviour {
    const fn answers_at_once(&self) -> bool {
        self.down || (self.latency_ms_min == 0 && self.latency_ms_max == 0)
    }
}

/// The embedded provider.
#[derive(Debug)]
pub struct Simulator {
    behaviour: Mutex<Behaviour>,
    /// As the behaviour says; read without the lock.
    answers_at_once: AtomicBool,
    random: Mutex<fastrand::Rng>,
}

impl Simulator {
    /// A provider that behaves like this; the same seed gives the same latencies and failures.
    pub fn new(behaviour: Behaviour, seed: u64) -> Self {
        Self {
            behaviour: Mutex::new(behaviour),
            answers_at_once: AtomicBool::new(behaviour.answers_at_once()),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
        }
    }

    /// Behaves like this from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        *self
            .behaviour
            .lock()
            .expect("no panic happens while it is held") = behaviour;
        let at_once = behaviour.answers_at_once();
        self.answers_at_once.store(at_once, Ordering::Relaxed);
    }

    fn draw(&self, behaviour: Behaviour) -> (Result<(), Trouble>, u64) {
        let mut random = self
            .random
            .lock()
            .expect("no panic happens while it is held");
        let longest = behaviour.latency_ms_max.max(behaviour.latency_ms_min);
        let latency_ms = random.u64(behaviour.latency_ms_min..=longest);
        let fails = random.u16(0..1_000) < behaviour.failures_per_mille;
        (
            if fails {
                Err(Trouble::Unavailable)
            } else {
                Ok(())
            },
            latency_ms,
        )
    }
}

impl Provider for Simulator {
    fn settles(&self) -> Settles {
        Settles::InJournal
    }

    fn answers_at_once(&self) -> bool {
        self.answers_at_once.load(Ordering::Relaxed)
    }

    fn call(&self, _call: Call) -> Answer {
        let behaviour = *self
            .behaviour
            .lock()
            .expect("no panic happens while it is held");
        if behaviour.down {
            return Answer::Now(Err(Trouble::Unavailable));
        }
        if behaviour == Behaviour::default() {
            return Answer::Now(Ok(()));
        }
        match self.draw(behaviour) {
            (result, 0) => Answer::Now(result),
            (result, latency_ms) => Answer::Later(Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(latency_ms)).await;
                result
            })),
        }
    }
}
