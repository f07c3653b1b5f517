//! Fresh order numbers.
//!
//! Sixty-four consecutive numbers share a page of the store and a shard. Each shard takes numbers
//! from a page of its own; while the engine is quiet, everything goes to the shard with the lowest
//! next number, so that a newcomer's orders are 1, 2, 3.

use std::sync::Mutex;

use crate::domain::ids::NUMBERS_PER_PAGE;

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

    /// The shard with the lowest next number among those with the least to do.
    pub(super) fn quietest(&self, load: impl Fn(usize) -> usize) -> usize {
        let next = self
            .next
            .lock()
            .expect("nothing panics while numbers are locked");
        (0..next.len())
            .min_by_key(|&shard| (load(shard), next[shard]))
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_engine_counts_one_two_three() {
        let numbers = Numbers::after(0, 2);
        let taken: Vec<u64> = (0..130)
            .map(|_| numbers.take(numbers.quietest(|_| 0)))
            .collect();
        assert_eq!(taken, (1..=130).collect::<Vec<u64>>());
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
