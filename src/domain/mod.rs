//! Pure rules: what may happen to an order, a payment, a delivery, a listing, and what follows.
//!
//! Each aggregate is a state with two functions: [`Aggregate::decide`] takes a command and may
//! refuse, [`Aggregate::apply`] takes an event and may not, so that replay cannot fail for a
//! business reason. The [`saga`] looks at what has happened to one order and says what to do next.
//!
//! Nothing here reads a clock, draws a random number, does IO, or is `async`; the same inputs
//! always give the same events. No storefront's name, status or path stands here: a storefront is
//! data, read into a [`storefront::Storefront`].

#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::disallowed_methods
)]

pub mod approval;
pub mod assignment;
pub mod breaker;
pub mod delivery;
pub mod entity;
pub mod event;
pub mod fields;
pub mod ids;
pub mod ledger;
pub mod listing;
pub mod money;
pub mod order;
pub mod payment;
pub mod payout;
pub mod recorded;
pub mod refusal;
pub mod saga;
pub mod storefront;
pub mod subscriber;
pub mod time;

pub use event::Event;
pub use fields::{Changes, Fields, FieldsRef, Value, ValueRef};
pub use ids::{EntityKey, Kind};
pub use money::Money;
pub use recorded::{Batch, Cause, Correlation, Origin, Stamped, Trace};
pub use refusal::Refusal;
pub use time::Timestamp;

use serde::{Serialize, de::DeserializeOwned};

/// One kind of thing with a life of its own: its state, and the rules for changing it.
///
/// `Default` is the state before anything has happened ("does not exist yet").
pub trait Aggregate:
    Default + Clone + std::fmt::Debug + Serialize + DeserializeOwned + 'static
{
    /// Which kind of entity this is; part of its key in the store.
    const KIND: Kind;
    /// What one may ask of it.
    type Command: Clone + std::fmt::Debug;
    /// What may have happened to it.
    type Event: Clone + std::fmt::Debug + Into<Event>;

    /// Decides what `command` makes happen, or why it may not.
    ///
    /// No events means that the command is already fulfilled. A command that is repeated is
    /// answered this way, so that a retry after an unknown outcome is safe.
    fn decide(&self, command: &Self::Command) -> Result<Vec<Self::Event>, Refusal>;

    /// Takes in what has happened. Never refuses: it is also how history is replayed.
    fn apply(&mut self, event: &Self::Event);

    /// The aggregate's own event inside the sum, if it is one of its own.
    fn event_of(event: &Event) -> Option<&Self::Event>;

    /// Whether anything has happened to it at all.
    fn exists(&self) -> bool;
}
