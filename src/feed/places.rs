//! Where in the journal which position is, as far as it was read: so that reading from anywhere
//! costs about one chunk, and not a whole segment.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
};

use crate::store::{
    commit::Position,
    journal::{Error, Place, Reader, Source},
};

/// What is read at once when something is looked for, in bytes. A place is remembered for each.
const SEEK_BYTES: usize = 1024 * 1024;

/// What is read at once for those who follow the journal's end, in bytes.
const FOLLOW_BYTES: usize = 64 * 1024;

/// How many positions a place may be away to be read up to, rather than looked for.
const NEAR: Position = 2_048;

/// More places are not remembered; of a journal of some 60 GiB, every one.
const PLACES_MAX: usize = 65_536;

/// The places that are known.
#[derive(Debug)]
pub(super) struct Places {
    journal: Arc<dyn Source>,
    known: Mutex<BTreeMap<Position, Place>>,
}

impl Places {
    pub(super) const fn new(journal: Arc<dyn Source>) -> Self {
        Self {
            journal,
            known: Mutex::new(BTreeMap::new()),
        }
    }

    /// Hands each frame that holds a position of `from..=to` to `visit`; see [`Reader::read`].
    /// `place` is where the last reader of what comes before stopped, and from where the next one
    /// goes on.
    pub(super) fn read(
        &self,
        (from, to): (Position, Position),
        place: &mut Option<Place>,
        visit: impl FnMut(Position, &[u8], u32) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        // Whoever stopped within a batch stands behind it.
        let known = place.filter(|place| place.position() <= from);
        let known = known.or_else(|| self.before(from));
        let journal = || Arc::clone(&self.journal);
        let is_near = known.is_some_and(|known| from - known.position() <= NEAR);
        let start = if is_near {
            known
        } else {
            let mut reader = Reader::at(journal(), known, SEEK_BYTES);
            reader.seek(from, |passed| self.remember(passed))?;
            reader.place()
        };
        let mut reader = Reader::at(journal(), start, FOLLOW_BYTES);
        reader.read(from, to, visit)?;
        *place = reader.place();
        Ok(())
    }

    /// Remembers a place for those who read on from there.
    pub(super) fn remember(&self, place: Place) {
        let known = &mut *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < PLACES_MAX {
            known.insert(place.position(), place);
        }
    }

    fn before(&self, position: Position) -> Option<Place> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .range(..=position)
            .next_back()
            .map(|(_, place)| *place)
    }
}
