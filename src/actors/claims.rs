//! The keys that clients chose for orders which are not in the store yet. All shards share them, so
//! that an order's number does not depend on its key: the first order of a fresh shop is number 1.

use std::{collections::BTreeSet, sync::Mutex};

/// The keys under way, each with the place of its storefront.
#[derive(Debug, Default)]
pub(super) struct Claims(Mutex<BTreeSet<(usize, String)>>);

impl Claims {
    /// Takes a key. False if another order under way has it. One that is free here may be in the
    /// store: that is to be looked at afterwards, since keys are stored before they are released.
    pub(super) fn take(&self, storefront: usize, key: &str) -> bool {
        let mut claims = self.0.lock().expect(UNPOISONED);
        claims.insert((storefront, key.to_owned()))
    }

    /// Lets go of a key that was taken.
    pub(super) fn release(&self, storefront: usize, key: String) {
        self.0.lock().expect(UNPOISONED).remove(&(storefront, key));
    }
}

const UNPOISONED: &str = "nothing panics while claims are locked";
