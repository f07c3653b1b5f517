//! What is written down: the events of one turn, each stamped with its entity and version.
//!
//! A batch is the unit of atomicity. Either all of it is durable or none of it is.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{EntityKey, Event, Kind, Timestamp, ids::OrderId, listing};

/// Ties together everything that one request from outside led to. A UUID's 128 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Correlation(pub [u8; 16]);

impl fmt::Display for Correlation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// An event with the entity it happened to and that entity's version after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamped {
    /// Whose event it is.
    pub entity: EntityKey,
    /// The entity's version after it: its first event makes version 1, each further one adds 1.
    pub version: u64,
    /// What happened.
    pub event: Event,
}

impl Stamped {
    /// The order that it is about, if it is about one: a listing's reservation is about its order.
    pub const fn order(&self) -> Option<OrderId> {
        match &self.event {
            Event::Listing(
                listing::Event::Reserved { order, .. }
                | listing::Event::Released { order, .. }
                | listing::Event::Handed { order, .. },
            ) => Some(*order),
            Event::Listing(_) | Event::Subscriber(_) => None,
            Event::Approval(event) => {
                let subject = event.subject();
                match subject.kind {
                    Kind::Order => Some(OrderId(subject.number)),
                    Kind::Listing
                    | Kind::Payment
                    | Kind::Delivery
                    | Kind::Saga
                    | Kind::Approval
                    | Kind::Payout
                    | Kind::Subscriber => None,
                }
            }
            Event::Order(_)
            | Event::Payment(_)
            | Event::Delivery(_)
            | Event::Payout(_)
            | Event::Saga(_) => Some(OrderId(self.entity.number)),
        }
    }
}

/// A command that its caller named with a key of its own, and what was answered.
///
/// Kept with the events that the command made, so that a repeated key finds the same answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The caller's key (`Idempotency-Key`), as sent.
    pub key: String,
    /// A checksum of the request, to tell a repetition from another request under the same key.
    pub fingerprint: u64,
    /// The entity that the command made or changed.
    pub entity: EntityKey,
    /// The entity's version as it was answered; events of the same batch may follow it.
    pub version: u64,
}

/// The events of one turn, in the order they happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The storefront they belong to, by name.
    pub storefront: Arc<str>,
    /// When they were decided.
    pub at: Timestamp,
    /// The request they all go back to.
    pub correlation: Correlation,
    /// The keyed command that this batch answers, if it was one.
    pub answered: Option<Answered>,
    /// At least one.
    pub events: Vec<Stamped>,
}
