//! One batch into one view: every row that it touches is written once.

use std::sync::Arc;

use super::{
    fold,
    history::{self, Entry},
    model::Model,
    projector::read,
};
use crate::{
    domain::{
        Value,
        storefront::{Storefront, View},
    },
    store::{
        commit::{Committed, Position},
        layout::Layout,
        pages::{CollectionId, Error, Pages, Slot},
        snapshot,
    },
};

/// One view, with where its rows are.
pub(super) struct Rows<'a> {
    storefront: &'a Storefront,
    view: &'a View,
    pages: &'a Pages,
    present: CollectionId,
    history: Option<CollectionId>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        storefront: &'a Storefront,
        (at, place): (usize, usize),
        layout: &Layout,
        pages: &'a Pages,
    ) -> Self {
        Self {
            storefront,
            view: &storefront.views[place],
            pages,
            present: Model::view(at, place).collection(layout),
            history: layout.history(at, place),
        }
    }

    /// Takes a batch in. Rows that have it already stay as they are.
    pub(super) fn take(&self, committed: &Committed) -> Result<(), Error> {
        let mut touched: Vec<u64> = Vec::new();
        for stamped in &committed.batch.events {
            let number = fold::rule(self.view, &stamped.event)
                .and_then(|_rule| fold::row_of(self.view.rows, stamped));
            touched.extend(number.filter(|number| !touched.contains(number)));
        }
        touched
            .into_iter()
            .try_for_each(|number| self.take_into(number, committed))
    }

    fn take_into(&self, number: u64, committed: &Committed) -> Result<(), Error> {
        let last = committed.last();
        let before = self.pages.get(self.present, number)?;
        if before.as_ref().is_some_and(|slot| slot.position >= last) {
            return Ok(());
        }
        let version = before.as_ref().map_or(0, |slot| slot.version) + 1;
        let mut row = before.as_ref().map(read).unwrap_or_default();
        let (batch, mut entries) = (&committed.batch, Vec::new());
        for (at, stamped) in batch.events.iter().enumerate() {
            if fold::row_of(self.view.rows, stamped) != Some(number)
                || !fold::fold(self.storefront, self.view, &mut row, &batch.events, at)
            {
                continue;
            }
            if self.history.is_some() {
                entries.push(Entry {
                    event: Arc::from(fold::event_name(self.storefront, &stamped.event)),
                    at: batch.at,
                    row: row.clone(),
                });
            }
        }
        let listed = (self.view.only.as_ref()).is_none_or(|(field, text)| {
            let says = row.get(field).and_then(Value::as_text);
            says == Some(&**text)
        });
        let at = (version, last);
        self.put(self.present, number, at, (listed, snapshot::encode(&row)))?;
        if let Some(history) = self.history {
            let before = self.pages.get(history, number)?;
            let mut all = before.as_ref().map(history::read).unwrap_or_default();
            all.extend(entries);
            self.put(history, number, at, (listed, history::bounded(all)))?;
        }
        Ok(())
    }

    fn put(
        &self,
        collection: CollectionId,
        number: u64,
        (version, position): (u64, Position),
        (listed, bytes): (bool, Arc<[u8]>),
    ) -> Result<(), Error> {
        let slot = Slot {
            version,
            position,
            listed,
            bytes,
        };
        self.pages.put(collection, number, slot)
    }
}
