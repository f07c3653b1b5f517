//! From a registered number and a stored body back to the event.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::{
    Error,
    registry::{self, Type, registered},
    stored::{
        ApprovalAbout, DeliveryNoted, DeliveryPlanned, DeliveryStepped, ListingOffered,
        ListingShare, OrderAmended, OrderItemised, OrderPlaced, OrderPriced, PaymentAmount,
        PaymentFailed, PaymentRequested, PayoutScheduled, PayoutShares, SagaAwaiting, SagaGaveUp,
        SagaRetryScheduled, SagaRouted,
    },
    upcast::{Step, upcast},
};
use crate::domain::{
    EntityKey, Event, Kind, Timestamp, approval, delivery,
    ids::{ListingId, OrderId},
    listing, order, payment, payout, saga,
};

/// The event that `body`, written as schema version `schema` of type `number`, stands for.
pub(super) fn read(steps: &[Step], number: u16, schema: u16, body: &[u8]) -> Result<Event, Error> {
    let known = registered(number).ok_or(Error::NewerType { number })?;
    let body = Body::new(known, steps, schema, body)?;
    match number {
        registry::LISTING_OFFERED..=registry::LISTING_HANDED => body.listing(),
        registry::ORDER_PLACED..=registry::ORDER_PRICED => body.order(),
        registry::PAYMENT_REQUESTED..=registry::PAYMENT_REFUNDED => body.payment(),
        registry::DELIVERY_PLANNED..=registry::DELIVERY_NOTED => body.delivery(),
        registry::SAGA_RETRY_SCHEDULED..=registry::SAGA_RESUMED => body.saga(),
        registry::APPROVAL_REQUESTED..=registry::APPROVAL_EXPIRED => body.approval(),
        registry::PAYOUT_SCHEDULED..=registry::PAYOUT_TAKEN_BACK => body.payout(),
        registry::SUBSCRIBER_SUBSCRIBED..=registry::SUBSCRIBER_REMOVED => body.subscriber(),
        _ => Err(Error::NewerType { number }),
    }
}

/// A body in its current schema version.
pub(super) struct Body<'a> {
    pub(super) number: u16,
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

    pub(super) fn fields<T: DeserializeOwned>(self) -> Result<T, Error> {
        match self.content {
            Content::Bytes(bytes) => whole(self.number, bytes),
            Content::Upcast(value) => rmpv::ext::from_value(value).map_err(|error| Error::Body {
                number: self.number,
                what: error.to_string(),
            }),
        }
    }

    pub(super) fn nothing(self, event: impl Into<Event>) -> Result<Event, Error> {
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
            registry::LISTING_AMENDED => {
                let ListingOffered { fields, on_hand } = self.fields()?;
                let fields = fields.into_owned();
                listing::Event::Amended { fields, on_hand }
            }
            registry::LISTING_SOLD_OUT => return self.nothing(listing::Event::SoldOut),
            registry::LISTING_FREED => return self.nothing(listing::Event::Freed),
            registry::LISTING_REMOVED => return self.nothing(listing::Event::Removed),
            registry::LISTING_OPENED => return self.nothing(listing::Event::Opened),
            registry::LISTING_CLOSED => return self.nothing(listing::Event::Closed),
            registry::LISTING_RESERVED => {
                let ListingShare { order, quantity } = self.fields()?;
                let order = OrderId(order);
                listing::Event::Reserved { order, quantity }
            }
            registry::LISTING_HANDED => {
                let ListingShare { order, quantity } = self.fields()?;
                let order = OrderId(order);
                listing::Event::Handed { order, quantity }
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
            registry::ORDER_ITEMISED => {
                let OrderItemised { lines } = self.fields()?;
                let lines = lines.into_iter().map(|line| order::Line {
                    listing: ListingId(line.listing),
                    quantity: line.quantity,
                });
                let lines = lines.collect();
                Ok(order::Event::Itemised { lines }.into())
            }
            registry::ORDER_PRICED => {
                let OrderPriced { amount } = self.fields()?;
                Ok(order::Event::Priced { amount }.into())
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
            registry::DELIVERY_NOTED => {
                let DeliveryNoted { fields } = self.fields()?;
                let fields = fields.into_owned();
                Ok(delivery::Event::Noted { fields }.into())
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

    fn saga(self) -> Result<Event, Error> {
        match self.number {
            registry::SAGA_RETRY_SCHEDULED => {
                let SagaRetryScheduled { attempt, due } = self.fields()?;
                let due = Timestamp(due);
                Ok(saga::Event::RetryScheduled { attempt, due }.into())
            }
            registry::SAGA_ROUTED => {
                let SagaRouted { skipped } = self.fields()?;
                Ok(saga::Event::Routed { skipped }.into())
            }
            registry::SAGA_AWAITING => {
                let number = self.number;
                let SagaAwaiting { kind, until } = self.fields()?;
                let kind = kind_of(number, kind)?;
                let until = Timestamp(until);
                Ok(saga::Event::Awaiting { kind, until }.into())
            }
            registry::SAGA_GAVE_UP => {
                let letter: SagaGaveUp<'_> = self.fields()?;
                let given_up = saga::GivenUp {
                    attempt: letter.attempt,
                    since: Timestamp(letter.since),
                    reason: letter.reason.into_owned(),
                };
                Ok(saga::Event::GaveUp(given_up).into())
            }
            registry::SAGA_RESUMED => self.nothing(saga::Event::Resumed),
            _ => self.nothing(saga::Event::Settled),
        }
    }

    fn approval(self) -> Result<Event, Error> {
        let number = self.number;
        let about: ApprovalAbout = self.fields()?;
        let kind = kind_of(number, about.kind)?;
        let subject = EntityKey::new(kind, about.number);
        let event = match number {
            registry::APPROVAL_REQUESTED => approval::Event::Requested { subject },
            registry::APPROVAL_GRANTED => approval::Event::Granted { subject },
            registry::APPROVAL_REFUSED => approval::Event::Refused { subject },
            registry::APPROVAL_EXPIRED => approval::Event::Expired { subject },
            _ => approval::Event::Withdrawn { subject },
        };
        Ok(event.into())
    }

    fn payout(self) -> Result<Event, Error> {
        let number = self.number;
        if number == registry::PAYOUT_SCHEDULED {
            let scheduled: PayoutScheduled = self.fields()?;
            return Ok(payout::Event::Scheduled {
                order: OrderId(scheduled.order),
                amount: scheduled.amount,
                commission: scheduled.commission,
                due: Timestamp(scheduled.due),
            }
            .into());
        }
        let PayoutShares { amount, commission } = self.fields()?;
        Ok(if number == registry::PAYOUT_PAID {
            payout::Event::Paid { amount, commission }.into()
        } else {
            payout::Event::TakenBack { amount, commission }.into()
        })
    }
}

/// The kind of entity with this stored number, in a body of event type `number`.
pub(super) fn kind_of(number: u16, kind: u8) -> Result<Kind, Error> {
    Kind::from_number(kind).ok_or_else(|| Error::Body {
        number,
        what: format!("no kind of entity has the number {kind}"),
    })
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
