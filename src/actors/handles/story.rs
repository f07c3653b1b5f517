//! One order's whole story: every turn that was about it, as the journal has it.

use std::ops::ControlFlow;

use tokio::task::spawn_blocking;

use super::{Engine, Failure, Notification, Told, reading::kept, unreadable};
use crate::{
    domain::{
        Batch, Correlation, Kind, Origin,
        ids::{NUMBERS_PER_PAGE, OrderId},
        saga::{Gap, Kept, Saga},
    },
    store::{commit::Position, snapshot},
    views::model::Model,
};

/// How many pages of sagas a search looks through, 64 orders each: the latest million, in a second or
/// two.
const PAGES_SEARCHED_MAX: usize = 16_384;

/// One order's story.
#[derive(Clone, Debug)]
pub struct Story {
    /// The request that the order began with.
    pub origin: Origin,
    /// Where it stands, by what was durable when this was asked.
    pub saga: Saga,
    /// How many turns there were.
    pub count: u64,
    /// Those that are remembered, the first one first.
    pub turns: Vec<Chapter>,
    /// What is left out between them, if the story is long.
    pub gap: Option<Gap>,
}

/// One turn of an order's story.
#[derive(Clone, Debug)]
pub struct Chapter {
    /// The journal's position of its first event.
    pub first: Position,
    /// What was recorded.
    pub batch: Batch,
    /// Who was told what about it.
    pub told: Vec<Told>,
}

/// What a search by correlation found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The orders that began with such a request, each as its storefront's place and its number.
    pub orders: Vec<(usize, u64)>,
    /// How many orders were looked at.
    pub looked_at: u64,
    /// Whether older orders were left out.
    pub is_cut: bool,
}

impl Engine {
    /// One order's story; `None` if nothing ever happened to it. Reads files.
    pub async fn story(&self, storefront: usize, order: u64) -> Result<Option<Story>, Failure> {
        // Who is told later than that is in the next answer.
        if let Err(failure) = self.told_all(storefront).await {
            tracing::debug!(%failure, "a story may lack its last notifications");
        }
        let engine = self.clone();
        let reading = spawn_blocking(move || engine.read_story(storefront, order));
        reading.await.map_err(|_panicked| Failure::Crashed)?
    }

    /// The orders, at most `max` of each storefront, that began with a request of this id; the latest
    /// first. Looks through the latest million or so.
    pub async fn orders_of(&self, correlation: Correlation, max: usize) -> Result<Found, Failure> {
        let engine = self.clone();
        let searching = spawn_blocking(move || {
            let mut found = Found::default();
            for storefront in 0..engine.storefronts().len() {
                engine.search(storefront, correlation, max, &mut found)?;
            }
            Ok(found)
        });
        searching.await.map_err(|_panicked| Failure::Crashed)?
    }

    fn read_story(&self, storefront: usize, order: u64) -> Result<Option<Story>, Failure> {
        let kept: Option<Kept> = self.state(storefront, Kind::Saga, order)?;
        let Some(Kept { saga, dossier }) = kept else {
            return Ok(None);
        };
        let mut turns = Vec::new();
        for first in dossier.trail.positions() {
            let batch = self.batch(first)?;
            let last = first + (batch.events.len() as u64).saturating_sub(1);
            let told = self.told_at(storefront, last, OrderId(order))?;
            turns.push(Chapter { first, batch, told });
        }
        Ok(Some(Story {
            origin: dossier.origin,
            saga,
            count: dossier.trail.count(),
            turns,
            gap: dossier.trail.gap(),
        }))
    }

    /// The batch whose first event has this position.
    fn batch(&self, first: Position) -> Result<Batch, Failure> {
        let read = self.feed().batch(first);
        let found = read.map_err(|error| {
            tracing::error!(position = first, %error, "the journal cannot be read");
            Failure::Store
        })?;
        found.ok_or_else(|| {
            tracing::error!(position = first, "the journal has no record there");
            Failure::Store
        })
    }

    /// Who was told what about an order by the batch that ends with this position. Notifications are
    /// numbered in the journal's order, so they are found by halving.
    fn told_at(
        &self,
        storefront: usize,
        last: Position,
        about: OrderId,
    ) -> Result<Vec<Told>, Failure> {
        let Some(collection) = self.inner.layout.told(storefront) else {
            return Ok(Vec::new());
        };
        let collection = collection.notifications;
        let pages = &self.inner.pages;
        let at = |number| {
            let slot = pages.get(collection, number);
            slot.map_err(|error| unreadable(&error))
        };
        let highest = pages.highest(collection);
        let highest = highest.map_err(|error| unreadable(&error))?;
        let (mut from, mut to) = (1, highest + 1);
        while from < to {
            let middle = from + (to - from) / 2;
            if at(middle)?.is_some_and(|slot| slot.position < last) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        let mut told = Vec::new();
        for number in from..=highest {
            let Some(slot) = at(number)?.filter(|slot| slot.position == last) else {
                break;
            };
            let notification: Notification = kept(&slot)?;
            if notification.subject == about.key() {
                told.push(Told {
                    number,
                    notification,
                });
            }
        }
        Ok(told)
    }

    fn search(
        &self,
        storefront: usize,
        correlation: Correlation,
        max: usize,
        found: &mut Found,
    ) -> Result<(), Failure> {
        let pages = &self.inner.pages;
        let collection = self.inner.layout.entities(storefront, Kind::Saga);
        let highest = pages.highest(collection);
        let highest = highest.map_err(|error| unreadable(&error))?;
        let (mut looked, mut here) = (0, Vec::new());
        let mut page = Some(highest - highest % NUMBERS_PER_PAGE);
        while let Some(first) = page {
            page = first.checked_sub(NUMBERS_PER_PAGE);
            if pages.page_from(collection, first) != Some(first) {
                continue;
            }
            if looked == PAGES_SEARCHED_MAX || here.len() >= max {
                found.is_cut = true;
                break;
            }
            looked += 1;
            let visited = pages.each_of_page(collection, first, &mut |number, slot| {
                found.looked_at += 1;
                let kept: Result<Kept, _> = snapshot::decode(&slot.bytes);
                if kept.is_ok_and(|kept| kept.dossier.origin.correlation == correlation) {
                    here.push(number);
                }
                ControlFlow::Continue(())
            });
            let _all = visited.map_err(|error| unreadable(&error))?;
        }
        here.sort_unstable_by(|a, b| b.cmp(a));
        here.truncate(max);
        found
            .orders
            .extend(here.into_iter().map(|number| (storefront, number)));
        Ok(())
    }

    /// Waits until those who are told have been told of everything that was committed.
    async fn told_all(&self, storefront: usize) -> Result<(), Failure> {
        if self.inner.layout.told(storefront).is_none() {
            return Ok(());
        }
        self.caught_up(Model::notifications(storefront)).await
    }
}
