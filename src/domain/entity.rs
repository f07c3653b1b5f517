//! An entity of any kind, as it stands: what is read from the store, answered and shown.

use super::{
    Kind, approval::Approval, delivery::Delivery, listing::Listing, order::Order, payment::Payment,
    payout::Payout, subscriber::Subscriber,
};

/// An entity's state as it was read or answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Entity {
    /// An order.
    Order(Order),
    /// A payment.
    Payment(Payment),
    /// A delivery.
    Delivery(Delivery),
    /// A listing.
    Listing(Listing),
    /// An approval.
    Approval(Approval),
    /// A payout.
    Payout(Payout),
    /// A subscriber.
    Subscriber(Box<Subscriber>),
}

impl Entity {
    /// What kind it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Order(_) => Kind::Order,
            Self::Payment(_) => Kind::Payment,
            Self::Delivery(_) => Kind::Delivery,
            Self::Listing(_) => Kind::Listing,
            Self::Approval(_) => Kind::Approval,
            Self::Payout(_) => Kind::Payout,
            Self::Subscriber(_) => Kind::Subscriber,
        }
    }
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
