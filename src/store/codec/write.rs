//! From an event to its registered number and stored body.

use std::borrow::Cow;

use serde::Serialize;

use super::{
    registry,
    stored::{
        ApprovalAbout, DeliveryNoted, DeliveryPlanned, DeliveryStepped, ListingOffered,
        ListingShare, OrderAmended, OrderItemised, OrderPlaced, OrderPriced, PaymentAmount,
        PaymentFailed, PaymentRequested, PayoutScheduled, PayoutShares, SagaAwaiting, SagaGaveUp,
        SagaRetryScheduled, SagaRouted, StoredLine,
    },
    subscriber,
};
use crate::domain::{Event, approval, delivery, listing, order, payment, payout, saga};

/// The registered number that stands for `event`.
pub const fn number_of(event: &Event) -> u16 {
    match event {
        Event::Listing(event) => match event {
            listing::Event::Offered { .. } => registry::LISTING_OFFERED,
            listing::Event::Opened => registry::LISTING_OPENED,
            listing::Event::Closed => registry::LISTING_CLOSED,
            listing::Event::Reserved { .. } => registry::LISTING_RESERVED,
            listing::Event::Released { .. } => registry::LISTING_RELEASED,
            listing::Event::Amended { .. } => registry::LISTING_AMENDED,
            listing::Event::SoldOut => registry::LISTING_SOLD_OUT,
            listing::Event::Freed => registry::LISTING_FREED,
            listing::Event::Removed => registry::LISTING_REMOVED,
            listing::Event::Handed { .. } => registry::LISTING_HANDED,
        },
        Event::Order(event) => match event {
            order::Event::Placed { .. } => registry::ORDER_PLACED,
            order::Event::Amended { .. } => registry::ORDER_AMENDED,
            order::Event::Held => registry::ORDER_HELD,
            order::Event::Confirmed => registry::ORDER_CONFIRMED,
            order::Event::Completed => registry::ORDER_COMPLETED,
            order::Event::Cancelled => registry::ORDER_CANCELLED,
            order::Event::Removed => registry::ORDER_REMOVED,
            order::Event::Itemised { .. } => registry::ORDER_ITEMISED,
            order::Event::Priced { .. } => registry::ORDER_PRICED,
        },
        Event::Payment(event) => match event {
            payment::Event::Requested { .. } => registry::PAYMENT_REQUESTED,
            payment::Event::Captured { .. } => registry::PAYMENT_CAPTURED,
            payment::Event::Failed { .. } => registry::PAYMENT_FAILED,
            payment::Event::VoidRequested => registry::PAYMENT_VOID_REQUESTED,
            payment::Event::RefundRequested { .. } => registry::PAYMENT_REFUND_REQUESTED,
            payment::Event::Refunded { .. } => registry::PAYMENT_REFUNDED,
        },
        Event::Delivery(event) => match event {
            delivery::Event::Planned { .. } => registry::DELIVERY_PLANNED,
            delivery::Event::Stepped { .. } => registry::DELIVERY_STEPPED,
            delivery::Event::Done => registry::DELIVERY_DONE,
            delivery::Event::Cancelled => registry::DELIVERY_CANCELLED,
            delivery::Event::Noted { .. } => registry::DELIVERY_NOTED,
        },
        Event::Saga(event) => match event {
            saga::Event::RetryScheduled { .. } => registry::SAGA_RETRY_SCHEDULED,
            saga::Event::Settled => registry::SAGA_SETTLED,
            saga::Event::Routed { .. } => registry::SAGA_ROUTED,
            saga::Event::Awaiting { .. } => registry::SAGA_AWAITING,
            saga::Event::GaveUp(_) => registry::SAGA_GAVE_UP,
            saga::Event::Resumed => registry::SAGA_RESUMED,
        },
        Event::Approval(event) => match event {
            approval::Event::Requested { .. } => registry::APPROVAL_REQUESTED,
            approval::Event::Granted { .. } => registry::APPROVAL_GRANTED,
            approval::Event::Refused { .. } => registry::APPROVAL_REFUSED,
            approval::Event::Withdrawn { .. } => registry::APPROVAL_WITHDRAWN,
            approval::Event::Expired { .. } => registry::APPROVAL_EXPIRED,
        },
        Event::Payout(event) => match event {
            payout::Event::Scheduled { .. } => registry::PAYOUT_SCHEDULED,
            payout::Event::Paid { .. } => registry::PAYOUT_PAID,
            payout::Event::TakenBack { .. } => registry::PAYOUT_TAKEN_BACK,
        },
        Event::Subscriber(event) => subscriber::number_of(event),
    }
}

/// Appends the body of `event`; nothing for an event without fields.
pub(super) fn write(event: &Event, to: &mut Vec<u8>) {
    match event {
        Event::Listing(event) => write_listing(event, to),
        Event::Order(event) => write_order(event, to),
        Event::Payment(event) => write_payment(event, to),
        Event::Delivery(event) => write_delivery(event, to),
        Event::Saga(event) => write_saga(event, to),
        Event::Approval(event) => {
            let subject = event.subject();
            let (kind, number) = (subject.kind.number(), subject.number);
            named(&ApprovalAbout { kind, number }, to);
        }
        Event::Payout(event) => write_payout(event, to),
        Event::Subscriber(event) => subscriber::write(event, to),
    }
}

fn write_saga(event: &saga::Event, to: &mut Vec<u8>) {
    match event {
        &saga::Event::RetryScheduled { attempt, due } => {
            let due = due.0;
            named(&SagaRetryScheduled { attempt, due }, to);
        }
        saga::Event::Settled | saga::Event::Resumed => {}
        &saga::Event::Routed { skipped } => named(&SagaRouted { skipped }, to),
        &saga::Event::Awaiting { kind, until } => {
            let (kind, until) = (kind.number(), until.0);
            named(&SagaAwaiting { kind, until }, to);
        }
        saga::Event::GaveUp(given_up) => {
            let letter = SagaGaveUp {
                attempt: given_up.attempt,
                since: given_up.since.0,
                reason: Cow::Borrowed(&given_up.reason),
            };
            named(&letter, to);
        }
    }
}

fn write_payout(event: &payout::Event, to: &mut Vec<u8>) {
    match *event {
        payout::Event::Scheduled {
            order,
            amount,
            commission,
            due,
        } => {
            let scheduled = PayoutScheduled {
                order: order.0,
                amount,
                commission,
                due: due.0,
            };
            named(&scheduled, to);
        }
        payout::Event::Paid { amount, commission }
        | payout::Event::TakenBack { amount, commission } => {
            named(&PayoutShares { amount, commission }, to);
        }
    }
}

fn write_listing(event: &listing::Event, to: &mut Vec<u8>) {
    match event {
        listing::Event::Offered { fields, on_hand }
        | listing::Event::Amended { fields, on_hand } => {
            let fields = Cow::Borrowed(fields);
            let on_hand = *on_hand;
            named(&ListingOffered { fields, on_hand }, to);
        }
        listing::Event::Reserved { order, quantity }
        | listing::Event::Released { order, quantity }
        | listing::Event::Handed { order, quantity } => {
            let (order, quantity) = (order.0, *quantity);
            named(&ListingShare { order, quantity }, to);
        }
        listing::Event::Opened
        | listing::Event::Closed
        | listing::Event::SoldOut
        | listing::Event::Freed
        | listing::Event::Removed => {}
    }
}

fn write_order(event: &order::Event, to: &mut Vec<u8>) {
    match event {
        order::Event::Placed { fields, amount } => {
            let fields = Cow::Borrowed(&**fields);
            let amount = *amount;
            named(&OrderPlaced { fields, amount }, to);
        }
        order::Event::Amended { fields } => {
            let fields = Cow::Borrowed(&**fields);
            named(&OrderAmended { fields }, to);
        }
        order::Event::Itemised { lines } => {
            let lines = lines.iter().map(|line| StoredLine {
                listing: line.listing.0,
                quantity: line.quantity,
            });
            let lines = lines.collect();
            named(&OrderItemised { lines }, to);
        }
        order::Event::Priced { amount } => named(&OrderPriced { amount: *amount }, to),
        order::Event::Held
        | order::Event::Confirmed
        | order::Event::Completed
        | order::Event::Cancelled
        | order::Event::Removed => {}
    }
}

fn write_payment(event: &payment::Event, to: &mut Vec<u8>) {
    match event {
        payment::Event::Requested { order, amount } => {
            let (order, amount) = (order.0, *amount);
            named(&PaymentRequested { order, amount }, to);
        }
        payment::Event::Captured { amount }
        | payment::Event::RefundRequested { amount }
        | payment::Event::Refunded { amount } => named(&PaymentAmount { amount: *amount }, to),
        payment::Event::Failed { reason } => {
            let reason = Cow::Borrowed(reason.as_str());
            named(&PaymentFailed { reason }, to);
        }
        payment::Event::VoidRequested => {}
    }
}

fn write_delivery(event: &delivery::Event, to: &mut Vec<u8>) {
    match event {
        delivery::Event::Planned { order, steps } => {
            let (order, steps) = (order.0, *steps);
            named(&DeliveryPlanned { order, steps }, to);
        }
        delivery::Event::Noted { fields } => {
            let fields = Cow::Borrowed(fields);
            named(&DeliveryNoted { fields }, to);
        }
        delivery::Event::Stepped { step } => named(&DeliveryStepped { step: *step }, to),
        delivery::Event::Done | delivery::Event::Cancelled => {}
    }
}

pub(super) fn named(body: &impl Serialize, to: &mut Vec<u8>) {
    rmp_serde::encode::write_named(to, body).expect("memory takes every body made of plain values");
}
