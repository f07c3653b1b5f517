//! The offline check of a whole data directory: what `jumun verify` says.

use std::{collections::BTreeMap, ops::ControlFlow, path::Path, sync::Arc};

use super::{
    definitions::Definition,
    kept, mounted,
    open::{Error, replay},
};
use crate::{
    actors::restore::Restorer,
    domain::{
        Aggregate, Event,
        ledger::Ledger,
        listing::{self, Listing},
        order, payment,
        storefront::{Action, Flow, Step, Storefront},
    },
    store::{
        codec,
        commit::Position,
        components::Components,
        directory::Directory,
        journal::{self, Reader, Source},
        layout::Layout,
        mark::MarkFile,
        pages::{self, Ahead, CollectionId, Durable, Guard, Opening, Pages},
    },
    views::stops::{self, STOP_NUMBER},
};

/// What was checked, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Journal files read, every checksum of them.
    pub segments: usize,
    /// Events replayed.
    pub events: Position,
    /// Orders whose books were balanced.
    pub orders: u64,
    /// Payments that were captured, over all orders.
    pub captured: u64,
    /// Snapshots and rows that were compared with a replay.
    pub compared: u64,
    /// What is worth knowing and not wrong.
    pub notices: Vec<String>,
    /// What is wrong; at most [`PROBLEMS_MAX`] of them.
    pub problems: Vec<String>,
}

/// More problems than this are not listed.
pub const PROBLEMS_MAX: usize = 100;

impl Report {
    fn problem(&mut self, problem: impl FnOnce() -> String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem());
        }
    }
}

/// One order's life, as the events tell it.
#[derive(Debug, Default)]
struct Life {
    ledger: Ledger,
    placed: bool,
    state: order::State,
    paying: payment::State,
}

/// Checks a directory that no process uses: every checksum, every history, the books of every
/// order, and that the stored snapshots and rows are what a replay gives.
pub fn verify(path: &Path, definitions: &[Definition], guard: &Guard) -> Result<Report, Error> {
    let directory = Directory::open(path)?;
    let mark = Arc::new(MarkFile::open(&directory.mark())?);
    let source: Arc<dyn Source> = Arc::new(journal::Files::new(directory.journal()));
    let scanned = journal::scan(&*source, |_, _, _| {})?;
    mark.last().check_journal(scanned.end)?;
    let mut report = Report {
        segments: scanned.segments,
        events: scanned.end,
        notices: kept::check(&directory, definitions)?,
        ..Report::default()
    };
    let storefronts = mounted(definitions);
    let paused = Components::open(directory.components(), &storefronts)?;
    report.notices.extend(paused.notices);
    report
        .notices
        .extend(scanned.torn.iter().map(ToString::to_string));

    books(&source, scanned.end, &storefronts, &mut report)?;

    let layout = Arc::new(Layout::of(&storefronts));
    let opened = Pages::open(Opening {
        dir: directory.path(),
        collections: layout.collections().to_vec(),
        limits: pages::Limits::default(),
        journal_end: scanned.end,
        mark,
        fingerprint: &super::open::fingerprint(&storefronts),
        guard,
        ahead: Ahead::nothing(),
    })?;
    report.notices.extend(
        opened
            .rebuilt
            .map(|why| format!("the trees were made again: {why}")),
    );
    let stored = Arc::new(opened.pages);
    // A view that stopped is compared with a replay up to where it did.
    let stops = stops::read(&stored, &layout, &storefronts)?;
    let restorer = |pages: &Arc<Pages>| {
        let layout = Arc::clone(&layout);
        Restorer::new(storefronts.clone(), layout, Arc::clone(pages)).stopped(stops.clone())
    };
    replay(
        Arc::clone(&source),
        opened.complete_to + 1,
        scanned.end,
        restorer(&stored),
    )?;

    let replayed = in_memory(&layout)?;
    replay(source, 1, scanned.end, restorer(&replayed))?;
    for place in 0..layout.collections().len() {
        compare(&layout, place, &replayed, &stored, &mut report)?;
    }
    stored.close()?;
    drop(directory);
    Ok(report)
}

/// Checks a journal alone, as a backup holds it: every checksum, every history and the books of
/// every order.
pub fn journal(source: Arc<dyn Source>, definitions: &[Definition]) -> Result<Report, Error> {
    let scanned = journal::scan(&*source, |_, _, _| {})?;
    let mut report = Report {
        segments: scanned.segments,
        events: scanned.end,
        ..Report::default()
    };
    let storefronts = mounted(definitions);
    books(&source, scanned.end, &storefronts, &mut report)?;
    let layout = Arc::new(Layout::of(&storefronts));
    let replayed = in_memory(&layout)?;
    let restorer = Restorer::new(storefronts, layout, replayed);
    replay(source, 1, scanned.end, restorer)?;
    Ok(report)
}

fn in_memory(layout: &Layout) -> Result<Arc<Pages>, Error> {
    let durable = Durable::default();
    let limits = pages::Limits::default();
    let opened = Pages::in_memory(&durable, layout.collections().to_vec(), limits)?;
    Ok(Arc::new(opened.pages))
}

/// Balances the books of every order, and looks for orders that were not paid.
fn books(
    source: &Arc<dyn Source>,
    end: Position,
    storefronts: &[Arc<Storefront>],
    report: &mut Report,
) -> Result<(), Error> {
    let mut lives: BTreeMap<(Arc<str>, u64), Life> = BTreeMap::new();
    let mut listings: BTreeMap<(Arc<str>, u64), Listing> = BTreeMap::new();
    let mut outcome = Ok(());
    Reader::new(Arc::clone(source)).read(1, end, |position, body, _count| {
        let batch = match codec::decode(body) {
            Ok(batch) => batch,
            Err(source) => {
                outcome = Err(Error::Record { position, source });
                return ControlFlow::Break(());
            }
        };
        for stamped in &batch.events {
            let key = |number| (Arc::clone(&batch.storefront), number);
            if let Some(order) = stamped.order() {
                let life = lives.entry(key(order.0)).or_default();
                life.take(&stamped.event);
                if let Err(imbalance) = life.ledger.check() {
                    report
                        .problem(|| format!("{} at event {position}: {imbalance}", stamped.entity));
                }
            }
            if let Event::Listing(event) = &stamped.event {
                let listing = listings.entry(key(stamped.entity.number)).or_default();
                listing.apply(event);
                if matches!(event, listing::Event::Reserved { .. }) && listing.is_oversold() {
                    report.problem(|| {
                        format!(
                            "{} at event {position}: more is reserved than there is",
                            stamped.entity
                        )
                    });
                }
            }
        }
        ControlFlow::Continue(())
    })?;
    outcome?;
    for ((storefront, number), life) in &lives {
        report.orders += u64::from(life.placed);
        report.captured += u64::from(life.ledger.captures);
        let pays = |own: &Arc<Storefront>| own.name == *storefront && pays_first(&own.flow);
        if !storefronts.iter().any(pays) {
            continue;
        }
        if life.placed != (life.ledger.captures == 1) && life.must_be_paid() {
            report.problem(|| {
                format!(
                    "{storefront} order {number} is {} and was paid {} times",
                    life.state.name(),
                    life.ledger.captures
                )
            });
        }
    }
    Ok(())
}

/// Whether every order is paid before it is confirmed.
fn pays_first(flow: &Flow) -> bool {
    let confirms = |step: &Step| step.then >= Some(order::State::Confirmed);
    let mut steps = flow.steps.iter();
    steps
        .find_map(|step| match step.action {
            Action::Pay => Some(step.only_if.is_none()),
            Action::Reserve
            | Action::Assign(_)
            | Action::Approve { .. }
            | Action::PayOut(_)
            | Action::Deliver { .. } => confirms(step).then_some(false),
        })
        .unwrap_or(false)
}

impl Life {
    fn take(&mut self, event: &Event) {
        self.ledger.post(event);
        match event {
            Event::Order(event) => {
                self.placed |= matches!(event, order::Event::Placed { .. });
                self.state = event.state_after().unwrap_or(self.state);
            }
            Event::Payment(event) => self.paying = event.state_after(),
            Event::Listing(_)
            | Event::Delivery(_)
            | Event::Saga(_)
            | Event::Approval(_)
            | Event::Payout(_)
            | Event::Subscriber(_) => {}
        }
    }

    /// An order that got as far as being confirmed, and any money without an order.
    fn must_be_paid(&self) -> bool {
        self.ledger.captures > 0
            || matches!(
                self.state,
                order::State::Confirmed | order::State::Completed
            )
    }
}

/// Compares one collection of the stored pages with the replayed ones, both ways.
fn compare(
    layout: &Layout,
    place: usize,
    replayed: &Pages,
    stored: &Pages,
    report: &mut Report,
) -> Result<(), Error> {
    let (id, collection) = (CollectionId(place), &layout.collections()[place]);
    let what = || format!("{:?} of {}", collection.tree, collection.name);
    let mut failed = None;
    replayed.each(id, &mut |number, expected| {
        report.compared += 1;
        match stored.get(id, number) {
            Ok(Some(found)) if found == *expected => {}
            Ok(Some(found)) => report.problem(|| {
                format!(
                    "{} {number}: stored version {} (event {}), a replay gives version {} (event {})",
                    what(),
                    found.version,
                    found.position,
                    expected.version,
                    expected.position
                )
            }),
            Ok(None) => report.problem(|| format!("{} {number} is missing", what())),
            Err(error) => {
                failed = Some(error);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    stored.each(id, &mut |number, _found| {
        if number != STOP_NUMBER && matches!(replayed.get(id, number), Ok(None)) {
            report.problem(|| format!("{} {number} is stored, and no event made it", what()));
        }
        ControlFlow::Continue(())
    })?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}
