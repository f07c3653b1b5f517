//! What became of each message on its way over its channel, folded from what its channel's subscriber
//! settled. A message that no subscriber ever had went to the log.

use serde::{Deserialize, Serialize};

use super::{Notices, Notification};
use crate::{
    domain::{
        Timestamp,
        subscriber::{Event, Role, number_of},
    },
    store::{commit::Position, pages::Error, snapshot},
    views::kept,
};

/// Where a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// It will be sent, or sent again.
    #[default]
    Waiting,
    /// It is being sent.
    Sending,
    /// The channel has taken it.
    Sent,
    /// It is not sent again by itself.
    Failed,
}

/// How a message went out so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Where it is.
    pub stage: Stage,
    /// How many attempts were made since it was last asked for by hand.
    pub attempts: u32,
    /// What was wrong, the last time that something was.
    pub why: Option<String>,
    /// Since when it is where it is.
    pub at: Timestamp,
}

impl Delivery {
    fn turn(&mut self, stage: Stage, at: Timestamp) {
        (self.stage, self.at) = (stage, at);
    }
}

impl Notices<'_> {
    /// Takes in what a channel's subscriber settled with the event at this position.
    pub(super) fn settled(
        &self,
        subscriber: u64,
        event: &Event,
        position: Position,
    ) -> Result<(), Error> {
        let each = |items: &[u64], change: &dyn Fn(&mut Delivery)| -> Result<(), Error> {
            for item in items {
                self.change(subscriber, *item, position, change)?;
            }
            Ok(())
        };
        match event {
            Event::Leased(given) => {
                let sending = |own: &mut Delivery| {
                    own.attempts = own.attempts.saturating_add(1);
                    own.turn(Stage::Sending, given.at);
                };
                let items = |found: &[(u64, _)]| found.iter().map(|(item, _)| *item).collect();
                let (new, behind): (Vec<u64>, Vec<u64>) = (items(&given.new), items(&given.behind));
                each(&given.again, &sending)?;
                each(&new, &sending)?;
                each(&behind, &|own| own.turn(Stage::Waiting, given.at))
            }
            Event::Acknowledged { items, at } => each(items, &|own| {
                own.why = None;
                own.turn(Stage::Sent, *at);
            }),
            Event::Deferred { items, why, at, .. } => each(items, &|own| {
                if why.is_empty() {
                    // It came back without an attempt.
                    own.attempts = own.attempts.saturating_sub(1);
                } else {
                    own.why = Some(why.clone());
                }
                own.turn(Stage::Waiting, *at);
            }),
            Event::Parked { items, why, at } => each(items, &|own| {
                own.why = Some(why.clone());
                own.turn(Stage::Failed, *at);
            }),
            Event::Released { items, at } => each(items, &|own| own.turn(Stage::Waiting, *at)),
            Event::Redelivered { items, at } => each(items, &|own| {
                own.attempts = 0;
                own.turn(Stage::Waiting, *at);
            }),
            Event::Subscribed { .. }
            | Event::Amended { .. }
            | Event::Passed { .. }
            | Event::Extended { .. }
            | Event::Discarded { .. }
            | Event::Sought { .. }
            | Event::Paused { .. }
            | Event::Resumed { .. }
            | Event::Removed => Ok(()),
        }
    }

    fn change(
        &self,
        subscriber: u64,
        item: u64,
        position: Position,
        change: &dyn Fn(&mut Delivery),
    ) -> Result<(), Error> {
        let highest = self.pages.highest(self.told.notifications)?;
        let Some((number, notification)) = named(item, highest, |number| self.row(number))? else {
            // The definition says something else by now.
            return Ok(());
        };
        let channel = notification.channel.name();
        if number_of(Role::Channel, channel) != subscriber {
            return Ok(());
        }
        let slot = self.pages.get(self.told.deliveries, number)?;
        if slot.as_ref().is_some_and(|slot| slot.position >= position) {
            return Ok(());
        }
        let mut delivery = match slot {
            Some(slot) => kept::read(&slot.bytes)?,
            None => Delivery::default(),
        };
        change(&mut delivery);
        let bytes = snapshot::encode(&delivery);
        self.put(self.told.deliveries, number, position, (false, bytes))
    }

    fn row(&self, number: u64) -> Result<Option<Notification>, Error> {
        let slot = self.pages.get(self.told.notifications, number)?;
        slot.map(|slot| kept::read(&slot.bytes)).transpose()
    }
}

/// The notification with this name, and its number, of those with the numbers 1 to `highest`: names
/// ascend with the numbers.
pub fn named<E>(
    name: u64,
    highest: u64,
    row: impl Fn(u64) -> Result<Option<Notification>, E>,
) -> Result<Option<(u64, Notification)>, E> {
    let number = first_from(name, highest, &row)?;
    let found = row(number)?.filter(|found| found.name() == name);
    Ok(found.map(|found| (number, found)))
}

/// The number of the first notification with this name or a later one; one more than `highest` if
/// there is none.
pub fn first_from<E>(
    name: u64,
    highest: u64,
    row: impl Fn(u64) -> Result<Option<Notification>, E>,
) -> Result<u64, E> {
    let (mut from, mut to) = (1, highest.saturating_add(1));
    while from < to {
        let middle = from.midpoint(to);
        if row(middle)?.is_some_and(|found| found.name() < name) {
            from = middle.saturating_add(1);
        } else {
            to = middle;
        }
    }
    Ok(from)
}
