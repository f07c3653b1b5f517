//! What each tree says about itself: how far it is complete, and a digest that proves it whole.

use serde::{Deserialize, Serialize};

use super::{
    Collection, Error,
    backing::{Backing, Space},
    counts::{self, Counts},
    page::{self, META_KEY, framed, unframed},
};
use crate::store::{commit::Position, snapshot};

/// The entry under [`META_KEY`], written in the same batch as what it speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meta {
    /// Which definitions and formats the content was made with.
    pub(super) fingerprint: String,
    /// Everything up to here is in the tree.
    pub(super) complete_to: Position,
    /// Nothing after this is in the tree.
    pub(super) reaches_to: Position,
    /// How many keys there are besides this one.
    pub(super) entries: u64,
    /// The wrapping sum of `page::digest` over them.
    pub(super) digest: u64,
}

impl Meta {
    /// A key is stored anew: what it and its value add to the digest.
    pub(super) fn add(&mut self, digest: u64) {
        self.entries = self.entries.wrapping_add(1);
        self.digest = self.digest.wrapping_add(digest);
    }

    /// A stored key goes, or gets another value.
    pub(super) fn subtract(&mut self, digest: u64) {
        self.entries = self.entries.wrapping_sub(1);
        self.digest = self.digest.wrapping_sub(digest);
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        framed(&[&snapshot::encode(self)])
    }

    /// What the tree says about itself.
    pub(super) fn read(backing: &dyn Backing, space: Space) -> Result<Self, Error> {
        let value = backing.read(space, META_KEY)?;
        let value = value.ok_or(Error::Damaged("a tree does not say how far it is complete"))?;
        snapshot::decode(unframed(&value)?)
            .map_err(|_| Error::Damaged("what a tree says about itself cannot be read"))
    }

    /// What every tree says, in the order of [`Space::ALL`].
    pub(super) fn read_all(backing: &dyn Backing) -> Result<Vec<Self>, Error> {
        let spaces = Space::ALL.into_iter();
        spaces.map(|space| Self::read(backing, space)).collect()
    }
}

/// A collection's counts as they are stored.
pub(super) fn read_counts(backing: &dyn Backing, collection: &Collection) -> Result<Counts, Error> {
    let prefix = counts::prefix(&collection.name);
    let mut read = Counts::default();
    let mut outcome = Ok(());
    backing.scan(Space::Pages(collection.tree), &prefix, &mut |key, value| {
        let number: Result<[u8; 8], _> = key[prefix.len()..].try_into();
        outcome = number
            .map_err(|_| Error::Damaged("a block of counts has another key"))
            .and_then(|number| read.load(u64::from_be_bytes(number), unframed(value)?));
        match outcome {
            Ok(()) => std::ops::ControlFlow::Continue(()),
            Err(_) => std::ops::ControlFlow::Break(()),
        }
    })?;
    outcome.map(|()| read)
}

/// Reads a whole tree and compares it with what it says about itself.
pub(super) fn verify(backing: &dyn Backing, space: Space) -> Result<Meta, Error> {
    let meta = Meta::read(backing, space)?;
    let mut seen = Meta::default();
    let mut damaged = None;
    backing.scan(space, &[], &mut |key, value| {
        if key == META_KEY {
            return std::ops::ControlFlow::Continue(());
        }
        if let Err(error) = unframed(value) {
            damaged = Some(error);
            return std::ops::ControlFlow::Break(());
        }
        seen.add(page::digest(key, value));
        std::ops::ControlFlow::Continue(())
    })?;
    if let Some(error) = damaged {
        return Err(error);
    }
    if (seen.entries, seen.digest) != (meta.entries, meta.digest) {
        return Err(Error::Damaged("a tree's content is not what was written"));
    }
    Ok(meta)
}
