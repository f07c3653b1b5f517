//! What is kept of an order beside its saga's state: where it came from, and where its story stands
//! in the journal.

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    ser::{SerializeSeq, SerializeTuple},
};

use super::Saga;
use crate::domain::Origin;

/// How many of an order's first batches are remembered.
const FIRST_MAX: usize = 8;

/// How many of its latest are, beside these.
const LAST_MAX: usize = 56;

/// A saga as it is stored, with its dossier.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// How far the order has come.
    pub saga: Saga,
    /// Where it came from, and where its story stands.
    pub dossier: Dossier,
}

/// Where an order came from, and where its story stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dossier {
    /// The request that it began with: whatever happens to it without a request goes back to that.
    pub origin: Origin,
    /// Where its batches are.
    pub trail: Trail,
}

impl Dossier {
    /// Takes in a batch of the order, whose first event has this position in the journal. The first
    /// one says where the order came from.
    pub fn note(&mut self, position: u64, origin: &Origin) {
        if self.trail.count() == 0 {
            self.origin.clone_from(origin);
        }
        self.trail.push(position);
    }
}

/// The positions of an order's batches in the journal, each that of its first event. Of a long story
/// the first and the latest, so that it stays small.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// How many there were.
    count: u64,
    first: [u64; FIRST_MAX],
    /// Empty for most orders.
    last: Vec<u64>,
}

/// What a long trail leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// After how many of those that are remembered.
    pub after: usize,
    /// How many batches.
    pub forgotten: u64,
}

impl Trail {
    /// How many batches there were.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Those that are remembered, in the order of the journal.
    pub fn positions(&self) -> impl Iterator<Item = u64> + '_ {
        let first = self.first.iter().take(self.firsts());
        first.chain(&self.last).copied()
    }

    /// How many batches are forgotten, after the first ones, if any are.
    pub fn gap(&self) -> Option<Gap> {
        let kept = u64::try_from(self.positions().count()).unwrap_or(u64::MAX);
        let forgotten = self.count.saturating_sub(kept);
        (forgotten > 0).then_some(Gap {
            after: FIRST_MAX,
            forgotten,
        })
    }

    fn push(&mut self, position: u64) {
        let place = self.firsts();
        if let Some(free) = self.first.get_mut(place) {
            *free = position;
        } else {
            if self.last.len() >= LAST_MAX {
                self.last.remove(0);
            }
            self.last.push(position);
        }
        self.count = self.count.saturating_add(1);
    }

    fn firsts(&self) -> usize {
        usize::try_from(self.count).map_or(FIRST_MAX, |count| count.min(FIRST_MAX))
    }
}

/// Only what is remembered, as one list.
impl Serialize for Trail {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Positions<'a>(&'a Trail);

        impl Serialize for Positions<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let Self(trail) = self;
                let length = trail.firsts().saturating_add(trail.last.len());
                let mut list = serializer.serialize_seq(Some(length))?;
                for position in trail.positions() {
                    list.serialize_element(&position)?;
                }
                list.end()
            }
        }

        let mut pair = serializer.serialize_tuple(2)?;
        pair.serialize_element(&self.count)?;
        pair.serialize_element(&Positions(self))?;
        pair.end()
    }
}

impl<'de> Deserialize<'de> for Trail {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (count, positions) = <(u64, Vec<u64>)>::deserialize(deserializer)?;
        let mut trail = Self::default();
        for position in positions {
            trail.push(position);
        }
        trail.count = count;
        Ok(trail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_keeps_its_first_and_its_latest_and_reads_back() {
        let mut trail = Trail::default();
        for position in 1..=200 {
            trail.push(position);
            let stored = serde_json::to_string(&trail).unwrap();
            let read: Trail = serde_json::from_str(&stored).unwrap();
            assert_eq!(read, trail, "after {position}");
            assert_eq!(trail.gap().is_some(), position > 64);
        }
        let kept: Vec<u64> = trail.positions().collect();
        let expected: Vec<u64> = (1..=8).chain(145..=200).collect();
        assert_eq!((kept, trail.count()), (expected, 200));
    }
}
