//! What is asked of an engine, and what it answers.

use std::sync::Arc;

use super::unreadable;
pub use crate::domain::entity::{Entity, Item};
use crate::{
    domain::{
        Cause, Changes, Fields, FieldsRef, Kind, Money, Origin, Refusal, order::Line,
        storefront::CommandAction,
    },
    views::kept,
};

/// Where a command comes from.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Ties together everything the request leads to.
    pub origin: Origin,
    /// What is recorded as the turn's cause; what the request asks for if this says nothing.
    pub cause: Option<Cause>,
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

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Something that is to begin with it.
    New,
    /// The order with this number, or what is done for it.
    Order(u64),
    /// The order with this key of its client's.
    Key(String),
    /// The listing with this number, or its approval.
    Listing(u64),
    /// What the approval with this number is about.
    Approval(u64),
}

/// A request in the domain's terms.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is asked for.
    pub action: CommandAction,
    /// What it is about.
    pub target: Target,
    /// All fields of what is to begin (`PlaceOrder`, `OfferListing`).
    pub fields: Fields,
    /// What shall be different (`AmendOrder`, `AmendListing`), or be noted (`AdvanceDelivery`).
    pub changes: Changes,
    /// The amount the request carries.
    pub amount: Option<Money>,
    /// The listings that an order is for (`PlaceOrder`).
    pub lines: Vec<Line>,
    /// The order's key of its client's (`PlaceOrder`).
    pub key: Option<String>,
    /// How many there are (`OfferListing`, `AmendListing`); `None` where it is not counted, or stays.
    pub on_hand: Option<u64>,
    /// The step to take, counted from 0 (`AdvanceDelivery`); the next one if it is not said.
    pub step: Option<u8>,
    /// The step of the delivery, counted from 0, after which the request is refused
    /// (`AmendOrder`, `PayOrder`, `CancelOrder`, `RemoveOrder`).
    pub until: Option<u8>,
    /// Who asks, where the storefront wants to know (`AdvanceDelivery`).
    pub asked_by: Option<String>,
    /// What is answered with: the kind of the resource that was addressed.
    pub answer_with: Kind,
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
    /// Asks for this of that, and says nothing more.
    pub const fn new(action: CommandAction, target: Target, answer_with: Kind) -> Self {
        Self {
            action,
            target,
            fields: Fields::new(),
            changes: Vec::new(),
            amount: None,
            lines: Vec::new(),
            key: None,
            on_hand: None,
            step: None,
            until: None,
            asked_by: None,
            answer_with,
            expected: None,
        }
    }

    /// The number of the order that it names, if it names one by its number.
    pub const fn order(&self) -> Option<u64> {
        match self.target {
            Target::Order(number) => Some(number),
            Target::New | Target::Key(_) | Target::Listing(_) | Target::Approval(_) => None,
        }
    }

    /// Asks for a new order.
    pub fn place(fields: Fields, amount: Option<Money>) -> Self {
        Self {
            fields,
            amount,
            ..Self::new(CommandAction::PlaceOrder, Target::New, Kind::Order)
        }
    }
}

/// A view's row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The order's number, or the listing's.
    pub number: u64,
    /// As it is stored: whoever shows it reads its fields where they stand.
    stored: Arc<[u8]>,
}

impl Row {
    pub(super) const fn new(number: u64, stored: Arc<[u8]>) -> Self {
        Self { number, stored }
    }

    /// Its values; those not set are null. [`Failure::Store`] if they cannot be read.
    pub fn fields(&self) -> Result<FieldsRef<'_>, Failure> {
        kept::read(&self.stored).map_err(|error| unreadable(&error))
    }
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
    /// So many payments failed lately that the provider is left alone for a while. Nothing was
    /// ordered or charged.
    #[error(
        "payments are suspended since too many failed; nothing was done, try again in {retry_s} s"
    )]
    PaymentSuspended {
        /// In how many seconds the provider may be asked again.
        retry_s: u32,
    },
    /// As many payments are under way as the provider is asked for at once. Nothing was ordered or
    /// charged.
    #[error("as many payments are under way as may be; nothing was done, try again shortly")]
    PaymentOverloaded,
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
    /// The disk has no room. Nothing was done.
    #[error("there is no room on the disk; nothing was done, it is taken again once there is some")]
    StoreFull,
    /// The shard that it belongs to is being made again. Nothing was done.
    #[error("a part of the server is being restarted; nothing was done, try again shortly")]
    Restarting,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_cannot_be_read_is_not_shown_as_empty() {
        let row = Row::new(1, Arc::from(*b"\xFF"));
        assert_eq!(row.fields(), Err(Failure::Store));
    }
}
