//! A turn: one command with all that follows from it at once, committed as one batch.
//!
//! The turn is a token. It travels in messages from actor to actor, each adding its events, and an
//! order has one open turn at a time. So nothing sees half of a turn, and giving one up means
//! dropping it and forgetting the actors it visited.

use std::{collections::VecDeque, fmt, sync::Arc};

use serde::Serialize;

use super::{
    breakers::Permit,
    handles::{CommandKey, Error, Expected, Item},
    shelf::Hold,
};
pub(super) use super::{
    caller::Caller,
    token::{Serial, Token},
};
use crate::{
    domain::{
        Cause, EntityKey, Fields, Kind, Origin, Stamped, Timestamp,
        ids::{ListingId, OrderId},
        payment::Effect,
        saga::{Command, Dossier, Saga},
        storefront::Action,
    },
    store::snapshot,
    telemetry::spans::Begun,
};

/// What turns are about: an order with all that is done for it, or a listing, among all storefronts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Subject {
    /// The storefront's place.
    pub(super) storefront: usize,
    /// The order's number, or the listing's.
    pub(super) number: u64,
    /// [`Kind::Order`] or [`Kind::Listing`].
    pub(super) kind: Kind,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        EntityKey::new(self.kind, self.number).fmt(f)
    }
}

impl Subject {
    /// The order with this number.
    pub(super) const fn of_order(storefront: usize, number: u64) -> Self {
        Self {
            storefront,
            number,
            kind: Kind::Order,
        }
    }

    /// The listing with this number.
    pub(super) const fn of_listing(storefront: usize, number: u64) -> Self {
        Self {
            storefront,
            number,
            kind: Kind::Listing,
        }
    }

    /// Whether it is an order.
    pub(super) const fn is_order(self) -> bool {
        matches!(self.kind, Kind::Order)
    }

    /// Its number, if it is of this kind.
    pub(super) fn if_of(self, kind: Kind) -> Option<u64> {
        (self.kind == kind).then_some(self.number)
    }

    pub(super) const fn order(self) -> OrderId {
        OrderId(self.number)
    }
}

/// An entity's state after its last event in a turn, as it will stand in the store.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) entity: EntityKey,
    pub(super) version: u64,
    pub(super) listed: bool,
    /// Encoded only once it is the turn's last of this entity, and durable.
    pub(super) state: Box<dyn Encode>,
}

/// A state that can be encoded later.
pub(super) trait Encode: fmt::Debug + Send {
    /// Its bytes, as the store keeps them.
    fn encode(&self) -> Arc<[u8]>;

    /// The bytes of a saga, which the store keeps with its dossier ([`Kept`](crate::domain::saga::Kept)).
    fn encode_with(&self, dossier: &Dossier) -> Arc<[u8]>;
}

impl<T: Serialize + fmt::Debug + Send> Encode for T {
    fn encode(&self) -> Arc<[u8]> {
        snapshot::encode(self)
    }

    fn encode_with(&self, dossier: &Dossier) -> Arc<[u8]> {
        snapshot::encode(&(self, dossier))
    }
}

/// One command with all that follows from it at once.
#[derive(Debug)]
pub(super) struct Turn {
    /// Tells its coordinator if it is dropped on the way.
    pub(super) token: Token,
    pub(super) key: Subject,
    pub(super) at: Timestamp,
    /// What opened it.
    pub(super) cause: Cause,
    /// The request that it goes back to.
    pub(super) origin: Origin,
    /// When, for those who want to know more exactly.
    pub(super) begun: Begun,
    pub(super) command_key: Option<CommandKey>,
    pub(super) caller: Option<Caller>,
    /// Commands that are still to be carried out.
    pub(super) todo: VecDeque<Command>,
    /// How many of them are the caller's own; the others are the saga's.
    pub(super) own_commands: usize,
    /// What the caller takes for granted, until it was looked at.
    pub(super) expected: Option<Expected>,
    /// Which entity the caller is answered with.
    pub(super) answer_with: Kind,
    /// Whether the answer is the entity as the whole turn leaves it, rather than as the caller's own
    /// commands did.
    pub(super) answers_last: bool,
    /// The steps of the flow that an order placed in this turn leaves out.
    pub(super) skipped: u32,
    pub(super) answer: Option<Item>,
    pub(super) events: Vec<Stamped>,
    /// How many of them the saga has taken in.
    pub(super) seen: usize,
    pub(super) snapshots: Vec<Snapshot>,
    /// Entities that have something in memory that is not yet submitted.
    pub(super) visited: Vec<EntityKey>,
    /// The saga before the turn, with its version, in case the turn is given up.
    pub(super) before: (Saga, u64),
    /// Provider calls to be made once the events are durable.
    pub(super) effects: Vec<(Effect, Permit)>,
    /// How often the provider was called for these, in earlier turns.
    pub(super) attempt: u32,
    /// Whether the intent of its charge was submitted ahead of it.
    pub(super) is_intended: bool,
    /// What the provider is to be asked for later, if anything is.
    pub(super) later: Option<Later>,
    /// What to answer in place of the entity: the turn is the clean-up after a failed step.
    pub(super) failed: Option<Error>,
    /// The listings that it changed.
    pub(super) holds: Vec<Hold>,
    /// Listings that may be assigned, while one is being chosen.
    pub(super) candidates: VecDeque<Candidate>,
    /// The candidate that was asked last.
    pub(super) chosen: Option<Candidate>,
    /// What the order has to wait for before it can go on.
    pub(super) waits_for: Option<Want>,
    /// How much of what the saga asked for last led to something.
    pub(super) news: usize,
    /// Whether nothing of it did, so that it is not asked again.
    pub(super) idle: bool,
}

/// Why the payment provider is asked later for what the turn recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Later {
    /// It cannot be asked now: the order stands in line.
    NotAsked,
    /// It failed, and the order is accepted all the same: it is asked again when the timer rings.
    Failed,
}

/// What an order waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// Somebody who is free, to be assigned.
    Somebody,
    /// The part of the storefront that does this, which is paused.
    Part(Action),
}

/// A listing that an order may be assigned.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) listing: ListingId,
    pub(super) fields: Fields,
}

impl Turn {
    /// Whether the caller is answered with this entity, as it is now.
    pub(super) fn is_answered_with(&self, entity: EntityKey) -> bool {
        let addressed = entity.kind == self.answer_with && entity.number == self.key.number;
        addressed && (self.own_commands > 0 || self.answers_last)
    }

    /// Keeps the last snapshot of each entity.
    pub(super) fn keep(&mut self, snapshot: Snapshot) {
        match self
            .snapshots
            .iter_mut()
            .find(|kept| kept.entity == snapshot.entity)
        {
            Some(kept) => *kept = snapshot,
            None => self.snapshots.push(snapshot),
        }
    }

    /// Notes that an entity's memory is ahead of what is submitted.
    pub(super) fn visited(&mut self, entity: EntityKey) {
        if !self.visited.contains(&entity) {
            self.visited.push(entity);
        }
    }
}
