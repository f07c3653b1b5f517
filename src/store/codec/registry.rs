//! Which number stands for which event in the journal: one table, in one place.
//!
//! A number is given once and never again, even when its event is gone. A changed body gets the
//! next schema version, a step in [`super::upcast::STEPS`], and a new golden file.

use crate::domain::Kind;

/// An event as the journal knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Type {
    /// Stands for it on disk; never reused.
    pub number: u16,
    /// Whose event it is.
    pub kind: Kind,
    /// The domain's word for it.
    pub name: &'static str,
    /// The version of its body that is written today, from 1.
    pub schema: u16,
}

macro_rules! types {
    ($($number:literal $constant:ident $kind:ident $name:literal $schema:literal;)+) => {
        $(pub(super) const $constant: u16 = $number;)+

        /// Every event type, in the order of their numbers.
        pub const TYPES: &[Type] = &[
            $(Type { number: $number, kind: Kind::$kind, name: $name, schema: $schema },)+
        ];
    };
}

types! {
    101 LISTING_OFFERED         Listing  "offered"         1;
    102 LISTING_OPENED          Listing  "opened"          1;
    103 LISTING_CLOSED          Listing  "closed"          1;
    104 LISTING_RESERVED        Listing  "reserved"        1;
    105 LISTING_RELEASED        Listing  "released"        1;
    106 LISTING_AMENDED         Listing  "amended"         1;
    107 LISTING_SOLD_OUT        Listing  "sold_out"        1;
    108 LISTING_FREED           Listing  "freed"           1;
    109 LISTING_REMOVED         Listing  "removed"         1;
    110 LISTING_HANDED          Listing  "handed"          1;
    201 ORDER_PLACED            Order    "placed"          1;
    202 ORDER_AMENDED           Order    "amended"         1;
    203 ORDER_HELD              Order    "held"            1;
    204 ORDER_CONFIRMED         Order    "confirmed"       1;
    205 ORDER_COMPLETED         Order    "completed"       1;
    206 ORDER_CANCELLED         Order    "cancelled"       1;
    207 ORDER_REMOVED           Order    "removed"         1;
    208 ORDER_ITEMISED          Order    "itemised"        1;
    209 ORDER_PRICED            Order    "priced"          1;
    301 PAYMENT_REQUESTED       Payment  "requested"       1;
    302 PAYMENT_CAPTURED        Payment  "captured"        1;
    303 PAYMENT_FAILED          Payment  "failed"          1;
    304 PAYMENT_VOID_REQUESTED  Payment  "voiding"         1;
    305 PAYMENT_REFUND_REQUESTED Payment "refunding"       1;
    306 PAYMENT_REFUNDED        Payment  "refunded"        1;
    401 DELIVERY_PLANNED        Delivery "planned"         1;
    402 DELIVERY_STEPPED        Delivery "step"            1;
    403 DELIVERY_DONE           Delivery "done"            1;
    404 DELIVERY_CANCELLED      Delivery "cancelled"       1;
    405 DELIVERY_NOTED          Delivery "noted"           1;
    501 SAGA_RETRY_SCHEDULED    Saga     "retry_scheduled" 1;
    502 SAGA_SETTLED            Saga     "settled"         1;
    503 SAGA_ROUTED             Saga     "routed"          1;
    504 SAGA_AWAITING           Saga     "awaiting"        1;
    505 SAGA_GAVE_UP            Saga     "gave_up"         1;
    506 SAGA_RESUMED            Saga     "resumed"         1;
    601 APPROVAL_REQUESTED      Approval "requested"       1;
    602 APPROVAL_GRANTED        Approval "granted"         1;
    603 APPROVAL_REFUSED        Approval "refused"         1;
    604 APPROVAL_WITHDRAWN      Approval "withdrawn"       1;
    605 APPROVAL_EXPIRED        Approval "expired"         1;
    701 PAYOUT_SCHEDULED        Payout   "scheduled"       1;
    702 PAYOUT_PAID             Payout   "paid"            1;
    703 PAYOUT_TAKEN_BACK       Payout   "taken_back"      1;
    801 SUBSCRIBER_SUBSCRIBED   Subscriber "subscribed"    1;
    802 SUBSCRIBER_AMENDED      Subscriber "amended"       1;
    803 SUBSCRIBER_LEASED       Subscriber "leased"        1;
    804 SUBSCRIBER_PASSED       Subscriber "passed"        1;
    805 SUBSCRIBER_ACKNOWLEDGED Subscriber "acknowledged"  1;
    806 SUBSCRIBER_DEFERRED     Subscriber "deferred"      1;
    807 SUBSCRIBER_PARKED       Subscriber "parked"        1;
    808 SUBSCRIBER_EXTENDED     Subscriber "extended"      1;
    809 SUBSCRIBER_RELEASED     Subscriber "released"      1;
    810 SUBSCRIBER_REDELIVERED  Subscriber "redelivered"   1;
    811 SUBSCRIBER_DISCARDED    Subscriber "discarded"     1;
    812 SUBSCRIBER_SOUGHT       Subscriber "sought"        1;
    813 SUBSCRIBER_PAUSED       Subscriber "paused"        1;
    814 SUBSCRIBER_RESUMED      Subscriber "resumed"       1;
    815 SUBSCRIBER_REMOVED      Subscriber "removed"       1;
}

/// The type with this number, if this version knows it.
pub fn registered(number: u16) -> Option<&'static Type> {
    TYPES
        .binary_search_by_key(&number, |known| known.number)
        .ok()
        .map(|at| &TYPES[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_and_each_name_stands_once() {
        for pair in TYPES.windows(2) {
            assert!(pair[0].number < pair[1].number, "{pair:?}");
        }
        for known in TYPES {
            let same = |other: &&Type| (other.kind, other.name) == (known.kind, known.name);
            assert_eq!(TYPES.iter().filter(same).count(), 1, "{known:?}");
            assert_eq!(registered(known.number), Some(known));
        }
        assert_eq!(registered(0), None);
    }
}
