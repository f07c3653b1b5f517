//! Webhooks: where a storefront's events are posted to, and how that goes.

mod said;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use actix::Addr;
use tokio::sync::oneshot;

pub use self::said::{Lag, NotDone, Wish};
use super::{Context, Engine, Error, Failure};
pub use crate::actors::dispatch::Attempt;
use crate::{
    actors::dispatch::{Attempts, Bureau, Changed, Courier, Pace, Try, WebhookErrand, Who, filter},
    clock::Clock,
    config,
    domain::{
        Refusal, Timestamp,
        subscriber::{Command, Endpoint, Filter, Retiring, Role, Settings, Subscriber},
    },
    feed,
    outbound::{address::Address, http::Waits, retry::Backoff, webhook::Secret},
};

/// Events that are counted of those which a webhook does not have yet.
const COUNTED_MAX: usize = 1_000;

/// What stands there for a moment while what waits is made due.
const PAUSED_TO_RESUME: &str = "about to try again what waits; resume it if that takes long";

/// The webhooks of all storefronts, and the couriers that go out for them. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    clock: Clock,
    settings: config::Webhooks,
    bureau: Bureau,
    couriers: Mutex<BTreeMap<(usize, String), Running>>,
}

/// A courier that is out.
#[derive(Clone)]
struct Running {
    address: Addr<Courier<WebhookErrand>>,
    attempts: Arc<Attempts>,
}

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhooks")
            .field("out", &self.couriers().len())
            .finish_non_exhaustive()
    }
}

impl Webhooks {
    /// Sends a courier out for every webhook there is.
    pub fn start(
        engine: Engine,
        clock: Clock,
        settings: config::Webhooks,
    ) -> Result<Self, Failure> {
        let webhooks = Self {
            inner: Arc::new(Inner {
                engine,
                clock,
                settings,
                bureau: Bureau::start(),
                couriers: Mutex::default(),
            }),
        };
        for storefront in 0..webhooks.inner.engine.storefronts().len() {
            for webhook in webhooks.list(storefront)? {
                webhooks.send_out(storefront, &webhook.name);
            }
        }
        Ok(webhooks)
    }

    /// The webhooks of a storefront, by their names.
    pub fn list(&self, storefront: usize) -> Result<Vec<Subscriber>, Failure> {
        let mut all = self.inner.engine.subscribers(storefront, Role::Webhook)?;
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    /// The webhook with this name.
    pub fn get(&self, storefront: usize, name: &str) -> Result<Subscriber, NotDone> {
        let engine = &self.inner.engine;
        let found = engine.subscribed(storefront, Role::Webhook, name)?;
        found.ok_or_else(|| NotDone::NotFound(name.to_owned()))
    }

    /// Makes a webhook, and sends its courier out. Without a name or a secret these are made, too.
    pub async fn create(
        &self,
        storefront: usize,
        name: Option<String>,
        (wish, secret): (Wish, Option<String>),
        from: u64,
        context: Context,
    ) -> Result<Subscriber, NotDone> {
        let name = name.unwrap_or_else(|| format!("wh-{:012x}", fastrand::u64(..) >> 16));
        let there = self.list(storefront)?;
        if there.iter().any(|webhook| webhook.name == name) {
            return Err(NotDone::Exists(name));
        }
        let most = self.inner.settings.endpoints_max;
        if there.len() >= most {
            return Err(NotDone::TooMany(most));
        }
        let secret = match secret {
            Some(secret) => secret.parse()?,
            None => made()?,
        };
        let url = wish.url.unwrap_or_default().parse::<Address>()?;
        let settings = Settings {
            filter: Filter {
                types: wish.types.unwrap_or_default(),
                subjects: wish.subjects.unwrap_or_default(),
            },
            endpoint: Some(Endpoint {
                url: url.into(),
                description: wish.description.unwrap_or_default(),
                secret: secret.into(),
                previous: None,
            }),
            ..Settings::default()
        };
        let command = Command::Subscribe {
            role: Role::Webhook,
            name: name.clone(),
            settings: Box::new(settings),
            from,
        };
        let webhook = self.ask(storefront, &name, command, context).await?;
        self.send_out(storefront, &name);
        Ok(webhook)
    }

    /// Changes what a webhook wants, or where it is.
    pub async fn amend(
        &self,
        storefront: usize,
        name: &str,
        wish: Wish,
        context: Context,
    ) -> Result<Subscriber, NotDone> {
        let mut settings = self.get(storefront, name)?.settings;
        let mut endpoint = settings.endpoint.take().unwrap_or_default();
        if let Some(url) = wish.url {
            endpoint.url = url.parse::<Address>()?.into();
        }
        endpoint.description = wish.description.unwrap_or(endpoint.description);
        let filter = &mut settings.filter;
        filter.types = wish
            .types
            .unwrap_or_else(|| std::mem::take(&mut filter.types));
        filter.subjects = wish
            .subjects
            .unwrap_or_else(|| std::mem::take(&mut filter.subjects));
        settings.endpoint = Some(endpoint);
        let settings = Box::new(settings);
        let command = Command::Amend { settings };
        self.ask(storefront, name, command, context).await
    }

    /// Gives a webhook another secret. The one before is signed with too, for as long as the settings
    /// say.
    pub async fn rotate(
        &self,
        storefront: usize,
        name: &str,
        secret: Option<String>,
        context: Context,
    ) -> Result<Subscriber, NotDone> {
        let secret: Secret = match secret {
            Some(secret) => secret.parse()?,
            None => made()?,
        };
        let mut settings = self.get(storefront, name)?.settings;
        let mut endpoint = settings.endpoint.take().unwrap_or_default();
        let retired = std::mem::replace(&mut endpoint.secret, secret.into());
        let rotation_ms = self.inner.settings.rotation_s.saturating_mul(1_000);
        endpoint.previous = Some(Retiring {
            secret: retired,
            until: self.inner.clock.now().plus_ms(rotation_ms),
        });
        settings.endpoint = Some(endpoint);
        let settings = Box::new(settings);
        let command = Command::Amend { settings };
        self.ask(storefront, name, command, context).await
    }

    /// Sends nothing until it is resumed.
    pub async fn pause(
        &self,
        storefront: usize,
        name: &str,
        why: String,
        context: Context,
    ) -> Result<Subscriber, NotDone> {
        let now = self.inner.clock.now();
        let command = Command::Pause { why, now };
        self.ask(storefront, name, command, context).await
    }

    /// Sends again, beginning with what waits; also if it is not paused, and only waits for its next
    /// attempts.
    pub async fn resume(
        &self,
        storefront: usize,
        name: &str,
        context: Context,
    ) -> Result<Subscriber, NotDone> {
        let webhook = self.get(storefront, name)?;
        if webhook.paused.is_none() && !webhook.open.is_empty() {
            // Only what was paused is due at once.
            let why = PAUSED_TO_RESUME.to_owned();
            self.pause(storefront, name, why, Context::default())
                .await?;
        }
        let now = self.inner.clock.now();
        self.ask(storefront, name, Command::Resume { now }, context)
            .await
    }

    /// Sends these dead letters again; all that there is room for, if none are named.
    pub async fn redeliver(
        &self,
        storefront: usize,
        name: &str,
        items: Vec<u64>,
        context: Context,
    ) -> Result<Subscriber, NotDone> {
        let now = self.inner.clock.now();
        let command = Command::Redeliver { items, now };
        self.ask(storefront, name, command, context).await
    }

    /// Forgets these dead letters; all, if none are named.
    pub async fn discard(
        &self,
        storefront: usize,
        name: &str,
        items: Vec<u64>,
        context: Context,
    ) -> Result<Subscriber, NotDone> {
        let command = Command::Discard { items };
        self.ask(storefront, name, command, context).await
    }

    /// Removes a webhook. What is under way to it may still arrive.
    pub async fn remove(
        &self,
        storefront: usize,
        name: &str,
        context: Context,
    ) -> Result<(), NotDone> {
        self.get(storefront, name)?;
        self.ask(storefront, name, Command::Remove, context).await?;
        self.couriers().remove(&(storefront, name.to_owned()));
        Ok(())
    }

    /// Sends a trial event now, and says what came of it. Not repeated, and not counted.
    pub async fn try_out(&self, storefront: usize, name: &str) -> Result<Attempt, NotDone> {
        self.get(storefront, name)?;
        let running = self.running(storefront, name);
        let running = running.ok_or_else(|| NotDone::NotFound(name.to_owned()))?;
        let (reply, answer) = oneshot::channel();
        let asked = running.address.try_send(Try(reply));
        asked.map_err(|_full| Failure::Overloaded)?;
        Ok(answer.await.map_err(|_gone| Failure::OutcomeUnknown)?)
    }

    /// What was sent lately, the latest first. In memory only: a restart begins a new list.
    pub fn attempts(&self, storefront: usize, name: &str) -> Vec<Attempt> {
        let running = self.running(storefront, name);
        running.map_or_else(Vec::new, |running| running.attempts.list())
    }

    /// What a webhook does not have yet. Counts a thousand of what was never tried at most.
    pub async fn lag(&self, storefront: usize, webhook: &Subscriber) -> Result<Lag, NotDone> {
        let feed = self.inner.engine.feed();
        let wanted = filter(&webhook.settings.filter);
        let behind = feed.next(storefront, webhook.seen_to, &wanted, COUNTED_MAX);
        let behind = behind.await.map_err(|error| unreadable(&error))?.events;
        let first = match webhook.open.keys().next() {
            Some(position) => feed.find(storefront, *position).await,
            None => Ok(None),
        };
        let first = first.map_err(|error| unreadable(&error))?;
        let first = first.as_ref().or_else(|| behind.first());
        Ok(Lag {
            events: webhook.open.len() + behind.len(),
            or_more: behind.len() >= COUNTED_MAX,
            oldest: first.map(|event| event.at),
        })
    }

    /// Whether a webhook's previous secret is still signed with.
    pub fn retiring<'a>(&self, webhook: &'a Subscriber) -> Option<&'a Retiring> {
        let previous = webhook.settings.endpoint.as_ref()?.previous.as_ref()?;
        (self.now() < previous.until).then_some(previous)
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Lets what is under way end, for as long as `wait`, and begins nothing.
    pub async fn stop(&self, wait: Duration) {
        let couriers = std::mem::take(&mut *self.couriers());
        let couriers = couriers.into_values().map(|running| running.address);
        if !self.inner.bureau.recall(couriers, wait).await {
            tracing::warn!("not every webhook was answered in time; these are sent once more");
        }
    }

    fn send_out(&self, storefront: usize, name: &str) {
        let Inner {
            engine,
            clock,
            settings,
            bureau,
            ..
        } = &*self.inner;
        let who = Who {
            storefront,
            role: Role::Webhook,
            name: name.to_owned(),
        };
        let pace = Pace {
            backoff: Backoff::new(&settings.pauses_ms),
            concurrent_max: settings.concurrent_max,
            dead_after_ms: settings.dead_after_s.saturating_mul(1_000),
            dead_attempts_min: settings.dead_attempts_min,
        };
        let waits = Waits {
            connect_ms: settings.connect_ms_max,
            total_ms: settings.timeout_ms_max,
        };
        let attempts = Arc::<Attempts>::default();
        let (own, feed) = (Arc::clone(&attempts), engine.feed().clone());
        let (engine, clock) = (engine.clone(), clock.clone());
        let spans = engine.spans().clone();
        let mut couriers = self.couriers();
        let address = bureau.send_out(move || {
            let errand = WebhookErrand::new(feed, (clock.clone(), spans), storefront, waits, own);
            Courier::new(engine, clock, who, pace, errand)
        });
        let running = Running { address, attempts };
        couriers.insert((storefront, name.to_owned()), running);
    }

    async fn ask(
        &self,
        storefront: usize,
        name: &str,
        command: Command,
        context: Context,
    ) -> Result<Subscriber, NotDone> {
        let engine = &self.inner.engine;
        let asked = engine.subscriber(storefront, Role::Webhook, name, command, context);
        let webhook = match asked.await {
            Err(Error::Refused(Refusal::NotSubscribed)) => {
                return Err(NotDone::NotFound(name.to_owned()));
            }
            asked => asked?,
        };
        if let Some(running) = self.running(storefront, name) {
            // A courier whose mailbox is full has been told already.
            drop(running.address.try_send(Changed));
        }
        Ok(webhook)
    }

    fn running(&self, storefront: usize, name: &str) -> Option<Running> {
        self.couriers().get(&(storefront, name.to_owned())).cloned()
    }

    /// The attempts of each that is out, by the storefront's place and its name.
    pub(super) fn all_attempts(&self) -> Vec<(usize, String, Arc<Attempts>)> {
        let couriers = self.couriers();
        let all = couriers.iter();
        all.map(|((at, name), own)| (*at, name.clone(), Arc::clone(&own.attempts)))
            .collect()
    }

    fn couriers(&self) -> MutexGuard<'_, BTreeMap<(usize, String), Running>> {
        let couriers = &self.inner.couriers;
        couriers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn made() -> Result<Secret, Failure> {
    Secret::generate().ok_or(Failure::Store)
}

fn unreadable(error: &feed::Error) -> Failure {
    tracing::error!(%error, "the feed cannot be read");
    Failure::Store
}
