//! The shards as everybody finds them: who runs each at the moment.

use std::sync::{Arc, PoisonError, RwLock};

use super::{
    coordinator::Work, crashes::Crashes, numbers::shard_of, settings::Settings, shard::Shard,
};

/// The shards in their order.
pub(super) struct Table {
    places: Vec<Place>,
}

/// What stays whoever runs the shard.
struct Place {
    running: RwLock<Option<Arc<Shard>>>,
    crashes: Arc<Crashes>,
}

impl Table {
    /// Places for so many shards, none of which runs.
    pub(super) fn new(settings: Settings) -> Self {
        let place = |_| Place {
            running: RwLock::new(None),
            crashes: Arc::new(Crashes::new(settings)),
        };
        Self {
            places: (0..settings.shards).map(place).collect(),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The shard at this place; `None` while it is not running.
    pub(super) fn running(&self, shard: usize) -> Option<Arc<Shard>> {
        let running = self.places[shard].running.read();
        running.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All that run.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, Arc<Shard>)> {
        (0..self.len()).filter_map(|shard| Some((shard, self.running(shard)?)))
    }

    /// From now on this one runs there.
    pub(super) fn run(&self, shard: usize, running: Option<Arc<Shard>>) {
        let place = self.places[shard].running.write();
        *place.unwrap_or_else(PoisonError::into_inner) = running;
    }

    /// What has panicked at this place.
    pub(super) fn crashes(&self, shard: usize) -> &Arc<Crashes> {
        &self.places[shard].crashes
    }

    /// Sends work to the coordinator of the shard that owns a number. A coordinator's mailbox has room
    /// for everything that can be under way, so what is not taken finds it gone: the work is dropped,
    /// and a turn in it reports that itself.
    pub(super) fn tell(&self, number: u64, work: Work) {
        let shard = shard_of(number, self.places.len());
        let running = self.running(shard);
        if running.is_none_or(|running| running.coordinator.try_send(work).is_err()) {
            tracing::debug!(shard, "a shard is not running; what it was sent is dropped");
        }
    }
}
