//! Where pages are kept: sled, or memory for simulations.

use std::{
    collections::BTreeMap,
    fmt,
    ops::ControlFlow,
    sync::{Arc, Mutex},
};

use super::{Error, NoteTree, Tree, locked};

/// A sled tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    Pages(Tree),
    Notes(NoteTree),
}

impl Space {
    /// All of them, each at its own index.
    pub(super) const ALL: [Self; 13] = [
        Self::Pages(Tree::Listings),
        Self::Pages(Tree::Orders),
        Self::Pages(Tree::Payments),
        Self::Pages(Tree::Deliveries),
        Self::Pages(Tree::Sagas),
        Self::Pages(Tree::Approvals),
        Self::Pages(Tree::Payouts),
        Self::Pages(Tree::Subscribers),
        Self::Pages(Tree::Views),
        Self::Notes(NoteTree::Answered),
        Self::Notes(NoteTree::Timers),
        Self::Notes(NoteTree::Keys),
        Self::Notes(NoteTree::Letters),
    ];

    pub(super) fn index(self) -> usize {
        let place = Self::ALL.iter().position(|space| *space == self);
        place.expect("ALL has every space")
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Pages(Tree::Listings) => "listings",
            Self::Pages(Tree::Orders) => "orders",
            Self::Pages(Tree::Payments) => "payments",
            Self::Pages(Tree::Deliveries) => "deliveries",
            Self::Pages(Tree::Sagas) => "sagas",
            Self::Pages(Tree::Approvals) => "approvals",
            Self::Pages(Tree::Payouts) => "payouts",
            Self::Pages(Tree::Subscribers) => "subscribers",
            Self::Pages(Tree::Views) => "views",
            Self::Notes(NoteTree::Answered) => "answered",
            Self::Notes(NoteTree::Timers) => "timers",
            Self::Notes(NoteTree::Keys) => "keys",
            Self::Notes(NoteTree::Letters) => "letters",
        }
    }
}

/// A key and what shall stand under it; `None` takes it away.
pub(super) type Change = (Vec<u8>, Option<Vec<u8>>);

/// The changes of a checkpoint: for each space in the order of [`Space::ALL`], sorted by key.
pub(super) type Batches = Vec<Vec<Change>>;

/// Called with keys and values, in the order of the keys.
pub(super) type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

pub(super) trait Backing: Send + Sync + fmt::Debug {
    fn read(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;
    fn scan(&self, space: Space, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), Error>;
    /// Writes all and makes it durable; what belongs to one space all or nothing.
    fn write(&self, batches: Batches) -> Result<(), Error>;
    /// Lets go of the files. `whole`: everything that was begun was also written.
    fn close(&self, whole: bool) -> Result<(), Error>;
}

/// What outlives a simulated crash: everything up to the last checkpoint.
#[derive(Clone, Debug, Default)]
pub struct Durable {
    trees: Arc<Mutex<[Stored; Space::ALL.len()]>>,
}

type Stored = BTreeMap<Vec<u8>, Vec<u8>>;

impl Durable {
    /// A copy that goes its own way, as a copied disk would.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            trees: Arc::new(Mutex::new(locked(&self.trees).clone())),
        }
    }
}

impl Backing for Durable {
    fn read(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(locked(&self.trees)[space.index()].get(key).cloned())
    }

    fn scan(&self, space: Space, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), Error> {
        // A copy, so that the visitor may read too.
        let found: Vec<_> = locked(&self.trees)[space.index()]
            .range(prefix.to_vec()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        for (key, value) in found {
            if visit(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn write(&self, batches: Batches) -> Result<(), Error> {
        let mut trees = locked(&self.trees);
        for (tree, changes) in trees.iter_mut().zip(batches) {
            for (key, value) in changes {
                match value {
                    Some(value) => tree.insert(key, value),
                    None => tree.remove(&key),
                };
            }
        }
        Ok(())
    }

    fn close(&self, _whole: bool) -> Result<(), Error> {
        Ok(())
    }
}
