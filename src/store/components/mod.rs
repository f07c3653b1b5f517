//! Which components of the storefronts are paused: one word for each storefront, read without a
//! lock, and a small file beside the journal, so that a pause outlasts the process.
//!
//! The file is written before a change counts or is answered. It holds only what is paused; while
//! nothing ever was, there is none.

mod file;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::watch;

use self::file::Pause;
pub use self::file::{Error, FILE_BYTES_MAX};
use crate::domain::storefront::{Component, ComponentState, Storefront};

/// The components of all storefronts, with their states. Everything here is addressed by its place:
/// a storefront's among those that are served, a component's in [`Storefront::components`].
#[derive(Debug)]
pub struct Components {
    storefronts: Vec<Arc<Storefront>>,
    /// A bit for each component that is paused, a word for each storefront.
    paused: Vec<AtomicU64>,
    changes: watch::Sender<u64>,
    /// `None` where nothing is kept.
    path: Option<PathBuf>,
    writer: Mutex<Writer>,
}

/// What only matters to whoever changes something.
#[derive(Debug, Default)]
struct Writer {
    /// Pauses of the file whose storefront or component is not served now. They are kept: the next
    /// start may serve it again.
    unknown: Vec<Pause>,
    /// Whether a write failed, so that the file may say something else than the words do.
    is_doubtful: bool,
    is_closed: bool,
}

/// Components as they were found, and what a person should know about it: a line each.
#[derive(Debug)]
pub struct Opened {
    /// Ready to be asked and changed.
    pub components: Components,
    /// What is paused, and which pauses mean nothing.
    pub notices: Vec<String>,
}

/// One component and its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The storefront's place.
    pub storefront: usize,
    /// The component's place in it.
    pub component: usize,
    /// Whether it does its work.
    pub state: ComponentState,
}

impl Components {
    /// All running; nothing is kept when the process ends.
    pub fn in_memory(storefronts: &[Arc<Storefront>]) -> Self {
        Self {
            storefronts: storefronts.to_vec(),
            paused: storefronts.iter().map(|_| AtomicU64::new(0)).collect(),
            changes: watch::Sender::new(0),
            path: None,
            writer: Mutex::default(),
        }
    }

    /// Paused as the file at `path` says; all running if there is none.
    ///
    /// Names in it that nothing has any more are told in a notice and have no effect.
    pub fn open(path: PathBuf, storefronts: &[Arc<Storefront>]) -> Result<Opened, Error> {
        let pauses = file::read(&path)?;
        let mut components = Self::in_memory(storefronts);
        let (mut notices, mut unknown) = (Vec::new(), Vec::new());
        for pause in pauses {
            let (storefront, component) = (&pause.storefront, &pause.component);
            if let Some((at, place)) = components.find(&pause) {
                components.paused[at].fetch_or(bit(place), Ordering::Relaxed);
                notices.push(format!(
                    "the part `{component}` of `{storefront}` is paused; PUT \
                     /ops/components/{storefront}/{component} makes it run"
                ));
            } else {
                notices.push(format!(
                    "{} pauses the part `{component}` of `{storefront}`, which is not served: it is \
                     ignored; take it out of the file if it does not come back",
                    path.display()
                ));
                unknown.push(pause);
            }
        }
        components.path = Some(path);
        components.writer = Mutex::new(Writer {
            unknown,
            ..Writer::default()
        });
        Ok(Opened {
            components,
            notices,
        })
    }

    /// Whether this component is paused. Takes no lock.
    pub fn is_paused(&self, storefront: usize, component: usize) -> bool {
        self.paused_mask(storefront) & bit(component) != 0
    }

    /// What this component does. Takes no lock.
    pub fn state(&self, storefront: usize, component: usize) -> ComponentState {
        if self.is_paused(storefront, component) {
            ComponentState::Paused
        } else {
            ComponentState::Running
        }
    }

    /// A bit for each component of a storefront that is paused, the first one's lowest. Takes no
    /// lock; 0 for a storefront that there is not.
    pub fn paused_mask(&self, storefront: usize) -> u64 {
        let word = self.paused.get(storefront);
        word.map_or(0, |word| word.load(Ordering::Acquire))
    }

    /// Whether any component of any storefront is paused. Takes no lock.
    pub fn is_any_paused(&self) -> bool {
        (0..self.storefronts.len()).any(|storefront| self.paused_mask(storefront) != 0)
    }

    /// The paused component to which a collection of a storefront belongs, if it is paused. `path`
    /// is the collection's own, not one of its aliases.
    pub fn pausing(&self, storefront: usize, path: &str) -> Option<&Component> {
        let paused = self.paused_mask(storefront);
        if paused == 0 {
            return None;
        }
        let definition = &self.storefronts[storefront];
        let component = definition.component_of(path)?;
        (paused & bit(component) != 0).then(|| &definition.components[component])
    }

    /// All components, storefront by storefront.
    pub fn list(&self) -> Vec<Listed> {
        let storefronts = self.storefronts.iter().enumerate();
        let each = storefronts.flat_map(|(storefront, definition)| {
            let components = 0..definition.components.len();
            components.map(move |component| Listed {
                storefront,
                component,
                state: self.state(storefront, component),
            })
        });
        each.collect()
    }

    /// Tells how often something was changed since the start, each time that it is.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Pauses a component or lets it run. Once this returns, the file says so, durably, and everyone
    /// sees it; if it fails, nothing has changed for as long as the process runs.
    ///
    /// Waits for the disk: not for a thread that serves requests, unless it [is in
    /// memory](Self::is_in_memory). Both places must be there, others are a mistake of the caller
    /// and panic.
    pub fn set(
        &self,
        storefront: usize,
        component: usize,
        state: ComponentState,
    ) -> Result<(), Error> {
        let name = &self.storefronts[storefront].components[component].name;
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.is_closed {
            return Err(Error::Closed);
        }
        let before = self.paused_mask(storefront);
        let after = match state {
            ComponentState::Paused => before | bit(component),
            ComponentState::Running => before & !bit(component),
        };
        if after == before && !writer.is_doubtful {
            return Ok(());
        }
        if let Some(path) = &self.path {
            writer.is_doubtful = true;
            file::write(path, &self.pauses(storefront, after, &writer.unknown))?;
            writer.is_doubtful = false;
        }
        self.paused[storefront].store(after, Ordering::Release);
        self.changes.send_modify(|version| *version += 1);
        let storefront = &self.storefronts[storefront].name;
        tracing::info!(%storefront, component = %name, %state, "a part of a shop was changed");
        Ok(())
    }

    /// Whether nothing is kept, so that no change waits for a disk.
    pub const fn is_in_memory(&self) -> bool {
        self.path.is_none()
    }

    /// Waits for a change under way, and refuses every later one: the directory is given up.
    pub fn close(&self) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.is_closed = true;
    }

    /// What the file is to say when the word of the storefront `changed` is `after`.
    fn pauses(&self, changed: usize, after: u64, unknown: &[Pause]) -> Vec<Pause> {
        let mut pauses = Vec::new();
        for (at, definition) in self.storefronts.iter().enumerate() {
            let word = if at == changed {
                after
            } else {
                self.paused_mask(at)
            };
            for (place, component) in definition.components.iter().enumerate() {
                if word & bit(place) != 0 {
                    pauses.push(Pause {
                        storefront: definition.name.to_string(),
                        component: component.name.to_string(),
                    });
                }
            }
        }
        pauses.extend_from_slice(unknown);
        pauses
    }

    fn find(&self, pause: &Pause) -> Option<(usize, usize)> {
        let mut storefronts = self.storefronts.iter();
        let at = storefronts.position(|own| *own.name == pause.storefront)?;
        let mut components = self.storefronts[at].components.iter();
        let place = components.position(|own| *own.name == pause.component)?;
        Some((at, place))
    }
}

/// A component's bit; none for a place that no component has.
const fn bit(component: usize) -> u64 {
    if component < u64::BITS as usize {
        1 << component
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use ComponentState::{Paused, Running};

    use super::*;
    use crate::domain::storefront::read;

    fn storefronts() -> Vec<Arc<Storefront>> {
        let text = include_str!("../../../tests/shops/posies.toml");
        let other = text.replace("name = \"posies\"", "name = \"tulips\"");
        [text, &other]
            .map(|text| Arc::new(read::storefront(text).unwrap()))
            .to_vec()
    }

    fn open(path: PathBuf) -> Components {
        Components::open(path, &storefronts()).unwrap().components
    }

    #[test]
    fn a_change_is_seen_told_once_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("components.json");
        let components = open(path.clone());
        let mut changes = components.changes();
        let version = |changes: &mut watch::Receiver<u64>| *changes.borrow_and_update();
        components.set(1, 2, Paused).unwrap();
        assert_eq!((version(&mut changes), components.paused_mask(1)), (1, 4));
        components.set(1, 2, Paused).unwrap();
        components.set(1, 0, Running).unwrap();
        assert!(!changes.has_changed().unwrap(), "it was so already");
        components.set(0, 1, Paused).unwrap();
        components.set(0, 0, Paused).unwrap();
        components.set(0, 0, Running).unwrap();
        assert_eq!(version(&mut changes), 4);

        for components in [components, open(path)] {
            let masks = [0, 1, 2].map(|storefront| components.paused_mask(storefront));
            assert_eq!(masks, [2, 4, 0]);
            let paused = components.list().into_iter();
            let paused = paused.filter(|listed| listed.state == Paused);
            let places: Vec<_> = paused.map(|own| (own.storefront, own.component)).collect();
            assert_eq!(places, [(0, 1), (1, 2)]);
            assert!(components.is_paused(0, 1) && !components.is_paused(0, 64));
            let pausing = |path| components.pausing(1, path).map(|own| &*own.name);
            let found = ["sheets", "bills", "nothing"].map(pausing);
            assert_eq!(found, [Some("delivery"), None, None]);
        }
    }

    #[test]
    fn what_cannot_be_kept_is_not_so_and_is_tried_again_even_if_nothing_changes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("components.json");
        let components = open(path.clone());
        // Nothing can be renamed over a directory that holds something.
        fs::create_dir_all(path.join("in the way")).unwrap();
        let error = components.set(0, 1, Paused).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
        assert_eq!(components.paused_mask(0), 0);
        assert!(!components.changes().has_changed().unwrap());

        // The file may say that it is paused: to let it run is to write that.
        fs::remove_dir_all(&path).unwrap();
        components.set(0, 1, Running).unwrap();
        assert_eq!(open(path.clone()).paused_mask(0), 0);
        assert!(path.is_file());

        components.close();
        assert!(matches!(components.set(0, 1, Paused), Err(Error::Closed)));
    }
}
