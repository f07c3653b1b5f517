//! How long anything is waited for. Who waits for the same time on a thread stands in one line, and the line
//! has one timer.
//!
//! A timer for each wait is set for every request, and nearly always taken back before it rings: 3,100 of
//! the 110,000 instructions of a placed order, and more of what a core has to fetch of the program
//! (callgrind, `cargo bench --bench instructions`). In a line the first is the first whose time is up.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::poll_fn,
    mem,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// Waits that are over are cleared out once they outnumber the others so many times.
const OVER_MAX: usize = 4;

/// Fewer than these are never cleared out: they go as the line moves on.
const OVER_MIN: usize = 64;

thread_local! {
    /// One for each time that is waited for; those are a handful of settings.
    static LINES: RefCell<Vec<Arc<Line>>> = const { RefCell::new(Vec::new()) };
}

/// The time was up before it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it took too long")]
pub struct Elapsed;

/// Waits for a future, no longer than `limit`. What is done when it is first looked at costs nothing more.
///
/// Needs a tokio runtime with time; by its clock the time is measured. The limits should be few and
/// settled: each has a line of its own for as long as its thread lives.
pub async fn within<F: Future>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    let mut place: Option<Place> = None;
    poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Ok(output));
        }
        match &place {
            None => place = Some(Line::of_this_thread(limit).join(context.waker())),
            Some(place) if place.is_late(context) => return Poll::Ready(Err(Elapsed)),
            Some(_) => {}
        }
        Poll::Pending
    })
    .await
}

/// All who wait for the same time on a thread.
struct Line {
    limit: Duration,
    standing: Mutex<Standing>,
}

#[derive(Default)]
struct Standing {
    /// In the order in which they came, which is that of their deadlines.
    waits: VecDeque<(Instant, Arc<Mutex<Wait>>)>,
    /// Whose wait is not over.
    waiting: usize,
    /// Whether somebody rings for the first.
    is_kept: bool,
}

enum Wait {
    On(Waker),
    Late,
    Over,
}

/// Somebody's place in a line, which is left by dropping it.
struct Place {
    line: Arc<Line>,
    wait: Arc<Mutex<Wait>>,
}

/// Who rings.
struct Keeper {
    line: Arc<Line>,
    /// Nobody was left, and whoever comes next takes another keeper. It is dropped without that where
    /// its runtime ends.
    has_left: bool,
}

impl Line {
    fn of_this_thread(limit: Duration) -> Arc<Self> {
        LINES.with_borrow_mut(|lines| {
            if let Some(line) = lines.iter().find(|line| line.limit == limit) {
                return Arc::clone(line);
            }
            let standing = Mutex::default();
            let line = Arc::new(Self { limit, standing });
            lines.push(Arc::clone(&line));
            line
        })
    }

    fn join(self: Arc<Self>, waker: &Waker) -> Place {
        let wait = Arc::new(Mutex::new(Wait::On(waker.clone())));
        let mut standing = lock(&self.standing);
        standing.clear();
        let due = Instant::now() + self.limit;
        standing.waits.push_back((due, Arc::clone(&wait)));
        standing.waiting += 1;
        if !mem::replace(&mut standing.is_kept, true) {
            let keeper = Keeper {
                line: Arc::clone(&self),
                has_left: false,
            };
            tokio::spawn(keeper.keep());
        }
        drop(standing);
        Place { line: self, wait }
    }
}

impl Standing {
    /// Lets go of those who wait no longer: the first, and all if they are many.
    fn clear(&mut self) {
        let is_over = |wait: &Mutex<Wait>| !matches!(*lock(wait), Wait::On(_));
        while self.waits.front().is_some_and(|(_, wait)| is_over(wait)) {
            self.waits.pop_front();
        }
        if self.waits.len() > OVER_MIN + OVER_MAX * self.waiting {
            self.waits.retain(|(_, wait)| !is_over(wait));
        }
    }
}

impl Place {
    /// Whether the time is up. If not, `context` is woken once it is.
    fn is_late(&self, context: &Context<'_>) -> bool {
        match &mut *lock(&self.wait) {
            Wait::On(waker) => {
                waker.clone_from(context.waker());
                false
            }
            Wait::Late | Wait::Over => true,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let was = mem::replace(&mut *lock(&self.wait), Wait::Over);
        lock(&self.line.standing).waiting -= 1;
        // A waker may be the last to hold its task.
        drop(was);
    }
}

impl Keeper {
    /// Rings for each whose time is up, until nobody is left.
    async fn keep(mut self) {
        while let Some(due) = self.first_due() {
            sleep_until(due).await;
            self.ring();
        }
    }

    /// When the first's time is up. It leaves if there is none.
    fn first_due(&mut self) -> Option<Instant> {
        let mut standing = lock(&self.line.standing);
        standing.clear();
        let first = standing.waits.front().map(|(due, _)| *due);
        standing.is_kept = first.is_some();
        self.has_left = first.is_none();
        first
    }

    fn ring(&self) {
        let now = Instant::now();
        let mut standing = lock(&self.line.standing);
        let late = standing.waits.partition_point(|(due, _)| *due <= now);
        let late: Vec<_> = standing.waits.drain(..late).collect();
        drop(standing);
        for (_, wait) in late {
            let mut wait = lock(&wait);
            if let Wait::On(_) = *wait
                && let Wait::On(waker) = mem::replace(&mut *wait, Wait::Late)
            {
                drop(wait);
                waker.wake();
            }
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if !self.has_left {
            lock(&self.line.standing).is_kept = false;
        }
    }
}

/// Nothing panics while it is held, but for a waker.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::{
        runtime::Builder,
        sync::oneshot,
        task::yield_now,
        time::{Instant, sleep},
    };

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn waits() -> usize {
        let line = Line::of_this_thread(LIMIT);
        lock(&line.standing).waits.len()
    }

    #[tokio::test(start_paused = true)]
    async fn each_waits_its_own_time_and_no_longer() {
        let begun = Instant::now();
        let first = tokio::spawn(within(LIMIT, pending::<()>()));
        sleep(Duration::from_secs(3)).await;
        let second = tokio::spawn(within(LIMIT, pending::<()>()));
        assert_eq!(first.await.unwrap(), Err(Elapsed));
        assert_eq!(begun.elapsed().as_secs(), 10);
        assert_eq!(second.await.unwrap(), Err(Elapsed));
        assert_eq!(begun.elapsed().as_secs(), 13);
        assert_eq!(within(LIMIT, sleep(LIMIT / 2)).await, Ok(()));
        assert_eq!(begun.elapsed().as_secs(), 18);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_at_once_stands_in_no_line_and_what_is_done_leaves_it() {
        assert_eq!(within(LIMIT, ready(7)).await, Ok(7));
        assert_eq!(waits(), 0);
        // The first stays, so that nobody behind it leaves by the front.
        let stays = tokio::spawn(within(LIMIT, pending::<()>()));
        yield_now().await;
        for done in 0..1_000 {
            let (say, hear) = oneshot::channel();
            let hears = tokio::spawn(within(LIMIT, hear));
            yield_now().await;
            say.send(done).unwrap();
            assert_eq!(hears.await.unwrap(), Ok(Ok(done)));
        }
        assert!(waits() < OVER_MIN + 3 * OVER_MAX, "{} stand there", waits());
        stays.abort();
    }

    #[test]
    fn a_line_is_kept_again_after_its_runtime_has_ended() {
        for _ in 0..2 {
            let mut runtime = Builder::new_current_thread();
            let runtime = runtime.enable_time().start_paused(true).build().unwrap();
            runtime.block_on(async {
                // Still waiting when the runtime ends.
                tokio::spawn(within(LIMIT, pending::<()>()));
                let waited = within(LIMIT, pending::<()>()).await;
                assert_eq!(waited, Err(Elapsed));
                tokio::spawn(within(LIMIT, pending::<()>()));
                yield_now().await;
            });
        }
    }
}
