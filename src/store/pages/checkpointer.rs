//! The thread that makes checkpoints, and what wakes it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::time::Instant;

use super::{Error, Pages, locked};
use crate::store::{commit::Position, space::Room};

/// How long a disk without room is left alone before it is looked at again.
const ROOM_PAUSE: Duration = Duration::from_secs(1);

/// How many times as long as the last checkpoint took the next one is waited for.
const PAUSES_PER_CHECKPOINT: u32 = 4;

/// The longest of these waits. What happens meanwhile is what a start after a crash replays.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// How long to wait after a checkpoint that `took` so long.
///
/// Orders that live are spread over all pages, and each checkpoint writes nearly all of these however
/// soon it comes: the fewer there are, the less each change costs. What is born and finished at once
/// is on few pages, which `interval` alone decides about.
fn pause(interval: Duration, took: Duration) -> Duration {
    interval.max(PAUSE_MAX.min(took * PAUSES_PER_CHECKPOINT))
}

/// The thread that makes checkpoints.
#[derive(Debug)]
pub struct Checkpointer {
    pages: Arc<Pages>,
    failed: Arc<Mutex<Option<String>>>,
    /// Whether there is a reason in `failed`, without a lock.
    has_failed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts it: a checkpoint every `interval`, and whenever half the backlog's limit is reached. More
    /// rarely, up to once a second, where they would take more than a fifth of the time. `complete_to` is asked before each. There is none while the disk has hardly any room.
    ///
    /// After a failure it calls `on_failure` and ends, and [`Checkpointer::failed`] says why. If
    /// there was no room, it does so only once there is: a restart before could do no better.
    pub fn start(
        pages: Arc<Pages>,
        room: Arc<Room>,
        interval: Duration,
        complete_to: impl Fn() -> Position + Send + 'static,
        on_failure: impl FnOnce() + Send + 'static,
    ) -> Result<Self, Error> {
        let failed = Arc::<Mutex<Option<String>>>::default();
        let has_failed = Arc::<AtomicBool>::default();
        pages.wake.start();
        let run = {
            let (pages, failed) = (Arc::clone(&pages), Arc::clone(&failed));
            let has_failed = Arc::clone(&has_failed);
            move || {
                let mut took = Duration::ZERO;
                loop {
                    let stop = pages.wake.wait(pause(interval, took));
                    room.look();
                    if !room.has_reserve() {
                        if stop {
                            return;
                        }
                        // Who called it early calls again when there is more.
                        pages.wake.taken();
                        continue;
                    }
                    let began = Instant::now();
                    let checkpoint = || pages.checkpoint(complete_to());
                    let why = match catch_unwind(AssertUnwindSafe(checkpoint)) {
                        Ok(Ok(_)) if stop => return,
                        Ok(Ok(_)) => {
                            took = began.elapsed();
                            continue;
                        }
                        Ok(Err(error)) => error.to_string(),
                        Err(_) => String::from("a checkpoint panicked"),
                    };
                    tracing::error!(why, "checkpoints have stopped");
                    *locked(&failed) = Some(why);
                    has_failed.store(true, Relaxed);
                    room.look();
                    while !stop && !room.has_reserve() {
                        pages.wake.taken();
                        if pages.wake.wait(ROOM_PAUSE) {
                            return;
                        }
                        room.look();
                    }
                    return on_failure();
                }
            }
        };
        let thread = thread::Builder::new()
            .name("checkpoint".into())
            .spawn(run)
            .map_err(|source| Error::Io {
                path: "the checkpoint thread".into(),
                source,
            })?;
        Ok(Self {
            pages,
            failed,
            has_failed,
            thread: Some(thread),
        })
    }

    /// Why it makes no more checkpoints, if it does not.
    pub fn failed(&self) -> Option<String> {
        locked(&self.failed).clone()
    }

    /// Tells whether it makes no more checkpoints, at the cost of a load.
    pub fn watch(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let has_failed = Arc::clone(&self.has_failed);
        move || has_failed.load(Relaxed)
    }

    /// Makes a last checkpoint and ends.
    pub fn stop(mut self) -> Result<(), Error> {
        self.end();
        self.failed().map_or(Ok(()), |why| Err(Error::Failed(why)))
    }

    fn end(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.pages.wake.stop();
            if thread.join().is_err() {
                *locked(&self.failed) = Some(String::from("the checkpoint thread panicked"));
            }
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.end();
    }
}

/// Wakes the checkpoint thread before its time.
#[derive(Debug, Default)]
pub(super) struct Wake {
    /// So that only the first of many calls costs a lock.
    called: AtomicBool,
    state: Mutex<Called>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Called {
    early: bool,
    stop: bool,
}

impl Wake {
    /// Too much waits to be written.
    pub(super) fn early(&self) {
        if !self.called.load(Relaxed) && !self.called.swap(true, Relaxed) {
            locked(&self.state).early = true;
            self.changed.notify_all();
        }
    }

    /// A checkpoint begins.
    pub(super) fn taken(&self) {
        locked(&self.state).early = false;
        self.called.store(false, Relaxed);
    }

    /// A thread begins; an earlier one may have been stopped.
    fn start(&self) {
        locked(&self.state).stop = false;
    }

    fn stop(&self) {
        locked(&self.state).stop = true;
        self.changed.notify_all();
    }

    /// Waits for a call, at most this long. Says whether to stop.
    fn wait(&self, interval: Duration) -> bool {
        let state = locked(&self.state);
        let (state, _) = self
            .changed
            .wait_timeout_while(state, interval, |called| !called.early && !called.stop)
            .unwrap_or_else(PoisonError::into_inner);
        state.stop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_take_a_fifth_of_the_time_at_most_and_come_every_second_all_the_same() {
        let check = |interval: u64, took: u64, expected: u64| {
            let ms = Duration::from_millis;
            assert_eq!(pause(ms(interval), ms(took)), ms(expected));
        };
        check(200, 0, 200);
        check(200, 50, 200);
        check(200, 100, 400);
        check(200, 5_000, 1_000);
        check(60_000, 5_000, 60_000);
    }
}
