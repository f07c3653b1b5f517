//! A page: the slots of 64 consecutive numbers, its stored form, and the keys it is stored under.
//!
//! A stored value is a format byte, a CRC32C, and what the checksum covers: the page's slots, packed
//! (LZ4 block, length first), since 64 orders say the same names 64 times. A page whose encoding
//! is too large for one value goes under several keys: sled would make a separate file of it,
//! which it never syncs and often leaks.

use std::sync::Arc;

use super::{Error, SLOT_BYTES_MAX, Slot};
use crate::{domain::ids::NUMBERS_PER_PAGE, store::commit::Position};

/// The form of stored values. Part of the fingerprint: a store of another form is rebuilt.
pub(super) const FORMAT: u8 = 1;

/// Keys that start so are not pages or notes; no collection's name is empty.
pub(super) const META_KEY: &[u8] = b"\0meta";

/// Payload bytes of one stored value; with its header it stays under 64 KiB, far from the 128 KiB
/// where sled writes a file of its own.
const CHUNK_BYTES_MAX: usize = 60 * 1024;
const SLOTS: usize = 64;
const _: () = assert!(
    SLOTS as u64 == NUMBERS_PER_PAGE,
    "a page's bitmap is one word"
);

/// Version, position, listed, length.
const SLOT_HEADER_BYTES: usize = 8 + 8 + 1 + 4;

/// The most that a page's slots can take before they are packed.
const BODY_BYTES_MAX: usize = 8 + SLOTS * (SLOT_HEADER_BYTES + SLOT_BYTES_MAX);

#[derive(Clone, Debug)]
pub(super) struct Page {
    slots: Vec<Option<Slot>>,
    listed: u8,
    /// Of all slots' snapshots.
    bytes: usize,
}

/// What an allocation of its own costs a snapshot in memory, its counters included.
const ALLOCATED_BYTES: usize = 24;

impl Page {
    pub(super) fn empty() -> Self {
        Self {
            slots: vec![None; SLOTS],
            listed: 0,
            bytes: 0,
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<&Slot> {
        self.slots[index].as_ref()
    }

    pub(super) fn set(&mut self, index: usize, slot: Slot) {
        self.listed += u8::from(slot.listed);
        self.bytes += slot.bytes.len() + ALLOCATED_BYTES;
        if let Some(old) = self.slots[index].replace(slot) {
            self.listed -= u8::from(old.listed);
            self.bytes -= old.bytes.len() + ALLOCATED_BYTES;
        }
    }

    /// What it takes in memory, nearly.
    pub(super) const fn weight(&self) -> usize {
        SLOTS * size_of::<Option<Slot>>() + self.bytes
    }

    pub(super) fn listed(&self) -> u8 {
        self.listed
    }

    /// Its slots with their place in the page.
    pub(super) fn slots(&self) -> impl DoubleEndedIterator<Item = (usize, &Slot)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(index, slot)| Some((index, slot.as_ref()?)))
    }

    /// The position of the newest event in it.
    pub(super) fn reaches_to(&self) -> Position {
        let positions = self.slots().map(|(_, slot)| slot.position);
        positions.max().unwrap_or(0)
    }

    /// The values it is stored as, at least one.
    pub(super) fn encode(&self) -> Vec<Vec<u8>> {
        let bytes: usize = self.slots().map(|(_, slot)| slot.bytes.len()).sum();
        let mut body = Vec::with_capacity(8 + SLOTS * SLOT_HEADER_BYTES + bytes);
        let present = self
            .slots()
            .fold(0_u64, |bits, (index, _)| bits | 1 << index);
        body.extend(present.to_le_bytes());
        for (_, slot) in self.slots() {
            body.extend(slot.version.to_le_bytes());
            body.extend(slot.position.to_le_bytes());
            body.push(u8::from(slot.listed));
            let len = u32::try_from(slot.bytes.len()).expect("put limits a slot");
            body.extend(len.to_le_bytes());
            body.extend(&slot.bytes[..]);
        }
        let packed = lz4_flex::block::compress_prepend_size(&body);
        let chunks = packed.chunks(CHUNK_BYTES_MAX);
        let count = u16::try_from(chunks.len()).expect("put limits a slot, so also its page");
        chunks
            .zip(0_u16..)
            .map(|(chunk, index)| framed(&[&count.to_le_bytes(), &index.to_le_bytes(), chunk]))
            .collect()
    }

    /// The page that these values stand for.
    pub(super) fn decode(values: &[Vec<u8>]) -> Result<Self, Error> {
        let mut packed = Vec::new();
        for (value, expected) in values.iter().zip(0_u16..) {
            let (count, index, chunk) = chunk(value)?;
            if usize::from(count) != values.len() || index != expected {
                return Err(Error::Damaged("a page's parts do not belong together"));
            }
            packed.extend(chunk);
        }
        let body = unpacked(&packed)?;
        let mut rest = &body[..];
        let present = u64::from_le_bytes(take(&mut rest)?);
        let mut page = Self::empty();
        for index in (0..SLOTS).filter(|index| present >> index & 1 == 1) {
            let version = u64::from_le_bytes(take(&mut rest)?);
            let position = u64::from_le_bytes(take(&mut rest)?);
            let [listed] = take(&mut rest)?;
            let len = u32::from_le_bytes(take(&mut rest)?) as usize;
            let (bytes, after) = rest.split_at_checked(len).ok_or(SHORT)?;
            rest = after;
            let slot = Slot {
                version,
                position,
                listed: listed == 1,
                bytes: Arc::from(bytes),
            };
            page.set(index, slot);
        }
        if rest.is_empty() {
            Ok(page)
        } else {
            Err(SHORT)
        }
    }
}

const SHORT: Error = Error::Damaged("a page is longer or shorter than it says");

/// How many values the page has, of which this is the first.
pub(super) fn chunks_of(first: &[u8]) -> Result<u16, Error> {
    chunk(first).map(|(count, _, _)| count)
}

/// What was packed. Its length is looked at first, so that no more memory is asked for than a page
/// can have.
fn unpacked(packed: &[u8]) -> Result<Vec<u8>, Error> {
    let (len, _) = lz4_flex::block::uncompressed_size(packed).map_err(|_short| SHORT)?;
    if len > BODY_BYTES_MAX {
        return Err(SHORT);
    }
    lz4_flex::block::decompress_size_prepended(packed)
        .map_err(|_damaged| Error::Damaged("a page cannot be unpacked"))
}

fn chunk(value: &[u8]) -> Result<(u16, u16, &[u8]), Error> {
    let mut rest = unframed(value)?;
    let count = u16::from_le_bytes(take(&mut rest)?);
    let index = u16::from_le_bytes(take(&mut rest)?);
    Ok((count, index, rest))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Error> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(SHORT)?;
    *rest = tail;
    Ok(*head)
}

/// A stored value: format byte, checksum, and `parts`.
pub(super) fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let bytes: usize = parts.iter().map(|part| part.len()).sum();
    let mut value = Vec::with_capacity(5 + bytes);
    value.extend([FORMAT, 0, 0, 0, 0]);
    for part in parts {
        value.extend(*part);
    }
    let sum = crc32c::crc32c(&value[5..]);
    value[1..5].copy_from_slice(&sum.to_le_bytes());
    value
}

/// What a stored value holds, if its checksum is right.
pub(super) fn unframed(value: &[u8]) -> Result<&[u8], Error> {
    match value {
        [FORMAT, a, b, c, d, body @ ..] => {
            if crc32c::crc32c(body) == u32::from_le_bytes([*a, *b, *c, *d]) {
                Ok(body)
            } else {
                Err(Error::Damaged("a stored value has a wrong checksum"))
            }
        }
        _ => Err(Error::Damaged("a stored value has another format")),
    }
}

/// The key of a page's part. Parts follow their page's first key and each other.
pub(super) fn key(collection: &str, page: u64, part: u16) -> Vec<u8> {
    let mut key = Vec::with_capacity(collection.len() + 11);
    key.extend(collection.as_bytes());
    key.push(0);
    key.extend(page.to_be_bytes());
    if part > 0 {
        key.extend(part.to_be_bytes());
    }
    key
}

/// What a key and its value add to their tree's digest. The sum over a tree depends neither on
/// the order nor on history, and a lost or stale value changes it.
pub(super) fn digest(key: &[u8], value: &[u8]) -> u64 {
    let of_key = crc32c::crc32c(key);
    let of_both = crc32c::crc32c_append(of_key, value);
    // The finaliser of splitmix64, so that sums of checksums do not cancel each other.
    let mut z = (u64::from(of_key) << 32 | u64::from(of_both)) ^ value.len() as u64;
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(position: u64, listed: bool, bytes: usize) -> Slot {
        Slot {
            version: 3,
            position,
            listed,
            // Noise, since anything else would be packed to nothing.
            bytes: {
                let mut noise = fastrand::Rng::with_seed(position);
                (0..bytes).map(|_| noise.u8(..)).collect()
            },
        }
    }

    #[test]
    fn a_page_reads_back_also_when_it_is_split() {
        let check = |slots: &[(usize, usize)], parts: usize| {
            let mut page = Page::empty();
            for (index, bytes) in slots {
                page.set(*index, slot(*index as u64, index % 2 == 0, *bytes));
            }
            let values = page.encode();
            assert_eq!(values.len(), parts);
            assert!(values.iter().all(|value| value.len() < 64 * 1024));
            let read = Page::decode(&values).unwrap();
            assert!(read.slots().eq(page.slots()));
            assert_eq!(read.listed(), page.listed());
            if parts > 1 {
                let mut swapped = values.clone();
                swapped.swap(0, 1);
                assert!(Page::decode(&swapped).is_err());
                assert!(Page::decode(&values[..1]).is_err());
            }
            for at in 0..values[0].len().min(300) {
                let mut bad = values.clone();
                bad[0][at] ^= 0x10;
                assert!(Page::decode(&bad).is_err(), "byte {at}");
            }
        };
        check(&[], 1);
        check(&[(0, 0), (63, 200), (5, 1)], 1);
        check(&[(1, 40_000), (2, 40_000), (60, 60_000)], 3);
    }
}
