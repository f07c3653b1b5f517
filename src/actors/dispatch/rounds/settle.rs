//! What is remembered of what was sent: that it arrived, when it is tried again, or that it never is.

use std::collections::BTreeMap;

use super::{Rounds, Stopped, Who};
use crate::{
    actors::dispatch::{
        errand::{Errand, Outcome},
        held::Holding,
    },
    domain::{Timestamp, subscriber::Command},
};

/// The longest time that a receiver which failed is left alone altogether, in milliseconds, unless it
/// asked for more. Each item has a pause of its own beside that.
const LEFT_ALONE_MS_MAX: u64 = 60_000;

/// The longest time that a receiver may ask to be left alone, in milliseconds: a day.
const ASKED_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

impl<E: Errand> Rounds<E> {
    /// Has the subscriber remember what came of what was sent.
    pub(super) async fn settle(&mut self) -> Result<(), Stopped> {
        let mut delivered = BTreeMap::<u64, Vec<u64>>::new();
        let is_delivered = |done: &(Holding, Outcome)| done.1 == Outcome::Delivered;
        for (holding, _) in self.done.iter().filter(|done| is_delivered(done)) {
            delivered
                .entry(holding.lease)
                .or_default()
                .push(holding.item);
        }
        for (lease, items) in delivered {
            let now = self.clock.now();
            let settled = items.clone();
            self.ask(Command::Acknowledge { lease, items, now }).await?;
            self.failed_in_row = 0;
            self.is_trusted = true;
            let queue = &mut self.queue;
            self.done.retain(|(holding, _)| {
                let is_settled = holding.lease == lease && settled.contains(&holding.item);
                if is_settled {
                    queue.settled(holding);
                }
                !is_settled
            });
        }
        while let Some((holding, outcome)) = self.done.last().cloned() {
            self.failed(holding, outcome).await?;
            self.done.pop();
            self.queue.settled(&holding);
        }
        Ok(())
    }

    /// Has the subscriber remember what did not arrive.
    async fn failed(&mut self, holding: Holding, outcome: Outcome) -> Result<(), Stopped> {
        let now = self.clock.now();
        match outcome {
            Outcome::Delivered => Ok(()),
            Outcome::Refused { why } => {
                self.park(holding, why, now).await?;
                self.pause_if_dead(now).await
            }
            Outcome::Gone { why } => {
                self.unsent.extend(self.queue.give_back(None));
                self.defer(holding.lease, vec![holding.item], now, why.clone())
                    .await?;
                self.pause(why, now).await
            }
            Outcome::Later { not_before_ms, why } => {
                let asked_ms = not_before_ms.map(|asked| asked.min(ASKED_MS_MAX));
                let backoff = &self.pace.backoff;
                let own_ms = backoff.pause_ms(holding.attempt, &mut self.random);
                if let Some(own_ms) = own_ms {
                    let until = now.plus_ms(own_ms.max(asked_ms.unwrap_or_default()));
                    self.defer(holding.lease, vec![holding.item], until, why)
                        .await?;
                    // What comes behind it waits for it.
                    let behind = self.queue.give_back(Some(holding.subject));
                    self.unsent.extend(behind);
                } else {
                    let why = format!("given up after {} attempts: {why}", holding.attempt);
                    self.park(holding, why, now).await?;
                }
                self.leave_alone(asked_ms, now);
                self.pause_if_dead(now).await
            }
        }
    }

    async fn park(&mut self, holding: Holding, why: String, now: Timestamp) -> Result<(), Stopped> {
        let (lease, items) = (holding.lease, vec![holding.item]);
        self.ask(Command::Park {
            lease,
            items,
            why,
            now,
        })
        .await
    }

    async fn defer(
        &mut self,
        lease: u64,
        items: Vec<u64>,
        until: Timestamp,
        why: String,
    ) -> Result<(), Stopped> {
        let now = self.clock.now();
        self.ask(Command::Defer {
            lease,
            items,
            until,
            why,
            now,
        })
        .await
    }

    /// One that fails again and again is asked less, and one that wants to be left alone is.
    fn leave_alone(&mut self, asked_ms: Option<u64>, now: Timestamp) {
        self.failed_in_row = self.failed_in_row.saturating_add(1);
        let most = u32::try_from(self.pace.concurrent_max).unwrap_or(u32::MAX);
        self.is_trusted &= self.failed_in_row < most;
        let mut pause_ms = asked_ms.unwrap_or_default();
        if !self.is_trusted {
            let backoff = &self.pace.backoff;
            let own = backoff.pause_after_ms(self.failed_in_row, &mut self.random);
            let own = own.unwrap_or(LEFT_ALONE_MS_MAX);
            pause_ms = pause_ms.max(own.min(LEFT_ALONE_MS_MAX));
        }
        self.left_alone_until = self.left_alone_until.max(now.plus_ms(pause_ms));
    }

    /// Pauses a subscriber for which nothing has arrived for too long.
    async fn pause_if_dead(&mut self, now: Timestamp) -> Result<(), Stopped> {
        let Some(failing) = &self.subscriber.failing else {
            return Ok(());
        };
        let is_dead = failing.times >= self.pace.dead_attempts_min
            && now >= failing.since.plus_ms(self.pace.dead_after_ms);
        if !is_dead {
            return Ok(());
        }
        let why = format!(
            "{} attempts in a row failed, the last one so: {}",
            failing.times, failing.why
        );
        self.pause(why, now).await
    }

    async fn pause(&mut self, why: String, now: Timestamp) -> Result<(), Stopped> {
        let Who {
            storefront,
            role,
            name,
        } = &self.who;
        let storefront = &*self.engine.storefronts()[*storefront].name;
        tracing::warn!(
            storefront,
            role = role.name(),
            name,
            why,
            "nothing more is sent until it is resumed"
        );
        self.ask(Command::Pause { why, now }).await
    }

    /// Gives back what is held and is not sent now.
    pub(super) async fn give_back(&mut self) -> Result<(), Stopped> {
        let mut unsent = BTreeMap::<u64, Vec<u64>>::new();
        for holding in &self.unsent {
            unsent.entry(holding.lease).or_default().push(holding.item);
        }
        for (lease, items) in unsent {
            let now = self.clock.now();
            self.defer(lease, items, now, String::new()).await?;
        }
        self.unsent.clear();
        Ok(())
    }
}
