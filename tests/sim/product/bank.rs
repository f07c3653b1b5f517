//! The payment provider: its own books, which no crash of ours forgets, and its own mistakes.

use std::{
    collections::BTreeMap,
    panic::resume_unwind,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use jumun::{
    actors::provider::{Answer, Call, Provider, Settles, Trouble},
    clock::Clock,
    domain::{Timestamp, payment::Effect},
};
use tokio::time::sleep;

use super::super::chance;

/// What became of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charge {
    Taken,
    Declined,
    GivenBack,
    Void,
}

#[derive(Debug)]
struct Books {
    random: fastrand::Rng,
    settles: Settles,
    /// How many of 100 calls go wrong.
    trouble: u32,
    /// Takes money and gives none back.
    is_greedy: bool,
    is_cut_off: bool,
    clock: Clock,
    /// By order, and by which of its charges it is.
    charges: BTreeMap<(u64, u32), Charge>,
    late: Vec<(Timestamp, Call)>,
    complaints: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Bank(Arc<Mutex<Books>>);

impl Bank {
    pub(super) fn new(mut random: fastrand::Rng) -> Self {
        let settles = if chance(&mut random, 80) {
            Settles::Elsewhere
        } else {
            Settles::InJournal
        };
        let trouble = random.choice([0, 10, 40, 100]).expect("four");
        let is_greedy = chance(&mut random, 30);
        Self(Arc::new(Mutex::new(Books {
            random,
            settles,
            trouble,
            is_greedy,
            is_cut_off: true,
            clock: Clock::System,
            charges: BTreeMap::new(),
            late: Vec::new(),
            complaints: Vec::new(),
        })))
    }

    pub(super) fn keep_time(&self, clock: Clock) {
        let mut books = self.books();
        (books.clock, books.is_cut_off) = (clock, false);
    }

    pub(super) fn cut_off(&self) {
        self.books().is_cut_off = true;
    }

    /// No mistakes any more; greed is no mistake.
    pub(super) fn calm(&self) {
        self.books().trouble = 0;
    }

    pub(super) fn be_generous(&self) {
        self.books().is_greedy = false;
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        self.books().complaints.clone()
    }

    /// What became of each charge of an order; `None` if the bank keeps no books.
    pub(super) fn charges_of(&self, order: u64) -> Option<Vec<Charge>> {
        let books = self.books();
        let own = books.charges.range((order, 0)..=(order, u32::MAX));
        (books.settles == Settles::Elsewhere).then(|| own.map(|(_, charge)| *charge).collect())
    }

    pub(super) fn orders(&self) -> Vec<u64> {
        let books = self.books();
        books.charges.keys().map(|(order, _)| *order).collect()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap()
    }
}

impl Provider for Bank {
    fn settles(&self) -> Settles {
        self.books().settles
    }

    fn call(&self, call: Call) -> Answer {
        let mut books = self.books();
        let is_charge = matches!(call.effect, Effect::Charge { .. });
        if books.is_cut_off || (books.is_greedy && !is_charge) {
            return Answer::Now(Err(Trouble::Unavailable));
        }
        books.arrive();
        let trouble = books.trouble;
        if !chance(&mut books.random, trouble) {
            return Answer::Now(books.act(&call));
        }
        match books.random.u32(0..9) {
            0..=2 => Answer::Now(Err(Trouble::Unavailable)),
            // The answer is lost.
            3 => {
                drop(books.act(&call));
                Answer::Now(Err(Trouble::Unavailable))
            }
            4 => {
                drop(books);
                resume_unwind(Box::new("the bank's mistake"))
            }
            // Hangs, and the call arrives some time later.
            5 => {
                let due = books.random.u64(0..20_000);
                books.send(&call, due);
                Answer::Later(Box::pin(std::future::pending()))
            }
            // Slow, perhaps too slow; and the call arrives a second time.
            6 | 7 => {
                let again = books.random.u64(0..20_000);
                books.send(&call, again);
                let (bank, wait) = (
                    self.clone(),
                    Duration::from_millis(books.random.u64(0..500)),
                );
                Answer::Later(Box::pin(async move {
                    sleep(wait).await;
                    bank.books().act(&call)
                }))
            }
            _ if is_charge && books.settles == Settles::Elsewhere => {
                let declined = Charge::Declined;
                books.charges.entry(key(&call)).or_insert(declined);
                Answer::Now(books.act(&call))
            }
            _ => Answer::Now(Err(Trouble::TimedOut)),
        }
    }
}

impl Books {
    fn send(&mut self, call: &Call, after_ms: u64) {
        let due = self.clock.now().plus_ms(after_ms);
        self.late.push((due, call.clone()));
    }

    fn arrive(&mut self) {
        let now = self.clock.now();
        let all = std::mem::take(&mut self.late);
        let (due, late): (Vec<_>, Vec<_>) = all.into_iter().partition(|(due, _)| *due <= now);
        self.late = late;
        for (_, call) in due {
            drop(self.act(&call));
        }
    }

    /// Does what is asked, once, and says how it stands.
    fn act(&mut self, call: &Call) -> Result<(), Trouble> {
        if self.settles == Settles::InJournal {
            return Ok(());
        }
        let found = self.charges.get(&key(call)).copied();
        let next = match (&call.effect, found) {
            (Effect::Charge { .. }, None) => Charge::Taken,
            (Effect::Charge { .. }, Some(found)) => found,
            (Effect::Refund { .. }, Some(Charge::Taken | Charge::GivenBack)) => Charge::GivenBack,
            (Effect::Void { .. }, Some(Charge::Declined)) => Charge::Declined,
            (Effect::Void { .. }, None | Some(Charge::Taken | Charge::Void)) => Charge::Void,
            (Effect::Refund { .. } | Effect::Void { .. }, found) => {
                self.complaints
                    .push(format!("{}: nonsense for {found:?}", call.key()));
                return Err(Trouble::Unavailable);
            }
        };
        self.charges.insert(key(call), next);
        match (&call.effect, next) {
            (Effect::Charge { .. }, Charge::Taken)
            | (Effect::Refund { .. } | Effect::Void { .. }, _) => Ok(()),
            (Effect::Charge { .. }, _) => Err(Trouble::Declined("no".to_owned())),
        }
    }
}

fn key(call: &Call) -> (u64, u32) {
    (call.effect.order().0, call.effect.attempt())
}
