//! Orders that wait stand in lines, the earliest first: one line for those for which nobody was free,
//! and one for each part of a storefront that is paused.
//!
//! Only the first of a line looks whether it can go on; the others stand, and cost nothing however
//! many they are. It looks when something happened to a listing, when a part was paused or runs
//! again, when a payment provider may be asked again, and whenever its timer rings, in case it did not hear of that. Once it goes on, or is
//! called off, the next looks. So what waited goes on in the order of the orders' numbers, whichever
//! shards they are on.
//!
//! A line is as long as there are such orders, which are in the store with a timer each: after a
//! restart these form it again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::Coordinator;
use crate::{
    actors::{
        bell::{Bell, Listener},
        numbers::shard_of,
        turn::{Snapshot, Subject, Turn, Want},
    },
    domain::Kind,
};

/// Which line of a storefront.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Line {
    /// For somebody who is free.
    Somebody,
    /// For a part that is paused; that of the payments also for their provider, which is not asked
    /// more often at once than it may be, and not at all for a while after it failed too often.
    Part(Kind),
}

impl From<Want> for Line {
    fn from(want: Want) -> Self {
        match want {
            Want::Somebody => Self::Somebody,
            Want::Part(action) => Self::Part(action.kind()),
        }
    }
}

/// Where those stand who wait to pay, or to get their money back.
const PAYMENT: Line = Line::Part(Kind::Payment);

/// The lines of all storefronts. All shards share them.
#[derive(Debug)]
pub(in crate::actors) struct Lines {
    standing: Mutex<Standing>,
    /// How many stand. Read without the lock, since hardly ever anybody does.
    count: AtomicUsize,
    moved: Bell,
}

/// Who stands where.
#[derive(Debug, Default)]
struct Standing {
    /// By storefront, line and number.
    lines: BTreeSet<(usize, Line, u64)>,
    /// An order stands in one line at a time.
    of: BTreeMap<Subject, Line>,
}

impl Standing {
    fn first(&self, storefront: usize, line: Line) -> Option<Subject> {
        let all = (storefront, line, 0)..=(storefront, line, u64::MAX);
        let first = self.lines.range(all).next();
        first.map(|(_, _, number)| Subject::of_order(storefront, *number))
    }

    /// The first of each line.
    fn firsts(&self) -> Vec<Subject> {
        let mut firsts = Vec::new();
        let mut next = self.lines.first().copied();
        while let Some((storefront, line, number)) = next {
            firsts.push(Subject::of_order(storefront, number));
            let rest = (storefront, line, u64::MAX)..;
            next = self.lines.range(rest).next().copied();
        }
        firsts
    }

    /// Puts an order into a line, or into none. True if it left another.
    fn place(&mut self, key: Subject, line: Option<Line>) -> bool {
        let before = match line {
            Some(line) => self.of.insert(key, line),
            None => self.of.remove(&key),
        };
        if before == line {
            return false;
        }
        if let Some(before) = before {
            self.lines.remove(&(key.storefront, before, key.number));
        }
        if let Some(line) = line {
            self.lines.insert((key.storefront, line, key.number));
        }
        before.is_some()
    }
}

impl Lines {
    /// Nobody waits.
    pub(in crate::actors) fn new() -> Self {
        Self {
            standing: Mutex::default(),
            count: AtomicUsize::new(0),
            moved: Bell::default(),
        }
    }

    /// Changes whenever the first in a line should look.
    pub(in crate::actors) fn moves(&self) -> Listener {
        self.moved.listen()
    }

    /// Lets only these stand any longer, wherever they stand.
    pub(in crate::actors) fn keep(&self, stays: impl Fn(Subject) -> bool) {
        let mut standing = self.locked();
        let leave = standing.of.keys().copied().filter(|key| !stays(*key));
        let leave: Vec<Subject> = leave.collect();
        for key in leave {
            standing.place(key, None);
        }
        self.count.store(standing.of.len(), Ordering::Release);
        drop(standing);
        self.moved.ring();
    }

    /// How many orders of each storefront stand in a line.
    pub(in crate::actors) fn lengths(&self) -> BTreeMap<usize, usize> {
        let mut lengths = BTreeMap::new();
        for key in self.locked().of.keys() {
            *lengths.entry(key.storefront).or_default() += 1;
        }
        lengths
    }

    /// The first in a line should look, if anybody stands in one.
    pub(in crate::actors) fn look(&self) {
        if !self.is_empty() {
            self.moved.ring();
        }
    }

    /// Whether others in a line come before an order, wherever it is itself.
    pub(super) fn is_behind(&self, key: Subject, line: Line) -> bool {
        if self.is_empty() {
            return false;
        }
        let first = self.locked().first(key.storefront, line);
        first.is_some_and(|first| first < key)
    }

    /// Whether an order is the first of a line.
    fn is_first(&self, key: Subject, line: Line) -> bool {
        !self.is_empty() && self.locked().first(key.storefront, line) == Some(key)
    }

    /// Whether the order stands in a line and is not its first.
    fn stands(&self, key: Subject) -> bool {
        if self.is_empty() {
            return false;
        }
        let standing = self.locked();
        let line = standing.of.get(&key);
        line.is_some_and(|line| standing.first(key.storefront, *line) != Some(key))
    }

    /// What the order stands in line for, and its place in the line, counted from 1.
    pub(super) fn place_of(&self, key: Subject) -> Option<(Line, usize)> {
        let standing = self.locked();
        let line = *standing.of.get(&key)?;
        let before = (key.storefront, line, 0)..=(key.storefront, line, key.number);
        Some((line, standing.lines.range(before).count()))
    }

    fn place(&self, key: Subject, line: Option<Line>) -> bool {
        if line.is_none() && self.is_empty() {
            return false;
        }
        let mut standing = self.locked();
        let left = standing.place(key, line);
        self.count.store(standing.of.len(), Ordering::Release);
        left
    }

    fn firsts(&self) -> Vec<Subject> {
        if self.is_empty() {
            return Vec::new();
        }
        self.locked().firsts()
    }

    fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// As if an order waited for a payment.
    #[cfg(test)]
    pub(in crate::actors) fn stand_for_test(&self) {
        self.place(Subject::of_order(0, 1), Some(PAYMENT));
    }

    fn locked(&self) -> MutexGuard<'_, Standing> {
        let standing = self.standing.lock();
        standing.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Coordinator {
    /// Whether others come before an order that wants somebody who is free.
    pub(super) fn is_behind(&self, key: Subject) -> bool {
        self.local.lines.is_behind(key, Line::Somebody)
    }

    /// Whether the order need not look, since it is not the first in its line.
    pub(super) fn stands(&self, key: Subject) -> bool {
        self.local.lines.stands(key)
    }

    /// Nobody is free for the order, or others come before it.
    pub(super) fn stand_in_line(&mut self, mut turn: Box<Turn>) {
        turn.waits_for = Some(Want::Somebody);
        turn.idle = true;
        self.drive(turn);
    }

    /// The order waits for nothing any more, or will say so again when its timer rings.
    pub(super) fn leave_line(&mut self, key: Subject) {
        self.stand(key, None);
    }

    /// What the turn did is decided: whether its order stands in a line, and in which.
    pub(super) fn stay_or_leave(&mut self, turn: &Turn) {
        self.stand(turn.key, turn.waits_for.map(Line::from));
        self.look_in_time(turn.key);
    }

    /// The provider cannot be asked for what is outstanding of the order.
    pub(super) fn stand_for_payment(&mut self, key: Subject) {
        self.stand(key, Some(PAYMENT));
        self.look_in_time(key);
    }

    /// The first of those who wait for the payment provider looks as soon as that may be asked: a
    /// call may have ended before it stood there, and nobody calls when a breaker's pause is over.
    pub(super) fn look_in_time(&mut self, key: Subject) {
        let is_first = self.local.lines.is_first(key, PAYMENT);
        if !is_first || self.local.closed(key.storefront).has(Kind::Payment) {
            return;
        }
        if let Some(next) = self.local.breakers.next(key.storefront) {
            self.timers.hurry(key, next);
        }
    }

    /// Something that happened to listings is in the store: somebody may be free.
    pub(super) fn move_lines(&self, stored: &[Snapshot]) {
        let is_listing = |snapshot: &Snapshot| snapshot.entity.kind == Kind::Listing;
        if !self.local.lines.is_empty() && stored.iter().any(is_listing) {
            self.local.lines.moved.ring();
        }
    }

    /// Each first in a line that is of this shard looks.
    pub(super) fn moved(&mut self) {
        let now = self.now();
        let shards = self.local.settings.shards;
        for first in self.local.lines.firsts() {
            if shard_of(first.number, shards) == self.outside.lane_number {
                self.timers.hurry(first, now);
            }
        }
        self.due();
    }

    fn stand(&mut self, key: Subject, line: Option<Line>) {
        if self.local.lines.place(key, line) {
            let now = self.now();
            self.timers.take_up(key, now);
            self.local.lines.moved.ring();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOMS: Line = Line::Part(Kind::Listing);

    #[test]
    fn only_the_first_of_a_line_does_not_stand_behind_another() {
        let order = Subject::of_order;
        let lines = Lines::new();
        assert!(!lines.stands(order(0, 1)) && lines.firsts().is_empty());
        for (key, line) in [
            (order(0, 9), Line::Somebody),
            (order(1, 7), Line::Somebody),
            (order(1, 3), Line::Somebody),
            (order(1, 2), ROOMS),
            (order(1, 5), ROOMS),
        ] {
            assert!(!lines.place(key, Some(line)));
        }
        assert_eq!(lines.firsts(), [order(0, 9), order(1, 3), order(1, 2)]);
        assert!(!lines.stands(order(1, 3)) && !lines.is_behind(order(1, 2), Line::Somebody));
        assert!(lines.stands(order(1, 7)) && !lines.stands(order(0, 9)));
        assert!(lines.is_behind(order(1, 8), Line::Somebody) && !lines.stands(order(1, 8)));
        assert!(!lines.is_behind(order(2, 1), Line::Somebody));
    }

    #[test]
    fn an_order_stands_in_one_line_at_a_time() {
        let order = Subject::of_order;
        let lines = Lines::new();
        lines.place(order(0, 1), Some(ROOMS));
        lines.place(order(0, 2), Some(ROOMS));
        assert!(!lines.place(order(0, 1), Some(ROOMS)), "it is where it was");
        assert!(lines.stands(order(0, 2)));
        assert!(
            lines.place(order(0, 1), Some(Line::Somebody)),
            "it left the other"
        );
        assert_eq!(lines.firsts(), [order(0, 1), order(0, 2)]);
        assert!(lines.place(order(0, 1), None) && lines.place(order(0, 2), None));
        assert!(!lines.place(order(0, 2), None) && lines.is_empty());
    }
}
