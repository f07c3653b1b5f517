//! Keeps the views up to date: takes in every committed batch, in order.
//!
//! It follows the journal from a queue. Should the queue be full, it reads what it missed from the
//! journal; the committer never waits for it.

use std::sync::Arc;

use tokio::sync::watch;

use super::fold;
use crate::{
    domain::{Batch, Fields, ids::OrderId, storefront::Storefront},
    store::{
        commit::{Committed, Position},
        layout::Layout,
        pages::{Error, Pages, Slot},
        snapshot,
    },
};

/// The views of all storefronts.
#[derive(Debug)]
pub struct Projector {
    storefronts: Vec<Arc<Storefront>>,
    layout: Arc<Layout>,
    pages: Arc<Pages>,
    position: watch::Sender<Position>,
}

impl Projector {
    /// Views that have taken in everything up to `position`.
    pub fn new(
        storefronts: Vec<Arc<Storefront>>,
        layout: Arc<Layout>,
        pages: Arc<Pages>,
        position: Position,
    ) -> Self {
        Self {
            storefronts,
            layout,
            pages,
            position: watch::Sender::new(position),
        }
    }

    /// Tells up to where the views have come.
    pub fn positions(&self) -> watch::Receiver<Position> {
        self.position.subscribe()
    }

    /// Up to where the views have come.
    pub fn position(&self) -> Position {
        *self.position.borrow()
    }

    /// Takes a group in, and tells those who wait for it. Batches that were taken in already are
    /// passed over.
    pub fn take(&self, group: &[Committed]) -> Result<(), Error> {
        let Some(last) = group.last().map(Committed::last) else {
            return Ok(());
        };
        let position = self.position();
        for committed in group.iter().filter(|committed| committed.first > position) {
            self.project(committed)?;
        }
        self.position
            .send_modify(|position| *position = last.max(*position));
        Ok(())
    }

    fn project(&self, committed: &Committed) -> Result<(), Error> {
        let batch = &*committed.batch;
        let found = self
            .storefronts
            .iter()
            .position(|own| own.name == batch.storefront);
        let Some(place) = found else { return Ok(()) };
        let storefront = &self.storefronts[place];
        let Some(order) = batch
            .events
            .first()
            .map(|stamped| OrderId(stamped.entity.number))
        else {
            return Ok(());
        };
        for view in 0..storefront.views.len() {
            let collection = self.layout.rows(place, view);
            let before = self.pages.get(collection, order.0)?;
            if before
                .as_ref()
                .is_some_and(|slot| slot.position >= committed.last())
            {
                continue;
            }
            let version = before.as_ref().map_or(0, |slot| slot.version);
            let mut row = before.as_ref().map(read).unwrap_or_default();
            if fold_all(storefront, view, &mut row, batch) {
                let slot = Slot {
                    version: version + 1,
                    position: committed.last(),
                    listed: true,
                    bytes: snapshot::encode(&row).into(),
                };
                self.pages.put(collection, order.0, slot)?;
            }
        }
        Ok(())
    }
}

/// A row as it is kept. One that cannot be read is begun anew; `verify` finds the difference.
pub fn read(slot: &Slot) -> Fields {
    snapshot::decode(&slot.bytes).unwrap_or_default()
}

fn fold_all(storefront: &Storefront, view: usize, row: &mut Fields, batch: &Batch) -> bool {
    let view = &storefront.views[view];
    let mut changed = false;
    for stamped in &batch.events {
        changed |= fold::fold(storefront, view, row, &stamped.event);
    }
    changed
}
