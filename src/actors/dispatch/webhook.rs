//! The errand of a webhook: a storefront's feed, posted to an address event by event.

use std::{cell::OnceCell, rc::Rc, sync::Arc};

use actix::{Context, Handler, Message};
use tokio::{sync::oneshot, task::spawn_local};

use super::{
    attempts::{Attempt, Attempts},
    courier::Courier,
    errand::{Errand, Found, Outcome},
};
use crate::{
    actors::handles::Failure,
    clock::Clock,
    domain::{
        Origin, Timestamp, Trace,
        subscriber::{self, Endpoint, Subscriber},
    },
    feed::{self, Feed},
    outbound::{
        address::Address,
        http::{Answer, Client, Trouble, Waits},
        retry::Verdict,
        webhook::{self, Secret},
    },
    telemetry::spans::{self, Said, Spans},
};

/// What a body is: a `CloudEvent` in its structured form.
const CONTENT_TYPE: &str = "application/cloudevents+json";

/// The type of an event that is only sent to see whether it arrives.
const TRIAL: &str = "jumun.test";

/// How much of a receiver's answer stands in a sentence about it, in characters.
const SAID_CHARS_MAX: usize = 120;

/// Sends a trial event now, whatever else is to be sent, and answers with what came of it.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Try(pub(in crate::actors) oneshot::Sender<Attempt>);

/// A webhook's stream and its receiver.
pub(in crate::actors) struct WebhookErrand {
    feed: Feed,
    clock: Clock,
    spans: Spans,
    storefront: usize,
    waits: Waits,
    attempts: Arc<Attempts>,
    /// Made when it is needed.
    client: OnceCell<Rc<Client>>,
}

/// What is sent in one attempt.
struct Letter {
    id: String,
    kind: String,
    attempt: u32,
    body: String,
    /// The request that it goes back to.
    origin: Origin,
}

impl WebhookErrand {
    /// The errand of a webhook of this storefront.
    pub(in crate::actors) fn new(
        feed: Feed,
        (clock, spans): (Clock, Spans),
        storefront: usize,
        waits: Waits,
        attempts: Arc<Attempts>,
    ) -> Self {
        Self {
            feed,
            clock,
            spans,
            storefront,
            waits,
            attempts,
            client: OnceCell::new(),
        }
    }

    fn client(&self) -> Rc<Client> {
        let made = || Rc::new(Client::new(self.waits));
        Rc::clone(self.client.get_or_init(made))
    }

    /// Makes one attempt, and remembers it for those who look.
    async fn attempt(&self, to: &Endpoint, letter: Letter) -> (Verdict, Attempt) {
        let at = self.clock.now();
        let Letter {
            id,
            kind,
            attempt,
            body,
            origin,
        } = letter;
        let begun = self.spans.begin();
        let message = webhook::Message {
            id: id.clone(),
            content_type: CONTENT_TYPE,
            body,
            headers: passed_on(&origin, self.spans.below(origin.trace, begun)),
        };
        let answered = match addressed(to, at) {
            Ok((address, secrets)) => {
                let post = message.signed(address, at, &secrets);
                self.client().post(post).await
            }
            Err(wrong) => Err(Trouble::Broken(wrong)),
        };
        let verdict = Verdict::of(&answered);
        self.spans.record(origin.trace, begun, || {
            let storefront = &*self.feed.storefronts()[self.storefront].name;
            let trouble = (verdict != Verdict::Delivered).then(|| sentence(&answered));
            Said::of("webhook")
                .whose(spans::Kind::Client)
                .about("storefront", storefront)
                .about("event", id.as_str())
                .about("attempt", u64::from(attempt))
                .failed(trouble)
        });
        let took = self.clock.now().0.saturating_sub(at.0);
        let attempt = Attempt {
            at,
            id,
            kind,
            number: attempt,
            is_delivered: verdict == Verdict::Delivered,
            status: answered.as_ref().ok().map(|answer| answer.status),
            took_ms: u64::try_from(took).unwrap_or_default(),
            what: sentence(&answered),
        };
        self.attempts.note(attempt.clone());
        (verdict, attempt)
    }

    async fn letter(&self, position: u64, attempt: u32) -> Result<Option<Letter>, Failure> {
        let found = self.feed.find(self.storefront, position).await;
        let Some(event) = found.map_err(|error| unreadable(&error))? else {
            return Ok(None);
        };
        let storefront = &self.feed.storefronts()[self.storefront].name;
        Ok(Some(Letter {
            id: format!("{storefront}-{position}"),
            kind: (*event.kind).to_owned(),
            attempt,
            body: String::from_utf8_lossy(&event.json).into_owned(),
            origin: event.origin,
        }))
    }

    /// An event that never happened, for a receiver to be tried with.
    fn trial(&self) -> Letter {
        let storefront = &self.feed.storefronts()[self.storefront].name;
        let now = self.clock.now();
        let id = format!("test-{:016x}", fastrand::u64(..));
        let time = jiff::Timestamp::from_millisecond(now.0).map(|now| now.to_string());
        let body = serde_json::json!({
            "specversion": "1.0",
            "id": id,
            "source": format!("/{storefront}"),
            "type": TRIAL,
            "time": time.unwrap_or_default(),
            "datacontenttype": "application/json",
            "data": { "message": "This is a test. Nothing happened." },
        });
        Letter {
            id: format!("{storefront}-{id}"),
            kind: TRIAL.to_owned(),
            attempt: 0,
            body: body.to_string(),
            origin: Origin::default(),
        }
    }
}

/// The headers by which a receiver finds the request that an event goes back to.
fn passed_on(origin: &Origin, trace: Option<Trace>) -> Vec<(String, String)> {
    if *origin == Origin::default() {
        return Vec::new();
    }
    let id = ("x-correlation-id".to_owned(), origin.to_string());
    let trace = trace.map(|trace| ("traceparent".to_owned(), trace.to_string()));
    [id].into_iter().chain(trace).collect()
}

impl Errand for WebhookErrand {
    async fn find(
        &self,
        subscriber: &Subscriber,
        after: u64,
        max: usize,
    ) -> Result<Found, Failure> {
        let (feed, storefront) = (&self.feed, self.storefront);
        let filter = filter(&subscriber.settings.filter);
        let slice = feed.next(storefront, after, &filter, max).await;
        let slice = slice.map_err(|error| unreadable(&error))?;
        let items = slice.events.iter();
        Ok(Found {
            items: items.map(|event| (event.position, event.subject)).collect(),
            seen_to: slice.seen_to,
        })
    }

    async fn more(&self, after: u64) -> bool {
        self.feed.wait(after).await.is_some()
    }

    async fn send(self: Rc<Self>, subscriber: Rc<Subscriber>, item: u64, attempt: u32) -> Outcome {
        let letter = match self.letter(item, attempt).await {
            Ok(Some(letter)) => letter,
            // The storefront's file does not name it any more.
            Ok(None) => return Outcome::Delivered,
            Err(failure) => {
                return Outcome::Later {
                    not_before_ms: None,
                    why: failure.to_string(),
                };
            }
        };
        let Some(endpoint) = &subscriber.settings.endpoint else {
            let why = "the webhook has no address".to_owned();
            return Outcome::Refused { why };
        };
        let (verdict, Attempt { what: why, .. }) = self.attempt(endpoint, letter).await;
        match verdict {
            Verdict::Delivered => Outcome::Delivered,
            Verdict::Later { not_before_ms } => Outcome::Later { not_before_ms, why },
            Verdict::Refused => Outcome::Refused { why },
            Verdict::Gone => Outcome::Gone { why },
        }
    }
}

impl Handler<Try> for Courier<WebhookErrand> {
    type Result = ();

    fn handle(&mut self, Try(reply): Try, _ctx: &mut Context<Self>) {
        let (engine, who) = (self.engine.clone(), self.who.clone());
        let errand = Rc::clone(&self.errand);
        spawn_local(async move {
            let read = engine.subscribed(who.storefront, who.role, &who.name);
            let endpoint = read.ok().flatten().and_then(|read| read.settings.endpoint);
            // Removed meanwhile: who asks is told that by the silence.
            if let Some(endpoint) = endpoint {
                let letter = errand.trial();
                drop(reply.send(errand.attempt(&endpoint, letter).await.1));
            }
        });
    }
}

/// What a subscriber wants, as the feed is asked for it.
pub(in crate::actors) fn filter(wanted: &subscriber::Filter) -> feed::Filter {
    feed::Filter {
        types: wanted
            .types
            .iter()
            .map(|name| name.as_str().into())
            .collect(),
        subjects: wanted.subjects.clone(),
    }
}

fn unreadable(error: &feed::Error) -> Failure {
    tracing::error!(%error, "the feed cannot be read for a webhook");
    Failure::Store
}

/// Where to, and what is signed with.
fn addressed(to: &Endpoint, now: Timestamp) -> Result<(Address, Vec<Secret>), String> {
    let address = to
        .url
        .parse::<Address>()
        .map_err(|error| error.to_string())?;
    let previous = to.previous.as_ref();
    let previous = previous.filter(|previous| now < previous.until);
    let secrets = [Some(&to.secret), previous.map(|previous| &previous.secret)];
    let secrets = secrets.into_iter().flatten().map(|secret| secret.parse());
    let secrets: Result<Vec<Secret>, _> = secrets.collect();
    Ok((address, secrets.map_err(|error| error.to_string())?))
}

/// What came of an attempt, in a sentence.
fn sentence(answered: &Result<Answer, Trouble>) -> String {
    let answer = match answered {
        Err(trouble) => return trouble.to_string(),
        Ok(answer) => answer,
    };
    let said = answer.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let said: String = said.chars().take(SAID_CHARS_MAX).collect();
    match said.as_str() {
        "" => format!("it answered {}", answer.status),
        said => format!("it answered {}: {said}", answer.status),
    }
}
