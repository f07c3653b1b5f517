//! A group, its leases and its dead letters, as they are shown.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::{CONSUMERS, Group};
use crate::{
    domain::{
        Timestamp,
        storefront::Storefront,
        subscriber::{Parked, Subscriber},
    },
    feed::subject_text,
    http::{call::Call, error::ApiError, view::instant},
};

/// Events behind a group are counted up to here.
const COUNTED_MAX: usize = 10_000;

/// So many at once.
const COUNTED_AT_ONCE: usize = 1_000;

/// How often the feed is read to count for one group: a quarter of a million events that are not
/// wanted.
pub(super) const READS_MAX: usize = 16;

/// What a group has before it.
struct Lag {
    events: usize,
    /// Whether there are no more than these.
    is_all: bool,
    oldest: Option<Timestamp>,
}

/// A group, with how far it is behind, counted with so many reads of the feed.
pub(super) async fn group(
    call: &Call<'_>,
    state: &Subscriber,
    reads_max: usize,
) -> Result<Value, ApiError> {
    let lag = lag(call, state, reads_max).await?;
    let now = call.state.clock.now();
    let filter = &state.settings.filter;
    let subjects = filter.subjects.iter();
    let subjects = subjects.map(|subject| subject_text(call.front.definition, *subject));
    let waiting = state.open.values().filter(|open| open.lease().is_none());
    let url = call.url(&format!("{CONSUMERS}/{}", state.name));
    Ok(json!({
        "group": state.name,
        "types": filter.types,
        "subjects": subjects.collect::<Vec<_>>(),
        "lease_ms": state.settings.lease_ms,
        "attempts_max": state.settings.attempts_max,
        "position": state.position().to_string(),
        "horizon": call.engine().feed().horizon().to_string(),
        "lag": {
            "events": lag.events,
            "or_more": !lag.is_all,
            "oldest": lag.oldest.map(instant),
            "oldest_ms": lag.oldest.map(|oldest| now.ms_since(oldest)),
        },
        "leases": leases(state, now),
        "waiting": waiting.count(),
        "dead_letters": state.parked.len(),
        "acknowledged": state.acknowledged,
        "acknowledged_at": state.acknowledged_at.map(instant),
        "redelivered": state.redelivered,
        "paused": state.paused.as_ref().map(|paused| json!({
            "why": paused.why,
            "since": instant(paused.since),
        })),
        "failing": state.failing.as_ref().map(|failing| json!({
            "since": instant(failing.since),
            "times": failing.times,
            "last": instant(failing.last),
            "why": failing.why,
        })),
        "_links": {
            "self": { "href": url },
            "leases": { "href": format!("{url}/leases") },
            "acknowledgements": { "href": format!("{url}/acknowledgements") },
            "deferrals": { "href": format!("{url}/deferrals") },
            "dead-letters": { "href": format!("{url}/dead-letters") },
            "redeliveries": { "href": format!("{url}/redeliveries") },
            "position": { "href": format!("{url}/position") },
        },
    }))
}

/// A lease as it is written.
pub(super) fn lease_text(lease: u64) -> String {
    format!("{lease:016x}")
}

impl Group<'_> {
    /// `GET …/leases`.
    pub(super) fn leases(&self) -> Result<HttpResponse, ApiError> {
        let leases = leases(&self.state()?, self.now());
        Ok(self.call.ok(&json!({ "leases": leases })))
    }

    /// `GET …/dead-letters`.
    pub(super) async fn dead_letters(&self) -> Result<HttpResponse, ApiError> {
        let state = self.state()?;
        let (feed, at) = (self.call.engine().feed(), self.call.front.at);
        let mut letters = Vec::with_capacity(state.parked.len());
        for (id, parked) in &state.parked {
            let event = feed.find(at, *id).await?;
            let kind = event.as_ref().map(|event| &*event.kind);
            letters.push(letter(self.call.front.definition, *id, kind, parked));
        }
        Ok(self.call.ok(&json!({ "dead_letters": letters })))
    }
}

fn letter(definition: &Storefront, id: u64, kind: Option<&str>, parked: &Parked) -> Value {
    json!({
        "id": id.to_string(),
        "type": kind,
        "subject": subject_text(definition, parked.subject),
        "attempts": parked.attempts,
        "why": parked.why,
        "at": instant(parked.at),
    })
}

fn leases(state: &Subscriber, now: Timestamp) -> Vec<Value> {
    let leases = state.leases.iter().map(|(lease, known)| {
        json!({
            "lease": lease_text(*lease),
            "member": known.member,
            "since": instant(known.since),
            "until": instant(known.until),
            "has_ended": known.until <= now,
            "events": state.held_by(*lease).count(),
        })
    });
    leases.collect()
}

async fn lag(call: &Call<'_>, state: &Subscriber, reads_max: usize) -> Result<Lag, ApiError> {
    let (feed, at) = (call.engine().feed(), call.front.at);
    let filter = Group::filter(state);
    let mut lag = Lag {
        events: state.open.len(),
        is_all: false,
        oldest: None,
    };
    if let Some(first) = state.open.keys().next() {
        lag.oldest = feed.find(at, *first).await?.map(|event| event.at);
    }
    let mut seen_to = state.seen_to;
    for _ in 0..reads_max {
        let slice = feed.next(at, seen_to, &filter, COUNTED_AT_ONCE).await?;
        lag.events += slice.events.len();
        let first = slice.events.first().map(|event| event.at);
        lag.oldest = lag.oldest.or(first);
        seen_to = slice.seen_to;
        lag.is_all = seen_to >= feed.horizon();
        if lag.is_all || lag.events >= COUNTED_MAX {
            break;
        }
    }
    Ok(lag)
}
