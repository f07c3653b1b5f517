//! The payment provider: somebody else's books, which no crash of ours forgets.

use std::{
    collections::BTreeMap,
    panic::resume_unwind,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use jumun::{
    actors::provider::{Answer, Call, Provider, Settles, Trouble},
    clock::Clock,
    domain::{
        Timestamp,
        payment::{self, Effect},
    },
};

use super::{
    STOREFRONTS,
    book::{Book, Name},
    chance,
};

/// What became of a charge, at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charge {
    Taken(i64),
    Declined,
    GivenBack(i64),
    /// Undone before or after it arrived; it is refused from then on.
    Void,
}

#[derive(Debug)]
struct Books {
    random: fastrand::Rng,
    settles: Settles,
    /// How many of 100 calls go wrong in some way.
    trouble: u32,
    clock: Clock,
    /// Whether nobody can call, since nobody lives.
    is_cut_off: bool,
    charges: BTreeMap<Name, Charge>,
    /// Calls that have not arrived yet.
    late: Vec<(Timestamp, Call)>,
    complaints: Vec<String>,
}

/// The provider of all storefronts.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    books: Arc<Mutex<Books>>,
    durable: Arc<Mutex<Book>>,
}

impl Remote {
    pub(crate) fn new(
        random: fastrand::Rng,
        settles: Settles,
        trouble: u32,
        durable: Arc<Mutex<Book>>,
    ) -> Self {
        let (charges, late, complaints) = (BTreeMap::new(), Vec::new(), Vec::new());
        let clock = Clock::System;
        let books = Books {
            random,
            settles,
            trouble,
            clock,
            is_cut_off: true,
            charges,
            late,
            complaints,
        };
        Self {
            books: Arc::new(Mutex::new(books)),
            durable,
        }
    }

    pub(crate) fn keep_time(&self, clock: Clock) {
        self.books().clock = clock;
    }

    /// Whether calls get through at all.
    pub(crate) fn cut_off(&self, is_cut_off: bool) {
        self.books().is_cut_off = is_cut_off;
    }

    /// From now on it does what it is asked, at once.
    pub(crate) fn heal(&self) {
        self.books().trouble = 0;
    }

    /// Lets what is due arrive; says what was wrong since the last time.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let mut books = self.books();
        books.arrive();
        std::mem::take(&mut books.complaints)
    }

    pub(crate) fn settles_elsewhere(&self) -> bool {
        self.books().settles == Settles::Elsewhere
    }

    pub(crate) fn charges(&self) -> BTreeMap<Name, Charge> {
        self.books().charges.clone()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// Nobody may be called before what is asked of them is durable.
    fn check(&self, call: &Call) -> Result<(), String> {
        let needed = match call.effect {
            Effect::Charge { .. } => payment::State::Requested,
            Effect::Refund { .. } => payment::State::Refunding,
            Effect::Void { .. } => payment::State::Voiding,
        };
        if self.durable.lock().unwrap().was(name(call), needed) {
            return Ok(());
        }
        Err(format!("{} was called before it was durable", call.key()))
    }
}

impl Provider for Remote {
    fn settles(&self) -> Settles {
        self.books().settles
    }

    fn call(&self, call: Call) -> Answer {
        if self.books().is_cut_off {
            return Answer::Now(Err(Trouble::Unavailable));
        }
        let elsewhere = self.settles_elsewhere();
        let checked = if elsewhere { self.check(&call) } else { Ok(()) };
        let mut books = self.books();
        books.complaints.extend(checked.err());
        books.arrive();
        let trouble = books.trouble;
        if !chance(&mut books.random, trouble) {
            books.act(&call);
            return Answer::Now(books.answer(&call));
        }
        let kind = books.random.u32(0..10);
        let soon = books.random.u64(0..200);
        match kind {
            0 => Answer::Now(Err(Trouble::Unavailable)),
            // The answer is lost.
            1 => {
                books.act(&call);
                Answer::Now(Err(Trouble::Unavailable))
            }
            2 => {
                if books.random.bool() {
                    books.act(&call);
                }
                drop(books);
                resume_unwind(Box::new("the provider's mistake"))
            }
            // Slow, perhaps too slow; perhaps the call arrives twice.
            3..=6 => {
                let wait_ms = if kind == 6 {
                    books.random.u64(0..2_000)
                } else {
                    soon
                };
                let arrives = books.random.u64(0..=wait_ms);
                books.send(&call, arrives);
                if books.random.bool() {
                    let again = books.random.u64(0..20_000);
                    books.send(&call, again);
                }
                drop(books);
                self.later(call, wait_ms)
            }
            // Hangs, and the call arrives some time later, or never.
            7 | 8 => {
                if kind == 7 {
                    let arrives = books.random.u64(0..30_000);
                    books.send(&call, arrives);
                }
                Answer::Later(Box::pin(std::future::pending()))
            }
            _ => {
                if elsewhere && matches!(call.effect, Effect::Charge { .. }) {
                    books.charges.entry(name(&call)).or_insert(Charge::Declined);
                }
                books.act(&call);
                Answer::Now(books.answer(&call))
            }
        }
    }
}

impl Remote {
    fn later(&self, call: Call, wait_ms: u64) -> Answer {
        let remote = self.clone();
        Answer::Later(Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            let mut books = remote.books();
            books.arrive();
            books.act(&call);
            books.answer(&call)
        }))
    }
}

impl Books {
    fn send(&mut self, call: &Call, after_ms: u64) {
        let due = self.clock.now().plus_ms(after_ms);
        self.late.push((due, call.clone()));
    }

    fn arrive(&mut self) {
        let now = self.clock.now();
        let (due, late) = std::mem::take(&mut self.late)
            .into_iter()
            .partition(|(due, _)| *due <= now);
        self.late = late;
        let due: Vec<(Timestamp, Call)> = due;
        for (_, call) in due {
            self.act(&call);
        }
    }

    /// Does what is asked, once.
    fn act(&mut self, call: &Call) {
        if self.settles == Settles::InJournal {
            return;
        }
        let (name, found) = (name(call), self.charges.get(&name(call)).copied());
        let next = match (&call.effect, found) {
            (Effect::Charge { amount, .. }, None) => Charge::Taken(amount.minor),
            (
                Effect::Charge { amount, .. },
                Some(Charge::Taken(taken) | Charge::GivenBack(taken)),
            ) if taken != amount.minor => {
                self.complaints
                    .push(format!("{}: another amount", call.key()));
                return;
            }
            (Effect::Refund { amount, .. }, Some(Charge::Taken(taken)))
                if taken == amount.minor =>
            {
                Charge::GivenBack(taken)
            }
            (Effect::Void { .. }, None | Some(Charge::Taken(_))) => Charge::Void,
            (Effect::Refund { .. }, Some(Charge::GivenBack(_)))
            | (Effect::Charge { .. }, Some(_))
            | (Effect::Void { .. }, Some(Charge::Void | Charge::Declined)) => return,
            (Effect::Refund { .. } | Effect::Void { .. }, found) => {
                self.complaints
                    .push(format!("{}: nonsense for {found:?}", call.key()));
                return;
            }
        };
        self.charges.insert(name, next);
    }

    fn answer(&mut self, call: &Call) -> Result<(), Trouble> {
        let declined = Err(Trouble::Declined("no".to_owned()));
        if self.settles == Settles::InJournal {
            // Whoever takes any money back takes it back.
            let is_charge = matches!(call.effect, Effect::Charge { .. });
            let trouble = self.trouble.min(10);
            return match (is_charge, chance(&mut self.random, trouble)) {
                (_, false) => Ok(()),
                (true, true) => declined,
                (false, true) => Err(Trouble::Unavailable),
            };
        }
        match (&call.effect, self.charges.get(&name(call))) {
            (Effect::Charge { .. }, Some(Charge::Taken(_)))
            | (Effect::Refund { .. }, Some(Charge::GivenBack(_)))
            | (Effect::Void { .. }, Some(Charge::Void | Charge::Declined)) => Ok(()),
            (Effect::Charge { .. }, _) => declined,
            (Effect::Refund { .. } | Effect::Void { .. }, _) => Err(Trouble::Unavailable),
        }
    }
}

fn name(call: &Call) -> Name {
    let place = STOREFRONTS
        .iter()
        .position(|name| **name == *call.storefront);
    (
        place.expect("only mounted storefronts call"),
        call.effect.order().0,
    )
}
