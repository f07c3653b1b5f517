//! A webhook as it is answered.

use serde::Serialize;
use serde_json::{Value, json};

use super::WEBHOOKS;
use crate::{
    actors::handles::webhooks::Attempt,
    domain::{Timestamp, subscriber::Subscriber},
    feed::subject_text,
    http::{call::Call, error::ApiError, view::instant},
};

/// All of a storefront's.
#[derive(Serialize)]
pub(super) struct All<'a> {
    webhooks: Vec<Shown<'a>>,
}

/// How a webhook is, and how it goes. Times are text, in UTC.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    id: &'a str,
    url: &'a str,
    description: &'a str,
    types: &'a [String],
    subjects: Vec<String>,
    /// `active`; `failing`, if the last attempt did; `paused`.
    state: &'static str,
    /// Why it is paused, or failing.
    why: Option<&'a str>,
    since: Option<String>,
    /// Only in the answer to its making.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<&'a str>,
    /// The id up to which every event was delivered, or is a dead letter.
    position: String,
    lag: Lag,
    under_way: usize,
    delivered: u64,
    dead_letters: usize,
    last_success: Option<String>,
    last_failure: Option<Failed>,
    next_attempt: Option<String>,
    #[serde(rename = "_links")]
    links: Value,
}

/// What a webhook does not have yet.
#[derive(Serialize)]
struct Lag {
    events: usize,
    /// Whether there are more: no more are counted.
    or_more: bool,
    /// When the oldest of them happened.
    oldest: Option<String>,
    /// How long ago that is.
    oldest_ms: Option<u64>,
}

#[derive(Serialize)]
struct Failed {
    at: String,
    status: Option<u16>,
    what: String,
    /// Attempts that failed in a row.
    attempts: u32,
}

impl<'a> All<'a> {
    pub(super) const fn of(webhooks: Vec<Shown<'a>>) -> Self {
        Self { webhooks }
    }
}

impl<'a> Shown<'a> {
    pub(super) async fn of(call: &Call<'_>, webhook: &'a Subscriber) -> Result<Self, ApiError> {
        let (endpoint, failing) = (&webhook.settings.endpoint, &webhook.failing);
        let state = match (&webhook.paused, failing) {
            (Some(_), _) => "paused",
            (None, Some(_)) => "failing",
            (None, None) => "active",
        };
        let why = webhook.paused.as_ref().map(|paused| &*paused.why);
        let why = why.or_else(|| failing.as_ref().map(|failing| &*failing.why));
        let since = webhook.paused.as_ref().map(|paused| paused.since);
        let since = since.or_else(|| failing.as_ref().map(|failing| failing.since));
        let leased = webhook.open.values().filter(|open| open.lease().is_some());
        let lag = call.state.webhooks.lag(call.front.at, webhook).await?;
        let subjects = webhook.settings.filter.subjects.iter();
        let subjects = subjects.map(|subject| subject_text(call.front.definition, *subject));
        let now = call.state.clock.now();
        let waits = webhook.paused.is_none().then(|| webhook.next_due());
        Ok(Self {
            id: &webhook.name,
            url: endpoint.as_ref().map_or("", |own| &own.url),
            description: endpoint.as_ref().map_or("", |own| &own.description),
            types: &webhook.settings.filter.types,
            subjects: subjects.collect(),
            state,
            why,
            since: since.map(text),
            secret: None,
            position: webhook.position().to_string(),
            lag: Lag {
                events: lag.events,
                or_more: lag.or_more,
                oldest_ms: lag.oldest.map(|oldest| now.ms_since(oldest)),
                oldest: lag.oldest.map(text),
            },
            under_way: leased.count(),
            delivered: webhook.acknowledged,
            dead_letters: webhook.parked.len(),
            last_success: webhook.acknowledged_at.map(text),
            last_failure: Failed::of(call, webhook),
            next_attempt: waits.flatten().map(text),
            links: links(call, &webhook.name),
        })
    }
}

impl Failed {
    /// The last attempt that failed: of those that are remembered, else what the webhook's state
    /// says.
    fn of(call: &Call<'_>, webhook: &Subscriber) -> Option<Self> {
        let attempts = call.state.webhooks.attempts(call.front.at, &webhook.name);
        let in_row = webhook.failing.as_ref().map_or(0, |failing| failing.times);
        let last = attempts.into_iter().find(|attempt| !attempt.is_delivered);
        if let Some(last) = last {
            return Some(Self {
                at: text(last.at),
                status: last.status,
                what: last.what,
                attempts: in_row,
            });
        }
        webhook.failing.as_ref().map(|failing| Self {
            at: text(failing.last),
            status: None,
            what: failing.why.clone(),
            attempts: in_row,
        })
    }
}

/// What a webhook's requests are signed with.
#[derive(Serialize)]
pub(super) struct Secrets<'a> {
    id: &'a str,
    secret: &'a str,
    /// Signed with, too, until then.
    previous_until: Option<String>,
}

impl<'a> Secrets<'a> {
    pub(super) fn of(call: &Call<'_>, webhook: &'a Subscriber) -> Self {
        let endpoint = webhook.settings.endpoint.as_ref();
        let retiring = call.state.webhooks.retiring(webhook);
        Self {
            id: &webhook.name,
            secret: endpoint.map_or("", |own| &own.secret),
            previous_until: retiring.map(|retiring| text(retiring.until)),
        }
    }
}

/// The last attempts.
#[derive(Serialize)]
pub(super) struct Attempts<'a> {
    attempts: Vec<Attempted<'a>>,
}

/// One attempt.
#[derive(Serialize)]
pub(super) struct Attempted<'a> {
    at: String,
    /// The `webhook-id` that was sent.
    id: &'a str,
    r#type: &'a str,
    attempt: u32,
    delivered: bool,
    status: Option<u16>,
    took_ms: u64,
    what: &'a str,
}

impl<'a> Attempts<'a> {
    pub(super) fn of(attempts: &'a [Attempt]) -> Self {
        Self {
            attempts: attempts.iter().map(Attempted::of).collect(),
        }
    }
}

impl<'a> Attempted<'a> {
    pub(super) fn of(attempt: &'a Attempt) -> Self {
        Self {
            at: text(attempt.at),
            id: &attempt.id,
            r#type: &attempt.kind,
            attempt: attempt.number,
            delivered: attempt.is_delivered,
            status: attempt.status,
            took_ms: attempt.took_ms,
            what: &attempt.what,
        }
    }
}

/// What can be done about a webhook, and where.
fn links(call: &Call<'_>, id: &str) -> Value {
    let own = call.url(&format!("{WEBHOOKS}/{id}"));
    let href = |place: &str| json!({ "href": format!("{own}{place}") });
    json!({
        "self": href(""),
        "attempts": href("/attempts"),
        "dead-letters": href("/dead-letters"),
        "pause": href("/pause"),
        "resume": href("/resume"),
        "secret": href("/secret"),
        "test": href("/test"),
    })
}

/// An instant, as text.
pub(super) fn text(at: Timestamp) -> String {
    instant(at)
}
