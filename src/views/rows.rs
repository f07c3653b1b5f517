//! One batch into one view: every row that it touches is written once.
//!
//! Shops show the same to two kinds of people (a customer's page, a florist's), so a row that was made
//! for one view is kept for the next that says the same. Two rows were 13 % of an order's instructions.

use std::sync::Arc;

use super::{
    fold,
    history::{self, Entry},
    kept,
    model::Model,
};
use crate::{
    domain::{
        Fields, Value,
        storefront::{Storefront, View},
    },
    store::{
        commit::{Committed, Position},
        layout::Layout,
        pages::{CollectionId, Error, Pages, Slot},
        snapshot,
    },
};

/// Rows that a batch made, for views that say the same.
#[derive(Debug, Default)]
pub(super) struct Made(Vec<Row>);

#[derive(Debug)]
struct Row {
    view: usize,
    number: u64,
    before: Option<Arc<[u8]>>,
    listed: bool,
    bytes: Arc<[u8]>,
}

impl Made {
    fn find(&self, view: usize, number: u64, before: Option<&Slot>) -> Option<(bool, Arc<[u8]>)> {
        let before = before.map(|slot| &*slot.bytes);
        let is_it =
            |row: &&Row| (row.view, row.number, row.before.as_deref()) == (view, number, before);
        let found = self.0.iter().find(is_it)?;
        Some((found.listed, Arc::clone(&found.bytes)))
    }
}

/// Whether another view of the storefront says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// None does.
    Alone,
    /// A later one does.
    Original,
    /// The one at this place does, which comes before it.
    Twin(usize),
}

impl Likeness {
    /// Of each of a storefront's views.
    pub(super) fn of(storefront: &Storefront) -> Vec<Self> {
        let views = &storefront.views;
        let of_one = |(place, view): (usize, &View)| {
            let mut earlier = views[..place].iter();
            if let Some(twin) = earlier.position(|other| other.says_the_same(view)) {
                return Self::Twin(twin);
            }
            let mut later = views[place + 1..].iter();
            if later.any(|other| other.says_the_same(view)) {
                Self::Original
            } else {
                Self::Alone
            }
        };
        views.iter().enumerate().map(of_one).collect()
    }
}

/// One view, with where its rows are.
pub(super) struct Rows<'a> {
    storefront: &'a Storefront,
    view: &'a View,
    place: usize,
    likeness: Likeness,
    pages: &'a Pages,
    present: CollectionId,
    history: Option<CollectionId>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        storefront: &'a Storefront,
        (at, place): (usize, usize),
        likeness: Likeness,
        layout: &Layout,
        pages: &'a Pages,
    ) -> Self {
        Self {
            storefront,
            view: &storefront.views[place],
            place,
            likeness,
            pages,
            present: Model::view(at, place).collection(layout),
            history: layout.history(at, place),
        }
    }

    /// Takes a batch in. Rows that have it already stay as they are.
    pub(super) fn take(&self, committed: &Committed, made: &mut Made) -> Result<(), Error> {
        let mut touched: Vec<u64> = Vec::new();
        for stamped in &committed.batch.events {
            let number = fold::rule(self.view, &stamped.event)
                .and_then(|_rule| fold::row_of(self.view.rows, stamped));
            touched.extend(number.filter(|number| !touched.contains(number)));
        }
        touched
            .into_iter()
            .try_for_each(|number| self.take_into(number, committed, made))
    }

    fn take_into(&self, number: u64, committed: &Committed, made: &mut Made) -> Result<(), Error> {
        let last = committed.last();
        let before = self.pages.get(self.present, number)?;
        if before.as_ref().is_some_and(|slot| slot.position >= last) {
            return Ok(());
        }
        let version = before.as_ref().map_or(0, |slot| slot.version) + 1;
        let at = (version, last);
        if let Likeness::Twin(twin) = self.likeness
            && let Some(row) = made.find(twin, number, before.as_ref())
        {
            return self.put(self.present, number, at, row);
        }
        let mut row = match &before {
            Some(slot) => kept::read(&slot.bytes)?,
            None => Fields::new(),
        };
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
        let bytes = snapshot::encode(&row);
        // Before anything is written: one that is damaged leaves the row as it was.
        let earlier = self.earlier(number)?;
        if self.likeness == Likeness::Original {
            made.0.push(Row {
                view: self.place,
                number,
                before: before.map(|slot| slot.bytes),
                listed,
                bytes: Arc::clone(&bytes),
            });
        }
        self.put(self.present, number, at, (listed, bytes))?;
        if let Some((history, mut all)) = earlier {
            all.extend(entries);
            self.put(history, number, at, (listed, history::bounded(all)))?;
        }
        Ok(())
    }

    /// A row's history so far, where the view keeps one.
    fn earlier(&self, number: u64) -> Result<Option<(CollectionId, Vec<Entry>)>, Error> {
        let Some(history) = self.history else {
            return Ok(None);
        };
        let all = match self.pages.get(history, number)? {
            Some(slot) => kept::read(&slot.bytes)?,
            None => Vec::new(),
        };
        Ok(Some((history, all)))
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
