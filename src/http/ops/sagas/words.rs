//! An order's turns and events in words.

use crate::{
    domain::{Batch, Cause, Event, Timestamp, payment, saga, storefront::CommandAction},
    http::view::instant,
};

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
