//! Orders for which nobody was free stand in a line, the earliest first.
//!
//! Only the first of a storefront's line looks who is free; the others stand, and cost nothing
//! however many they are. It looks when something happened to a listing, and whenever its timer
//! rings, in case it did not hear of that. Once it has somebody, or is called off, the next looks.
//!
//! A line is as long as there are such orders, which are in the store with a timer each: after a
//! restart these form it again.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::Coordinator;
use crate::{
    actors::{
        numbers::shard_of,
        turn::{Snapshot, Subject, Turn},
    },
    domain::{
        Kind,
        storefront::{Action, Choice},
    },
};

/// The lines, one for each storefront. All shards share them, so that whoever is free goes to the
/// earliest order of all.
#[derive(Debug)]
pub(in crate::actors) struct Lines {
    standing: Mutex<BTreeSet<Subject>>,
    moved: watch::Sender<()>,
}

impl Lines {
    /// Nobody waits.
    pub(in crate::actors) fn new() -> Self {
        Self {
            standing: Mutex::default(),
            moved: watch::Sender::new(()),
        }
    }

    /// Changes whenever the first in a line should look who is free.
    pub(super) fn moves(&self) -> watch::Receiver<()> {
        self.moved.subscribe()
    }

    fn first(&self, storefront: usize) -> Option<Subject> {
        first(&self.locked(), storefront)
    }

    /// Whether others come before the order, wherever it is itself.
    fn is_behind(&self, key: Subject) -> bool {
        self.first(key.storefront).is_some_and(|first| first < key)
    }

    /// Whether the order stands in the line and is not its first.
    fn stands(&self, key: Subject) -> bool {
        let standing = self.locked();
        standing.contains(&key) && first(&standing, key.storefront) != Some(key)
    }

    fn locked(&self) -> MutexGuard<'_, BTreeSet<Subject>> {
        let standing = self.standing.lock();
        standing.unwrap_or_else(PoisonError::into_inner)
    }
}

fn first(standing: &BTreeSet<Subject>, storefront: usize) -> Option<Subject> {
    let orders = Subject::of_order(storefront, 0)..=Subject::of_order(storefront, u64::MAX);
    standing.range(orders).next().copied()
}

impl Coordinator {
    /// Whether others come before the order.
    pub(super) fn is_behind(&self, key: Subject) -> bool {
        self.local.lines.is_behind(key)
    }

    /// Whether the order need not look, since it is not the first in its line.
    pub(super) fn stands(&self, key: Subject) -> bool {
        self.assigns(key.storefront) && self.local.lines.stands(key)
    }

    /// Nobody is free for the order, or others come before it.
    pub(super) fn stand_in_line(&mut self, choice: Choice, mut turn: Box<Turn>) {
        self.local.lines.locked().insert(turn.key);
        turn.waits_for = Some(Action::Assign(choice));
        turn.idle = true;
        self.drive(turn);
    }

    /// The order waits for nobody any more, or will say so again when its timer rings.
    pub(super) fn leave_line(&mut self, key: Subject) {
        if self.assigns(key.storefront) && self.local.lines.locked().remove(&key) {
            let now = self.now();
            self.timers.take_up(key, now);
            self.local.lines.moved.send_replace(());
        }
    }

    /// What the turn did is decided: whether its order still stands in line.
    pub(super) fn stay_or_leave(&mut self, turn: &Turn) {
        if !matches!(turn.waits_for, Some(Action::Assign(_))) {
            self.leave_line(turn.key);
        }
    }

    /// Something that happened to listings is in the store: somebody may be free.
    pub(super) fn move_lines(&self, storefront: usize, stored: &[Snapshot]) {
        let is_listing = |snapshot: &Snapshot| snapshot.entity.kind == Kind::Listing;
        if self.assigns(storefront) && stored.iter().any(is_listing) {
            self.local.lines.moved.send_replace(());
        }
    }

    /// Each first in line that is of this shard looks as soon as possible.
    pub(super) fn moved(&mut self) {
        let now = self.now();
        let shards = self.local.settings.shards;
        for storefront in 0..self.local.storefronts.len() {
            let first = self.local.lines.first(storefront);
            let is_ours =
                |first: &Subject| shard_of(first.number, shards) == self.outside.lane_number;
            if let Some(first) = first.filter(is_ours) {
                self.timers.hurry(first, now);
            }
        }
    }

    fn assigns(&self, storefront: usize) -> bool {
        let flow = &self.local.storefronts[storefront].flow;
        let assigns = flow.step(|action| matches!(action, Action::Assign(_)));
        assigns.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_of_a_storefronts_line_does_not_stand_behind_another() {
        let order = Subject::of_order;
        let lines = Lines::new();
        *lines.locked() = BTreeSet::from([order(0, 9), order(1, 3), order(1, 7)]);
        assert_eq!(lines.first(1), Some(order(1, 3)));
        assert_eq!(lines.first(2), None);
        assert!(!lines.stands(order(1, 3)) && !lines.is_behind(order(1, 2)));
        assert!(lines.stands(order(1, 7)) && !lines.stands(order(0, 9)));
        assert!(lines.is_behind(order(1, 8)) && !lines.stands(order(1, 8)));
        assert!(!lines.is_behind(order(2, 1)));
    }
}
