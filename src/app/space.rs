//! Room on the data directory's disk: needed for a start, watched while running, heeded by the
//! checkpoints.

use std::{sync::Arc, time::Duration};

use super::{Error, writing::Writing};
use crate::{
    config::Config,
    store::{
        committer::Committer,
        pages::{Checkpointer, Pages},
        space::{Room, Watch},
    },
};

/// The disk's room, looked at for as long as this lives.
#[derive(Debug)]
pub(super) struct Space {
    room: Arc<Room>,
    _looks: Watch,
}

impl Space {
    /// Looks. With hardly any room nothing is to be opened: the trees would be taken for damaged.
    pub(super) fn of(config: &Config) -> Result<Self, Error> {
        let io = |doing| move |source| Error::Io { doing, source };
        let room = Room::of(&config.data, config.limits.disk_free_bytes_min)
            .map_err(io("see how much room the disk has"))?;
        let (free, needed) = room.for_a_start();
        if free < needed {
            let data = config.data.clone();
            return Err(Error::NoRoom { data, free, needed });
        }
        let room = Arc::new(room);
        let looks = Watch::start(Arc::clone(&room));
        Ok(Self {
            room,
            _looks: looks.map_err(io("start the thread that looks for room"))?,
        })
    }

    /// Starts checkpoints. If they fail the program ends, unless commits have failed too: a disk
    /// that takes nothing any more is read until the next start.
    pub(super) fn checkpointer(
        &self,
        pages: &Arc<Pages>,
        writing: &Writing,
        config: &Config,
    ) -> Result<Checkpointer, Error> {
        let (failure, committer) = (Arc::clone(&writing.failure), Arc::clone(&writing.committer));
        let on_failure = move || {
            if !committer.failed() {
                failure.notify_one();
            }
        };
        let (pages, room) = (Arc::clone(pages), Arc::clone(&self.room));
        let complete_to = writing.complete_to();
        let interval = Duration::from_millis(config.limits.checkpoint_ms);
        let started = Checkpointer::start(pages, room, interval, complete_to, on_failure);
        Ok(started?)
    }

    /// Tells whether there is no room for more.
    pub(super) fn full(&self, committer: &Arc<Committer>) -> Arc<dyn Fn() -> bool + Send + Sync> {
        let (room, committer) = (Arc::clone(&self.room), Arc::clone(committer));
        Arc::new(move || room.is_short() || committer.is_full())
    }

    /// Who has figures of it.
    pub(super) const fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// Whether there is room for what closing writes.
    pub(super) fn has_reserve(&self) -> bool {
        self.room.has_reserve()
    }
}
