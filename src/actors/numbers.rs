//! Fresh order numbers.
//!
//! Sixty-four consecutive numbers share a page of the store and a shard. Each shard takes numbers
//! from a page of its own; while the engine is quiet, everything goes to the shard with the lowest
//! next number, so that a newcomer's orders are 1, 2, 3. While it is busy, what comes from one thread
//! goes to one shard: fewer threads wake each other, and fewer share what they write.

use std::{
    cell::Cell,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::domain::ids::NUMBERS_PER_PAGE;

/// How many requests more than the quietest a shard may have and still be given what is near to it.
/// Small beside the 128 that are worked on at once, so that one that stands still is soon left alone.
const NEAR_MORE_MAX: usize = 16;

/// A number of the calling thread's own: threads count from 0 in the order in which they first ask.
pub(super) fn thread_number() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<Option<usize>> = const { Cell::new(None) };
    }
    OWN.with(|own| {
        let number = own
            .get()
            .unwrap_or_else(|| THREADS.fetch_add(1, Ordering::Relaxed));
        own.set(Some(number));
        number
    })
}

/// The next numbers of one storefront.
#[derive(Debug)]
pub(super) struct Numbers {
    /// For each shard, the next number it gives out.
    next: Mutex<Vec<u64>>,
}

/// The shard that owns a number.
pub(super) const fn shard_of(number: u64, shards: usize) -> usize {
    (number / NUMBERS_PER_PAGE % shards as u64) as usize
}

impl Numbers {
    /// Numbers after `highest`, for so many shards.
    pub(super) fn after(highest: u64, shards: usize) -> Self {
        let first = highest + 1;
        let next = (0..shards)
            .map(|shard| {
                if shard_of(first, shards) == shard {
                    return first;
                }
                let mut page = first / NUMBERS_PER_PAGE + 1;
                while shard_of(page * NUMBERS_PER_PAGE, shards) != shard {
                    page += 1;
                }
                page * NUMBERS_PER_PAGE
            })
            .collect();
        Self {
            next: Mutex::new(next),
        }
    }

    /// The next number of a shard.
    pub(super) fn take(&self, shard: usize) -> u64 {
        let mut next = self
            .next
            .lock()
            .expect("nothing panics while numbers are locked");
        let number = next[shard];
        let shards = next.len() as u64;
        let ends_page = (number + 1).is_multiple_of(NUMBERS_PER_PAGE);
        next[shard] = number
            + 1
            + if ends_page {
                (shards - 1) * NUMBERS_PER_PAGE
            } else {
                0
            };
        number
    }

    /// The shard for something new: the one that is `near`, while it is at work and has not much more to
    /// do than the others; else the one with the lowest next number among those with the least to do.
    pub(super) fn quietest(&self, near: Option<usize>, load: impl Fn(usize) -> usize) -> usize {
        let next = self
            .next
            .lock()
            .expect("nothing panics while numbers are locked");
        let shards = || (0..next.len()).map(|shard| (load(shard), next[shard], shard));
        let Some((least, _, quietest)) = shards().min() else {
            return 0;
        };
        let near = near.filter(|&near| {
            let own = load(near);
            own > 0 && own <= least.saturating_add(NEAR_MORE_MAX)
        });
        near.unwrap_or(quietest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_engine_counts_one_two_three() {
        let numbers = Numbers::after(0, 2);
        let taken: Vec<u64> = (0..130)
            .map(|_| numbers.take(numbers.quietest(Some(1), |_| 0)))
            .collect();
        assert_eq!(taken, (1..=130).collect::<Vec<u64>>());
    }

    #[test]
    fn what_is_near_is_preferred_unless_it_is_idle_or_has_much_more_to_do() {
        let numbers = Numbers::after(0, 2);
        let check = |loads: [usize; 2], chosen: usize| {
            let quietest = numbers.quietest(Some(1), |shard| loads[shard]);
            assert_eq!(quietest, chosen, "{loads:?}");
        };
        check([0, 0], 0);
        check([3, 0], 1);
        check([0, NEAR_MORE_MAX], 1);
        check([0, NEAR_MORE_MAX + 1], 0);
        check([usize::MAX, 1_000], 1);
    }

    #[test]
    fn a_number_belongs_to_the_shard_that_gave_it_out_and_is_given_out_once() {
        for shards in 1..5 {
            for highest in [0, 1, 62, 63, 64, 127, 128, 1_000] {
                let numbers = Numbers::after(highest, shards);
                let mut seen = std::collections::BTreeSet::new();
                for turn in 0..1_000 {
                    let shard = turn * 7 % shards;
                    let number = numbers.take(shard);
                    assert_eq!(shard_of(number, shards), shard);
                    assert!(number > highest && seen.insert(number), "{number} again");
                }
            }
        }
    }
}
