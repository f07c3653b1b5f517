//! `POST …/leases`: gives events out, and waits for some if it is asked to.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

use actix_web::HttpResponse;
use serde_json::json;
use tokio::time::Instant;

use super::{Group, asked::Body, shown::lease_text};
use crate::{
    actors::handles::Error,
    domain::{
        EntityKey, Refusal, Timestamp,
        subscriber::{Command, LEASE_MS_MAX, LEASE_MS_MIN, PASSED_MIN, Subscriber, Wanted},
    },
    feed,
    http::{call::Call, error::ApiError, view::instant},
};

/// Events in a lease, if the request does not say.
const MAX_DEFAULT: u64 = 100;

/// The most events in a lease.
const MAX: u64 = 500;

/// How long a request waits for its first event at most, in milliseconds.
const WAIT_MS_MAX: u64 = 30_000;

/// How long it lets others be before it looks again.
const PAUSE: Duration = Duration::from_millis(5);

/// How much longer it tries if somebody was faster: also who does not wait is to have what is there.
const GRACE: Duration = Duration::from_secs(1);

/// How often the feed is read before anybody else comes: some half a million events that are not
/// wanted.
const READS_MAX: usize = 32;

/// A member asks for events.
struct Asking<'a> {
    group: &'a Group<'a>,
    member: String,
    max: usize,
    lease_ms: Option<u64>,
    /// The lease's number, if there is one.
    lease: u64,
    ends: Instant,
}

/// What was seen of the feed for one state of the group.
#[derive(Default)]
struct Seen {
    /// The group's `seen_to` as it was.
    from: u64,
    to: u64,
    found: Vec<(u64, EntityKey)>,
}

impl Group<'_> {
    /// `POST …/leases`.
    pub(super) async fn give(&self, body: &Body) -> Result<HttpResponse, ApiError> {
        let max = body.number("max", 1..=MAX)?.unwrap_or(MAX_DEFAULT);
        let wait_ms = body.number("wait_ms", 0..=WAIT_MS_MAX)?.unwrap_or(0);
        let asking = Asking {
            group: self,
            member: body.member()?,
            max: usize::try_from(max).unwrap_or(usize::MAX),
            lease_ms: body.number("lease_ms", LEASE_MS_MIN..=LEASE_MS_MAX)?,
            lease: fresh(),
            ends: Instant::now() + Duration::from_millis(wait_ms),
        };
        let Some(state) = asking.given().await? else {
            let nothing = json!({ "lease": null, "since": null, "until": null, "events": [] });
            return Ok(self.call.ok(&nothing));
        };
        asking.answer(&state).await
    }
}

impl Asking<'_> {
    /// The group with something given out to this member; `None` if there was nothing in time.
    async fn given(&self) -> Result<Option<Subscriber>, ApiError> {
        let feed = self.group.call.engine().feed();
        let mut seen = Seen::default();
        loop {
            let state = self.group.state()?;
            seen.look(self.group.call, &state, self.max).await?;
            // Whatever is in the journal up to there has been done to the group, too.
            let horizon = feed.horizon();
            let state = self.group.state()?;
            if state.seen_to != seen.from {
                continue;
            }
            let now = self.group.now();
            let is_due = state.next_due().is_some_and(|due| due <= now);
            let is_far = seen.to.saturating_sub(seen.from) >= PASSED_MIN;
            if let Some(paused) = &state.paused {
                let why = paused.why.clone();
                return Err(Refusal::SubscriberPaused { why }.into());
            }
            let mut after = seen.to;
            if is_due || is_far || !seen.found.is_empty() {
                match self.lease(&state, &seen, now).await {
                    Ok(state) if state.held_by(self.lease).next().is_some() => {
                        return Ok(Some(state));
                    }
                    // All that is there waits for others: something has to happen to the group first.
                    Ok(_) => after = after.max(horizon),
                    Err(Error::Refused(Refusal::LeaseStale)) if self.has_grace() => {
                        // Somebody was faster, and is durable in a moment.
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            if Instant::now() >= self.ends {
                return Ok(None);
            }
            if after >= horizon {
                tokio::time::sleep(PAUSE).await;
            }
            if !self.wait(&state, after).await {
                return Ok(None);
            }
        }
    }

    fn has_grace(&self) -> bool {
        Instant::now() < self.ends + GRACE
    }

    /// Waits until something may have come. False if there was nothing in time, or nothing will be.
    async fn wait(&self, state: &Subscriber, seen_to: u64) -> bool {
        let feed = self.group.call.engine().feed();
        let due = state
            .next_due()
            .map_or(u64::MAX, |due| due.ms_since(self.group.now()));
        let due = Duration::from_millis(due.min(WAIT_MS_MAX));
        tokio::select! {
            biased;
            comes = feed.wait(seen_to) => comes.is_some(),
            () = tokio::time::sleep(due) => true,
            () = tokio::time::sleep_until(self.ends) => false,
        }
    }

    async fn lease(
        &self,
        state: &Subscriber,
        seen: &Seen,
        now: Timestamp,
    ) -> Result<Subscriber, Error> {
        let lease_ms = self.lease_ms.unwrap_or(state.settings.lease_ms);
        let wanted = Wanted {
            lease: self.lease,
            member: self.member.clone(),
            now,
            until: now.plus_ms(lease_ms),
            max: self.max,
            found: seen.found.clone(),
            from: seen.from,
            seen_to: seen.to,
        };
        self.group.ask(Command::Lease(Box::new(wanted))).await
    }

    /// The events of the lease, each with how often it was given out.
    async fn answer(&self, state: &Subscriber) -> Result<HttpResponse, ApiError> {
        let call = self.group.call;
        let feed = call.engine().feed();
        let (mut events, mut gone) = (Vec::new(), Vec::new());
        for (item, open) in state.held_by(self.lease) {
            match feed.find(call.front.at, item).await? {
                Some(event) => events.push(with_attempt(&event, open.attempts)),
                None => gone.push(item),
            }
        }
        if !gone.is_empty() {
            // The shop gave the event another name, or none: nobody can be told of it any more.
            tracing::warn!(group = self.group.name, events = ?gone, "not in the feed any more");
            let (lease, items, now) = (self.lease, gone, self.group.now());
            let settled = Command::Acknowledge { lease, items, now };
            self.group.ask(settled).await?;
        }
        let lease = state.leases.get(&self.lease);
        let head = json!({
            "lease": lease_text(self.lease),
            "since": lease.map(|lease| instant(lease.since)),
            "until": lease.map(|lease| instant(lease.until)),
        });
        let head = head.to_string();
        let events = events.join(&b","[..]);
        let head = head.trim_end_matches('}').as_bytes();
        let body = [head, b",\"events\":[", &*events, b"]}"].concat();
        Ok(HttpResponse::Ok()
            .content_type("application/json")
            .body(body))
    }
}

impl Seen {
    /// Looks on in the feed, until there are as many events as may be wanted.
    async fn look(
        &mut self,
        call: &Call<'_>,
        state: &Subscriber,
        max: usize,
    ) -> Result<(), ApiError> {
        if self.from != state.seen_to || self.to < self.from {
            *self = Self {
                from: state.seen_to,
                to: state.seen_to,
                found: Vec::new(),
            };
        }
        let (feed, filter) = (call.engine().feed(), Group::filter(state));
        for _ in 0..READS_MAX {
            let left = max.saturating_sub(self.found.len());
            if left == 0 || self.to >= feed.horizon() {
                break;
            }
            let slice = feed.next(call.front.at, self.to, &filter, left).await?;
            let found = slice.events.iter();
            self.found
                .extend(found.map(|event| (event.position, event.subject)));
            self.to = slice.seen_to;
        }
        Ok(())
    }
}

/// The event, with one attribute more.
fn with_attempt(event: &feed::Event, attempts: u32) -> Vec<u8> {
    let text = event.json.strip_suffix(b"}").unwrap_or(&event.json);
    [text, format!(",\"attempt\":{attempts}}}").as_bytes()].concat()
}

/// A number that no lease has: a hash of nothing under a key of its own.
fn fresh() -> u64 {
    RandomState::new().build_hasher().finish().max(1)
}
