//! An order's turns and events in words.

use serde_json::{Map, Value as Json, json};

use crate::domain::{
    Batch, Cause, Event, Fields, Kind, Money, Timestamp, Value, approval, delivery, listing, order,
    payment, payout, saga,
    storefront::{CommandAction, Storefront},
};
use crate::http::view::instant;

/// What opened a turn, as a sentence. What came of it is in its events.
pub(super) fn cause(batch: &Batch) -> &'static str {
    match batch.cause {
        Cause::Unknown => "Something was done for it",
        Cause::Command(action) => asked(action),
        Cause::Timer => "Its timer rang",
        Cause::ProviderAnswered => answered(batch),
        Cause::Operator => "An operator had it tried again",
        Cause::Opening => "The shop began with it",
        Cause::Subscriber => "Somebody who follows the shop's events settled some",
        Cause::Unmet => "What was promised to it could not be had, so it was called off",
    }
}

const fn asked(action: CommandAction) -> &'static str {
    match action {
        CommandAction::PlaceOrder => "A request placed the order",
        CommandAction::AmendOrder => "A request changed the order",
        CommandAction::PayOrder => "A request paid for the order",
        CommandAction::CancelOrder => "A request called the order off",
        CommandAction::RemoveOrder => "A request called the order off, and took it off the lists",
        CommandAction::AdvanceDelivery => "A request took a step of the delivery",
        CommandAction::GrantApproval => "Somebody said yes",
        CommandAction::RefuseApproval => "Somebody said no",
        CommandAction::PayPayout => "A request had the seller paid",
        CommandAction::OfferListing => "A request offered a listing",
        CommandAction::AmendListing => "A request changed a listing",
        CommandAction::OpenListing => "A request put a listing on sale",
        CommandAction::CloseListing => "A request took a listing off sale",
        CommandAction::RemoveListing => "A request took a listing off the lists",
    }
}

fn answered(batch: &Batch) -> &'static str {
    let own = || batch.events.iter().map(|stamped| &stamped.event);
    let is_given_up = |event: &Event| matches!(event, Event::Saga(saga::Event::GaveUp(_)));
    let is_retried =
        |event: &Event| matches!(event, Event::Saga(saga::Event::RetryScheduled { .. }));
    let is_declined =
        |event: &Event| matches!(event, Event::Payment(payment::Event::Failed { .. }));
    if own().any(is_given_up) {
        "The payment provider failed for too long, and is not asked again"
    } else if own().any(is_declined) {
        "The payment provider said no"
    } else if own().any(is_retried) {
        "The payment provider failed, and is asked again later"
    } else {
        "The payment provider answered"
    }
}

/// What an event says, by the domain's names.
pub(super) fn details(storefront: &Storefront, event: &Event) -> Map<String, Json> {
    let details = match event {
        Event::Order(event) => of_order(event),
        Event::Payment(event) => of_payment(event),
        Event::Delivery(event) => of_delivery(storefront, event),
        Event::Saga(event) => of_saga(storefront, event),
        Event::Approval(event) => of_approval(event),
        Event::Payout(event) => of_payout(event),
        Event::Listing(event) => of_listing(event),
        // Nothing that was done for an order.
        Event::Subscriber(_) => Json::Null,
    };
    match details {
        Json::Object(details) => details,
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            Map::new()
        }
    }
}

fn of_order(event: &order::Event) -> Json {
    match event {
        order::Event::Placed {
            fields: own,
            amount,
        } => {
            json!({ "amount": money(*amount), "fields": fields(own) })
        }
        order::Event::Amended { fields: own } => json!({ "fields": fields(own) }),
        order::Event::Itemised { lines } => {
            let line = |line: &order::Line| json!({ "listing": line.listing.0, "quantity": line.quantity });
            json!({ "lines": lines.iter().map(line).collect::<Vec<_>>() })
        }
        order::Event::Priced { amount } => json!({ "amount": money(*amount) }),
        order::Event::Held
        | order::Event::Confirmed
        | order::Event::Completed
        | order::Event::Cancelled
        | order::Event::Removed => Json::Null,
    }
}

fn of_payment(event: &payment::Event) -> Json {
    match event {
        payment::Event::Requested { amount, .. }
        | payment::Event::Captured { amount }
        | payment::Event::RefundRequested { amount }
        | payment::Event::Refunded { amount } => json!({ "amount": money(*amount) }),
        payment::Event::Failed { reason } => json!({ "reason": reason }),
        payment::Event::VoidRequested => Json::Null,
    }
}

fn of_delivery(storefront: &Storefront, event: &delivery::Event) -> Json {
    match event {
        delivery::Event::Planned { steps, .. } => json!({ "steps": steps }),
        delivery::Event::Noted { fields: own } => json!({ "fields": fields(own) }),
        delivery::Event::Stepped { step } => {
            let words = storefront.resource(Kind::Delivery);
            let word = words.and_then(|own| own.words.of_step(*step));
            json!({ "step": step.saturating_add(1), "status": word })
        }
        delivery::Event::Done | delivery::Event::Cancelled => Json::Null,
    }
}

fn of_saga(storefront: &Storefront, event: &saga::Event) -> Json {
    match event {
        saga::Event::RetryScheduled { attempt, due } => {
            json!({ "attempt": attempt, "due": instant(*due) })
        }
        saga::Event::Routed { skipped } => {
            let steps = storefront.flow.steps.iter().enumerate();
            let left_out = steps.filter(|(at, _)| skipped >> (*at).min(31) & 1 == 1);
            let left_out: Vec<_> = left_out.map(|(_, step)| step.action.name()).collect();
            json!({ "leaves_out": left_out })
        }
        saga::Event::Awaiting { kind, until } => {
            json!({ "step": kind.to_string(), "until": instant(*until) })
        }
        saga::Event::GaveUp(given_up) => {
            json!({ "attempts": given_up.attempt, "reason": given_up.reason })
        }
        saga::Event::Settled | saga::Event::Resumed => Json::Null,
    }
}

fn of_approval(event: &approval::Event) -> Json {
    json!({ "about": event.subject().to_string() })
}

fn of_payout(event: &payout::Event) -> Json {
    match event {
        payout::Event::Scheduled {
            amount,
            commission,
            due,
            ..
        } => {
            let (amount, commission) = (money(*amount), money(*commission));
            json!({ "amount": amount, "commission": commission, "due": instant(*due) })
        }
        payout::Event::Paid { amount, commission }
        | payout::Event::TakenBack { amount, commission } => {
            json!({ "amount": money(*amount), "commission": money(*commission) })
        }
    }
}

fn of_listing(event: &listing::Event) -> Json {
    match event {
        listing::Event::Offered {
            fields: own,
            on_hand,
        }
        | listing::Event::Amended {
            fields: own,
            on_hand,
        } => json!({ "fields": fields(own), "on_hand": on_hand }),
        listing::Event::Reserved { quantity, .. }
        | listing::Event::Released { quantity, .. }
        | listing::Event::Handed { quantity, .. } => json!({ "quantity": quantity }),
        listing::Event::Opened
        | listing::Event::Closed
        | listing::Event::SoldOut
        | listing::Event::Freed
        | listing::Event::Removed => Json::Null,
    }
}

fn money(amount: Money) -> Json {
    json!(amount.minor)
}

fn fields(fields: &Fields) -> Json {
    let value = |value: &Value| match value {
        Value::Text(text) => json!(text),
        Value::Int(number) => json!(number),
        Value::Bool(yes) => json!(yes),
    };
    let fields = fields
        .iter()
        .map(|(name, own)| (name.to_string(), value(own)));
    Json::Object(fields.collect())
}

/// A length of time for people.
pub(super) fn duration(ms: u64) -> String {
    let (s, min, h, d) = (ms / 1_000, ms / 60_000, ms / 3_600_000, ms / 86_400_000);
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{s}.{} s", ms % 1_000 / 100),
        60_000..3_600_000 => format!("{min} min {} s", s % 60),
        3_600_000..86_400_000 => format!("{h} h {} min", min % 60),
        _ => format!("{d} d {} h", h % 24),
    }
}

/// The time of day of an instant, to the millisecond, with its date.
pub(super) fn date_and_time(at: Timestamp) -> (String, String) {
    let text = instant(at);
    let (date, time) = text.split_once('T').unwrap_or_default();
    (date.to_owned(), time.trim_end_matches('Z').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_precise_as_people_want_them() {
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1.0 s"),
            (59_999, "59.9 s"),
            (61_000, "1 min 1 s"),
            (3_660_000, "1 h 1 min"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }
}
