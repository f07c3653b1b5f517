//! Small key-values beside the pages, with the same write-back: what is not written yet is here.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{Arc, Mutex},
};

use super::{
    Error, NOTE_BYTES_MAX, NoteTree, Pages, SWEEP_NOTES_MAX,
    backing::{Backing, Space},
    limit, locked,
    page::unframed,
};

/// What shall be stored under each key; `None` takes it away.
pub(super) type Unwritten = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// What a visitor of notes is called with: key and value.
pub type VisitNote<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

impl Pages {
    /// The note under a key.
    pub fn get_note(&self, tree: NoteTree, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.notes(tree).get(tree, &*self.backing, key)
    }

    /// Keeps a note, or with `None` takes it away. Written by a later checkpoint.
    pub fn put_note(
        &self,
        tree: NoteTree,
        key: &[u8],
        value: Option<Vec<u8>>,
    ) -> Result<(), Error> {
        if matches!(key.first(), None | Some(0)) {
            return Err(Error::Name(String::from_utf8_lossy(key).into_owned()));
        }
        let bytes = value.as_ref().map_or(0, Vec::len);
        limit("a note", bytes, NOTE_BYTES_MAX)?;
        let unwritten = self.notes(tree).put(key, value);
        self.wake_if_behind(unwritten);
        Ok(())
    }

    /// Every note of a tree, with those not written yet; in no promised order.
    pub fn each_note(&self, tree: NoteTree, visit: &mut VisitNote<'_>) -> Result<(), Error> {
        self.notes(tree).each(tree, &*self.backing, visit)
    }

    /// Takes away the notes that `keep` (of key and value) does not want, at most
    /// [`SWEEP_NOTES_MAX`] at a time; says how many.
    pub fn sweep_notes(
        &self,
        tree: NoteTree,
        keep: impl Fn(&[u8], &[u8]) -> bool,
    ) -> Result<usize, Error> {
        let mut unwanted = Vec::new();
        self.each_note(tree, &mut |key, value| {
            if !keep(key, value) {
                unwanted.push((key.to_vec(), value.to_vec()));
            }
            if unwanted.len() < SWEEP_NOTES_MAX {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        let mut removed = 0;
        for (key, value) in unwanted {
            let notes = self.notes(tree);
            removed += usize::from(notes.remove_if(tree, &*self.backing, &key, &value)?);
        }
        Ok(removed)
    }
}

#[derive(Debug, Default)]
pub(super) struct Notes {
    layers: Mutex<Layers>,
}

#[derive(Debug, Default)]
struct Layers {
    fresh: Unwritten,
    /// On their way to the disk.
    writing: Arc<Unwritten>,
}

impl Layers {
    fn get(&self, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        self.fresh.get(key).or_else(|| self.writing.get(key))
    }
}

impl Notes {
    pub(super) fn backlog(&self) -> usize {
        let layers = locked(&self.layers);
        layers.fresh.len() + layers.writing.len()
    }

    pub(super) fn get(
        &self,
        tree: NoteTree,
        backing: &dyn Backing,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, Error> {
        if let Some(unwritten) = locked(&self.layers).get(key) {
            return Ok(unwritten.clone());
        }
        stored(tree, backing, key)
    }

    /// Notes it, and says how many are not written yet.
    pub(super) fn put(&self, key: &[u8], value: Option<Vec<u8>>) -> usize {
        let mut layers = locked(&self.layers);
        layers.fresh.insert(key.to_vec(), value);
        layers.fresh.len() + layers.writing.len()
    }

    /// Takes a note away, if it still has this value.
    pub(super) fn remove_if(
        &self,
        tree: NoteTree,
        backing: &dyn Backing,
        key: &[u8],
        value: &[u8],
    ) -> Result<bool, Error> {
        let mut layers = locked(&self.layers);
        let current = match layers.get(key) {
            Some(unwritten) => unwritten.clone(),
            None => stored(tree, backing, key)?,
        };
        let same = current.as_deref() == Some(value);
        if same {
            layers.fresh.insert(key.to_vec(), None);
        }
        Ok(same)
    }

    pub(super) fn each(
        &self,
        tree: NoteTree,
        backing: &dyn Backing,
        visit: &mut VisitNote<'_>,
    ) -> Result<(), Error> {
        let unwritten: Unwritten = {
            let layers = locked(&self.layers);
            let mut all = (*layers.writing).clone();
            all.extend(layers.fresh.clone());
            all
        };
        let mut flow = ControlFlow::Continue(());
        let mut failed = None;
        backing.scan(Space::Notes(tree), &[], &mut |key, value| {
            if key.first() == Some(&0) || unwritten.contains_key(key) {
                return ControlFlow::Continue(());
            }
            match unframed(value) {
                Ok(value) => flow = visit(key, value),
                Err(error) => {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
            }
            flow
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        for (key, value) in &unwritten {
            if flow.is_break() {
                break;
            }
            if let Some(value) = value {
                flow = visit(key, value);
            }
        }
        Ok(())
    }

    /// Everything that is not written. It stays visible until [`Notes::written`].
    pub(super) fn take(&self) -> Arc<Unwritten> {
        let mut layers = locked(&self.layers);
        layers.writing = Arc::new(std::mem::take(&mut layers.fresh));
        Arc::clone(&layers.writing)
    }

    pub(super) fn written(&self) {
        locked(&self.layers).writing = Arc::default();
    }
}

fn stored(tree: NoteTree, backing: &dyn Backing, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    match backing.read(Space::Notes(tree), key)? {
        Some(value) => Ok(Some(unframed(&value)?.to_vec())),
        None => Ok(None),
    }
}
