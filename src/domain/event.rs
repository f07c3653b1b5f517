//! Everything that can happen, as one sum: what the journal stores and the saga looks at.

use super::{Kind, approval, delivery, listing, order, payment, payout, saga, subscriber};

/// One event of any kind of entity.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Of a listing.
    Listing(listing::Event),
    /// Of an order.
    Order(order::Event),
    /// Of a payment.
    Payment(payment::Event),
    /// Of a delivery.
    Delivery(delivery::Event),
    /// Of a saga.
    Saga(saga::Event),
    /// Of an approval.
    Approval(approval::Event),
    /// Of a payout.
    Payout(payout::Event),
    /// Of a subscriber.
    Subscriber(subscriber::Event),
}

impl Event {
    /// Whose event it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Listing(_) => Kind::Listing,
            Self::Order(_) => Kind::Order,
            Self::Payment(_) => Kind::Payment,
            Self::Delivery(_) => Kind::Delivery,
            Self::Saga(_) => Kind::Saga,
            Self::Approval(_) => Kind::Approval,
            Self::Payout(_) => Kind::Payout,
            Self::Subscriber(_) => Kind::Subscriber,
        }
    }

    /// The domain's word for it, unique within its kind.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Listing(event) => event.name(),
            Self::Order(event) => event.name(),
            Self::Payment(event) => event.name(),
            Self::Delivery(event) => event.name(),
            Self::Saga(event) => event.name(),
            Self::Approval(event) => event.name(),
            Self::Payout(event) => event.name(),
            Self::Subscriber(event) => event.name(),
        }
    }
}

macro_rules! of_kind {
    ($($variant:ident, $module:ident, $as:ident);+ $(;)?) => {
        $(impl From<$module::Event> for Event {
            fn from(event: $module::Event) -> Self {
                Self::$variant(event)
            }
        })+

        impl Event {
            $(
                #[doc = concat!("The event, if it is a ", stringify!($module), "'s.")]
                pub const fn $as(&self) -> Option<&$module::Event> {
                    if let Self::$variant(event) = self { Some(event) } else { None }
                }
            )+
        }
    };
}

of_kind! {
    Listing, listing, as_listing;
    Order, order, as_order;
    Payment, payment, as_payment;
    Delivery, delivery, as_delivery;
    Saga, saga, as_saga;
    Approval, approval, as_approval;
    Payout, payout, as_payout;
    Subscriber, subscriber, as_subscriber;
}
