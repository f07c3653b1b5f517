//! How many slots of each page are listed: finds the page of a place without reading the others.

use std::collections::BTreeMap;

use super::Error;

/// Pages per stored block of counts: 1 KiB, so that a checkpoint rewrites little.
const PAGES_PER_BLOCK: u64 = 1024;
const BLOCK: usize = 1024;
/// The page does not exist.
const ABSENT: u8 = u8::MAX;

/// The counts of one collection. One byte per page, in blocks, so that gaps cost nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    blocks: BTreeMap<u64, Block>,
    listed: u64,
}

#[derive(Clone, Debug)]
struct Block {
    pages: Box<[u8; BLOCK]>,
    listed: u64,
}

impl Counts {
    /// How many slots are listed in all.
    pub(super) fn listed(&self) -> u64 {
        self.listed
    }

    /// Whether the page exists.
    pub(super) fn has(&self, page: u64) -> bool {
        let block = self.blocks.get(&(page / PAGES_PER_BLOCK));
        block.is_some_and(|block| block.pages[index(page)] != ABSENT)
    }

    /// The page exists and has this many listed slots.
    pub(super) fn set(&mut self, page: u64, listed: u8) {
        let block = self
            .blocks
            .entry(page / PAGES_PER_BLOCK)
            .or_insert_with(|| Block {
                pages: Box::new([ABSENT; BLOCK]),
                listed: 0,
            });
        let old = std::mem::replace(&mut block.pages[index(page)], listed);
        let old = u64::from(if old == ABSENT { 0 } else { old });
        block.listed = block.listed + u64::from(listed) - old;
        self.listed = self.listed + u64::from(listed) - old;
    }

    /// The page of the listed slot at this place, and how many of the page's come before it.
    pub(super) fn locate(&self, offset: u64) -> Option<(u64, u64)> {
        let mut rest = offset;
        for (number, block) in &self.blocks {
            if rest >= block.listed {
                rest -= block.listed;
                continue;
            }
            for (listed, page) in block.pages.iter().zip(number * PAGES_PER_BLOCK..) {
                let listed = u64::from(if *listed == ABSENT { 0 } else { *listed });
                if rest < listed {
                    return Some((page, rest));
                }
                rest -= listed;
            }
        }
        None
    }

    /// The first page that exists from `page` on.
    pub(super) fn at_or_after(&self, page: u64) -> Option<u64> {
        let first = page / PAGES_PER_BLOCK;
        self.blocks.range(first..).find_map(|(number, block)| {
            let from = if *number == first { index(page) } else { 0 };
            let at = (from..BLOCK).find(|at| block.pages[*at] != ABSENT)?;
            Some(number * PAGES_PER_BLOCK + at as u64)
        })
    }

    /// The last page that exists.
    pub(super) fn last(&self) -> Option<u64> {
        let (number, block) = self.blocks.last_key_value()?;
        let at = block.pages.iter().rposition(|listed| *listed != ABSENT)?;
        Some(number * PAGES_PER_BLOCK + at as u64)
    }

    /// The stored form of the block that has this page, if there is one.
    pub(super) fn block(&self, number: u64) -> Option<&[u8]> {
        self.blocks.get(&number).map(|block| &block.pages[..])
    }

    /// Takes in a block's stored form.
    pub(super) fn load(&mut self, number: u64, stored: &[u8]) -> Result<(), Error> {
        if stored.len() != BLOCK {
            return Err(Error::Damaged("a block of counts has another length"));
        }
        for (listed, at) in stored.iter().zip(0_u64..) {
            match *listed {
                ABSENT => {}
                0..=64 => self.set(number * PAGES_PER_BLOCK + at, *listed),
                _ => return Err(Error::Damaged("a page counts more slots than it has")),
            }
        }
        Ok(())
    }
}

/// The number of the block that has this page.
pub(super) fn block_of(page: u64) -> u64 {
    page / PAGES_PER_BLOCK
}

/// What the keys of a collection's blocks start with.
pub(super) fn prefix(collection: &str) -> Vec<u8> {
    let mut key = b"\0counts".to_vec();
    key.extend(collection.as_bytes());
    key.push(0);
    key
}

/// The key that a block is stored under.
pub(super) fn key(collection: &str, block: u64) -> Vec<u8> {
    let mut key = prefix(collection);
    key.extend(block.to_be_bytes());
    key
}

fn index(page: u64) -> usize {
    usize::try_from(page % PAGES_PER_BLOCK).expect("below 1024")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_over_gaps_and_after_reading_back() {
        let far = 1 << 50;
        let mut counts = Counts::default();
        for (page, listed) in [(0, 2), (3, 0), (1023, 1), (1024, 64), (far, 5)] {
            counts.set(page, 7);
            counts.set(page, listed);
        }
        let mut read = Counts::default();
        for number in [0, 1, block_of(far)] {
            read.load(number, counts.block(number).unwrap()).unwrap();
        }
        for counts in [&counts, &read] {
            assert_eq!(counts.listed(), 72);
            assert_eq!(counts.locate(0), Some((0, 0)));
            assert_eq!(counts.locate(1), Some((0, 1)));
            assert_eq!(counts.locate(2), Some((1023, 0)));
            assert_eq!(counts.locate(66), Some((1024, 63)));
            assert_eq!(counts.locate(71), Some((far, 4)));
            assert_eq!(counts.locate(72), None);
            assert_eq!(counts.at_or_after(1), Some(3));
            assert_eq!(counts.at_or_after(1025), Some(far));
            assert_eq!(counts.at_or_after(far + 1), None);
            assert_eq!(counts.last(), Some(far));
            assert!(counts.has(3) && !counts.has(2));
        }
    }
}
