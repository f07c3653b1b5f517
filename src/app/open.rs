//! From a data directory to a journal and pages that agree with it.

use std::{collections::BTreeMap, ops::ControlFlow, path::Path, sync::Arc};

use super::{definitions::Definition, kept, mounted};
use crate::{
    actors::restore::{self, Restorer},
    domain::storefront::Storefront,
    store::{
        codec,
        commit::Position,
        components::{self, Components},
        directory::{self, Directory},
        journal::{self, Journal, Medium, Reader, Scanned, Source},
        layout::Layout,
        mark::{self, MarkFile},
        pages::{self, Ahead, Guard, Opening, Pages},
        snapshot,
    },
    views::{
        model::Model,
        stops::{self, Stop},
    },
};

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory itself.
    #[error(transparent)]
    Directory(#[from] directory::Error),
    /// Its high-water mark.
    #[error(transparent)]
    Mark(#[from] mark::Error),
    /// Which of the storefronts' components are paused.
    #[error(transparent)]
    Components(#[from] components::Error),
    /// Its journal.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// The journal's directory.
    #[error("the journal's directory cannot be used: {0}")]
    Io(#[from] std::io::Error),
    /// An event of it.
    #[error("event {position} of the journal cannot be read: {source}")]
    Record {
        /// The first event of the batch.
        position: Position,
        /// Why.
        source: codec::Error,
    },
    /// Its pages.
    #[error(transparent)]
    Pages(#[from] pages::Error),
    /// What the journal says.
    #[error(transparent)]
    Restore(#[from] restore::Error),
    /// The definitions, beside those that it was served with before.
    #[error(transparent)]
    Kept(#[from] kept::Error),
}

/// An opened data directory. Its lock is held for as long as this lives.
#[derive(Debug)]
pub struct Opened {
    /// Held for its lock.
    pub directory: Directory,
    /// Ready to be written.
    pub journal: Journal,
    /// The pages' places.
    pub layout: Arc<Layout>,
    /// Complete to the journal's end, but for the views that stopped.
    pub pages: Arc<Pages>,
    /// The views that stopped, and where.
    pub stops: BTreeMap<Model, Stop>,
    /// Which of the storefronts' components are paused.
    pub components: Arc<Components>,
    /// What a person should know about this start: a line each.
    pub notices: Vec<String>,
}

/// Makes the journal's medium of its files: these themselves, or something that stands before them
/// and delays or fails what is written.
pub type Before = Box<dyn FnOnce(journal::Directory) -> Box<dyn Medium> + Send>;

/// Nothing stands before the journal's files.
pub fn nothing() -> Before {
    Box::new(|files| Box::new(files))
}

/// Opens a directory and brings its pages up to the journal's end. Definitions that do not fit what
/// is stored are refused before anything is changed; those that do are kept.
pub fn open(
    path: &Path,
    definitions: &[Definition],
    page_limits: pages::Limits,
    guard: &Guard,
    before: Before,
) -> Result<Opened, Error> {
    open_after(None, path, definitions, page_limits, guard, before)
}

/// The same. What was `scanned` of the journal's closed files is not read once more.
pub(super) fn open_after(
    scanned: Option<Scanned>,
    path: &Path,
    definitions: &[Definition],
    page_limits: pages::Limits,
    guard: &Guard,
    before: Before,
) -> Result<Opened, Error> {
    let directory = Directory::open(path)?;
    let mark = Arc::new(MarkFile::open(&directory.mark())?);
    let storefronts = mounted(definitions);
    let paused = Components::open(directory.components(), &storefronts)?;
    let medium = journal::Directory::open(directory.journal())?;
    // Reading the journal takes as long as this, and another core.
    let ahead = Ahead::begin(directory.path(), page_limits, guard, mark.last());
    let source = medium.source();
    let found = match scanned {
        Some(scanned) => journal::scan_after(scanned, &*source, |_, _, _| {})?,
        None => journal::scan(&*source, |_, _, _| {})?,
    };
    let end = found.end;
    // Before anything is cut or begun: what is refused stays as it was found.
    mark.last().check_journal(end)?;
    let mut notices = kept::check(&directory, definitions)?;
    let opened = Journal::after(found, before(medium), journal::Limits::default())?;
    let journal = opened.journal;
    notices.extend(opened.torn.iter().map(ToString::to_string));
    notices.extend(paused.notices);

    let layout = Arc::new(Layout::of(&storefronts));
    let opened = Pages::open(Opening {
        dir: directory.path(),
        collections: layout.collections().to_vec(),
        limits: page_limits,
        journal_end: end,
        mark,
        fingerprint: &fingerprint(&storefronts),
        guard,
        ahead,
    })?;
    notices.extend(
        opened
            .rebuilt
            .map(|why| format!("the snapshots and views were made again from the journal: {why}")),
    );
    let pages = Arc::new(opened.pages);
    let stops = stops::read(&pages, &layout, &storefronts)?;
    let restorer =
        Restorer::new(storefronts, Arc::clone(&layout), Arc::clone(&pages)).stopped(stops.clone());
    replay(journal.source(), opened.complete_to + 1, end, restorer)?;
    // Before any event can be written under them.
    kept::keep(&directory, definitions)?;
    Ok(Opened {
        directory,
        journal,
        layout,
        pages,
        stops,
        components: Arc::new(paused.components),
        notices,
    })
}

/// Lets a restorer take in the journal's events `from..=to`.
pub fn replay(
    source: Arc<dyn Source>,
    from: Position,
    to: Position,
    mut restorer: Restorer,
) -> Result<(), Error> {
    let mut outcome = Ok(());
    Reader::new(source).read(from, to, |position, body, _count| {
        let batch = codec::decode(body).map_err(|source| Error::Record { position, source });
        let taken = batch.and_then(|batch| Ok(restorer.take(position, batch)?));
        match taken {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                outcome = Err(error);
                ControlFlow::Break(())
            }
        }
    })?;
    outcome
}

/// Changes whenever rows or snapshots made under one set of definitions would differ under another,
/// or are stored in another form.
/// They are the same however the collections are grouped for pausing.
pub(super) fn fingerprint(storefronts: &[Arc<Storefront>]) -> String {
    let ungrouped = storefronts.iter().map(|own| Storefront {
        components: Vec::new(),
        ..(**own).clone()
    });
    let text: Vec<String> = ungrouped.map(|own| format!("{own:?}")).collect();
    let text = text.join("\n");
    format!(
        "{}-{:08x}",
        snapshot::FORMAT,
        crc32c::crc32c(text.as_bytes())
    )
}
