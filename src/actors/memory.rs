//! What an entity's actor keeps: the state as it was loaded from the store, and its version.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use super::{
    crashes,
    entity::Outcome,
    faults::{Place, Point},
    handles::{Entity as Answer, Expected, Failure, Item},
    local::{Local, decode},
    turn::{Snapshot, Subject, Turn},
};
use crate::domain::{
    Aggregate, EntityKey, Kind, Refusal, Stamped, approval, delivery, listing, order, payment,
    payout, storefront::Resource, subscriber,
};

/// What an aggregate must offer beside its rules to be run as an actor.
pub(super) trait Hosted: Aggregate + Unpin + Send {
    /// Whether it stands on its storefront's lists, given the storefront's resource of its kind.
    fn is_listed(&self, resource: Option<&Resource>) -> bool;
    /// As the answer to a caller.
    fn as_answer(&self) -> Answer;
}

impl Hosted for order::Order {
    fn is_listed(&self, _resource: Option<&Resource>) -> bool {
        Self::is_listed(self)
    }

    fn as_answer(&self) -> Answer {
        Answer::Order(self.clone())
    }
}

impl Hosted for payment::Payment {
    fn is_listed(&self, _resource: Option<&Resource>) -> bool {
        Self::is_listed(self)
    }

    fn as_answer(&self) -> Answer {
        Answer::Payment(self.clone())
    }
}

impl Hosted for delivery::Delivery {
    fn is_listed(&self, _resource: Option<&Resource>) -> bool {
        self.exists()
    }

    fn as_answer(&self) -> Answer {
        Answer::Delivery(self.clone())
    }
}

impl Hosted for approval::Approval {
    /// One original listed only what was answered (SEED API 2c), others what waits, too: a state
    /// that the storefront has no word for is not listed.
    fn is_listed(&self, resource: Option<&Resource>) -> bool {
        let about = self.subject.map(|subject| subject.kind);
        resource.is_some_and(|resource| {
            let word = resource.words.of_approval(self.state.name(), about);
            word.is_some()
        })
    }

    fn as_answer(&self) -> Answer {
        Answer::Approval(self.clone())
    }
}

impl Hosted for payout::Payout {
    fn is_listed(&self, resource: Option<&Resource>) -> bool {
        has_word(resource, self.state.name())
    }

    fn as_answer(&self) -> Answer {
        Answer::Payout(self.clone())
    }
}

impl Hosted for subscriber::Subscriber {
    fn is_listed(&self, _resource: Option<&Resource>) -> bool {
        self.exists()
    }

    fn as_answer(&self) -> Answer {
        Answer::Subscriber(Box::new(self.clone()))
    }
}

impl Hosted for listing::Listing {
    fn is_listed(&self, _resource: Option<&Resource>) -> bool {
        Self::is_listed(self)
    }

    fn as_answer(&self) -> Answer {
        Answer::Listing(self.clone())
    }
}

fn has_word(resource: Option<&Resource>, state: &str) -> bool {
    resource.is_some_and(|resource| resource.words.get(state).is_some())
}

/// One entity in memory.
pub(super) struct Memory<A> {
    pub(super) local: Rc<Local>,
    pub(super) storefront: usize,
    pub(super) key: EntityKey,
    pub(super) state: A,
    pub(super) version: u64,
    loaded: bool,
}

impl<A: Hosted> Memory<A> {
    pub(super) fn new(local: Rc<Local>, storefront: usize, number: u64) -> Self {
        Self {
            local,
            storefront,
            key: EntityKey::new(A::KIND, number),
            state: A::default(),
            version: 0,
            loaded: false,
        }
    }

    /// From now on it is the memory of this entity, which is loaded when it is needed. Also if it was
    /// this one's before: another actor may have served it meanwhile.
    pub(super) fn move_in(&mut self, storefront: usize, number: u64) {
        self.storefront = storefront;
        self.key.number = number;
        self.loaded = false;
    }

    /// Carries a command out as a part of the turn.
    pub(super) fn visit(&mut self, command: &A::Command, turn: &mut Turn) -> Outcome {
        if let Err(failure) = self.load() {
            return Outcome::Failed(failure);
        }
        self.local.doing.begin(self.storefront, self.key);
        let own = |expected: &mut Expected| expected.kind == self.key.kind;
        if let Some(expected) = turn.expected.take_if(own)
            && !expected.versions.contains(&self.version)
        {
            let version = self.version;
            return Outcome::Refused(Refusal::VersionMismatch { version });
        }
        match catch_unwind(AssertUnwindSafe(|| self.carry_out(command))) {
            Ok(Ok(stamped)) => {
                let news = !stamped.is_empty();
                if news {
                    turn.visited(self.key);
                    turn.events.extend(stamped);
                    turn.keep(self.snapshot());
                }
                if turn.is_answered_with(self.key) {
                    turn.answer = Some(self.answer());
                }
                Outcome::Done { news }
            }
            Ok(Err(refusal)) => Outcome::Refused(refusal),
            Err(panic) => {
                self.loaded = false;
                // Many orders want a listing, and it is not theirs to answer for.
                let culprit = if A::KIND == Kind::Listing {
                    Subject::of_listing(self.storefront, self.key.number)
                } else {
                    turn.key
                };
                self.local.note_crash(culprit, &crashes::text(&*panic));
                Outcome::Failed(Failure::Crashed)
            }
        }
    }

    /// Puts back what was there before a turn that did not happen.
    pub(super) fn put_back(&mut self, state: A, version: u64) {
        self.state = state;
        self.version = version;
        self.loaded = true;
    }

    /// Loads the state, unless it is there already.
    pub(super) fn load(&mut self) -> Result<(), Failure> {
        if self.loaded {
            return Ok(());
        }
        let found = self.local.slot(self.storefront, self.key)?;
        (self.state, self.version) = match found {
            Some(slot) => (decode(self.key, &slot.bytes)?, slot.version),
            None => (A::default(), 0),
        };
        self.loaded = true;
        Ok(())
    }

    /// Decides and applies; what happened is in `stamped` only if all of it was applied.
    fn carry_out(&mut self, command: &A::Command) -> Result<Vec<Stamped>, Refusal> {
        self.strike(Place::Decide);
        let events = self.state.decide(command)?;
        let mut stamped = Vec::with_capacity(events.len());
        for event in events {
            self.state.apply(&event);
            self.strike(Place::Apply);
            self.version += 1;
            let version = self.version;
            stamped.push(Stamped {
                entity: self.key,
                version,
                event: event.into(),
            });
        }
        Ok(stamped)
    }

    fn strike(&self, place: Place) {
        let storefront = &self.local.storefronts[self.storefront].name;
        let point = Point::of(place, storefront, self.key);
        self.local.faults.strike(point);
    }

    fn snapshot(&self) -> Snapshot {
        let resource = self.local.storefronts[self.storefront].resource(A::KIND);
        Snapshot {
            entity: self.key,
            version: self.version,
            listed: self.state.is_listed(resource),
            state: Box::new(self.state.clone()),
        }
    }

    fn answer(&self) -> Item {
        Item {
            number: self.key.number,
            version: self.version,
            entity: self.state.as_answer(),
        }
    }
}
