//! A webhook's dead letters: events that are not sent any more, until somebody asks for that.

use actix_web::HttpResponse;
use serde::Serialize;

use super::{Place, shown::text};
use crate::{
    domain::subscriber::{Parked, Subscriber},
    feed::subject_text,
    http::{call::Call, error::ApiError},
};

/// All of a webhook's.
#[derive(Serialize)]
pub(super) struct Letters<'a> {
    dead_letters: Vec<Letter<'a>>,
}

#[derive(Serialize)]
struct Letter<'a> {
    /// The event's id.
    event: String,
    subject: String,
    attempts: u32,
    why: &'a str,
    since: String,
    redeliver: String,
}

impl<'a> Letters<'a> {
    pub(super) fn of(call: &Call<'_>, webhook: &'a Subscriber) -> Self {
        let all = webhook.parked.iter();
        let all = all.map(|(event, parked)| Letter::of(call, &webhook.name, *event, parked));
        Self {
            dead_letters: all.collect(),
        }
    }
}

impl<'a> Letter<'a> {
    fn of(call: &Call<'_>, id: &str, event: u64, parked: &'a Parked) -> Self {
        let path = format!("{}/{id}/dead-letters/{event}/redeliver", super::WEBHOOKS);
        Self {
            event: event.to_string(),
            subject: subject_text(call.front.definition, parked.subject),
            attempts: parked.attempts,
            why: &parked.why,
            since: text(parked.at),
            redeliver: call.url(&path),
        }
    }
}

/// `GET …/dead-letters/{event}`.
pub(super) fn one(
    call: &Call<'_>,
    webhook: &Subscriber,
    event: &str,
) -> Result<HttpResponse, ApiError> {
    let event = number(event)?;
    let parked = webhook.parked.get(&event);
    let parked = parked.ok_or_else(|| missing(&event.to_string()))?;
    Ok(call.ok(&Letter::of(call, &webhook.name, event, parked)))
}

/// Which dead letters of which webhook are meant; all of them if none are named.
pub(super) fn meant(place: Place<'_>) -> Result<(&str, Vec<u64>), ApiError> {
    match place {
        Place::Letter(id, event) | Place::Redeliver(id, Some(event)) => {
            Ok((id, vec![number(event)?]))
        }
        Place::Letters(id) | Place::Redeliver(id, None) => Ok((id, Vec::new())),
        Place::All
        | Place::Attempts(_)
        | Place::One(_)
        | Place::Pause(_)
        | Place::Resume(_)
        | Place::Secret(_)
        | Place::Test(_) => Err(missing("")),
    }
}

fn number(event: &str) -> Result<u64, ApiError> {
    event.parse().map_err(|_| missing(event))
}

fn missing(event: &str) -> ApiError {
    let detail = format!("the webhook has no dead letter {event}; GET …/dead-letters lists them");
    ApiError::new("not_found", detail)
}
