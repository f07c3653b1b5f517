//! How far each read model has come: all of them to one position, but for those that stopped.
//!
//! Where a model stopped is kept beside its rows, under the number 0, so that it is exactly as old
//! as they are after a crash.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{kept, model::Model};
use crate::{
    domain::storefront::Storefront,
    store::{
        commit::Position,
        layout::Layout,
        pages::{Error, Pages, Slot},
        snapshot,
    },
};

/// The number of no row: under it, where the model stopped is kept.
pub const STOP_NUMBER: u64 = 0;

/// Where a model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// It has everything up to here, and nothing after.
    pub at: Position,
    /// What happened up to here is not logged (again) when it goes on.
    pub told_to: Position,
}

/// How far the read models have come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How far those have come that did not stop.
    pub position: Position,
    /// Those that stopped.
    pub stops: BTreeMap<Model, Stop>,
    /// Of these, those that panicked, and what they said. They do not go on until they are released,
    /// or the program starts again.
    pub panicked: BTreeMap<Model, String>,
}

impl Progress {
    /// How far this model has come.
    pub fn of(&self, model: Model) -> Position {
        let stop = self.stops.get(&model);
        stop.map_or(self.position, |stop| stop.at)
    }

    /// Whether this model stopped and could go on.
    pub fn is_behind(&self, model: Model) -> bool {
        self.stops.contains_key(&model) && !self.panicked.contains_key(&model)
    }

    /// Whether a batch that ends here is for this model, now.
    pub fn takes(&self, model: Model, last: Position) -> bool {
        !self.panicked.contains_key(&model)
            && self.stops.get(&model).is_none_or(|stop| last <= stop.at)
    }
}

/// Where models had stopped when the pages were written.
pub fn read(
    pages: &Pages,
    layout: &Layout,
    storefronts: &[Arc<Storefront>],
) -> Result<BTreeMap<Model, Stop>, Error> {
    let mut stops = BTreeMap::new();
    for (at, storefront) in storefronts.iter().enumerate() {
        for model in Model::all(at, storefront) {
            let slot = pages.get(model.collection(layout), STOP_NUMBER)?;
            if let Some(slot) = slot
                && let Some(stop) = kept::read(&slot.bytes)?
            {
                stops.insert(model, stop);
            }
        }
    }
    Ok(stops)
}

/// Keeps where a model stopped; `None` if it did not, or goes on.
pub(super) fn write(
    pages: &Pages,
    layout: &Layout,
    model: Model,
    stop: Option<Stop>,
) -> Result<(), Error> {
    let slot = Slot {
        version: 1,
        position: stop.map_or(0, |stop| stop.at),
        listed: false,
        bytes: snapshot::encode(&stop),
    };
    pages.put(model.collection(layout), STOP_NUMBER, slot)
}
