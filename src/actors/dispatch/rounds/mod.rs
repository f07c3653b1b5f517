//! A courier's rounds: lease, send, settle, wait; until it is told to end.

mod settle;

use std::{collections::BTreeSet, rc::Rc, time::Duration};

use tokio::task::JoinSet;

use super::{
    courier::Bell,
    errand::{Errand, Outcome},
    held::{Holding, Queue},
};
use crate::{
    actors::handles::{Context, Engine, Error, Failure},
    clock::Clock,
    domain::{
        Refusal, Timestamp,
        subscriber::{Command, Released, Role, Standing, Subscriber, WINDOW_MAX, Wanted},
    },
    outbound::retry::Backoff,
};

/// For how long items are leased. They are settled long before: this outlives any answer, and a
/// courier that comes after another takes what that one held back anyway.
const LEASE_MS: u64 = 60 * 60 * 1_000;

/// The most items that are leased at once, for each request that may be under way: so that not each
/// item costs a lease.
const LEASED_PER_REQUEST: usize = 4;

/// The most items that are looked at for one lease.
const FOUND_MAX: usize = 256;

/// How long events are gathered before they are looked at, in milliseconds: under load there are
/// always more, and each look costs as much as ten of them.
const GATHER_MS: u64 = 5;

/// The pause after the store could not be read or written, in milliseconds.
const TROUBLE_MS: u64 = 1_000;

/// Whose rounds they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::actors) struct Who {
    /// The storefront's place.
    pub(in crate::actors) storefront: usize,
    /// What the subscriber is for.
    pub(in crate::actors) role: Role,
    /// Its name.
    pub(in crate::actors) name: String,
}

/// How fast a courier goes, and when it gives up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::actors) struct Pace {
    /// The pauses between the attempts for one item.
    pub(in crate::actors) backoff: Backoff,
    /// Requests that are under way at once.
    pub(in crate::actors) concurrent_max: usize,
    /// For how long every attempt must have failed for the subscriber to be paused, in milliseconds.
    pub(in crate::actors) dead_after_ms: u64,
    /// How many attempts these must have been.
    pub(in crate::actors) dead_attempts_min: u32,
}

/// The rounds of one courier.
pub(super) struct Rounds<E> {
    engine: Engine,
    clock: Clock,
    who: Who,
    pace: Pace,
    errand: Rc<E>,
    bell: Rc<Bell>,
    /// Tells this courier's leases from those of others.
    member: String,
    random: fastrand::Rng,
    subscriber: Rc<Subscriber>,
    queue: Queue,
    under_way: JoinSet<(Holding, Outcome)>,
    /// What is to be settled.
    done: Vec<(Holding, Outcome)>,
    /// What is to be given back unsent.
    unsent: Vec<Holding>,
    /// Behind `seen_to` nothing is wanted up to here.
    looked_to: u64,
    /// Attempts that failed, since one did not.
    failed_in_row: u32,
    /// Whether the last attempts give reason to make several at once.
    is_trusted: bool,
    /// Until when nothing at all is sent.
    left_alone_until: Timestamp,
}

/// What ends a round early.
enum Stopped {
    /// The subscriber is no more.
    Removed,
    /// The store could not be used; try again.
    Trouble,
}

impl<E: Errand> Rounds<E> {
    pub(super) fn new(
        engine: Engine,
        clock: Clock,
        who: Who,
        pace: Pace,
        errand: Rc<E>,
        bell: Rc<Bell>,
    ) -> Self {
        let mut random = fastrand::Rng::new();
        Self {
            member: format!("courier-{:016x}", random.u64(..)),
            random,
            engine,
            clock,
            who,
            pace,
            errand,
            bell,
            subscriber: Rc::default(),
            queue: Queue::default(),
            under_way: JoinSet::new(),
            done: Vec::new(),
            unsent: Vec::new(),
            looked_to: 0,
            failed_in_row: 0,
            is_trusted: false,
            left_alone_until: Timestamp::default(),
        }
    }

    /// Goes on until it is told to end, or the subscriber is no more.
    pub(super) async fn run(mut self) {
        let mut has_begun = false;
        loop {
            if self.bell.is_ending.get() && self.under_way.is_empty() && self.done.is_empty() {
                // What is held comes back with the next courier.
                return;
            }
            let went = if has_begun {
                self.go().await
            } else {
                self.begin().await
            };
            match went {
                Ok(()) => has_begun = true,
                Err(Stopped::Removed) => return,
                Err(Stopped::Trouble) => {
                    if self.bell.is_ending.get() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(TROUBLE_MS)).await;
                }
            }
        }
    }

    /// Takes back what an earlier courier held when it ended.
    async fn begin(&mut self) -> Result<(), Stopped> {
        self.read()?;
        let now = self.clock.now();
        if let Some(why) = self.errand.uncertain() {
            let leases: Vec<u64> = self.subscriber.leases.keys().copied().collect();
            for lease in leases {
                let (items, why) = (Vec::new(), why.to_owned());
                self.ask(Command::Park {
                    lease,
                    items,
                    why,
                    now,
                })
                .await?;
            }
        }
        let which = Released::AllBut(self.member.clone());
        self.ask(Command::Release { which, now }).await
    }

    /// One round.
    async fn go(&mut self) -> Result<(), Stopped> {
        self.settle().await?;
        self.give_back().await?;
        let now = self.clock.now();
        let is_still = self.bell.is_ending.get()
            || self.subscriber.paused.is_some()
            || self.left_alone_until > now;
        if is_still {
            self.unsent.extend(self.queue.give_back(None));
            self.give_back().await?;
        } else {
            self.send();
            if self.room() > 0 && self.queue.is_empty() {
                self.lease().await?;
                self.send();
            }
        }
        self.wait(is_still).await
    }

    /// How many more requests may begin.
    fn room(&self) -> usize {
        let most = if self.is_trusted {
            self.pace.concurrent_max
        } else {
            1
        };
        most.saturating_sub(self.under_way.len())
    }

    /// Begins what may be sent of what is held.
    fn send(&mut self) {
        while self.room() > 0 {
            let Some(holding) = self.queue.next() else {
                return;
            };
            let errand = Rc::clone(&self.errand);
            let subscriber = Rc::clone(&self.subscriber);
            let sent = errand.send(subscriber, holding.item, holding.attempt);
            self.under_way
                .spawn_local(async move { (holding, sent.await) });
        }
    }

    /// Leases what there is, if there is anything.
    async fn lease(&mut self) -> Result<(), Stopped> {
        let now = self.clock.now();
        let after = self.looked_to.max(self.subscriber.seen_to);
        let found = self.errand.find(&self.subscriber, after, FOUND_MAX).await;
        let found = found.map_err(|failure| self.trouble(failure))?;
        if found.items.is_empty() {
            self.looked_to = found.seen_to.max(after);
        }
        let is_any_due = due(&self.subscriber, now).is_some_and(|due| due <= now);
        if found.items.is_empty() && !is_any_due {
            return Ok(());
        }
        let max = if self.is_trusted {
            self.room() * LEASED_PER_REQUEST
        } else {
            1
        };
        let lease = self.random.u64(1..);
        self.ask(Command::Lease(Box::new(Wanted {
            lease,
            member: self.member.clone(),
            now,
            until: now.plus_ms(LEASE_MS),
            max,
            found: found.items,
            from: self.subscriber.seen_to,
            seen_to: found.seen_to,
        })))
        .await?;
        self.queue.take(&self.subscriber, lease);
        Ok(())
    }

    /// Waits for whatever comes first: an answer, news, the end of a pause, or to be told something.
    async fn wait(&mut self, is_still: bool) -> Result<(), Stopped> {
        let now = self.clock.now();
        let is_paused = self.subscriber.paused.is_some() || self.bell.is_ending.get();
        let has_room = !is_still && self.room() > 0 && self.queue.is_empty();
        let due = due(&self.subscriber, now).filter(|_| has_room);
        let next = next_round(is_paused, is_still.then_some(self.left_alone_until), due);
        let pause_ms =
            next.map(|next| u64::try_from(next.0.saturating_sub(now.0)).unwrap_or_default());
        let pause = async {
            match pause_ms {
                Some(pause_ms) => tokio::time::sleep(Duration::from_millis(pause_ms.max(1))).await,
                None => std::future::pending().await,
            }
        };
        let window_is_full = self.subscriber.open.len() >= WINDOW_MAX;
        let news = async {
            let after = self.looked_to.max(self.subscriber.seen_to);
            if !has_room || window_is_full || !self.errand.more(after).await {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(Duration::from_millis(GATHER_MS)).await;
        };
        let ended = tokio::select! {
            Some(ended) = self.under_way.join_next() => Some(ended),
            () = self.bell.rung.notified() => None,
            () = pause => return Ok(()),
            () = news => return Ok(()),
        };
        match ended {
            Some(ended) => self.ended(ended),
            // What was changed is read anew.
            None => self.read()?,
        }
        while let Some(ended) = self.under_way.try_join_next() {
            self.ended(ended);
        }
        Ok(())
    }

    fn ended(&mut self, ended: Result<(Holding, Outcome), tokio::task::JoinError>) {
        match ended {
            Ok(done) => self.done.push(done),
            // Begins anew, and takes back what is held.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Reads how the subscriber is.
    fn read(&mut self) -> Result<(), Stopped> {
        let Who {
            storefront,
            role,
            name,
        } = &self.who;
        let read = self.engine.subscribed(*storefront, *role, name);
        match read.map_err(|failure| self.trouble(failure))? {
            Some(subscriber) => {
                self.subscribed(subscriber);
                Ok(())
            }
            None => Err(Stopped::Removed),
        }
    }

    /// Asks something of the subscriber, and takes in how that left it.
    async fn ask(&mut self, command: Command) -> Result<(), Stopped> {
        let Who {
            storefront,
            role,
            name,
        } = self.who.clone();
        let asked = self
            .engine
            .subscriber(storefront, role, &name, command, Context::default())
            .await;
        match asked {
            Ok(subscriber) => self.subscribed(subscriber),
            Err(Error::Refused(Refusal::NotSubscribed)) => return Err(Stopped::Removed),
            // Somebody changed it meanwhile.
            Err(Error::Refused(refusal)) => {
                tracing::debug!(name, %refusal, "a courier reads again");
                self.read()?;
            }
            Err(Error::Failed(failure)) => return Err(self.trouble(failure)),
        }
        Ok(())
    }

    fn subscribed(&mut self, subscriber: Subscriber) {
        let before = &self.subscriber;
        if (before.seen_to, &before.settings.filter)
            != (subscriber.seen_to, &subscriber.settings.filter)
        {
            self.looked_to = subscriber.seen_to;
        }
        // Somebody resumed it: one careful attempt first. The pause may have been too short to be seen.
        let is_resumed = before.paused.is_some() && subscriber.paused.is_none();
        let is_forgiven = before.failing.is_some() && subscriber.failing.is_none();
        if is_resumed || is_forgiven && before.acknowledged == subscriber.acknowledged {
            self.is_trusted = false;
            self.failed_in_row = 0;
            self.left_alone_until = Timestamp::default();
        }
        self.subscriber = Rc::new(subscriber);
    }

    fn trouble(&self, failure: Failure) -> Stopped {
        let name = &self.who.name;
        tracing::debug!(name, %failure, "a courier waits");
        Stopped::Trouble
    }
}

/// When to look again, if nothing comes before that: never while nothing is sent at all, else at the end
/// of the time for which the receiver is left alone, else when something is due.
///
/// What was left alone when the round began counts as such to its end: that time may be over by now, and
/// somebody has to look all the same.
fn next_round(
    is_paused: bool,
    left_alone_until: Option<Timestamp>,
    due: Option<Timestamp>,
) -> Option<Timestamp> {
    left_alone_until.or(due).filter(|_| !is_paused)
}

/// When the next open item may be given out. What stands behind another of its subject does not
/// count.
fn due(subscriber: &Subscriber, now: Timestamp) -> Option<Timestamp> {
    let mut seen = BTreeSet::new();
    let open = subscriber.open.values();
    let first = open.filter(|open| seen.insert(open.subject));
    let from = first.map(|open| match open.standing {
        Standing::Waiting { until } => until,
        Standing::Leased { lease } => {
            let lease = subscriber.leases.get(&lease);
            lease.map_or(now, |lease| lease.until)
        }
    });
    from.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_whose_time_to_be_left_alone_ends_within_the_round_is_not_forgotten() {
        let (over, later) = (Timestamp(1), Timestamp(9));
        assert_eq!(next_round(false, Some(over), None), Some(over));
        assert_eq!(next_round(false, Some(later), Some(over)), Some(later));
        assert_eq!(next_round(false, None, Some(later)), Some(later));
        assert_eq!(next_round(true, Some(over), Some(over)), None);
        assert_eq!(next_round(false, None, None), None);
    }
}
