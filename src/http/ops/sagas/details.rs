//! What an event says, beside its name.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::{
    domain::{
        Event, Fields, Kind, Value, delivery, listing, order, payment, payout, saga,
        storefront::Storefront,
    },
    http::view::instant,
};

/// What an event says.
#[derive(Debug, Default, Serialize)]
pub(super) struct Details {
    /// In minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commission: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_hand: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<Line>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Map<String, Json>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<u8>,
    /// Counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<u8>,
    /// The storefront's word for where it stands then.
    #[serde(skip_serializing_if = "Option::is_none")]
    word: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leaves_out: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    /// Whose step is awaited.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
struct Line {
    listing: u64,
    quantity: u64,
}

/// What an event says, by the domain's names.
pub(super) fn of(storefront: &Storefront, event: &Event) -> Details {
    match event {
        Event::Order(event) => of_order(event),
        Event::Payment(event) => of_payment(event),
        Event::Delivery(event) => of_delivery(storefront, event),
        Event::Saga(event) => of_saga(storefront, event),
        Event::Approval(event) => Details {
            about: Some(event.subject().to_string()),
            ..Details::default()
        },
        Event::Payout(event) => of_payout(event),
        Event::Listing(event) => of_listing(event),
        // Nothing that was done for an order.
        Event::Subscriber(_) => Details::default(),
    }
}

fn of_order(event: &order::Event) -> Details {
    let mut details = Details::default();
    match event {
        order::Event::Placed {
            fields: own,
            amount,
        } => {
            details.amount = Some(amount.minor);
            details.fields = Some(fields(own));
        }
        order::Event::Amended { fields: own } => details.fields = Some(fields(own)),
        order::Event::Itemised { lines } => {
            let lines = lines.iter().map(|line| Line {
                listing: line.listing.0,
                quantity: line.quantity,
            });
            details.lines = Some(lines.collect());
        }
        order::Event::Priced { amount } => details.amount = Some(amount.minor),
        order::Event::Held
        | order::Event::Confirmed
        | order::Event::Completed
        | order::Event::Cancelled
        | order::Event::Removed => {}
    }
    details
}

fn of_payment(event: &payment::Event) -> Details {
    let mut details = Details::default();
    match event {
        payment::Event::Requested { amount, .. }
        | payment::Event::Captured { amount }
        | payment::Event::RefundRequested { amount }
        | payment::Event::Refunded { amount } => details.amount = Some(amount.minor),
        payment::Event::Failed { reason } => details.reason = Some(reason.clone()),
        payment::Event::VoidRequested => {}
    }
    details
}

fn of_delivery(storefront: &Storefront, event: &delivery::Event) -> Details {
    let mut details = Details::default();
    match event {
        delivery::Event::Planned { steps, .. } => details.steps = Some(*steps),
        delivery::Event::Noted { fields: own } => details.fields = Some(fields(own)),
        delivery::Event::Stepped { step } => {
            let words = storefront.resource(Kind::Delivery);
            details.word = words.and_then(|own| own.words.of_step(*step).cloned());
            details.step = Some(step.saturating_add(1));
        }
        delivery::Event::Done | delivery::Event::Cancelled => {}
    }
    details
}

fn of_saga(storefront: &Storefront, event: &saga::Event) -> Details {
    let mut details = Details::default();
    match event {
        saga::Event::RetryScheduled { attempt, due } => {
            details.attempt = Some(*attempt);
            details.due = Some(instant(*due));
        }
        saga::Event::Routed { skipped } => {
            let steps = storefront.flow.steps.iter().enumerate();
            let left_out = steps.filter(|(at, _)| skipped >> (*at).min(31) & 1 == 1);
            let left_out = left_out.map(|(_, step)| step.action.name());
            details.leaves_out = Some(left_out.collect());
        }
        saga::Event::Awaiting { kind, until } => {
            details.of = Some(kind.name());
            details.until = Some(instant(*until));
        }
        saga::Event::GaveUp(given_up) => {
            details.attempt = Some(given_up.attempt);
            details.reason = Some(given_up.reason.clone());
        }
        saga::Event::Settled | saga::Event::Resumed => {}
    }
    details
}

fn of_payout(event: &payout::Event) -> Details {
    let (amount, commission, due) = match *event {
        payout::Event::Scheduled {
            amount,
            commission,
            due,
            ..
        } => (amount, commission, Some(instant(due))),
        payout::Event::Paid { amount, commission }
        | payout::Event::TakenBack { amount, commission } => (amount, commission, None),
    };
    Details {
        amount: Some(amount.minor),
        commission: Some(commission.minor),
        due,
        ..Details::default()
    }
}

fn of_listing(event: &listing::Event) -> Details {
    let mut details = Details::default();
    match event {
        listing::Event::Offered {
            fields: own,
            on_hand,
        }
        | listing::Event::Amended {
            fields: own,
            on_hand,
        } => {
            details.fields = Some(fields(own));
            details.on_hand = *on_hand;
        }
        listing::Event::Reserved { quantity, .. }
        | listing::Event::Released { quantity, .. }
        | listing::Event::Handed { quantity, .. } => details.quantity = Some(*quantity),
        listing::Event::Opened
        | listing::Event::Closed
        | listing::Event::SoldOut
        | listing::Event::Freed
        | listing::Event::Removed => {}
    }
    details
}

fn fields(fields: &Fields) -> Map<String, Json> {
    let value = |value: &Value| match value {
        Value::Text(text) => Json::from(text.as_str()),
        Value::Int(number) => Json::from(*number),
        Value::Bool(yes) => Json::from(*yes),
    };
    let fields = fields.iter();
    fields
        .map(|(name, own)| (name.to_string(), value(own)))
        .collect()
}

impl Details {
    /// As a person reads them: each with its name.
    pub(super) fn texts(&self) -> Vec<String> {
        let mut texts = Vec::new();
        if let Ok(Json::Object(members)) = serde_json::to_value(self) {
            flatten(&mut texts, &members);
        }
        texts
    }
}

fn flatten(to: &mut Vec<String>, members: &Map<String, Json>) {
    for (name, value) in members {
        match value {
            Json::Object(fields) => flatten(to, fields),
            Json::Array(all) => {
                for each in all {
                    match each {
                        Json::Object(line) => flatten(to, line),
                        Json::String(text) => to.push(format!("{name} {text}")),
                        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => {}
                    }
                }
            }
            Json::Null => {}
            Json::String(text) => to.push(format!("{name} {text}")),
            Json::Number(_) | Json::Bool(_) => to.push(format!("{name} {value}")),
        }
    }
}
