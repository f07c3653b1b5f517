//! Every error's answer: RFC 9457 problem details with a stable code, and beside them the members
//! that the originals' clients look at.

use std::fmt;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method, StatusCode,
        header::{ALLOW, RETRY_AFTER},
    },
};
use serde::Serialize;

use super::json;
use crate::{
    actors::handles::{Error, Failure},
    domain::{Correlation, Refusal, Timestamp},
};

/// Every code, with its status and what it means. Clients may rely on codes; they are never reused.
pub const CODES: &[(&str, u16, &str)] = &[
    // The request could not be understood.
    ("body_invalid", 400, "The body is not one JSON object"),
    ("body_missing", 400, "The request needs a body"),
    ("body_timed_out", 408, "The body did not arrive in time"),
    ("body_too_large", 413, "The body is too large"),
    (
        "field_invalid",
        400,
        "A field has a value of the wrong type",
    ),
    ("field_too_long", 400, "A field's text is too long"),
    (
        "field_required",
        400,
        "A field that must be there is missing",
    ),
    (
        "parameter_invalid",
        400,
        "A query parameter is missing or has a wrong value",
    ),
    (
        "collection_too_large",
        400,
        "The collection is too large to be sorted or searched this way",
    ),
    (
        "idempotency_key_invalid",
        400,
        "The idempotency key cannot be used",
    ),
    (
        "event_unknown",
        410,
        "The feed never had this event: it is not the one that was read before",
    ),
    ("path_unknown", 404, "Nothing is at this path"),
    (
        "method_not_allowed",
        405,
        "The method means nothing at this path",
    ),
    ("version_mismatch", 412, "It was changed since it was read"),
    // The rule said no.
    (
        "not_found",
        404,
        "There is nothing with this number or name",
    ),
    (
        "unknown_order",
        422,
        "The order that is named does not exist",
    ),
    ("already_exists", 409, "The number is taken"),
    ("file_exists", 409, "There is a file with this name already"),
    ("local_only", 403, "Only this machine may ask for it"),
    ("order_cancelled", 409, "The order is cancelled"),
    ("order_not_ready", 409, "The order has not come so far"),
    ("amount_fixed", 409, "The amount does not change any more"),
    ("amount_negative", 400, "The amount is below zero"),
    ("amount_too_large", 400, "It costs more than can be counted"),
    (
        "status_not_settable",
        409,
        "The status cannot be set by hand",
    ),
    ("payment_declined", 402, "The payment was declined"),
    ("payment_not_ready", 409, "The payment has not come so far"),
    ("refund_too_large", 409, "More would go back than was taken"),
    ("delivery_cancelled", 409, "The delivery is cancelled"),
    ("unknown_step", 400, "The delivery has no such step"),
    ("listing_not_open", 409, "The listing is not on sale"),
    ("sold_out", 409, "There is not enough left"),
    (
        "listing_not_ordered",
        409,
        "The order is for something else",
    ),
    ("price_changed", 409, "It costs something else"),
    ("quantity_zero", 400, "The quantity must be at least 1"),
    (
        "approval_not_open",
        409,
        "There is nothing to approve or refuse",
    ),
    ("payout_not_due", 409, "There is nothing to pay out"),
    ("too_late", 409, "The delivery has come too far for this"),
    ("payout_paid", 409, "The seller has been paid already"),
    ("not_a_party", 403, "Who asks has no part in the order"),
    ("key_taken", 409, "Another order has the key"),
    ("unknown_key", 422, "No order has the key that is named"),
    (
        "unknown_listing",
        422,
        "The listing that is named does not exist",
    ),
    (
        "notification_not_failed",
        409,
        "The notification did not fail, so it is not sent again",
    ),
    (
        "channel_not_set_up",
        409,
        "The notification's channel is not set up",
    ),
    (
        "subscriber_invalid",
        400,
        "A consumer group or webhook cannot have this",
    ),
    ("not_subscribed", 404, "Nobody is subscribed by this name"),
    (
        "name_taken",
        409,
        "The name cannot be told from another that is taken",
    ),
    (
        "too_many_subscribers",
        409,
        "The shop has as many subscribers as it may",
    ),
    (
        "subscriber_paused",
        409,
        "The subscriber is paused and gives nothing out",
    ),
    ("lease_stale", 409, "Somebody else took a lease meanwhile"),
    ("lease_lost", 409, "The lease holds nothing any more"),
    ("not_a_dead_letter", 404, "The event is no dead letter"),
    (
        "idempotency_key_reused",
        422,
        "The idempotency key was used for another request",
    ),
    // The machine said no.
    (
        "component_paused",
        503,
        "A part of the shop that this needs is paused; nothing was done",
    ),
    ("overloaded", 503, "Too much is under way; nothing was done"),
    ("too_many_readers", 503, "As many follow the feeds as may"),
    (
        "payment_unavailable",
        503,
        "Payments cannot be made now; nothing was done",
    ),
    (
        "payment_timed_out",
        503,
        "The payment was not confirmed in time; nothing was ordered",
    ),
    (
        "payment_suspended",
        503,
        "Too many payments failed lately; nothing was done",
    ),
    (
        "payment_overloaded",
        503,
        "Too many payments are under way; nothing was done",
    ),
    (
        "outcome_unknown",
        504,
        "No answer in time; look it up before trying again",
    ),
    (
        "crashed",
        500,
        "The request failed inside; nothing was done",
    ),
    (
        "quarantined",
        503,
        "It failed repeatedly and waits for an operator",
    ),
    ("store_unavailable", 503, "The store cannot be used"),
    (
        "store_full",
        503,
        "The disk has no room; nothing was done, and reads go on",
    ),
    ("backup_failed", 500, "The backup could not be made"),
    (
        "restarting",
        503,
        "A part of the server is being restarted; nothing was done",
    ),
    ("stopping", 503, "The server is shutting down"),
    ("view_behind", 503, "The view is being brought up to date"),
];

/// After how many seconds a client may ask a paused component again. A person ends the pause, so it
/// is not a matter of milliseconds.
const PAUSED_RETRY_S: u32 = 10;

/// After how many seconds a client may ask again when the disk has no room. A person makes some.
const FULL_RETRY_S: u32 = 10;

/// Why a request was not answered as asked.
#[derive(Debug)]
pub(super) struct ApiError {
    code: &'static str,
    detail: String,
    retry_after_s: Option<u32>,
    allow: Option<String>,
}

impl ApiError {
    pub(super) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            retry_after_s: None,
            allow: None,
        }
    }

    /// The same, with when to try again.
    pub(super) fn again_in(self, seconds: u32) -> Self {
        Self {
            retry_after_s: Some(seconds),
            ..self
        }
    }

    pub(super) fn no_path(path: &str) -> Self {
        Self::new(
            "path_unknown",
            format!("nothing is at {path}; GET / lists what there is"),
        )
    }

    pub(super) fn no_method(method: &Method, allow: String) -> Self {
        let detail = format!("{method} means nothing here; allowed: {allow}");
        Self {
            allow: Some(allow),
            ..Self::new("method_not_allowed", detail)
        }
    }

    /// The component to which the path belongs is paused.
    pub(super) fn paused(component: &str) -> Self {
        let detail = format!("the part `{component}` of this shop is paused; try again later");
        Self {
            detail,
            ..Failure::Paused.into()
        }
    }

    pub(super) const fn code(&self) -> &'static str {
        self.code
    }

    /// The answer. `at` goes into the body where the originals had a time.
    pub(super) fn response(
        &self,
        request: &HttpRequest,
        correlation: Correlation,
        at: Timestamp,
    ) -> HttpResponse {
        let (status, title) = known(self.code);
        let mut response = HttpResponse::build(status);
        if let Some(seconds) = self.retry_after_s {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        if let Some(allow) = &self.allow {
            response.insert_header((ALLOW, allow.as_str()));
        }
        let problem = self.problem(status, title, request.path(), correlation, at);
        response
            .content_type("application/problem+json")
            .body(json::print(&problem))
    }

    fn problem<'a>(
        &'a self,
        status: StatusCode,
        title: &'a str,
        path: &'a str,
        correlation: Correlation,
        at: Timestamp,
    ) -> Problem<'a> {
        // What Spring Data REST answered (SEED API 1.2): the message, and what caused it.
        let is_spring = matches!(status.as_u16(), 400 | 409 | 500);
        // What Spring Boot answered when the synchronous call to payment failed (SEED API 1.6).
        let is_failed_step = match self.code {
            "payment_not_ready" => false,
            "component_paused" => true,
            code => code.starts_with("payment_"),
        };
        Problem {
            r#type: format!("/problems/{}", self.code),
            title,
            status: status.as_u16(),
            detail: &self.detail,
            code: self.code,
            instance: format!("urn:uuid:{correlation}"),
            cause: is_spring.then_some(Cause {
                cause: (),
                message: &self.detail,
            }),
            message: (is_spring || is_failed_step).then_some(&self.detail),
            timestamp: is_failed_step.then(|| spring_time(at)),
            error: status.canonical_reason().filter(|_| is_failed_step),
            path: is_failed_step.then_some(path),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code(), refusal.to_string())
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        let (code, retry_after_s) = match failure {
            Failure::Overloaded => ("overloaded", Some(1)),
            Failure::PaymentUnavailable => ("payment_unavailable", Some(1)),
            Failure::PaymentTimedOut => ("payment_timed_out", Some(1)),
            Failure::PaymentSuspended { retry_s } => ("payment_suspended", Some(retry_s)),
            Failure::PaymentOverloaded => ("payment_overloaded", Some(1)),
            Failure::OutcomeUnknown => ("outcome_unknown", None),
            Failure::Crashed => ("crashed", None),
            Failure::Quarantined => ("quarantined", Some(30)),
            Failure::Store => ("store_unavailable", Some(5)),
            Failure::StoreFull => ("store_full", Some(FULL_RETRY_S)),
            Failure::Restarting => ("restarting", Some(1)),
            Failure::Stopping => ("stopping", Some(1)),
            Failure::Paused => ("component_paused", Some(PAUSED_RETRY_S)),
            Failure::ViewBehind => ("view_behind", Some(1)),
        };
        Self {
            retry_after_s,
            ..Self::new(code, failure.to_string())
        }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => refusal.into(),
            Error::Failed(failure) => failure.into(),
        }
    }
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    instance: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cause<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
}

#[derive(Serialize)]
struct Cause<'a> {
    cause: (),
    message: &'a str,
}

fn known(code: &str) -> (StatusCode, &'static str) {
    let entry = CODES.iter().find(|(known, ..)| *known == code);
    let (_, status, title) = entry.expect("every code stands in CODES; a test goes through them");
    let status = StatusCode::from_u16(*status).expect("CODES holds statuses of HTTP");
    (status, title)
}

/// An instant as Spring Boot 2.1 wrote it: `2020-10-28T01:02:03.456+0000`.
fn spring_time(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map(|instant| instant.strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use actix_web::{body::MessageBody, test::TestRequest};

    use super::*;
    use crate::domain::Kind;

    fn answered(error: &ApiError) -> (HttpResponse, String) {
        let request = TestRequest::with_uri("/things").to_http_request();
        let mut response =
            error.response(&request, Correlation([7; 16]), Timestamp(1_603_846_923_456));
        let body = response.head_mut();
        assert!(body.headers.contains_key("content-type"));
        let (head, body) = response.into_parts();
        let bytes = body.try_into_bytes().unwrap();
        (
            head.map_into_boxed_body(),
            String::from_utf8(bytes.to_vec()).unwrap(),
        )
    }

    #[test]
    fn codes_are_unique_and_every_refusal_and_failure_has_one() {
        let mut codes: Vec<&str> = CODES.iter().map(|(code, ..)| *code).collect();
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), count);
        for failure in [
            Failure::Overloaded,
            Failure::PaymentUnavailable,
            Failure::PaymentTimedOut,
            Failure::PaymentSuspended { retry_s: 3 },
            Failure::PaymentOverloaded,
            Failure::OutcomeUnknown,
            Failure::Crashed,
            Failure::Quarantined,
            Failure::Store,
            Failure::StoreFull,
            Failure::Stopping,
            Failure::Paused,
            Failure::ViewBehind,
        ] {
            known(ApiError::from(failure).code);
        }
        let refusals = [
            (Refusal::IsCancelled, 409),
            (Refusal::UnknownOrder { number: 1 }, 422),
            (
                Refusal::NotFound {
                    kind: Kind::Order,
                    number: 1,
                },
                404,
            ),
            (
                Refusal::PaymentDeclined {
                    reason: "limit".into(),
                },
                402,
            ),
            (Refusal::KeyReused, 422),
            (Refusal::ApprovalNotOpen { state: "granted" }, 409),
            (Refusal::ListingNotOrdered { number: 1 }, 409),
            (Refusal::PriceChanged { price: 2, asked: 1 }, 409),
            (Refusal::PayoutNotDue { state: "paid" }, 409),
            (Refusal::PayoutPaid, 409),
            (Refusal::NotAParty { who: "me".into() }, 403),
            (Refusal::KeyTaken { key: "k".into() }, 409),
            (Refusal::UnknownKey { key: "k".into() }, 422),
            (Refusal::UnknownListing { number: 1 }, 422),
        ];
        for (refusal, status) in refusals {
            assert_eq!(known(refusal.code()).0.as_u16(), status, "{refusal}");
        }
    }

    #[test]
    fn a_failed_payment_carries_the_members_that_the_originals_clients_read() {
        let (response, body) = answered(&Failure::PaymentUnavailable.into());
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), "1");
        for member in [
            "\"type\" : \"/problems/payment_unavailable\"",
            "\"status\" : 503",
            "\"code\" : \"payment_unavailable\"",
            "\"timestamp\" : \"2020-10-28T01:02:03.456+0000\"",
            "\"error\" : \"Service Unavailable\"",
            "\"path\" : \"/things\"",
            "\"instance\" : \"urn:uuid:07070707-0707-0707-0707-070707070707\"",
        ] {
            assert!(body.contains(member), "{member} in {body}");
        }
        assert!(!body.contains("\"cause\""));
    }

    #[test]
    fn a_conflict_carries_cause_and_message() {
        let (_, body) = answered(&Refusal::IsCancelled.into());
        assert!(
            body.contains("\"cause\" : {\n    \"cause\" : null,"),
            "{body}"
        );
        assert!(
            body.contains("\"message\" : \"the order is cancelled"),
            "{body}"
        );
        assert!(!body.contains("timestamp"));
    }
}
