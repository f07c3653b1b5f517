//! Channels: how a storefront's people are told what its notices say, and how that goes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use actix::Addr;

use super::{Context, Delivery, Engine, Error, Failure, Stage, Told};
use crate::{
    actors::dispatch::{Bureau, Changed, ChannelErrand, Courier, Pace, Who},
    clock::Clock,
    config,
    domain::{
        Refusal,
        storefront::{Channel, Storefront},
        subscriber::{Command, Role, Settings, Subscriber},
    },
    outbound::{
        channel::{Sender, Unusable},
        http::Waits,
        retry::Backoff,
    },
};

/// Why a channel's subscriber is paused that was set up once, and is not now. What happens meanwhile
/// goes to the log, and is not sent later.
const NOT_SET_UP: &str =
    "the channel is not set up any more; what is told meanwhile goes to the log";

/// What is said of what was on its way when its channel was taken away.
const FORGOTTEN: &str = "the channel was taken away before it was sent";

/// The channels of all storefronts, and the couriers that go out for them. Cheap to clone.
#[derive(Clone)]
pub struct Channels {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    clock: Clock,
    settings: config::Channels,
    bureau: Bureau,
    /// Those that are set up and that some notice names.
    in_use: BTreeMap<(usize, Channel), Sender>,
    /// None once it is stopped.
    couriers: Mutex<Option<Couriers>>,
}

/// Those that are out, by the storefront's place and the channel.
type Couriers = BTreeMap<(usize, Channel), Addr<Courier<ChannelErrand>>>;

/// Where a notification is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// It is a line in the log: its channel is that, or is not set up.
    Logged,
    /// Its channel has it.
    Out(Delivery),
}

/// Why a notification was not sent again.
#[derive(Debug, thiserror::Error)]
pub enum NotResent {
    /// The engine says no, or cannot.
    #[error(transparent)]
    Engine(#[from] Error),
    /// There is nothing to repeat.
    #[error(
        "notification {0} did not fail: only one whose state is `failed` is sent again by hand"
    )]
    NotFailed(u64),
    /// Nothing can be sent.
    #[error("the channel `{0}` is not set up: write [channels.{0}] into the configuration")]
    NotSetUp(&'static str),
}

impl From<Failure> for NotResent {
    fn from(failure: Failure) -> Self {
        Self::Engine(failure.into())
    }
}

impl std::fmt::Debug for Channels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channels")
            .field("in_use", &self.inner.in_use.keys())
            .finish_non_exhaustive()
    }
}

/// The channels that some notice of a storefront names and that are set up.
pub fn in_use(
    storefront: &Storefront,
    settings: &config::Channels,
) -> Result<Vec<(Channel, Sender)>, Unusable> {
    let settings = settings.of(&storefront.name);
    let mut found = Vec::new();
    for channel in named(storefront) {
        let made = Sender::of(channel, &settings)?;
        found.extend(made.map(|sender| (channel, sender)));
    }
    Ok(found)
}

/// The channels that some notice of a storefront names, but for the log.
pub fn named(storefront: &Storefront) -> impl Iterator<Item = Channel> {
    let is_named = |channel: &Channel| {
        let mut notices = storefront.notices.iter();
        notices.any(|own| own.ways.iter().any(|way| way.channel == *channel))
    };
    let channels = Channel::ALL.into_iter();
    channels.filter(move |own| *own != Channel::Log && is_named(own))
}

impl Channels {
    /// Sends a courier out for every channel that is set up and that some notice names. What is told
    /// from now on goes out by them, and what they had before.
    pub fn start(
        engine: Engine,
        clock: Clock,
        settings: config::Channels,
    ) -> Result<Self, Unusable> {
        let mut all = BTreeMap::new();
        for (at, storefront) in engine.storefronts().iter().enumerate() {
            for (channel, sender) in in_use(storefront, &settings)? {
                all.insert((at, channel), sender);
            }
        }
        let channels = Self {
            inner: Arc::new(Inner {
                engine,
                clock,
                settings,
                bureau: Bureau::start(),
                in_use: all,
                couriers: Mutex::new(Some(BTreeMap::new())),
            }),
        };
        let engine = &channels.inner.engine;
        for (at, storefront) in engine.storefronts().iter().enumerate() {
            for channel in named(storefront) {
                // Nothing that is told already is sent by a channel that comes only now.
                let newest = engine.newest_notification(at).unwrap_or(u64::MAX);
                let own = channels.clone();
                actix::spawn(async move {
                    if let Err(error) = own.begin(at, channel, newest).await {
                        let channel = channel.name();
                        tracing::error!(channel, %error, "nothing goes out over a channel");
                    }
                });
            }
        }
        Ok(channels)
    }

    /// Makes or stops a channel's subscriber, as the settings have it, and sends its courier out.
    async fn begin(&self, storefront: usize, channel: Channel, newest: u64) -> Result<(), Error> {
        let engine = &self.inner.engine;
        let name = channel.name();
        let known = engine.subscribed(storefront, Role::Channel, name)?;
        let now = self.inner.clock.now();
        let Some(sender) = self.inner.in_use.get(&(storefront, channel)) else {
            let is_on = known.is_some_and(|known| known.paused.is_none());
            if is_on {
                let why = NOT_SET_UP.to_owned();
                self.ask(storefront, channel, Command::Pause { why, now })
                    .await?;
            }
            return Ok(());
        };
        let was_off = known.as_ref().and_then(|known| known.paused.as_ref());
        let was_off = was_off.is_some_and(|paused| paused.why == NOT_SET_UP);
        if known.is_none() {
            let subscribe = Command::Subscribe {
                role: Role::Channel,
                name: name.to_owned(),
                settings: Box::new(Settings::default()),
                from: newest,
            };
            self.ask(storefront, channel, subscribe).await?;
        } else if was_off {
            let position = newest;
            self.ask(storefront, channel, Command::Seek { position })
                .await?;
            self.ask(storefront, channel, Command::Resume { now })
                .await?;
        }
        self.send_out(storefront, channel, sender.clone());
        Ok(())
    }

    fn send_out(&self, storefront: usize, channel: Channel, sender: Sender) {
        let Inner {
            engine,
            clock,
            settings,
            bureau,
            ..
        } = &*self.inner;
        let who = Who {
            storefront,
            role: Role::Channel,
            name: channel.name().to_owned(),
        };
        let pace = Pace {
            backoff: Backoff::new(&settings.pauses_ms),
            concurrent_max: settings.concurrent_max,
            // What is given up is shown; a channel as a whole never is.
            dead_after_ms: u64::MAX,
            dead_attempts_min: u32::MAX,
        };
        let waits = Waits {
            connect_ms: settings.timeout_ms,
            total_ms: settings.timeout_ms,
        };
        let (engine, clock) = (engine.clone(), clock.clone());
        let mut couriers = self.couriers();
        // Stopped already, if there are none.
        if let Some(couriers) = &mut *couriers {
            let address = bureau.send_out(move || {
                let (own, time) = (engine.clone(), clock.clone());
                let errand = ChannelErrand::new(own, time, storefront, channel, sender, waits);
                Courier::new(engine, clock, who, pace, errand)
            });
            couriers.insert((storefront, channel), address);
        }
    }

    /// Where a notification is on its way.
    pub fn whereabouts(&self, storefront: usize, told: &Told) -> Result<Whereabouts, Failure> {
        let engine = &self.inner.engine;
        let notification = &told.notification;
        if notification.channel == Channel::Log {
            return Ok(Whereabouts::Logged);
        }
        let name = notification.channel.name();
        let subscriber = engine.subscribed(storefront, Role::Channel, name)?;
        let delivery = engine.delivery(storefront, told.number)?;
        let item = notification.name();
        Ok(match (delivery, subscriber) {
            (Some(delivery), subscriber) => {
                Whereabouts::Out(now(delivery, subscriber.as_ref(), item))
            }
            (None, Some(own)) if item > own.seen_to && own.paused.is_none() => {
                let at = notification.at;
                Whereabouts::Out(Delivery {
                    at,
                    ..Delivery::default()
                })
            }
            (None, _) => Whereabouts::Logged,
        })
    }

    /// Sends a notification again that failed.
    pub async fn resend(
        &self,
        storefront: usize,
        told: &Told,
        context: Context,
    ) -> Result<(), NotResent> {
        let channel = told.notification.channel;
        let item = told.notification.name();
        if !self.inner.in_use.contains_key(&(storefront, channel)) {
            return Err(match self.whereabouts(storefront, told)? {
                Whereabouts::Out(_) => NotResent::NotSetUp(channel.name()),
                Whereabouts::Logged => NotResent::NotFailed(told.number),
            });
        }
        let now = self.inner.clock.now();
        let items = vec![item];
        let again = Command::Redeliver { items, now };
        let engine = &self.inner.engine;
        let asked = engine.subscriber(storefront, Role::Channel, channel.name(), again, context);
        let subscriber = match asked.await {
            Err(Error::Refused(Refusal::NotParked { .. } | Refusal::NotSubscribed)) => {
                return Err(NotResent::NotFailed(told.number));
            }
            asked => asked?,
        };
        if subscriber.paused.is_some() {
            self.ask(storefront, channel, Command::Resume { now })
                .await?;
        }
        if let Some(courier) = self.courier(storefront, channel) {
            // A courier whose mailbox is full has been told already.
            drop(courier.try_send(Changed));
        }
        Ok(())
    }

    /// Lets what is under way end, for as long as `wait`, and begins nothing.
    pub async fn stop(&self, wait: Duration) {
        let couriers = self.couriers().take().unwrap_or_default();
        let couriers = couriers.into_values();
        if !self.inner.bureau.recall(couriers, wait).await {
            tracing::warn!("not every message was taken in time; they show at the next start");
        }
    }

    async fn ask(
        &self,
        storefront: usize,
        channel: Channel,
        command: Command,
    ) -> Result<Subscriber, Error> {
        let (name, context) = (channel.name(), Context::default());
        let engine = &self.inner.engine;
        engine
            .subscriber(storefront, Role::Channel, name, command, context)
            .await
    }

    fn courier(&self, storefront: usize, channel: Channel) -> Option<Addr<Courier<ChannelErrand>>> {
        let couriers = self.couriers();
        couriers.as_ref()?.get(&(storefront, channel)).cloned()
    }

    fn couriers(&self) -> MutexGuard<'_, Option<Couriers>> {
        let couriers = &self.inner.couriers;
        couriers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A delivery as it is, which its record says unless its channel was taken away meanwhile.
fn now(delivery: Delivery, subscriber: Option<&Subscriber>, item: u64) -> Delivery {
    let is_under_way = matches!(delivery.stage, Stage::Waiting | Stage::Sending);
    // The views may be a moment behind: what is not open but in front is settled just now.
    let is_known = subscriber.is_some_and(|own| {
        own.paused.is_none() || own.open.contains_key(&item) || own.parked.contains_key(&item)
    });
    if is_under_way && !is_known {
        return Delivery {
            stage: Stage::Failed,
            why: Some(FORGOTTEN.to_owned()),
            ..delivery
        };
    }
    delivery
}
