//! From an event to its registered number and stored body, and back.

use std::{borrow::Cow, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    Error,
    registry::{self, Type, registered},
    stored::{
        DeliveryPlanned, DeliveryStepped, ListingOffered, ListingShare, OrderAmended, OrderPlaced,
        PaymentAmount, PaymentFailed, PaymentRequested, SagaRetryScheduled,
    },
    upcast::{Step, upcast},
};
use crate::domain::{Event, Timestamp, delivery, ids::OrderId, listing, order, payment, saga};

/// The registered number that stands for `event`.
pub(super) const fn number_of(event: &Event) -> u16 {
    match event {
        Event::Listing(event) => match event {
            listing::Event::Offered { .. } => registry::LISTING_OFFERED,
            listing::Event::Opened => registry::LISTING_OPENED,
            listing::Event::Closed => registry::LISTING_CLOSED,
            listing::Event::Reserved { .. } => registry::LISTING_RESERVED,
            listing::Event::Released { .. } => registry::LISTING_RELEASED,
        },
        Event::Order(event) => match event {
            order::Event::Placed { .. } => registry::ORDER_PLACED,
            order::Event::Amended { .. } => registry::ORDER_AMENDED,
            order::Event::Held => registry::ORDER_HELD,
            order::Event::Confirmed => registry::ORDER_CONFIRMED,
            order::Event::Completed => registry::ORDER_COMPLETED,
            order::Event::Cancelled => registry::ORDER_CANCELLED,
            order::Event::Removed => registry::ORDER_REMOVED,
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
        },
        Event::Saga(event) => match event {
            saga::Event::RetryScheduled { .. } => registry::SAGA_RETRY_SCHEDULED,
            saga::Event::Settled => registry::SAGA_SETTLED,
        },
    }
}

/// Appends the body of `event`; nothing for an event without fields.
pub(super) fn write(event: &Event, to: &mut Vec<u8>) {
    match event {
        Event::Listing(event) => write_listing(event, to),
        Event::Order(event) => write_order(event, to),
        Event::Payment(event) => write_payment(event, to),
        Event::Delivery(event) => write_delivery(event, to),
        Event::Saga(saga::Event::RetryScheduled { attempt, due }) => named(
            &SagaRetryScheduled {
                attempt: *attempt,
                due: due.0,
            },
            to,
        ),
        Event::Saga(saga::Event::Settled) => {}
    }
}

fn write_listing(event: &listing::Event, to: &mut Vec<u8>) {
    match event {
        listing::Event::Offered { fields, on_hand } => {
            let fields = Cow::Borrowed(fields);
            let on_hand = *on_hand;
            named(&ListingOffered { fields, on_hand }, to);
        }
        listing::Event::Reserved { order, quantity }
        | listing::Event::Released { order, quantity } => {
            let (order, quantity) = (order.0, *quantity);
            named(&ListingShare { order, quantity }, to);
        }
        listing::Event::Opened | listing::Event::Closed => {}
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
        delivery::Event::Stepped { step } => named(&DeliveryStepped { step: *step }, to),
        delivery::Event::Done | delivery::Event::Cancelled => {}
    }
}

fn named(body: &impl Serialize, to: &mut Vec<u8>) {
    rmp_serde::encode::write_named(to, body).expect("memory takes every body made of plain values");
}

/// The event that `body`, written as schema version `schema` of type `number`, stands for.
pub(super) fn read(steps: &[Step], number: u16, schema: u16, body: &[u8]) -> Result<Event, Error> {
    let known = registered(number).ok_or(Error::NewerType { number })?;
    let body = Body::new(known, steps, schema, body)?;
    match number {
        registry::LISTING_OFFERED..=registry::LISTING_RELEASED => body.listing(),
        registry::ORDER_PLACED..=registry::ORDER_REMOVED => body.order(),
        registry::PAYMENT_REQUESTED..=registry::PAYMENT_REFUNDED => body.payment(),
        registry::DELIVERY_PLANNED..=registry::DELIVERY_CANCELLED => body.delivery(),
        registry::SAGA_RETRY_SCHEDULED => {
            let SagaRetryScheduled { attempt, due } = body.fields()?;
            let due = Timestamp(due);
            Ok(saga::Event::RetryScheduled { attempt, due }.into())
        }
        registry::SAGA_SETTLED => body.nothing(saga::Event::Settled),
        _ => Err(Error::NewerType { number }),
    }
}

/// A body in its current schema version.
struct Body<'a> {
    number: u16,
    content: Content<'a>,
}

enum Content<'a> {
    /// As it was written.
    Bytes(&'a [u8]),
    /// As the upcasters made it from an older version; nil where there was nothing.
    Upcast(rmpv::Value),
}

impl<'a> Body<'a> {
    fn new(known: &Type, steps: &[Step], schema: u16, bytes: &'a [u8]) -> Result<Self, Error> {
        let number = known.number;
        if schema > known.schema {
            return Err(Error::NewerSchema { number, schema });
        }
        if schema == 0 {
            return Err(Error::Body {
                number,
                what: "schema versions begin at 1".to_owned(),
            });
        }
        if schema == known.schema {
            let content = Content::Bytes(bytes);
            return Ok(Self { number, content });
        }
        let old = if bytes.is_empty() {
            rmpv::Value::Nil
        } else {
            whole(number, bytes)?
        };
        let content = Content::Upcast(upcast(steps, number, schema, known.schema, old)?);
        Ok(Self { number, content })
    }

    fn fields<T: DeserializeOwned>(self) -> Result<T, Error> {
        match self.content {
            Content::Bytes(bytes) => whole(self.number, bytes),
            Content::Upcast(value) => rmpv::ext::from_value(value).map_err(|error| Error::Body {
                number: self.number,
                what: error.to_string(),
            }),
        }
    }

    fn nothing(self, event: impl Into<Event>) -> Result<Event, Error> {
        match self.content {
            Content::Bytes([]) | Content::Upcast(rmpv::Value::Nil) => Ok(event.into()),
            Content::Bytes(_) | Content::Upcast(_) => Err(Error::Body {
                number: self.number,
                what: "there is a body where none belongs".to_owned(),
            }),
        }
    }

    fn listing(self) -> Result<Event, Error> {
        let event = match self.number {
            registry::LISTING_OFFERED => {
                let ListingOffered { fields, on_hand } = self.fields()?;
                let fields = fields.into_owned();
                listing::Event::Offered { fields, on_hand }
            }
            registry::LISTING_OPENED => return self.nothing(listing::Event::Opened),
            registry::LISTING_CLOSED => return self.nothing(listing::Event::Closed),
            registry::LISTING_RESERVED => {
                let ListingShare { order, quantity } = self.fields()?;
                let order = OrderId(order);
                listing::Event::Reserved { order, quantity }
            }
            registry::LISTING_RELEASED => {
                let ListingShare { order, quantity } = self.fields()?;
                let order = OrderId(order);
                listing::Event::Released { order, quantity }
            }
            number => return Err(Error::NewerType { number }),
        };
        Ok(event.into())
    }

    fn order(self) -> Result<Event, Error> {
        match self.number {
            registry::ORDER_PLACED => {
                let OrderPlaced { fields, amount } = self.fields()?;
                let fields = Arc::new(fields.into_owned());
                Ok(order::Event::Placed { fields, amount }.into())
            }
            registry::ORDER_AMENDED => {
                let OrderAmended { fields } = self.fields()?;
                let fields = Arc::new(fields.into_owned());
                Ok(order::Event::Amended { fields }.into())
            }
            registry::ORDER_HELD => self.nothing(order::Event::Held),
            registry::ORDER_CONFIRMED => self.nothing(order::Event::Confirmed),
            registry::ORDER_COMPLETED => self.nothing(order::Event::Completed),
            registry::ORDER_CANCELLED => self.nothing(order::Event::Cancelled),
            registry::ORDER_REMOVED => self.nothing(order::Event::Removed),
            number => Err(Error::NewerType { number }),
        }
    }

    fn payment(self) -> Result<Event, Error> {
        let event = match self.number {
            registry::PAYMENT_REQUESTED => {
                let PaymentRequested { order, amount } = self.fields()?;
                let order = OrderId(order);
                payment::Event::Requested { order, amount }
            }
            registry::PAYMENT_CAPTURED => {
                let PaymentAmount { amount } = self.fields()?;
                payment::Event::Captured { amount }
            }
            registry::PAYMENT_FAILED => {
                let PaymentFailed { reason } = self.fields()?;
                let reason = reason.into_owned();
                payment::Event::Failed { reason }
            }
            registry::PAYMENT_VOID_REQUESTED => return self.nothing(payment::Event::VoidRequested),
            registry::PAYMENT_REFUND_REQUESTED => {
                let PaymentAmount { amount } = self.fields()?;
                payment::Event::RefundRequested { amount }
            }
            registry::PAYMENT_REFUNDED => {
                let PaymentAmount { amount } = self.fields()?;
                payment::Event::Refunded { amount }
            }
            number => return Err(Error::NewerType { number }),
        };
        Ok(event.into())
    }

    fn delivery(self) -> Result<Event, Error> {
        match self.number {
            registry::DELIVERY_PLANNED => {
                let DeliveryPlanned { order, steps } = self.fields()?;
                let order = OrderId(order);
                Ok(delivery::Event::Planned { order, steps }.into())
            }
            registry::DELIVERY_STEPPED => {
                let DeliveryStepped { step } = self.fields()?;
                Ok(delivery::Event::Stepped { step }.into())
            }
            registry::DELIVERY_DONE => self.nothing(delivery::Event::Done),
            registry::DELIVERY_CANCELLED => self.nothing(delivery::Event::Cancelled),
            number => Err(Error::NewerType { number }),
        }
    }
}

/// Reads a value that must take up all of `bytes`.
fn whole<T: DeserializeOwned>(number: u16, bytes: &[u8]) -> Result<T, Error> {
    let mut rest = bytes;
    let value = rmp_serde::from_read(&mut rest).map_err(|error| Error::Body {
        number,
        what: error.to_string(),
    })?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(Error::Body {
            number,
            what: "there is more than the body".to_owned(),
        })
    }
}
