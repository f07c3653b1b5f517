//! What HTTP, and any other program, may call. Hides addresses, shards and messages.

use std::sync::Arc;

use crate::domain::{
    Correlation, Fields, Kind, Money, Refusal,
    delivery::Delivery,
    order::Order,
    payment::Payment,
    storefront::{CommandAction, Storefront},
};

/// One running engine. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    storefronts: Vec<Arc<Storefront>>,
}

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
    /// All fields as they shall be (`PlaceOrder`, `AmendOrder`).
    pub fields: Fields,
    /// The amount the request carries.
    pub amount: Option<Money>,
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
    /// A view has not caught up within its limit.
    #[error("the view is being brought up to date; try again shortly")]
    ViewBehind,
}

impl Engine {
    /// The storefronts it serves, in the order they were mounted.
    pub fn storefronts(&self) -> &[Arc<Storefront>] {
        &self.inner.storefronts
    }

    /// Carries out a command. The answer is the addressed entity as the command left it, and comes
    /// only after everything is durable.
    ///
    /// Runs on even if the returned future is dropped.
    pub async fn perform(
        &self,
        _storefront: usize,
        _request: Request,
        _context: Context,
    ) -> Result<Item, Error> {
        unreachable!("filled in by the engine")
    }

    /// An entity as it is stored, unless it is not on the lists.
    pub fn item(
        &self,
        _storefront: usize,
        _kind: Kind,
        _number: u64,
    ) -> Result<Option<Item>, Failure> {
        unreachable!("filled in by the engine")
    }

    /// Listed entities by their place in the collection: at most `limit` from `offset` on.
    pub fn items(
        &self,
        _storefront: usize,
        _kind: Kind,
        _offset: u64,
        _limit: usize,
    ) -> Result<Page<Item>, Failure> {
        unreachable!("filled in by the engine")
    }

    /// A row of the view with this place in the storefront's definition, once the view has seen
    /// everything that was committed when the call was made.
    pub async fn row(
        &self,
        _storefront: usize,
        _view: usize,
        _number: u64,
    ) -> Result<Option<Row>, Failure> {
        unreachable!("filled in by the engine")
    }

    /// Rows of a view by their place: at most `limit` from `offset` on.
    pub async fn rows(
        &self,
        _storefront: usize,
        _view: usize,
        _offset: u64,
        _limit: usize,
    ) -> Result<Page<Row>, Failure> {
        unreachable!("filled in by the engine")
    }

    /// Whether every shard answers; `/livez`.
    pub async fn is_live(&self) -> bool {
        unreachable!("filled in by the engine")
    }

    /// Why the engine takes no requests at the moment, if it does not; `/readyz`.
    pub fn not_ready(&self) -> Option<Failure> {
        unreachable!("filled in by the engine")
    }
}
