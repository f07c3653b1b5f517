//! Checkpoints: what changed goes to the disk, with the position it is complete to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError, atomic::Ordering::Relaxed},
};

use tokio::time::Instant;

use super::{
    Error, NoteTree, Pages,
    backing::{Batches, Space},
    cache::{Key, Taken},
    counts::{self, Counts},
    locked,
    meta::Meta,
    notes::Unwritten,
    page::{self, META_KEY, framed},
};
use crate::store::{commit::Position, mark::MarkFile};

/// What a checkpoint did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkpointed {
    /// The pages are complete to here.
    pub complete_to: Position,
    /// How many pages were written.
    pub pages: usize,
    /// How many notes were written or taken away.
    pub notes: usize,
}

/// What only a checkpoint touches.
#[derive(Debug)]
pub(super) struct Writer {
    /// What is stored, in the order of [`Space::ALL`].
    pub(super) metas: Vec<Meta>,
    /// The counts as they are stored: those in use may be ahead of them.
    pub(super) counts: Vec<Counts>,
    /// `None` where nothing outlives the process.
    pub(super) mark: Option<Arc<MarkFile>>,
    pub(super) closed: bool,
    /// Why nothing can be written any more.
    pub(super) failed: Option<String>,
}

impl Pages {
    /// Writes what changed and makes it durable. The caller has chosen `complete_to` before: every
    /// event up to it is in a slot or note already.
    ///
    /// Holds no lock that a reader or writer of slots needs while it writes.
    pub fn checkpoint(&self, complete_to: Position) -> Result<Checkpointed, Error> {
        let mut writer = locked(&self.writer);
        writer.check()?;
        let began = Instant::now();
        self.wake.taken();
        let (taken, notes) = {
            let _nobody_is_between = self
                .together
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            let taken = self.cache.take_dirty();
            (taken, [0, 1, 2, 3].map(|tree| self.notes[tree].take()))
        };
        let complete_to = complete_to.max(writer.complete_to());
        let done = Checkpointed {
            complete_to,
            pages: taken.len(),
            notes: notes.iter().map(|notes| notes.len()).sum(),
        };
        if done.pages + done.notes == 0 && complete_to == writer.complete_to() {
            self.checkpoints.ended(None);
            return Ok(done);
        }
        // Stands if the write panics: what was taken is then neither here nor there.
        writer.failed = Some(String::from("a checkpoint was cut short"));
        if let Err(error) = self.write(&mut writer, taken, &notes, complete_to) {
            writer.failed = Some(error.to_string());
            return Err(error);
        }
        writer.failed = None;
        self.complete_to.store(complete_to, Relaxed);
        self.checkpoints.ended(Some(began.elapsed()));
        Ok(done)
    }

    /// Lets go of the files, so that another process can have them. What was not written is left
    /// to the journal: make a checkpoint first.
    pub fn close(&self) -> Result<(), Error> {
        let mut writer = locked(&self.writer);
        if std::mem::replace(&mut writer.closed, true) {
            return Ok(());
        }
        self.backing.close(writer.failed.is_none())
    }

    /// How far the pages are complete on the disk.
    pub fn complete_to(&self) -> Position {
        self.complete_to.load(Relaxed)
    }

    fn write(
        &self,
        writer: &mut Writer,
        taken: Vec<Taken>,
        notes: &[Arc<Unwritten>; 4],
        complete_to: Position,
    ) -> Result<(), Error> {
        let mut batches: Batches = vec![Vec::new(); Space::ALL.len()];
        let written = self.add_pages(writer, taken, &mut batches);
        self.add_notes(writer, NoteTree::Answered, &notes[0], &mut batches)?;
        self.add_notes(writer, NoteTree::Timers, &notes[1], &mut batches)?;
        self.add_notes(writer, NoteTree::Keys, &notes[2], &mut batches)?;
        self.add_notes(writer, NoteTree::Letters, &notes[3], &mut batches)?;
        for (meta, batch) in writer.metas.iter_mut().zip(&mut batches) {
            meta.complete_to = complete_to;
            meta.reaches_to = meta.reaches_to.max(complete_to);
            batch.push((META_KEY.to_vec(), Some(meta.encode())));
            batch.sort_unstable();
        }
        self.backing.write(batches)?;
        if let Some(mark) = &writer.mark {
            let reaches = writer.metas.iter().map(|meta| meta.reaches_to).max();
            mark.write(reaches.unwrap_or(complete_to), complete_to)?;
        }
        for (key, stored) in written {
            self.cache.written(key, stored);
        }
        self.notes.iter().for_each(super::notes::Notes::written);
        Ok(())
    }

    fn add_pages(
        &self,
        writer: &mut Writer,
        taken: Vec<Taken>,
        batches: &mut Batches,
    ) -> BTreeMap<Key, Vec<u64>> {
        let mut written = BTreeMap::new();
        let mut blocks = BTreeSet::new();
        for Taken { key, page, stored } in taken {
            let (collection, number) = key;
            let space = Space::Pages(self.collections[collection].tree).index();
            let name = &self.collections[collection].name;
            let meta = &mut writer.metas[space];
            let mut digests = Vec::new();
            for (value, part) in page.encode().into_iter().zip(0_u16..) {
                let key = page::key(name, number, part);
                digests.push(page::digest(&key, &value));
                batches[space].push((key, Some(value)));
            }
            for part in digests.len()..stored.len() {
                let part = u16::try_from(part).expect("it was stored under such a part");
                batches[space].push((page::key(name, number, part), None));
            }
            for digest in &stored {
                meta.subtract(*digest);
            }
            for digest in &digests {
                meta.add(*digest);
            }
            meta.reaches_to = meta.reaches_to.max(page.reaches_to());
            blocks.insert((collection, counts::block_of(number)));
            written.insert(key, (digests, page.listed()));
        }
        self.add_counts(writer, &blocks, &written, batches);
        let digests = written.into_iter();
        digests.map(|(key, (digests, _))| (key, digests)).collect()
    }

    /// The counts that go with exactly the pages that are written, where they changed.
    fn add_counts(
        &self,
        writer: &mut Writer,
        blocks: &BTreeSet<(usize, u64)>,
        written: &BTreeMap<Key, (Vec<u64>, u8)>,
        batches: &mut Batches,
    ) {
        let stored = |counts: &Counts, name: &str, block| {
            let value = framed(&[counts.block(block)?]);
            Some((counts::key(name, block), value))
        };
        let mut old = BTreeMap::new();
        for (collection, block) in blocks {
            let name = &self.collections[*collection].name;
            old.insert(
                (*collection, *block),
                stored(&writer.counts[*collection], name, *block),
            );
        }
        for ((collection, page), (_, listed)) in written {
            writer.counts[*collection].set(*page, *listed);
        }
        for ((collection, block), old) in old {
            let space = Space::Pages(self.collections[collection].tree).index();
            let name = &self.collections[collection].name;
            let new = stored(&writer.counts[collection], name, block);
            if new == old {
                continue;
            }
            let (key, value) = new.expect("a page of it was just set");
            if let Some((key, value)) = &old {
                writer.metas[space].subtract(page::digest(key, value));
            }
            writer.metas[space].add(page::digest(&key, &value));
            batches[space].push((key, Some(value)));
        }
    }

    fn add_notes(
        &self,
        writer: &mut Writer,
        tree: NoteTree,
        unwritten: &Unwritten,
        batches: &mut Batches,
    ) -> Result<(), Error> {
        let space = Space::Notes(tree);
        let meta = &mut writer.metas[space.index()];
        for (key, value) in unwritten {
            let old = self.backing.read(space, key)?;
            let value = value.as_ref().map(|value| framed(&[value]));
            if old == value {
                continue;
            }
            if let Some(old) = &old {
                meta.subtract(page::digest(key, old));
            }
            if let Some(value) = &value {
                meta.add(page::digest(key, value));
            }
            batches[space.index()].push((key.clone(), value));
        }
        Ok(())
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::warn!(%error, "the pages were not closed cleanly");
        }
    }
}

impl Writer {
    fn complete_to(&self) -> Position {
        let all = self.metas.iter().map(|meta| meta.complete_to);
        all.min().unwrap_or(0)
    }

    fn check(&self) -> Result<(), Error> {
        match &self.failed {
            _ if self.closed => Err(Error::Closed),
            Some(why) => Err(Error::Failed(why.clone())),
            None => Ok(()),
        }
    }
}
