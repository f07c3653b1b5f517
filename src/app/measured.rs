//! Who has figures for `/metrics`, and is quick to tell them.

use std::sync::Arc;

use super::{process, space::Space};
use crate::{
    clock::Clock,
    domain::storefront::Storefront,
    http::Traffic,
    metrics::{Sheet, Sources},
    store::{
        committer::Committer, directory::Directory, pages::Pages, space::bytes_below, tally::Tally,
    },
};

/// What is counted, and everybody who counts.
#[derive(Debug)]
pub(super) struct Measured {
    /// The requests.
    pub(super) traffic: Arc<Traffic>,
    /// Everybody else.
    pub(super) sources: Arc<Sources>,
}

/// The same before there is a store.
pub(super) struct Counting {
    traffic: Arc<Traffic>,
    tally: Option<Arc<Tally>>,
}

impl Counting {
    /// Counts the requests and events of these storefronts, unless nothing is counted.
    pub(super) fn new(storefronts: &[Arc<Storefront>], counts: bool) -> Self {
        let names = || storefronts.iter().map(|own| Arc::clone(&own.name));
        Self {
            traffic: Arc::new(Traffic::new(storefronts, counts)),
            tally: counts.then(|| Arc::new(Tally::new(names()))),
        }
    }

    /// Where events are counted, if they are.
    pub(super) const fn tally(&self) -> Option<&Arc<Tally>> {
        self.tally.as_ref()
    }

    /// With the figures of an open store.
    pub(super) fn of(
        self,
        directory: &Directory,
        committer: &Arc<Committer>,
        pages: &Arc<Pages>,
        space: &Space,
        clock: &Clock,
    ) -> Measured {
        let mut sources = Sources::default();
        if let Some(tally) = self.tally {
            sources.add(move |sheet| tally.write_figures(sheet));
        }
        let committer = Arc::clone(committer);
        sources.add(move |sheet| committer.write_figures(sheet));
        let pages = Arc::clone(pages);
        sources.add(move |sheet| pages.write_figures(sheet));
        let room = Arc::clone(space.room());
        sources.add(move |sheet| room.write_figures(sheet));
        let (journal, trees) = (directory.journal(), directory.sled());
        sources.add(move |sheet| {
            write_sizes(bytes_below(&journal), bytes_below(&trees), sheet);
        });
        let started = clock.now();
        sources.add(move |sheet| process::write_figures(started, sheet));
        Measured {
            traffic: self.traffic,
            sources: Arc::new(sources),
        }
    }
}

fn write_sizes(journal: u64, trees: u64, sheet: &mut Sheet) {
    let family = sheet.gauge(
        "jumun_journal_size_bytes",
        "Files of the journal, with the room that is reserved in the last of them. Only grows.",
    );
    family.is(journal);
    let family = sheet.gauge(
        "jumun_trees_size_bytes",
        "Files of the trees of snapshots and rows, which can be made again from the journal.",
    );
    family.is(trees);
}
