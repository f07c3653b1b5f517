//! A turn: one command with all that follows from it at once, committed as one batch.
//!
//! The turn is a token. It travels in messages from actor to actor, each adding its events, and an
//! order has one open turn at a time. So nothing sees half of a turn, and giving one up means
//! dropping it and forgetting the actors it visited.

use std::collections::VecDeque;

use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::handles::{CommandKey, Error, Expected, Item};
use crate::{
    domain::{
        Correlation, EntityKey, Kind, Stamped, Timestamp,
        ids::OrderId,
        payment::Effect,
        saga::{Command, Saga},
    },
    store::{committer::Guard, snapshot},
};

/// An order among all storefronts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct OrderKey {
    /// The storefront's place.
    pub(super) storefront: usize,
    /// The order's number.
    pub(super) number: u64,
}

impl OrderKey {
    pub(super) const fn order(self) -> OrderId {
        OrderId(self.number)
    }
}

/// Who waits for a turn's outcome. Dropping it gives the permit back.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) reply: oneshot::Sender<Result<Item, Error>>,
    pub(super) _permit: OwnedSemaphorePermit,
    /// Keeps the committer waiting for this request's batch; dropped when it is submitted.
    pub(super) under_way: Option<Guard>,
}

impl Caller {
    /// Answers. A caller that has gone away does not mind.
    pub(super) fn answer(self, outcome: Result<Item, Error>) {
        drop(self.reply.send(outcome));
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
pub(super) trait Encode: std::fmt::Debug + Send {
    /// Its bytes, as the store keeps them.
    fn encode(&self) -> Vec<u8>;
}

impl<T: Serialize + std::fmt::Debug + Send> Encode for T {
    fn encode(&self) -> Vec<u8> {
        snapshot::encode(self)
    }
}

/// One command with all that follows from it at once.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) key: OrderKey,
    pub(super) at: Timestamp,
    pub(super) correlation: Correlation,
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
    pub(super) effects: Vec<Effect>,
    /// How often the provider was called for these, in earlier turns.
    pub(super) attempt: u32,
    /// What to answer in place of the entity: the turn is the clean-up after a failed step.
    pub(super) failed: Option<Error>,
    /// Whether the last command of the saga led to nothing, so that it is not asked again.
    pub(super) idle: bool,
}

impl Turn {
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
