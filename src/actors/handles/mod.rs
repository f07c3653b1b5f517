//! What HTTP, and any other program, may call. Hides addresses, shards and messages.

mod call;
pub mod channels;
mod figures;
mod following;
mod letters;
mod pausing;
mod paying;
mod reading;
mod standing;
mod story;
mod subscribers;
pub mod webhooks;
mod why;

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

pub use super::breakers::{Gauge, Totals};
pub use call::{
    CommandKey, Context, Entity, Error, Expected, Failure, Item, Page, Request, Row, Target,
};
pub use letters::Letter;
pub use reading::Told;
pub use standing::{Panic, Present, Quarantine, Standing, StoppedView, Stuck};
pub use story::{Chapter, Found, Story};
pub use why::{Stopped, Wait, Why};

pub use super::injected::{Armed, Injected, Rule};
pub use crate::views::{
    history::Entry,
    model::NOTIFICATIONS,
    notices::{Delivery, Notification, Stage},
};

use super::{
    breakers::Breakers,
    caller::Beginning,
    coordinator::{Ask, Asked},
    faults::Faults,
    numbers::{Numbers, shard_of, thread_number},
    settings::Settings,
    shard::{self, Ground, Parts, Threads},
    table::Table,
    turn::{Caller, Subject},
    watch as watching,
};
use crate::{
    clock::Clock,
    domain::{
        Kind, Refusal,
        storefront::{CommandAction, Storefront},
    },
    feed::Feed,
    store::{
        commit::Position,
        committer::UnderWay,
        components::Components,
        layout::Layout,
        pages::{self, CollectionId, Pages, Slot},
        snapshot,
    },
    telemetry::spans::Spans,
    views::stops::Progress,
};

/// One running engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    storefronts: Vec<Arc<Storefront>>,
    layout: Arc<Layout>,
    pages: Arc<Pages>,
    components: Arc<Components>,
    /// A permit for each change of a component that waits for the disk.
    changes: Arc<Semaphore>,
    shards: Arc<Table>,
    breakers: Arc<Breakers>,
    ground: Arc<Ground>,
    clock: Clock,
    /// For each storefront, the orders' and the listings'.
    numbers: Vec<[Numbers; 2]>,
    settings: Settings,
    under_way: UnderWay,
    durable: Arc<dyn Fn() -> Position + Send + Sync>,
    failed: Arc<dyn Fn() -> bool + Send + Sync>,
    full: Arc<dyn Fn() -> bool + Send + Sync>,
    views: watch::Receiver<Progress>,
    faults: Arc<dyn Faults>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("shards", &self.inner.shards.len())
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Starts the engine's shards on what was opened and restored.
    pub fn start(parts: Parts) -> Result<Self, pages::Error> {
        let settings = Settings {
            shards: parts.lanes.len(),
            ..parts.settings
        };
        let mut numbers = Vec::with_capacity(parts.storefronts.len());
        for (place, storefront) in parts.storefronts.iter().enumerate() {
            let highest = |kinds: &[Kind]| {
                let mut numbers = kinds.iter().map(|kind| {
                    let collection = parts.layout.entities(place, *kind);
                    parts.pages.highest(collection)
                });
                numbers.try_fold(0, |highest, number| {
                    Ok::<_, pages::Error>(highest.max(number?))
                })
            };
            let orders = highest(&[Kind::Order, Kind::Payment, Kind::Saga])?;
            let listings = highest(&[Kind::Listing])?;
            let orders = if storefront.shares_numbers {
                orders.max(listings)
            } else {
                orders
            };
            numbers.push([orders, listings].map(|after| Numbers::after(after, settings.shards)));
        }
        let ground = Arc::new(Ground::new(Parts { settings, ..parts }));
        shard::start(&ground)?;
        watching::start(&ground);
        let parts = &ground.parts;
        Ok(Self {
            inner: Arc::new(Inner {
                storefronts: parts.storefronts.clone(),
                layout: Arc::clone(&parts.layout),
                pages: Arc::clone(&parts.pages),
                components: Arc::clone(&parts.components),
                changes: Arc::new(Semaphore::new(pausing::CHANGES_MAX)),
                shards: Arc::clone(&ground.table),
                breakers: Arc::clone(&ground.breakers),
                clock: parts.clock.clone(),
                numbers,
                settings,
                under_way: parts.under_way.clone(),
                durable: Arc::clone(&parts.durable),
                failed: Arc::clone(&parts.failed),
                full: Arc::clone(&parts.full),
                views: parts.views.clone(),
                faults: Arc::clone(&parts.faults),
                ground: Arc::clone(&ground),
            }),
        })
    }

    /// Where spans of traces go.
    pub fn spans(&self) -> &Spans {
        &self.inner.ground.parts.spans
    }

    /// What was committed, for those outside.
    pub fn feed(&self) -> &Feed {
        &self.inner.ground.feed
    }

    /// The storefronts it serves, in the order they were mounted.
    pub fn storefronts(&self) -> &[Arc<Storefront>] {
        &self.inner.storefronts
    }

    /// Carries out a command. The answer is the addressed entity as the command left it, and comes
    /// only after everything is durable.
    ///
    /// Runs on even if the returned future is dropped, once it has begun.
    pub async fn perform(
        &self,
        storefront: usize,
        request: Request,
        context: Context,
    ) -> Result<Item, Error> {
        if let Some(failure) = self.not_ready() {
            return Err(failure.into());
        }
        let (shard, subject) = self.place(storefront, &request, context.key.as_ref())?;
        let kind = kind_of(&request);
        let fresh = || Subject {
            storefront,
            number: self.numbers(storefront, kind).take(shard),
            kind,
        };
        let key = || subject.unwrap_or_else(fresh);
        self.ask(shard, key, Asked::Request(request), context).await
    }

    /// Hands a command to a shard, as soon as there is room for it, and waits for the answer.
    async fn ask(
        &self,
        shard: usize,
        key: impl FnOnce() -> Subject,
        asked: Asked,
        context: Context,
    ) -> Result<Item, Error> {
        let running = self.inner.shards.running(shard);
        let running = running.ok_or(Failure::Restarting)?;
        let permit = Arc::clone(&running.permits)
            .try_acquire_owned()
            .map_err(|_none_left| Failure::Overloaded)?;
        let admission = running.door.enter().await?;
        let (reply, answer) = oneshot::channel();
        let beginning = Beginning::default();
        let ask = Ask {
            key: key(),
            asked,
            from: context,
            caller: self
                .caller(reply, permit, beginning.clone())
                .admitted(admission),
        };
        running.post(Box::new(ask)).await;
        self.answered(answer, &beginning).await
    }

    fn caller(
        &self,
        reply: oneshot::Sender<Result<Item, Error>>,
        permit: OwnedSemaphorePermit,
        beginning: Beginning,
    ) -> Caller {
        let deadline = (self.inner.clock.now()).plus_ms(self.inner.settings.request_ms_max);
        Caller::new(
            reply,
            permit,
            self.inner.under_way.begin(),
            beginning,
            deadline,
        )
    }

    /// Waits for the answer of a shard.
    async fn answered(
        &self,
        answer: oneshot::Receiver<Result<Item, Error>>,
        beginning: &Beginning,
    ) -> Result<Item, Error> {
        let wait = Duration::from_millis(self.inner.settings.request_ms_max);
        match tokio::time::timeout(wait, answer).await {
            // It waited in a queue all the time, and is not begun any more.
            Err(_elapsed) if beginning.give_up() => Err(Failure::Overloaded.into()),
            Err(_elapsed) => Err(Failure::OutcomeUnknown.into()),
            Ok(Err(_dropped)) => Err(Failure::Crashed.into()),
            Ok(Ok(outcome)) => outcome,
        }
    }

    /// An entity as it is stored, whether it is on the lists or not.
    pub fn entity(
        &self,
        storefront: usize,
        kind: Kind,
        number: u64,
    ) -> Result<Option<Item>, Failure> {
        let slot = self.slot(storefront, kind, number)?;
        slot.map(|slot| item(kind, number, &slot)).transpose()
    }

    /// An entity as it is stored, unless it is not on the lists.
    pub fn item(
        &self,
        storefront: usize,
        kind: Kind,
        number: u64,
    ) -> Result<Option<Item>, Failure> {
        let slot = self.slot(storefront, kind, number)?;
        slot.filter(|slot| slot.listed)
            .map(|slot| item(kind, number, &slot))
            .transpose()
    }

    /// Listed entities by their place in the collection: at most `limit` from `offset` on.
    pub fn items(
        &self,
        storefront: usize,
        kind: Kind,
        offset: u64,
        limit: usize,
    ) -> Result<Page<Item>, Failure> {
        let collection = self.inner.layout.entities(storefront, kind);
        self.page(collection, offset, limit, |number, slot| {
            item(kind, number, slot)
        })
    }

    /// The shard that carries the request out, and its subject unless that is to be fresh.
    fn place(
        &self,
        storefront: usize,
        request: &Request,
        key: Option<&CommandKey>,
    ) -> Result<(usize, Option<Subject>), Error> {
        let subject = match &request.target {
            Target::New => return Ok((self.fresh_place(storefront, request, key), None)),
            Target::Order(number) => Subject::of_order(storefront, *number),
            Target::Listing(number) => Subject::of_listing(storefront, *number),
            Target::Key(text) => Subject::of_order(storefront, self.named(storefront, text)?),
            Target::Approval(number) => self.approved(storefront, *number)?,
        };
        let shard = shard_of(subject.number, self.inner.shards.len());
        Ok((shard, Some(subject)))
    }

    /// Where something new begins. A command with the same key must come to the same shard, which
    /// knows what is under way.
    fn fresh_place(&self, storefront: usize, request: &Request, key: Option<&CommandKey>) -> usize {
        let shards = self.inner.shards.len();
        if let Some(named) = key {
            return crc32c::crc32c(named.key.as_bytes()) as usize % shards;
        }
        let numbers = self.numbers(storefront, kind_of(request));
        // On one thread with its callers, every run of the same input has to be the same.
        let near =
            (self.inner.ground.parts.threads == Threads::Own).then(|| thread_number() % shards);
        numbers.quietest(near, |shard| self.inner.shards.load(shard))
    }

    fn slot(&self, storefront: usize, kind: Kind, number: u64) -> Result<Option<Slot>, Failure> {
        let collection = self.inner.layout.entities(storefront, kind);
        let slot = self.inner.pages.get(collection, number);
        slot.map_err(|error| unreadable(&error))
    }

    fn numbers(&self, storefront: usize, kind: Kind) -> &Numbers {
        let shared = self.inner.storefronts[storefront].shares_numbers;
        let listings = kind == Kind::Listing && !shared;
        &self.inner.numbers[storefront][usize::from(listings)]
    }

    /// The number of the order with this key of its client's.
    fn named(&self, storefront: usize, key: &str) -> Result<u64, Error> {
        let found = self.order_with_key(storefront, key)?;
        let missing = || Refusal::UnknownKey {
            key: key.to_owned(),
        };
        Ok(found.ok_or_else(missing)?)
    }

    /// What an approval is about.
    fn approved(&self, storefront: usize, number: u64) -> Result<Subject, Error> {
        let kind = Kind::Approval;
        let found = self.entity(storefront, kind, number)?;
        let subject = match found.map(|item| item.entity) {
            Some(Entity::Approval(approval)) => approval.subject,
            _ => None,
        };
        let subject = subject.ok_or(Refusal::NotFound { kind, number })?;
        Ok(Subject {
            storefront,
            number: subject.number,
            kind: subject.kind,
        })
    }

    fn page<T>(
        &self,
        collection: CollectionId,
        offset: u64,
        limit: usize,
        read: impl Fn(u64, &Slot) -> Result<T, Failure>,
    ) -> Result<Page<T>, Failure> {
        let pages = &self.inner.pages;
        let found = pages
            .range(collection, offset, limit)
            .map_err(|error| unreadable(&error))?;
        let items = found
            .iter()
            .map(|(number, slot)| read(*number, slot))
            .collect::<Result<_, _>>();
        Ok(Page {
            items: items?,
            total: pages.listed(collection),
        })
    }
}

/// What a request begins, where it begins something.
const fn kind_of(request: &Request) -> Kind {
    if matches!(request.action, CommandAction::OfferListing) {
        Kind::Listing
    } else {
        Kind::Order
    }
}

pub(super) fn item(kind: Kind, number: u64, slot: &Slot) -> Result<Item, Failure> {
    let entity = snapshot::entity(kind, &slot.bytes).map_err(|error| {
        tracing::error!(%kind, number, %error, "a snapshot cannot be read; run rebuild-views");
        Failure::Store
    })?;
    let entity = entity.ok_or(Failure::Store)?;
    Ok(Item {
        number,
        version: slot.version,
        entity,
    })
}

fn unreadable(error: &pages::Error) -> Failure {
    tracing::error!(%error, "the store cannot be read");
    Failure::Store
}
