//! The views' own thread: takes committed groups from a bounded queue, or from the journal.
//!
//! The committer never waits for it. When the queue is full a group is left out; the thread then
//! reads what is missing from the journal.

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

use super::projector::Projector;
use crate::store::{
    codec,
    commit::{Committed, Follower, Position},
    journal::{Reader, Source},
};

/// Groups that may wait for the views. At 64 batches a group, some ten MB at most.
const GROUPS_MAX: usize = 256;

/// How soon the thread notices that a group was left out while nothing else is committed.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The committer's end of the queue. Dropping it lets the thread finish and end.
#[derive(Debug)]
pub struct Queue {
    groups: SyncSender<Vec<Committed>>,
    missed: Arc<AtomicBool>,
}

impl Follower for Queue {
    fn committed(&mut self, group: &[Committed]) {
        // After one was left out, so are the next: the thread reads them all from the journal.
        if !self.missed.load(Ordering::Acquire) && self.groups.try_send(group.to_vec()).is_err() {
            self.missed.store(true, Ordering::Release);
        }
    }
}

struct Work {
    projector: Arc<Projector>,
    groups: Receiver<Vec<Committed>>,
    missed: Arc<AtomicBool>,
    reader: Reader,
    durable: Box<dyn Fn() -> Position + Send>,
}

/// Starts the thread. `source` is the journal that is being written, `durable` says how far it may
/// be read.
pub fn start(
    projector: Arc<Projector>,
    source: Arc<dyn Source>,
    durable: impl Fn() -> Position + Send + 'static,
) -> io::Result<(Queue, JoinHandle<()>)> {
    let (sender, groups) = sync_channel(GROUPS_MAX);
    let missed = Arc::new(AtomicBool::new(false));
    let queue = Queue {
        groups: sender,
        missed: Arc::clone(&missed),
    };
    let (reader, durable) = (Reader::new(source), Box::new(durable));
    let mut work = Work {
        projector,
        groups,
        missed,
        reader,
        durable,
    };
    let thread = thread::Builder::new()
        .name("views".to_owned())
        .spawn(move || work.run())?;
    Ok((queue, thread))
}

impl Work {
    fn run(&mut self) {
        loop {
            match self.groups.recv_timeout(LOOK_AGAIN) {
                Ok(group) => {
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
                Err(RecvTimeoutError::Disconnected) => return self.catch_up(),
            }
        }
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
    match catch_unwind(AssertUnwindSafe(|| projector.take(group))) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "a view's row cannot be kept"),
        Err(_panic) => tracing::error!("a view panicked; run rebuild-views once it is mended"),
    }
}
