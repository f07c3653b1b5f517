//! Identities: one newtype per kind of entity, so that a payment's number is never taken for an
//! order's, with a prefix that lets a log line explain itself (`ord_42`).
//!
//! An order's payment, approval, delivery, payout and saga carry the order's own number. They live
//! on the same shard, and finding one from the other needs no index. A listing has a number of its
//! own, and its approval carries that one. A subscriber's is made from its name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many consecutive numbers share a page of the store, a shard, and a block of fresh numbers.
///
/// Measured in a prototype: pages of 64 cost 2 µs of CPU per order where one key per entity cost
/// 35 (ARCHITECTURE.md, "Storage").
pub const NUMBERS_PER_PAGE: u64 = 64;

/// A kind of entity. The numbers are stored and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Kind {
    /// What can be ordered.
    Listing = 1,
    /// What a customer asked for.
    Order = 2,
    /// The money of one order.
    Payment = 3,
    /// What fulfils an order.
    Delivery = 4,
    /// The coordinator's memory of one order's flow.
    Saga = 5,
    /// Somebody's yes or no to an order or a listing.
    Approval = 6,
    /// The seller's share of one order's money.
    Payout = 7,
    /// Who follows what happens in the storefront, and settles it.
    Subscriber = 8,
}

impl Kind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Listing,
        Self::Order,
        Self::Payment,
        Self::Delivery,
        Self::Saga,
        Self::Approval,
        Self::Payout,
        Self::Subscriber,
    ];

    /// The stored number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Listing => 1,
            Self::Order => 2,
            Self::Payment => 3,
            Self::Delivery => 4,
            Self::Saga => 5,
            Self::Approval => 6,
            Self::Payout => 7,
            Self::Subscriber => 8,
        }
    }

    /// The kind with this stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// The word for it in definitions, messages and tree names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::Order => "order",
            Self::Payment => "payment",
            Self::Delivery => "delivery",
            Self::Saga => "saga",
            Self::Approval => "approval",
            Self::Payout => "payout",
            Self::Subscriber => "subscriber",
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Listing => "lst_",
            Self::Order => "ord_",
            Self::Payment => "pay_",
            Self::Delivery => "dlv_",
            Self::Saga => "sga_",
            Self::Approval => "apr_",
            Self::Payout => "out_",
            Self::Subscriber => "sub_",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One entity within a storefront.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntityKey {
    /// What it is.
    pub kind: Kind,
    /// Its number, from 1.
    pub number: u64,
}

impl EntityKey {
    /// The entity of `kind` with `number`.
    pub const fn new(kind: Kind, number: u64) -> Self {
        Self { kind, number }
    }
}

impl fmt::Display for EntityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kind.prefix(), self.number)
    }
}

macro_rules! numbered {
    ($($(#[$doc:meta])* $name:ident => $kind:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// Its key in the store.
            pub const fn key(self) -> EntityKey {
                EntityKey::new(Kind::$kind, self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.key().fmt(f)
            }
        }
    )+};
}

numbered! {
    /// A listing's identity.
    ListingId => Listing,
    /// An order's identity.
    OrderId => Order,
    /// A payment's identity: the number of its order.
    PaymentId => Payment,
    /// A delivery's identity: the number of its order.
    DeliveryId => Delivery,
}

impl OrderId {
    /// The order's payment.
    pub const fn payment(self) -> PaymentId {
        PaymentId(self.0)
    }

    /// The order's delivery.
    pub const fn delivery(self) -> DeliveryId {
        DeliveryId(self.0)
    }

    /// The order's saga.
    pub const fn saga(self) -> EntityKey {
        EntityKey::new(Kind::Saga, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_keep_their_stored_numbers() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_number(kind.number()), Some(kind));
        }
        assert_eq!(Kind::from_number(0), None);
        assert_eq!(
            Kind::Order.number(),
            2,
            "stored in every journal: never renumber"
        );
    }

    #[test]
    fn a_log_line_explains_itself() {
        assert_eq!(OrderId(42).to_string(), "ord_42");
        assert_eq!(OrderId(42).payment().to_string(), "pay_42");
    }
}
