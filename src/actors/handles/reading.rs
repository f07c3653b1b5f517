//! Reading the views and the notifications.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::{Delivery, Engine, Failure, Item, Notification, Page, Row, item, unreadable};
use crate::{
    domain::Kind,
    store::{keys, pages::Slot},
    views::{history::Entry, kept, model::Model, notices, stops::Progress},
};

/// A notification with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Counted from 1, in the order of the events; the same after every rebuild.
    pub number: u64,
    /// Who was told what.
    pub notification: Notification,
}

impl Engine {
    /// The number of the order to which its client gave this key, if there is one.
    pub fn order_with_key(&self, storefront: usize, key: &str) -> Result<Option<u64>, Failure> {
        let name = &self.inner.storefronts[storefront].name;
        keys::find(&self.inner.pages, name, key).map_err(|error| unreadable(&error))
    }

    /// The first `limit` listings by their number, whether they are on the lists or not.
    pub fn listings_ever(&self, storefront: usize, limit: usize) -> Result<Vec<Item>, Failure> {
        let collection = self.inner.layout.entities(storefront, Kind::Listing);
        let mut found = Vec::new();
        let mut visit = |number: u64, slot: &Slot| {
            if found.len() == limit {
                return ControlFlow::Break(());
            }
            found.push(item(Kind::Listing, number, slot));
            ControlFlow::Continue(())
        };
        let visited = self.inner.pages.each(collection, &mut visit);
        visited.map_err(|error| unreadable(&error))?;
        found.into_iter().collect()
    }

    /// A row of the view with this place in the storefront's definition, once the view has seen
    /// everything that was committed when the call was made. Of a view that is paused, the row as it
    /// was then.
    pub async fn row(
        &self,
        storefront: usize,
        view: usize,
        number: u64,
    ) -> Result<Option<Row>, Failure> {
        self.caught_up(Model::view(storefront, view)).await?;
        let collection = self.inner.layout.rows(storefront, view);
        let slot = self.inner.pages.get(collection, number);
        let slot = slot.map_err(|error| unreadable(&error))?;
        let slot = slot.filter(|slot| slot.listed);
        Ok(slot.map(|slot| Row::new(number, slot.bytes)))
    }

    /// Rows of a view by their place: at most `limit` from `offset` on.
    pub async fn rows(
        &self,
        storefront: usize,
        view: usize,
        offset: u64,
        limit: usize,
    ) -> Result<Page<Row>, Failure> {
        self.caught_up(Model::view(storefront, view)).await?;
        let collection = self.inner.layout.rows(storefront, view);
        self.page(collection, offset, limit, |number, slot| {
            Ok(Row::new(number, Arc::clone(&slot.bytes)))
        })
    }

    /// What a row of a view said before, the latest last; at most
    /// [`HISTORY_ENTRIES_MAX`](crate::views::history::HISTORY_ENTRIES_MAX)
    /// entries. `None` if there is no such row, or the view keeps no history.
    pub async fn history(
        &self,
        storefront: usize,
        view: usize,
        number: u64,
    ) -> Result<Option<Vec<Entry>>, Failure> {
        let Some(collection) = self.inner.layout.history(storefront, view) else {
            return Ok(None);
        };
        self.caught_up(Model::view(storefront, view)).await?;
        let slot = self.inner.pages.get(collection, number);
        let slot = slot.map_err(|error| unreadable(&error))?;
        let slot = slot.filter(|slot| slot.listed);
        slot.map(|slot| kept(&slot)).transpose()
    }

    /// The notification with this number.
    pub async fn notification(
        &self,
        storefront: usize,
        number: u64,
    ) -> Result<Option<Told>, Failure> {
        let Some(told) = self.inner.layout.told(storefront) else {
            return Ok(None);
        };
        self.caught_up(Model::notifications(storefront)).await?;
        let slot = self.inner.pages.get(told.notifications, number);
        let slot = slot.map_err(|error| unreadable(&error))?;
        let slot = slot.filter(|slot| slot.listed);
        let notification = slot.map(|slot| kept(&slot)).transpose()?;
        Ok(notification.map(|notification| Told {
            number,
            notification,
        }))
    }

    /// A storefront's notifications by their place, the oldest first: at most `limit` from `offset`
    /// on. None, if it tells nobody anything.
    pub async fn notifications(
        &self,
        storefront: usize,
        offset: u64,
        limit: usize,
    ) -> Result<Page<Told>, Failure> {
        let Some(told) = self.inner.layout.told(storefront) else {
            return Ok(Page {
                items: Vec::new(),
                total: 0,
            });
        };
        self.caught_up(Model::notifications(storefront)).await?;
        self.page(told.notifications, offset, limit, |number, slot| {
            Ok(Told {
                number,
                notification: kept(slot)?,
            })
        })
    }

    /// The newest notification's name, which is 0 if there is none.
    pub(in crate::actors) fn newest_notification(&self, storefront: usize) -> Result<u64, Failure> {
        let Some(told) = self.inner.layout.told(storefront) else {
            return Ok(0);
        };
        let highest = self.inner.pages.highest(told.notifications);
        let highest = highest.map_err(|error| unreadable(&error))?;
        let newest = self.notification_at(storefront, highest)?;
        Ok(newest.map_or(0, |newest| newest.name()))
    }

    /// The notification with this name, whatever its number.
    pub fn notification_named(
        &self,
        storefront: usize,
        name: u64,
    ) -> Result<Option<Told>, Failure> {
        let Some(told) = self.inner.layout.told(storefront) else {
            return Ok(None);
        };
        let highest = self.inner.pages.highest(told.notifications);
        let highest = highest.map_err(|error| unreadable(&error))?;
        let row = |number| self.notification_at(storefront, number);
        let found = notices::named(name, highest, row)?;
        Ok(found.map(|(number, notification)| Told {
            number,
            notification,
        }))
    }

    /// Notifications behind this name in their order, until `each` has seen enough; says the name of
    /// the last that it saw, or `after`.
    pub(in crate::actors) fn notifications_behind(
        &self,
        storefront: usize,
        after: u64,
        mut each: impl FnMut(&Notification) -> ControlFlow<()>,
    ) -> Result<u64, Failure> {
        let Some(told) = self.inner.layout.told(storefront) else {
            return Ok(after);
        };
        let highest = self.inner.pages.highest(told.notifications);
        let highest = highest.map_err(|error| unreadable(&error))?;
        let row = |number| self.notification_at(storefront, number);
        let first = notices::first_from(after.saturating_add(1), highest, row)?;
        let mut seen_to = after;
        for number in first..=highest {
            let Some(notification) = self.notification_at(storefront, number)? else {
                break;
            };
            seen_to = notification.name();
            if each(&notification).is_break() {
                break;
            }
        }
        Ok(seen_to)
    }

    /// How a notification went out so far; `None` if no channel ever had it.
    pub fn delivery(&self, storefront: usize, number: u64) -> Result<Option<Delivery>, Failure> {
        let Some(told) = self.inner.layout.told(storefront) else {
            return Ok(None);
        };
        let slot = self.inner.pages.get(told.deliveries, number);
        let slot = slot.map_err(|error| unreadable(&error))?;
        slot.map(|slot| kept(&slot)).transpose()
    }

    fn notification_at(
        &self,
        storefront: usize,
        number: u64,
    ) -> Result<Option<Notification>, Failure> {
        let told = self.inner.layout.told(storefront);
        let Some(told) = told.filter(|_| number > 0) else {
            return Ok(None);
        };
        let slot = self.inner.pages.get(told.notifications, number);
        let slot = slot.map_err(|error| unreadable(&error))?;
        slot.map(|slot| kept(&slot)).transpose()
    }

    /// Tells how far the views have come.
    pub(in crate::actors) fn views(&self) -> watch::Receiver<Progress> {
        self.inner.views.clone()
    }

    /// Waits for a view that is not paused.
    pub(super) async fn caught_up(&self, model: Model) -> Result<(), Failure> {
        let path = model.path(&self.inner.storefronts[model.storefront]);
        let components = &self.inner.components;
        if components.pausing(model.storefront, path).is_some() {
            return Ok(());
        }
        let committed = (self.inner.durable)();
        {
            let progress = self.inner.views.borrow();
            if progress.panicked.contains_key(&model) {
                return Err(Failure::ViewBehind);
            }
            // As good as always: no timer, and no receiver of its own, 800 instructions.
            if progress.of(model) >= committed {
                return Ok(());
            }
        }
        let mut views = self.inner.views.clone();
        let wait = Duration::from_millis(self.inner.settings.view_wait_ms_max);
        let caught_up = views.wait_for(|progress| progress.of(model) >= committed);
        match tokio::time::timeout(wait, caught_up).await {
            Ok(Ok(_progress)) => Ok(()),
            Ok(Err(_closed)) => Err(Failure::Stopping),
            Err(_elapsed) => Err(Failure::ViewBehind),
        }
    }
}

/// What a view kept there.
pub(super) fn kept<T: DeserializeOwned>(slot: &Slot) -> Result<T, Failure> {
    kept::read(&slot.bytes).map_err(|error| unreadable(&error))
}
