//! A group itself: made, changed, shown, moved, paused, removed.

use actix_web::{HttpResponse, http::StatusCode};
use serde_json::json;

use super::{CONSUMERS, Group, asked::Body, shown};
use crate::{
    domain::{
        Refusal,
        subscriber::{Command, Filter, LEASE_MS_MAX, LEASE_MS_MIN, Role, Settings, Subscriber},
    },
    http::{
        call::Call,
        error::ApiError,
        feed::{After, subjects, types},
    },
};

/// `GET /consumers`.
pub(super) async fn list(call: &Call<'_>) -> Result<HttpResponse, ApiError> {
    let groups = call.engine().subscribers(call.front.at, Role::Group)?;
    let mut consumers = Vec::with_capacity(groups.len());
    for state in &groups {
        consumers.push(shown::group(call, state, 1).await?);
    }
    let url = call.url(CONSUMERS);
    let links = json!({ "self": { "href": url } });
    Ok(call.ok(&json!({ "consumers": consumers, "_links": links })))
}

impl Group<'_> {
    /// `GET /consumers/engineers`.
    pub(super) async fn show(&self) -> Result<HttpResponse, ApiError> {
        let shown = shown::group(self.call, &self.state()?, shown::READS_MAX).await?;
        Ok(self.call.ok(&shown))
    }

    /// `PUT /consumers/engineers`.
    pub(super) async fn put(&self, body: &Body) -> Result<HttpResponse, ApiError> {
        let (definition, feed) = (self.call.front.definition, self.call.engine().feed());
        let before = self.state().ok();
        let settings = Settings {
            filter: Filter {
                types: (types(definition, &body.texts("types")?.join(","))?.iter())
                    .map(ToString::to_string)
                    .collect(),
                subjects: subjects(definition, &body.texts("subjects")?.join(","))?,
            },
            lease_ms: (body.number("lease_ms", LEASE_MS_MIN..=LEASE_MS_MAX)?)
                .unwrap_or_else(|| Settings::default().lease_ms),
            attempts_max: (body.number("attempts_max", 1..=u64::from(u32::MAX))?)
                .and_then(|times| u32::try_from(times).ok()),
            endpoint: None,
        };
        let from = body.place("from")?.unwrap_or(After::Beginning);
        let from = from.position(feed.horizon())?;
        let state = self
            .ask(Command::Subscribe {
                role: Role::Group,
                name: self.name.to_owned(),
                settings: Box::new(settings),
                from,
            })
            .await?;
        let status = if before.is_some() {
            StatusCode::OK
        } else {
            StatusCode::CREATED
        };
        self.answer(status, &state).await
    }

    /// `DELETE /consumers/engineers`.
    pub(super) async fn remove(&self) -> Result<HttpResponse, ApiError> {
        // Somebody else's of the same number is left alone.
        self.state()?;
        self.ask(Command::Remove).await?;
        Ok(HttpResponse::NoContent().finish())
    }

    /// `POST …/position`.
    pub(super) async fn seek(&self, body: &Body) -> Result<HttpResponse, ApiError> {
        self.state()?;
        let to = body.place("to")?;
        let to = to.ok_or_else(|| super::asked::required("to"))?;
        let position = to.position(self.call.engine().feed().horizon())?;
        let state = self.ask(Command::Seek { position }).await?;
        self.answer(StatusCode::OK, &state).await
    }

    /// `POST …/pause`.
    pub(super) async fn pause(&self, body: &Body) -> Result<HttpResponse, ApiError> {
        self.state()?;
        let mut why = body.why()?;
        if why.is_empty() {
            "paused by hand".clone_into(&mut why);
        }
        let now = self.now();
        let state = self.ask(Command::Pause { why, now }).await?;
        self.answer(StatusCode::OK, &state).await
    }

    /// `POST …/resume`.
    pub(super) async fn resume(&self) -> Result<HttpResponse, ApiError> {
        self.state()?;
        let now = self.now();
        let state = self.ask(Command::Resume { now }).await?;
        self.answer(StatusCode::OK, &state).await
    }

    async fn answer(
        &self,
        status: StatusCode,
        state: &Subscriber,
    ) -> Result<HttpResponse, ApiError> {
        if !state.is_subscribed {
            return Err(Refusal::NotSubscribed.into());
        }
        let shown = shown::group(self.call, state, shown::READS_MAX).await?;
        Ok(self
            .call
            .with_body(&mut HttpResponse::build(status), &shown))
    }
}
