//! Refusals: the rule said no. Never mixed with failures, where the machine said no.

use super::{Kind, Money};

/// Why a command may not be carried out. Each has a stable code that clients may rely on; the
/// sentence says what the caller can do and may be improved freely.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing of that kind has that number.
    #[error("there is no {kind} with number {number}")]
    NotFound {
        /// What was looked for.
        kind: Kind,
        /// Under which number.
        number: u64,
    },
    /// A command names an order that does not exist.
    #[error("there is no order {number}: place it first, or correct the number")]
    UnknownOrder {
        /// The number named.
        number: u64,
    },
    /// A new entity under a number that is taken.
    #[error("{kind} {number} exists already")]
    AlreadyExists {
        /// What exists.
        kind: Kind,
        /// Under which number.
        number: u64,
    },
    /// The order was cancelled; nothing more can be done with it.
    #[error("the order is cancelled and cannot be changed any more; place a new one")]
    IsCancelled,
    /// The order has not come to the point where this can be done.
    #[error("the order is not ready for this: it is {state}")]
    OrderNotReady {
        /// The domain's word for where it stands.
        state: &'static str,
    },
    /// The delivery has come too far for this.
    #[error("it is too late for this: the delivery has come to `{step}` already; ask the shop")]
    TooLate {
        /// The storefront's word for the step until which it could have been done.
        step: String,
    },
    /// The amount of an order that was placed does not change.
    #[error("the amount was fixed when the order was placed; cancel it and place a new one")]
    AmountFixed,
    /// An amount below zero.
    #[error("the amount {amount} is below zero")]
    AmountNegative {
        /// The amount given.
        amount: i64,
    },
    /// An amount that no account holds.
    #[error("what was asked for costs more than can be counted; ask for less")]
    AmountTooLarge,
    /// A status that no command of this storefront leads to.
    #[error("the status `{status}` cannot be set by hand here; the order moves by its flow")]
    StatusNotSettable {
        /// The status given.
        status: String,
    },
    /// The payment provider declined the charge.
    #[error("the payment was declined: {reason}; nothing was ordered and nothing was charged")]
    PaymentDeclined {
        /// The provider's reason.
        reason: String,
    },
    /// A payment step that does not fit where the payment stands.
    #[error("the payment cannot do this: it is {state}")]
    PaymentNotReady {
        /// The domain's word for where it stands.
        state: &'static str,
    },
    /// An approval that is not waiting for an answer.
    #[error("there is nothing to approve or refuse here: the approval is {state}")]
    ApprovalNotOpen {
        /// The domain's word for where it stands.
        state: &'static str,
    },
    /// A payout that the seller is not to have, or not yet.
    #[error("there is nothing to pay out: the payout is {state}")]
    PayoutNotDue {
        /// The domain's word for where it stands.
        state: &'static str,
    },
    /// The seller has been paid, so the money cannot go back to the customer.
    #[error("the seller has been paid already; settle it with them, it cannot be called off here")]
    PayoutPaid,
    /// Somebody who has no part in the order.
    #[error("`{who}` has no part in this order")]
    NotAParty {
        /// As given.
        who: String,
    },
    /// A client's own key that another order has.
    #[error("`{key}` is the key of another order; choose another")]
    KeyTaken {
        /// As given.
        key: String,
    },
    /// No order has this key.
    #[error("no order has the key `{key}`: place it first, or correct the key")]
    UnknownKey {
        /// As given.
        key: String,
    },
    /// A command names a listing that does not exist.
    #[error("there is no listing {number}: offer it first, or correct the number")]
    UnknownListing {
        /// The number named.
        number: u64,
    },
    /// More money back than was taken.
    #[error("{asked} cannot be given back: {captured} was taken")]
    RefundTooLarge {
        /// What was asked for.
        asked: Money,
        /// What had been captured.
        captured: Money,
    },
    /// The delivery was cancelled.
    #[error("the delivery is cancelled")]
    DeliveryCancelled,
    /// A delivery step that the storefront does not have.
    #[error("the delivery has no step {step}")]
    UnknownStep {
        /// Counted from 0.
        step: u8,
    },
    /// The listing is not on sale.
    #[error("the listing is {state}, not open for orders")]
    ListingNotOpen {
        /// The domain's word for where it stands.
        state: &'static str,
    },
    /// Not enough on hand.
    #[error("only {available} left, {asked} asked for")]
    SoldOut {
        /// What could still be had.
        available: u64,
        /// What was asked for.
        asked: u64,
    },
    /// A request about an order that names a listing which the order is not for.
    #[error("the order is not for {number}: name the one that was ordered, or none")]
    ListingNotOrdered {
        /// The number named.
        number: u64,
    },
    /// An order that names another price than its listings have.
    #[error("this costs {price}, not {asked}: read the price again, or leave it out")]
    PriceChanged {
        /// What it costs, in minor units.
        price: i64,
        /// The price given.
        asked: i64,
    },
    /// A quantity that makes no sense.
    #[error("the quantity must be at least 1")]
    QuantityZero,
    /// It was changed since the caller read it.
    #[error("its version is \"{version}\" now; read it again")]
    VersionMismatch {
        /// The version that it has.
        version: u64,
    },
    /// Settings that a subscriber cannot have.
    #[error("this cannot be had: {what}")]
    SubscriberInvalid {
        /// What must hold.
        what: &'static str,
    },
    /// Nobody is subscribed by that name.
    #[error("nobody is subscribed by this name: subscribe first, or correct the name")]
    NotSubscribed,
    /// Another subscriber's name has the same number.
    #[error("`{name}` cannot be told from another name that is taken; choose another")]
    NameTaken {
        /// As given.
        name: String,
    },
    /// The storefront has no room for another subscriber.
    #[error("there are {max} subscribers already, which is the most; remove one first")]
    TooManySubscribers {
        /// How many there may be.
        max: u64,
    },
    /// Nothing is given out.
    #[error("it is paused, and gives nothing out until it is resumed: {why}")]
    SubscriberPaused {
        /// Why it is.
        why: String,
    },
    /// Somebody else took a lease meanwhile.
    #[error("somebody else took a lease meanwhile; ask again")]
    LeaseStale,
    /// A lease that has nothing (any more).
    #[error("the lease holds nothing any more; take another")]
    LeaseLost,
    /// An item that is no dead letter.
    #[error("{item} is no dead letter here; read which there are")]
    NotParked {
        /// As given.
        item: u64,
    },
    /// The same idempotency key was used for another request.
    #[error("this idempotency key was used for another request; use a new one")]
    KeyReused,
}

impl Refusal {
    /// The stable code, for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::UnknownOrder { .. } => "unknown_order",
            Self::AlreadyExists { .. } => "already_exists",
            Self::IsCancelled => "order_cancelled",
            Self::OrderNotReady { .. } => "order_not_ready",
            Self::TooLate { .. } => "too_late",
            Self::AmountFixed => "amount_fixed",
            Self::AmountNegative { .. } => "amount_negative",
            Self::AmountTooLarge => "amount_too_large",
            Self::StatusNotSettable { .. } => "status_not_settable",
            Self::PaymentDeclined { .. } => "payment_declined",
            Self::PaymentNotReady { .. } => "payment_not_ready",
            Self::ApprovalNotOpen { .. } => "approval_not_open",
            Self::PayoutNotDue { .. } => "payout_not_due",
            Self::PayoutPaid => "payout_paid",
            Self::NotAParty { .. } => "not_a_party",
            Self::KeyTaken { .. } => "key_taken",
            Self::UnknownKey { .. } => "unknown_key",
            Self::UnknownListing { .. } => "unknown_listing",
            Self::RefundTooLarge { .. } => "refund_too_large",
            Self::DeliveryCancelled => "delivery_cancelled",
            Self::UnknownStep { .. } => "unknown_step",
            Self::ListingNotOpen { .. } => "listing_not_open",
            Self::SoldOut { .. } => "sold_out",
            Self::ListingNotOrdered { .. } => "listing_not_ordered",
            Self::PriceChanged { .. } => "price_changed",
            Self::QuantityZero => "quantity_zero",
            Self::VersionMismatch { .. } => "version_mismatch",
            Self::SubscriberInvalid { .. } => "subscriber_invalid",
            Self::NotSubscribed => "not_subscribed",
            Self::NameTaken { .. } => "name_taken",
            Self::TooManySubscribers { .. } => "too_many_subscribers",
            Self::SubscriberPaused { .. } => "subscriber_paused",
            Self::LeaseStale => "lease_stale",
            Self::LeaseLost => "lease_lost",
            Self::NotParked { .. } => "not_a_dead_letter",
            Self::KeyReused => "idempotency_key_reused",
        }
    }
}
