//! The keys that clients chose for orders which are not in the store yet. All shards share them, so
//! that an order's number does not depend on its key: the first order of a fresh shop is number 1.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Mutex,
};

/// The keys under way, by the place of their storefront, each with the shard of its order.
#[derive(Debug, Default)]
pub(super) struct Claims(Mutex<BTreeMap<(usize, String), usize>>);

impl Claims {
    /// Takes a key for an order of this shard. False if another order under way has it. One that is
    /// free here may be in the store: that is to be looked at afterwards, since keys are stored before
    /// they are released.
    pub(super) fn take(&self, storefront: usize, key: &str, shard: usize) -> bool {
        let mut claims = self.0.lock().expect(UNPOISONED);
        match claims.entry((storefront, key.to_owned())) {
            Entry::Vacant(free) => {
                free.insert(shard);
                true
            }
            Entry::Occupied(_) => false,
        }
    }

    /// Lets go of a key that was taken.
    pub(super) fn release(&self, storefront: usize, key: String) {
        self.0.lock().expect(UNPOISONED).remove(&(storefront, key));
    }

    /// Lets go of all that a shard had taken, which is being replaced: what of theirs is durable is in
    /// the store.
    pub(super) fn release_all_of(&self, shard: usize) {
        let mut claims = self.0.lock().expect(UNPOISONED);
        claims.retain(|_, taken_by| *taken_by != shard);
    }
}

const UNPOISONED: &str = "nothing panics while claims are locked";
