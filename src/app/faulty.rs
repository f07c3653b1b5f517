//! What goes wrong on purpose outside the actors: on the way to the disk, and in the views.

use std::{io, sync::Arc};

use super::open::{self, Before};
use crate::{
    actors::{
        faults::{Faults, NoFaults, Place, Point},
        injected::Injected,
        provider::Provider,
    },
    config::Config,
    store::{
        commit::Position,
        journal::{Medium, Source},
    },
    views::projector::Strike,
};

/// What goes wrong on purpose where the configuration allows it, and what stands before the journal
/// for it.
pub(super) fn of(config: &Config) -> (Arc<dyn Faults>, Before) {
    if config.fault_injection {
        let injected = Injected::default();
        (Arc::new(injected.clone()), before(injected))
    } else {
        (Arc::new(NoFaults), open::nothing())
    }
}

/// The providers, with what goes wrong when they are called.
pub(super) fn before_providers(
    faults: &Arc<dyn Faults>,
    providers: Vec<Arc<dyn Provider>>,
) -> Vec<Arc<dyn Provider>> {
    let Some(injected) = faults.injected() else {
        return providers;
    };
    let providers = providers.into_iter();
    providers
        .map(|provider| injected.before(provider))
        .collect()
}

/// The journal's files, with what goes wrong before them.
fn before(faults: Injected) -> Before {
    Box::new(|files| {
        Box::new(Faulty {
            faults,
            medium: Box::new(files),
        })
    })
}

/// What goes wrong before a view takes a batch in, if faults may be set.
pub(super) fn of_views(faults: &Arc<dyn Faults>) -> Option<Strike> {
    let injected = faults.injected()?.clone();
    let strike = move |storefront: &str, view: &str, number| {
        injected.strike(Point {
            storefront: Some(storefront),
            number: Some(number),
            view: Some(view),
            ..Point::at(Place::View)
        });
    };
    Some(Strike(Arc::new(strike)))
}

#[derive(Debug)]
struct Faulty {
    faults: Injected,
    medium: Box<dyn Medium>,
}

impl Medium for Faulty {
    fn source(&self) -> Arc<dyn Source> {
        self.medium.source()
    }

    fn create(&mut self, segment: Position, bytes: u64) -> io::Result<()> {
        self.medium.create(segment, bytes)
    }

    fn resume(&mut self, segment: Position, tail: u64) -> io::Result<()> {
        self.medium.resume(segment, tail)
    }

    fn cut(&mut self, segment: Position, tail: u64, bytes: u64) -> io::Result<()> {
        self.medium.cut(segment, tail, bytes)
    }

    fn remove(&mut self, segment: Position) -> io::Result<()> {
        self.medium.remove(segment)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.faults.on_disk(Place::Commit)?;
        self.medium.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.faults.on_disk(Place::Sync)?;
        self.medium.sync()
    }
}
