//! Whether this program, with these definitions, could take a data directory over: looked at while
//! another process serves it, without a lock, and without changing anything.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use super::{
    definitions::Definition,
    kept, mounted,
    open::{self, Error},
};
use crate::{
    actors::restore,
    store::{
        codec,
        commit::Position,
        components::Components,
        directory::Directory,
        journal::{self, Scanned},
        mark::Mark,
        pages::Pages,
    },
};

/// What was found. A directory that cannot be taken over is an error.
#[derive(Debug)]
pub struct Checked {
    /// Events that were read, each of which this version knows.
    pub events: Position,
    /// Whether a start would make snapshots and views again from them, before it serves: other
    /// definitions, or another form than those that are stored.
    pub rebuilds: bool,
    /// What a person should know: a line each.
    pub notices: Vec<String>,
    /// The journal's files to which nothing more is written. A start need not read them again.
    pub closed: Option<Scanned>,
}

/// Reads everything that a start would, and the journal's events besides.
pub fn check(path: &Path, definitions: &[Definition]) -> Result<Checked, Error> {
    let Some(directory) = Directory::look(path)? else {
        return Ok(Checked {
            events: 0,
            rebuilds: false,
            notices: vec!["nothing is stored there yet".to_owned()],
            closed: None,
        });
    };
    // The mark is written after what it speaks of, so it is read before that.
    let mark = Mark::read(&directory.mark())?;
    let storefronts = mounted(definitions);
    let paused = Components::open(directory.components(), &storefronts)?;
    let mut events = Events::default();
    let files = journal::Files::new(directory.journal());
    let closed =
        journal::scan_closed(&files, |position, body, _count| events.take(position, body))?;
    let end = journal::look_after(&closed, &files, |position, body, _count| {
        events.take(position, body);
    })?;
    mark.check_journal(end)?;
    let names = events.names()?;
    let is_mounted = |name: &&Arc<str>| definitions.iter().any(|own| own.name() == &***name);
    if let Some(unknown) = names.iter().find(|name| !is_mounted(name)) {
        return Err(restore::Error::UnknownStorefront(Arc::clone(unknown)).into());
    }
    let mut notices = kept::check_with(&directory, definitions, || Ok(names))?;
    notices.extend(paused.notices);
    let fingerprint = open::fingerprint(&storefronts);
    let rebuilds = mark.complete_to > 0 && Pages::have_another_form(path, &fingerprint)?;
    Ok(Checked {
        events: end,
        rebuilds,
        notices,
        closed: Some(closed),
    })
}

/// The events that were read so far.
#[derive(Default)]
struct Events {
    storefronts: BTreeSet<Arc<str>>,
    failed: Option<Error>,
}

impl Events {
    fn take(&mut self, position: Position, body: &[u8]) {
        match codec::decode(body) {
            Ok(batch) => drop(self.storefronts.insert(batch.storefront)),
            Err(source) => drop(
                self.failed
                    .get_or_insert(Error::Record { position, source }),
            ),
        }
    }

    /// The storefronts that they are of.
    fn names(self) -> Result<BTreeSet<Arc<str>>, Error> {
        self.failed.map_or(Ok(self.storefronts), Err)
    }
}
