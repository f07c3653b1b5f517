//! What is asked of an engine, and what it answers.

use crate::domain::{
    Changes, Correlation, Fields, Kind, Money, Refusal, delivery::Delivery, order::Order,
    payment::Payment, storefront::CommandAction,
};

/// Where a command comes from.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Ties together everything the request leads to.
    pub correlation: Correlation,
    /// The caller's own key for the command (`Idempotency-Key`), if it sent one.
    pub key: Option<CommandKey>,
}

/// A caller's own name for a command, so that a repetition gets the same answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandKey {
    /// As sent; at most 255 bytes.
    pub key: String,
    /// A checksum of method, path and body.
    pub fingerprint: u64,
}

/// A request in the domain's terms.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is asked for.
    pub action: CommandAction,
    /// The order it is about; `None` only where one is to be placed.
    pub order: Option<u64>,
    /// All fields of the order (`PlaceOrder`).
    pub fields: Fields,
    /// What shall be different (`AmendOrder`).
    pub changes: Changes,
    /// The amount the request carries.
    pub amount: Option<Money>,
    /// Refused unless this holds; looked at where the command is decided.
    pub expected: Option<Expected>,
}

/// What a caller takes for granted about what it changes (`If-Match`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The kind of entity that was read.
    pub kind: Kind,
    /// The versions that it may have. None fits if there are none.
    pub versions: Vec<u64>,
}

impl Request {
    /// Asks for a new order.
    pub fn place(fields: Fields, amount: Option<Money>) -> Self {
        Self {
            action: CommandAction::PlaceOrder,
            order: None,
            fields,
            changes: Vec::new(),
            amount,
            expected: None,
        }
    }
}

/// An entity's state as it was read or answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Entity {
    /// An order.
    Order(Order),
    /// A payment.
    Payment(Payment),
    /// A delivery.
    Delivery(Delivery),
}

/// An entity with its number and version.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its number.
    pub number: u64,
    /// How many events made it; its `ETag`.
    pub version: u64,
    /// Its state.
    pub entity: Entity,
}

/// A view's row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The order's number.
    pub number: u64,
    /// Its values; those not set are null.
    pub fields: Fields,
}

/// A part of a collection.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// In the order of their numbers.
    pub items: Vec<T>,
    /// How many the whole collection has.
    pub total: u64,
}

/// Why a call did not do what was asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The rule said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The machine said no.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Why the machine said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Too much is under way. Nothing was done.
    #[error("too many requests are under way; nothing was done, try again shortly")]
    Overloaded,
    /// The payment provider cannot be reached. Nothing was ordered or charged.
    #[error("payments cannot be made at the moment; nothing was ordered and nothing charged")]
    PaymentUnavailable,
    /// The payment provider did not answer in time. Nothing was ordered; a late charge is undone.
    #[error("the payment was not confirmed in time; nothing was ordered, a late charge is undone")]
    PaymentTimedOut,
    /// The caller's deadline passed; the command may still be carried out.
    #[error("no answer in time; the outcome is unknown, look it up before trying again")]
    OutcomeUnknown,
    /// A handler panicked; the entity is restarted from the store. Nothing was done.
    #[error("the request failed inside; nothing was done, and it was reported")]
    Crashed,
    /// The entity failed too often and waits for an operator.
    #[error("this entity failed repeatedly and waits for an operator")]
    Quarantined,
    /// The store cannot be written or read.
    #[error("the store cannot be used; see the server's log")]
    Store,
    /// The engine is shutting down.
    #[error("the server is shutting down; nothing was done, try again shortly")]
    Stopping,
    /// A component that the request needs is paused. Nothing was done.
    #[error("a part of the shop that this needs is paused; nothing was done, try again later")]
    Paused,
    /// A view has not caught up within its limit.
    #[error("the view is being brought up to date; try again shortly")]
    ViewBehind,
}
