//! Forgets what was kept long enough: the answers to keyed commands. On a thread of its own, since it
//! reads a whole tree.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use super::Error;
use crate::{
    clock::Clock,
    store::{
        answers,
        pages::{self, Pages, SWEEP_NOTES_MAX},
    },
};

/// An answer is kept this part longer than it must be, at most.
const SWEEPS_PER_KEPT: u64 = 96;

/// The pause between two sweeps when there was more than one may take; the trees keep up with that.
const NEXT_MS: u64 = 100;

/// The thread. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Housekeeping {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Stop {
    asked: Mutex<bool>,
    changed: Condvar,
}

impl Housekeeping {
    /// Starts it: it sweeps at once, and then as often as `answers_kept_ms` asks for.
    pub(super) fn start(
        pages: &Arc<Pages>,
        clock: &Clock,
        answers_kept_ms: u64,
    ) -> Result<Self, Error> {
        let (pages, clock) = (Arc::clone(pages), clock.clone());
        let stop = Arc::<Stop>::default();
        let waits = Arc::clone(&stop);
        let run = move || {
            loop {
                let pause_ms = match sweep(&pages, &clock, answers_kept_ms) {
                    Ok(SWEEP_NOTES_MAX..) => NEXT_MS,
                    Ok(_) => (answers_kept_ms / SWEEPS_PER_KEPT).max(NEXT_MS),
                    Err(error) => {
                        tracing::warn!(%error, "old answers cannot be forgotten now");
                        (answers_kept_ms / SWEEPS_PER_KEPT).max(NEXT_MS)
                    }
                };
                if waits.within(Duration::from_millis(pause_ms)) {
                    return;
                }
            }
        };
        let thread = thread::Builder::new()
            .name("housekeeping".to_owned())
            .spawn(run)
            .map_err(|source| Error::Io {
                doing: "start the housekeeping thread",
                source,
            })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }

    /// Ends the thread; a sweep under way is finished first.
    pub(super) fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(thread) = self.thread.take() {
            *self
                .stop
                .asked
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = true;
            self.stop.changed.notify_all();
            if thread.join().is_err() {
                tracing::error!("the housekeeping thread panicked");
            }
        }
    }
}

impl Drop for Housekeeping {
    fn drop(&mut self) {
        self.end();
    }
}

impl Stop {
    /// Waits this long at most. Says whether to stop.
    fn within(&self, pause: Duration) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .changed
            .wait_timeout_while(asked, pause, |asked| !*asked);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Forgets some of the answers that are older than they must be kept; says how many.
fn sweep(pages: &Pages, clock: &Clock, answers_kept_ms: u64) -> Result<usize, pages::Error> {
    let kept_ms = i64::try_from(answers_kept_ms).unwrap_or(i64::MAX);
    let before = clock.now().0.saturating_sub(kept_ms);
    answers::forget(pages, crate::domain::Timestamp(before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Batch, Cause, Correlation, EntityKey, Kind, Timestamp, recorded::Answered},
        store::pages::{Durable, Limits},
    };

    const EPOCH: Timestamp = Timestamp(1_000_000);

    fn pages() -> Arc<Pages> {
        let opened = Pages::in_memory(&Durable::default(), vec![], Limits::default()).unwrap();
        Arc::new(opened.pages)
    }

    fn remember(pages: &Pages, key: &str, at: Timestamp) {
        let batch = Batch {
            storefront: "shop".into(),
            at,
            correlation: Correlation::default(),
            named: None,
            trace: None,
            cause: Cause::default(),
            answered: Some(Answered {
                key: key.to_owned(),
                fingerprint: 1,
                entity: EntityKey::new(Kind::Order, 1),
                version: 1,
            }),
            events: vec![],
        };
        answers::remember(pages, &batch, b"as it was").unwrap();
    }

    fn is_known(pages: &Pages, key: &str) -> bool {
        answers::recall(pages, "shop", key).unwrap().is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_forgotten_once_it_was_kept_long_enough() {
        let (pages, clock) = (pages(), Clock::runtime(EPOCH));
        remember(&pages, "early", EPOCH);
        remember(&pages, "late", EPOCH.plus_ms(1));
        tokio::time::advance(Duration::from_millis(50)).await;
        assert_eq!(sweep(&pages, &clock, 50).unwrap(), 0);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(sweep(&pages, &clock, 50).unwrap(), 1);
        assert_eq!(
            ["early", "late"].map(|key| is_known(&pages, key)),
            [false, true]
        );
    }

    #[test]
    fn the_thread_forgets_what_piled_up_and_stops_without_waiting_for_its_next_sweep() {
        let pages = pages();
        remember(&pages, "old", EPOCH);
        let day_ms = 24 * 60 * 60 * 1_000;
        let thread = Housekeeping::start(&pages, &Clock::System, day_ms).unwrap();
        thread.stop();
        assert!(!is_known(&pages, "old"));
    }
}
