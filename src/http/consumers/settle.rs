//! What becomes of events that were given out: settled, had again later, parked, given back.

use actix_web::HttpResponse;
use serde_json::json;

use super::{
    Group,
    asked::{self, Body},
    shown::lease_text,
};
use crate::{
    domain::{
        Refusal,
        subscriber::{Command, LEASE_MS_MAX, LEASE_MS_MIN, Open, Released, Standing, Subscriber},
    },
    http::{error::ApiError, view::instant},
};

/// The longest that an event is deferred: 30 days, in milliseconds.
const DELAY_MS_MAX: u64 = 30 * 24 * 60 * 60 * 1_000;

impl Group<'_> {
    /// `POST …/acknowledgements`.
    pub(super) async fn acknowledge(&self, body: &Body) -> Result<HttpResponse, ApiError> {
        let (lease, items) = self.named(body)?;
        let (asked, now) = (items.clone(), self.now());
        let state = self.ask(Command::Acknowledge { lease, items, now }).await?;
        // What was settled before is settled: to say so twice is as good as once.
        let is_settled = |state: &Subscriber, item: u64| {
            !state.open.contains_key(&item) && !state.parked.contains_key(&item)
        };
        Ok(self.outcome("acknowledged", &state, asked, is_settled))
    }

    /// `POST …/deferrals`.
    pub(super) async fn defer(&self, body: &Body) -> Result<HttpResponse, ApiError> {
        let (lease, items) = self.named(body)?;
        let delay_ms = body.number("delay_ms", 0..=DELAY_MS_MAX)?.unwrap_or(0);
        let (asked, now, why) = (items.clone(), self.now(), body.why()?);
        let command = Command::Defer {
            lease,
            items,
            until: now.plus_ms(delay_ms),
            why,
            now,
        };
        let state = self.ask(command).await?;
        let is_deferred = |state: &Subscriber, item: u64| {
            let open = state.open.get(&item);
            let waits = |open: &Open| matches!(open.standing, Standing::Waiting { .. });
            open.is_some_and(waits) || state.parked.contains_key(&item)
        };
        Ok(self.outcome("deferred", &state, asked, is_deferred))
    }

    /// `POST …/dead-letters`.
    pub(super) async fn park(&self, body: &Body) -> Result<HttpResponse, ApiError> {
        let (lease, items) = self.named(body)?;
        let (asked, now, why) = (items.clone(), self.now(), body.why()?);
        let command = Command::Park {
            lease,
            items,
            why,
            now,
        };
        let state = self.ask(command).await?;
        let is_parked = |state: &Subscriber, item: u64| state.parked.contains_key(&item);
        Ok(self.outcome("dead_letters", &state, asked, is_parked))
    }

    /// `DELETE …/dead-letters`, and one of them.
    pub(super) async fn discard(&self, items: Vec<u64>) -> Result<HttpResponse, ApiError> {
        self.state()?;
        self.ask(Command::Discard { items }).await?;
        Ok(HttpResponse::NoContent().finish())
    }

    /// `POST …/redeliveries`.
    pub(super) async fn redeliver(&self, body: &Body) -> Result<HttpResponse, ApiError> {
        let before = self.state()?.parked;
        let (items, now) = (body.events()?.unwrap_or_default(), self.now());
        let state = self.ask(Command::Redeliver { items, now }).await?;
        let again = before
            .keys()
            .filter(|item| !state.parked.contains_key(item));
        let left = state.parked.len();
        Ok((self.call).ok(&json!({ "redelivered": again.count(), "dead_letters": left })))
    }

    /// `DELETE …/leases/{lease}`.
    pub(super) async fn release(&self, lease: &str) -> Result<HttpResponse, ApiError> {
        let (which, now) = (Released::Lease(asked::lease(lease)?), self.now());
        self.state()?;
        self.ask(Command::Release { which, now }).await?;
        Ok(HttpResponse::NoContent().finish())
    }

    /// `PUT …/leases/{lease}`.
    pub(super) async fn extend(&self, lease: &str, body: &Body) -> Result<HttpResponse, ApiError> {
        let lease = asked::lease(lease)?;
        let lease_ms = body.number("lease_ms", LEASE_MS_MIN..=LEASE_MS_MAX)?;
        let lease_ms = lease_ms.unwrap_or(self.state()?.settings.lease_ms);
        let until = self.now().plus_ms(lease_ms);
        self.ask(Command::Extend { lease, until }).await?;
        let (lease, until) = (lease_text(lease), instant(until));
        Ok((self.call).ok(&json!({ "lease": lease, "until": until })))
    }

    /// The lease that a body names, and the events: those that it names, or all of the lease.
    fn named(&self, body: &Body) -> Result<(u64, Vec<u64>), ApiError> {
        let (lease, state) = (body.lease()?, self.state()?);
        let items = body.events()?.unwrap_or_else(|| {
            let held = state.held_by(lease);
            held.map(|(item, _)| item).collect()
        });
        if items.is_empty() {
            return Err(Refusal::LeaseLost.into());
        }
        Ok((lease, items))
    }

    fn outcome(
        &self,
        done: &str,
        state: &Subscriber,
        asked: Vec<u64>,
        is_done: impl Fn(&Subscriber, u64) -> bool,
    ) -> HttpResponse {
        let (done_items, lost): (Vec<u64>, Vec<u64>) =
            asked.into_iter().partition(|item| is_done(state, *item));
        let lost: Vec<String> = lost.iter().map(u64::to_string).collect();
        (self.call).ok(&json!({ done: done_items.len(), "lost": lost }))
    }
}
