//! The views' own thread: takes committed groups from a bounded queue, or from the journal.
//!
//! The committer never waits for it. When the queue is full a group is left out; the thread then
//! reads what is missing from the journal. So do the views that were paused, once they run again, a
//! slice at a time: the others do not wait for them.

use std::{
    io,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{model::Model, projector::Projector};
use crate::store::{
    codec,
    commit::{Committed, Follower, Position, Wake},
    components::Components,
    journal::{Reader, Source},
    pages,
};

/// Groups that may wait for the views. At 64 batches a group, some ten MB at most.
const GROUPS_MAX: usize = 256;

/// How soon the thread notices that a group was left out, or that something was paused or runs again,
/// while nothing else is committed.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Events that views which were paused read at once, before the others have their turn again.
const SLICE_EVENTS: Position = 4_096;

/// The committer's end of the queue. Dropping it lets the thread finish and end.
#[derive(Debug)]
pub struct Queue {
    groups: SyncSender<Vec<Committed>>,
    missed: Arc<AtomicBool>,
}

impl Follower for Queue {
    fn committed(&mut self, group: &[Committed]) -> Option<Wake> {
        // After one was left out, so are the next: the thread reads them all from the journal.
        if self.missed.load(Ordering::Acquire) {
            return None;
        }
        let (groups, missed) = (self.groups.clone(), Arc::clone(&self.missed));
        let group = group.to_vec();
        Some(Box::new(move || {
            if groups.try_send(group).is_err() {
                missed.store(true, Ordering::Release);
            }
        }))
    }
}

struct Work {
    projector: Arc<Projector>,
    components: Arc<Components>,
    groups: Receiver<Vec<Committed>>,
    missed: Arc<AtomicBool>,
    reader: Reader,
    /// For the views that are behind the others.
    behind: Reader,
    durable: Box<dyn Fn() -> Position + Send>,
    /// Whether views that are behind cannot be brought up in this process.
    is_stuck: bool,
}

/// Starts the thread. `source` is the journal that is being written, `durable` says how far it may
/// be read, `components` which views take nothing in.
pub fn start(
    projector: Arc<Projector>,
    components: Arc<Components>,
    source: Arc<dyn Source>,
    durable: impl Fn() -> Position + Send + 'static,
) -> io::Result<(Queue, JoinHandle<()>)> {
    let (sender, groups) = sync_channel(GROUPS_MAX);
    let missed = Arc::new(AtomicBool::new(false));
    let queue = Queue {
        groups: sender,
        missed: Arc::clone(&missed),
    };
    let mut work = Work {
        projector,
        components,
        groups,
        missed,
        reader: Reader::new(Arc::clone(&source)),
        behind: Reader::new(source),
        durable: Box::new(durable),
        is_stuck: false,
    };
    let thread = thread::Builder::new()
        .name("views".to_owned())
        .spawn(move || work.run())?;
    Ok((queue, thread))
}

impl Work {
    fn run(&mut self) {
        loop {
            let behind = self.look();
            let wait = if behind.is_empty() {
                LOOK_AGAIN
            } else {
                self.bring_up(&behind)
            };
            match self.groups.recv_timeout(wait) {
                Ok(group) => {
                    drop(self.look());
                    if group.first().is_some_and(|first| first.first > self.next()) {
                        self.catch_up();
                    }
                    self.take(&group);
                }
                Err(RecvTimeoutError::Timeout) => {
                    if self.missed.swap(false, Ordering::AcqRel) {
                        self.catch_up();
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    drop(self.look());
                    return self.catch_up();
                }
            }
        }
    }

    /// Lets the views stop that are paused. Those that had stopped and run again are behind.
    fn look(&self) -> Vec<Model> {
        let mut behind = Vec::new();
        if !self.components.is_any_paused() && self.projector.progress().stops.is_empty() {
            return behind;
        }
        for (model, storefront) in self.projector.models() {
            let path = model.path(storefront);
            if self.components.pausing(model.storefront, path).is_some() {
                if let Err(error) = self.projector.stop(model) {
                    tracing::error!(%error, path, "a view cannot be stopped");
                }
            } else if self.projector.progress().is_behind(model) {
                behind.push(model);
            }
        }
        behind
    }

    /// Takes a slice of what they missed into the views that are behind. Says how long to wait before
    /// the next one, at most.
    fn bring_up(&mut self, behind: &[Model]) -> Duration {
        if self.is_stuck || self.projector.is_hurried() {
            return LOOK_AGAIN;
        }
        let (from, end) = {
            let progress = self.projector.progress();
            let stopped = behind.iter().map(|model| progress.of(*model)).min();
            (stopped.unwrap_or(progress.position) + 1, progress.position)
        };
        let to = end.min(from.saturating_add(SLICE_EVENTS - 1));
        let mut missed = Vec::new();
        let read = self.behind.read(from, to, |first, body, _count| {
            match codec::decode(body) {
                Ok(batch) => {
                    let batch = Arc::new(batch);
                    missed.push(Committed { first, batch });
                }
                Err(error) => tracing::error!(first, %error, "the views cannot read an event"),
            }
            ControlFlow::Continue(())
        });
        if let Err(error) = read {
            tracing::error!(%error, "the views that were paused cannot catch up");
            self.is_stuck = true;
            return LOOK_AGAIN;
        }
        let projector = &self.projector;
        self.is_stuck = !careful(|| projector.bring_up(&missed, to, behind));
        Duration::ZERO
    }

    fn next(&self) -> Position {
        self.projector.position() + 1
    }

    /// Reads from the journal what was left out.
    fn catch_up(&mut self) {
        loop {
            let (from, to) = (self.next(), (self.durable)());
            if from > to {
                return;
            }
            let projector = Arc::clone(&self.projector);
            let read = self.reader.read(from, to, |first, body, _count| {
                match codec::decode(body) {
                    Ok(batch) => project(
                        &projector,
                        &[Committed {
                            first,
                            batch: Arc::new(batch),
                        }],
                    ),
                    Err(error) => tracing::error!(first, %error, "the views cannot read an event"),
                }
                ControlFlow::Continue(())
            });
            if let Err(error) = read {
                tracing::error!(%error, "the views cannot catch up");
                return;
            }
            if self.next() <= from {
                return;
            }
        }
    }

    fn take(&self, group: &[Committed]) {
        project(&self.projector, group);
    }
}

/// A mistake in a view's rule costs that view a row, and nobody anything else.
fn project(projector: &Projector, group: &[Committed]) {
    careful(|| projector.take(group));
}

/// Whether it went well.
fn careful(work: impl FnOnce() -> Result<(), pages::Error>) -> bool {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => tracing::error!(%error, "a view's row cannot be kept"),
        Err(_panic) => tracing::error!("a view panicked; run rebuild-views once it is mended"),
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            Batch, Cause, Correlation, Fields, Money, Stamped, Timestamp,
            ids::OrderId,
            money::Currency,
            order,
            storefront::{ComponentState, read},
        },
        store::{
            journal::{self, Journal, Memory, Record},
            layout::Layout,
            pages::{Durable, Limits, Pages},
        },
    };

    fn placed(number: u64) -> Batch {
        let placed = order::Event::Placed {
            fields: Arc::new(Fields::new()),
            amount: Money::new(1, Currency::KRW),
        };
        Batch {
            storefront: "posies".into(),
            at: Timestamp(0),
            correlation: Correlation::default(),
            named: None,
            trace: None,
            cause: Cause::default(),
            answered: None,
            events: vec![Stamped {
                entity: OrderId(number).key(),
                version: 1,
                event: placed.into(),
            }],
        }
    }

    #[test]
    fn a_paused_view_stops_the_others_go_on_and_later_it_has_everything() {
        let text = include_str!("../../tests/shops/posies.toml");
        let storefronts = vec![Arc::new(read::storefront(text).unwrap())];
        let layout = Arc::new(Layout::of(&storefronts));
        let collections = layout.collections().to_vec();
        let pages = Pages::in_memory(&Durable::default(), collections, Limits::default());
        let pages = Arc::new(pages.unwrap().pages);
        let components = Arc::new(Components::in_memory(&storefronts));
        let medium = Memory::new();
        let mut journal = Journal::open(medium, journal::Limits::default())
            .unwrap()
            .journal;
        // More than two slices.
        let count = 2 * SLICE_EVENTS + 100;
        let mut groups = Vec::new();
        for number in 1..=count {
            let batch = placed(number);
            let body = codec::encode(&batch);
            let record = Record {
                body: &body,
                count: 1,
            };
            let first = journal.append(&[record]).unwrap();
            let batch = Arc::new(batch);
            groups.push(Committed { first, batch });
        }
        journal.sync().unwrap();

        let (layout_, pages_) = (Arc::clone(&layout), Arc::clone(&pages));
        let projector = Arc::new(Projector::new(storefronts, layout_, pages_, 0));
        let mut positions = projector.positions();
        let wait = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let of = |view| Model::view(0, view);
        let has = |view| pages.listed(layout.rows(0, view));

        let (mut queue, thread) = start(
            projector,
            Arc::clone(&components),
            journal.source(),
            move || count,
        )
        .unwrap();
        let mut commit = |group| queue.committed(group).into_iter().for_each(|wake| wake());
        commit(&groups[..50]);
        drop(wait.block_on(positions.wait_for(|progress| progress.position == 50)));
        components.set(0, 2, ComponentState::Paused).unwrap();
        let is_stopped = wait.block_on(positions.wait_for(|progress| progress.stops.len() == 1));
        assert_eq!(is_stopped.unwrap().of(of(1)), 50);
        // A group at a time, or all left out of the queue: read from the journal.
        for group in groups[50..].chunks(1) {
            commit(group);
        }
        drop(wait.block_on(positions.wait_for(|progress| progress.position == count)));
        assert_eq!((has(0), has(1)), (count, 50));

        components.set(0, 2, ComponentState::Running).unwrap();
        drop(wait.block_on(positions.wait_for(|progress| progress.of(of(1)) == count)));
        assert_eq!((has(0), has(1)), (count, count));
        assert!(positions.borrow().stops.is_empty());
        drop(queue);
        thread.join().unwrap();
    }
}
