//! What an order is waiting for, for the operator who wonders.

use std::{fmt, time::Duration};

use tokio::sync::oneshot;

use super::{Engine, Failure};
use crate::{
    actors::{
        coordinator::{Look, Work},
        numbers::shard_of,
        turn::Subject,
    },
    domain::{
        Timestamp,
        order::State,
        saga::{GivenUp, Progress},
        storefront::{Action, Mode},
    },
};

/// How long a shard has to answer.
const LOOK_MS_MAX: u64 = 1_000;

/// Where an order stands, step by step, and what it waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    /// The order's state.
    pub order: State,
    /// The steps that it goes through.
    pub steps: Vec<(Action, Mode, Progress)>,
    /// What it waits for.
    pub waits: Wait,
    /// When it is looked at again, if it is by then.
    pub timer: Option<Timestamp>,
    /// What was given up, if anything was.
    pub given_up: Option<GivenUp>,
}

/// What an order waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Nothing: all is done, or undone.
    Nothing,
    /// Its own turn, which is being carried out or written down.
    Turn,
    /// An operator: it is quarantined.
    Quarantine,
    /// An operator: what it owes was given up.
    Letter,
    /// A person who does this, until then at most.
    Person(Action, Option<Timestamp>),
    /// The answer of the payment provider, which was asked so many times.
    Provider(u32),
    /// The part of the storefront that does this, which takes nothing at the moment; with the
    /// order's place in the line, counted from 1.
    Part(Action, Option<usize>),
    /// Somebody who is free; with the order's place in the line, counted from 1.
    Somebody(Option<usize>),
    /// The day on which the seller is paid.
    Payout(Timestamp),
    /// Its timer, which lets it go on.
    Timer,
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing: what was to be done is done, or undone"),
            Self::Turn => f.write_str("something is being done for it at this moment"),
            Self::Quarantine => f.write_str(
                "an operator: it panicked too often and is quarantined; see the server's log",
            ),
            Self::Letter => f.write_str(
                "an operator: what it owes was given up; see /ops/dead-letters, and POST to retry",
            ),
            Self::Person(action, None) => {
                write!(f, "a person, to do the step `{}`", action.name())
            }
            Self::Person(action, Some(until)) => {
                let (step, until) = (action.name(), until.0);
                write!(
                    f,
                    "a person, to do the step `{step}` before {until} ms; then it is called off"
                )
            }
            Self::Provider(tries) => write!(
                f,
                "the payment provider, which was asked {tries} times; it is asked again when the \
                 timer rings"
            ),
            Self::Part(action, line) => {
                let step = action.name();
                write!(
                    f,
                    "the part of the shop that does the step `{step}`: it is paused, or "
                )?;
                f.write_str("its provider cannot be asked now")?;
                in_line(*line, f)
            }
            Self::Somebody(line) => {
                f.write_str("somebody who is free to be assigned")?;
                in_line(*line, f)
            }
            Self::Payout(due) => write!(f, "the day on which the seller is paid, {} ms", due.0),
            Self::Timer => f.write_str("its timer, which lets it go on"),
        }
    }
}

fn in_line(place: Option<usize>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    place.map_or(Ok(()), |place| {
        write!(f, "; it is number {place} in the line")
    })
}

/// An order that had stopped although it should go on, and was taken up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The storefront's place.
    pub storefront: usize,
    /// The order's number.
    pub order: u64,
    /// When it was found the last time.
    pub found: Timestamp,
    /// How often it was found.
    pub times: u32,
}

impl Engine {
    /// What an order is waiting for; `None` if there is no such order. An order of which only a
    /// payment was begun counts.
    pub async fn why(&self, storefront: usize, order: u64) -> Result<Option<Why>, Failure> {
        let shard = shard_of(order, self.inner.shards.len());
        let key = Subject::of_order(storefront, order);
        self.look(shard, |reply| Look::Why(key, reply)).await?
    }

    /// Orders that had stopped although they should go on, the latest last. Each shard remembers
    /// some, until it is restarted.
    pub async fn stopped(&self) -> Result<Vec<Stopped>, Failure> {
        let mut all = Vec::new();
        for shard in 0..self.inner.shards.len() {
            all.extend(self.look(shard, Look::Stuck).await?);
        }
        all.sort_by_key(|stuck| stuck.found);
        Ok(all)
    }

    async fn look<T>(
        &self,
        shard: usize,
        look: impl FnOnce(oneshot::Sender<T>) -> Look,
    ) -> Result<T, Failure> {
        let (reply, answer) = oneshot::channel();
        let shard = self.inner.shards.running(shard);
        let shard = shard.ok_or(Failure::Overloaded)?;
        let sent = shard.coordinator.try_send(Work::Look(look(reply)));
        sent.map_err(|_full_or_gone| Failure::Overloaded)?;
        let wait = Duration::from_millis(LOOK_MS_MAX);
        match tokio::time::timeout(wait, answer).await {
            Ok(Ok(seen)) => Ok(seen),
            Ok(Err(_dropped)) => Err(Failure::Crashed),
            Err(_elapsed) => Err(Failure::Overloaded),
        }
    }
}
