//! Who is told what: one notification for each event that a notice of the storefront names.
//!
//! Most events say little about their order, so what a text may mention is kept for each order and
//! listing (its facts), folded from the same journal: a rebuild gives the same texts.

mod delivery;
mod facts;
mod writer;

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

pub use self::delivery::{Delivery, Stage, first_from, named};
pub(super) use self::facts::Mentioned;
use self::{
    facts::{Facts, is_told_by},
    writer::Writer,
};
use crate::{
    domain::{
        EntityKey, Event, Kind, Stamped, Timestamp,
        storefront::{Channel, Language, MESSAGES_PER_EVENT_MAX, Notice, Storefront},
    },
    store::{
        commit::{Committed, Position},
        layout::Told,
        pages::{CollectionId, Error, Pages, Slot},
        snapshot,
    },
    views::kept,
};

/// Somebody is told something, over one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// The journal's position of the event.
    pub position: Position,
    /// Which of the messages that the event causes, counted from 0.
    pub part: u8,
    /// The storefront's name for the event, or the domain's if it has none.
    pub event: String,
    /// The order or the listing that it is about.
    pub subject: EntityKey,
    /// Over what. The log, where no channel of the notice has the address that it needs.
    pub channel: Channel,
    /// Who is told; nobody in particular, if `None`.
    pub to: Option<String>,
    /// Where that is on the channel, as the customer wrote it; where it needs one.
    pub address: Option<String>,
    /// The language in which they are told.
    pub language: Language,
    /// What a mail has as its subject.
    pub headline: Option<Headline>,
    /// The code of the KakaoTalk template.
    pub template: Option<String>,
    /// What they are told, in Korean.
    pub ko: String,
    /// The same in English.
    pub en: String,
    /// When the event happened.
    pub at: Timestamp,
    /// The request that the event goes back to, as its caller calls it.
    pub correlation: String,
}

/// A mail's subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headline {
    /// In Korean.
    pub ko: String,
    /// In English.
    pub en: String,
}

impl Notification {
    /// What it is called for ever, whatever the definition says later: its event and its place among
    /// the messages of that. Later ones have higher names.
    pub const fn name(&self) -> u64 {
        self.position * MESSAGES_PER_EVENT_MAX as u64 + self.part as u64
    }

    /// What a mail has as its subject, in their language.
    pub fn headline(&self) -> Option<&str> {
        let headline = self.headline.as_ref()?;
        Some(match self.language {
            Language::Korean => &headline.ko,
            Language::English => &headline.en,
        })
    }

    /// What they are told, in their language.
    pub fn text(&self) -> &str {
        match self.language {
            Language::Korean => &self.ko,
            Language::English => &self.en,
        }
    }
}

/// One storefront's notifications, with where they are.
pub(super) struct Notices<'a> {
    pub(super) storefront: &'a Storefront,
    pub(super) pages: &'a Pages,
    pub(super) told: Told,
    pub(super) mentioned: &'a Mentioned,
}

impl Notices<'_> {
    /// Takes a batch in, and hands what is new to `tell`. What is there already stays as it is.
    pub(super) fn take(
        &self,
        committed: &Committed,
        tell: &mut dyn FnMut(&Notification),
    ) -> Result<(), Error> {
        let last = committed.last();
        let batch = &committed.batch;
        let mut known: BTreeMap<EntityKey, Known> = BTreeMap::new();
        let mut new = Vec::new();
        for (at, stamped) in batch.events.iter().enumerate() {
            if let Event::Subscriber(event) = &stamped.event {
                let position = committed.first + at as u64;
                self.settled(stamped.entity.number, event, position)?;
                continue;
            }
            let about = subject(stamped);
            let notices = self.storefront.notices.iter();
            let named = notices.filter(|notice| notice.names(&stamped.event));
            let mut named = named.peekable();
            if named.peek().is_none() && !is_told_by(&stamped.event) {
                continue;
            }
            let facts = self.facts(&mut known, about)?;
            if facts.position < last {
                facts.is_changed |= facts.facts.take(&batch.events, at, self.mentioned);
            }
            if named.peek().is_none() {
                continue;
            }
            let facts = facts.facts.clone();
            let listing = match facts.line {
                Some(line) if about.kind == Kind::Order => {
                    Some(&self.facts(&mut known, line.listing.key())?.facts)
                }
                _ => None,
            };
            let writer = Writer {
                storefront: self.storefront,
                facts: &facts,
                listing,
                event: &stamped.event,
                subject: about,
                position: committed.first + at as u64,
                batch,
            };
            for notice in named {
                writer.write(notice, &mut new);
            }
        }
        for (about, known) in known.iter().filter(|(_, known)| known.is_changed) {
            let collection = self.facts_of(*about);
            let bytes = snapshot::encode(&known.facts);
            self.put(collection, about.number, last, (false, bytes))?;
        }
        let highest = self.pages.highest(self.told.notifications)?;
        if !new.is_empty() && self.position(highest)? < last {
            for (number, notification) in (highest + 1..).zip(&new) {
                let bytes = snapshot::encode(notification);
                self.put(self.told.notifications, number, last, (true, bytes))?;
                tell(notification);
            }
        }
        Ok(())
    }

    /// Up to where the notifications go. Under 0 is none, but where they stopped.
    fn position(&self, highest: u64) -> Result<Position, Error> {
        if highest == 0 {
            return Ok(0);
        }
        let slot = self.pages.get(self.told.notifications, highest)?;
        Ok(slot.map_or(0, |slot| slot.position))
    }

    /// What is known so far, in this batch too.
    fn facts<'k>(
        &self,
        known: &'k mut BTreeMap<EntityKey, Known>,
        about: EntityKey,
    ) -> Result<&'k mut Known, Error> {
        Ok(match known.entry(about) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(self.known(about)?),
        })
    }

    fn known(&self, about: EntityKey) -> Result<Known, Error> {
        let slot = self.pages.get(self.facts_of(about), about.number)?;
        let Some(slot) = slot else {
            return Ok(Known::default());
        };
        Ok(Known {
            facts: kept::read(&slot.bytes)?,
            position: slot.position,
            is_changed: false,
        })
    }

    const fn facts_of(&self, about: EntityKey) -> CollectionId {
        match about.kind {
            Kind::Listing => self.told.listings,
            Kind::Order
            | Kind::Payment
            | Kind::Delivery
            | Kind::Saga
            | Kind::Approval
            | Kind::Payout
            | Kind::Subscriber => self.told.orders,
        }
    }

    fn put(
        &self,
        collection: CollectionId,
        number: u64,
        position: Position,
        (listed, bytes): (bool, Arc<[u8]>),
    ) -> Result<(), Error> {
        let slot = Slot {
            version: 1,
            position,
            listed,
            bytes,
        };
        self.pages.put(collection, number, slot)
    }
}

#[derive(Default)]
struct Known {
    facts: Facts,
    position: Position,
    is_changed: bool,
}

impl Notice {
    fn names(&self, event: &Event) -> bool {
        let mut on = self.on.iter();
        on.any(|(kind, name)| *kind == event.kind() && **name == *event.name())
    }
}

/// The order or the listing that an event is about.
pub fn subject(stamped: &Stamped) -> EntityKey {
    match &stamped.event {
        Event::Listing(_) | Event::Subscriber(_) => stamped.entity,
        Event::Approval(approval) => approval.subject(),
        Event::Order(_)
        | Event::Payment(_)
        | Event::Delivery(_)
        | Event::Saga(_)
        | Event::Payout(_) => EntityKey::new(Kind::Order, stamped.entity.number),
    }
}
