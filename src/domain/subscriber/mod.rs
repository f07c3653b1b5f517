//! Who follows a stream of numbered things and settles each of them: a group of consumers, a
//! webhook, a channel that notifications go out by.
//!
//! A stream is anything whose items have ascending numbers and each a subject (the order or the
//! listing that it is about): a storefront's feed by journal position, its notifications by their
//! numbers. The subscriber remembers what of it is settled, and nothing of what the items say.
//!
//! How it is used, from outside (`Engine::subscriber`, each command durable before it is answered):
//!
//! 1. [`Command::Subscribe`] begins after an item; repeated, it amends the settings.
//! 2. Read the state. What the subscriber wants of the stream after [`Subscriber::seen_to`] is
//!    `found`; [`Command::Lease`] with it, `from` being that `seen_to`. Whoever was overtaken is
//!    told so ([`Refusal::LeaseStale`]) and reads again. [`Subscriber::held_by`] then lists what
//!    was given out under the lease: first what came back, then what is new, each subject in order.
//!    Nothing given out: nothing is written, unless very much was passed over.
//! 3. [`Command::Acknowledge`], [`Command::Defer`] (again later) or [`Command::Park`] (never by
//!    itself: a dead letter) each item. What a lease does with none of these comes back when it ends.
//! 4. While nothing is to be had: wait for the stream, or until [`Subscriber::next_due`].
//!
//! What holds, whoever crashes when: an item is given out until it is acknowledged or parked; never
//! to two leases at once; and a later item of a subject is not given out while an earlier one is
//! waiting or out under another lease. A subject goes on behind an item that was parked.

mod command;
mod event;
mod lease;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use self::{
    command::{Command, Released, Wanted},
    event::{Event, Given},
    settings::{
        Endpoint, FILTER_MAX, Filter, LEASE_MS_MAX, LEASE_MS_MIN, NAME_BYTES_MAX, Retiring,
        Settings, TYPE_BYTES_MAX, URL_BYTES_MAX,
    },
};
use super::{Aggregate, EntityKey, Event as AnyEvent, Kind, Refusal, Timestamp};

/// The most items that are waiting or out at once. What comes after them is not looked at.
pub const WINDOW_MAX: usize = 1_024;

/// The most items that are parked. A subscriber that has as many is paused.
pub const PARKED_MAX: usize = 400;

/// The most subscribers of one storefront, all roles together.
pub const SUBSCRIBERS_MAX: u64 = 64;

/// The longest sentence that is kept about an item, in bytes. What is longer is cut.
pub const WHY_BYTES_MAX: usize = 200;

/// So many numbers are passed over in vain before that is written down. A subscriber's own events
/// take numbers of the journal too: to write down each would never end.
pub const PASSED_MIN: u64 = 10_000;

/// What a subscriber is for. The numbers are stored and never reused.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Role {
    /// Consumers that share the work, each taking leases over HTTP.
    #[default]
    Group,
    /// An address that events are posted to.
    Webhook,
    /// A way for notifications to go out.
    Channel,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Group, Self::Webhook, Self::Channel];

    /// The stored number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Group => 1,
            Self::Webhook => 2,
            Self::Channel => 3,
        }
    }

    /// The role with this stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.number() == number)
    }

    /// The word for it; part of what a subscriber's number is made from, so it never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Webhook => "webhook",
            Self::Channel => "channel",
        }
    }
}

/// The number of the subscriber with this role and name: FNV-1a of `role/name`, its lower 53 bits,
/// so that every reader of JSON can hold it. Never 0.
pub fn number_of(role: Role, name: &str) -> u64 {
    const OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01B3;
    let bytes = role.name().bytes().chain([b'/']).chain(name.bytes());
    let hash = bytes.fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    });
    (hash & ((1 << 53) - 1)).max(1)
}

/// An item that is neither settled nor parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// What it is about.
    pub subject: EntityKey,
    /// How often it was given out.
    pub attempts: u32,
    /// When it was first seen.
    pub since: Timestamp,
    /// Where it is now.
    pub standing: Standing,
}

impl Open {
    /// The lease that it was given out under last, if it did not come back since.
    pub const fn lease(&self) -> Option<u64> {
        match self.standing {
            Standing::Waiting { .. } => None,
            Standing::Leased { lease } => Some(lease),
        }
    }
}

/// Where an open item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Here; not given out before this.
    Waiting {
        /// From when on it may be given out.
        until: Timestamp,
    },
    /// Given out under this lease, which may have ended.
    Leased {
        /// Which one.
        lease: u64,
    },
}

/// Items that are given out together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Who has them, by its own word.
    pub member: String,
    /// Since when.
    pub since: Timestamp,
    /// When they come back by themselves.
    pub until: Timestamp,
}

/// A dead letter: not given out any more, until somebody asks for that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// What it is about.
    pub subject: EntityKey,
    /// How often it was given out.
    pub attempts: u32,
    /// Why; at most [`WHY_BYTES_MAX`].
    pub why: String,
    /// When.
    pub at: Timestamp,
}

/// Nothing is given out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// Why; at most [`WHY_BYTES_MAX`].
    pub why: String,
    /// Since when.
    pub since: Timestamp,
}

/// Nothing has been acknowledged since something failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// Since when.
    pub since: Timestamp,
    /// How many items were deferred with a reason, or parked, since then.
    pub times: u32,
    /// When that was last.
    pub last: Timestamp,
    /// Why it was last; at most [`WHY_BYTES_MAX`].
    pub why: String,
}

/// A subscriber's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriber {
    /// Whether it is there: subscribed, and not removed.
    pub is_subscribed: bool,
    /// What it is for.
    pub role: Role,
    /// Its name, unique among those of its role.
    pub name: String,
    /// What it wants, and how.
    pub settings: Settings,
    /// Every wanted item up to this is settled, parked, or in `open`.
    pub seen_to: u64,
    /// Items that are neither settled nor parked, at most [`WINDOW_MAX`].
    pub open: BTreeMap<u64, Open>,
    /// Leases that have items, also those that have ended.
    pub leases: BTreeMap<u64, Lease>,
    /// Dead letters, at most [`PARKED_MAX`].
    pub parked: BTreeMap<u64, Parked>,
    /// Why nothing is given out, while that is so.
    pub paused: Option<Paused>,
    /// What fails, since something was last acknowledged.
    pub failing: Option<Failing>,
    /// When something was last acknowledged.
    pub acknowledged_at: Option<Timestamp>,
    /// How many items were acknowledged.
    pub acknowledged: u64,
    /// How often an item was given out again.
    pub redelivered: u64,
}

impl Subscriber {
    /// Everything up to this item is settled or parked.
    pub fn position(&self) -> u64 {
        let first = self.open.keys().next();
        first.map_or(self.seen_to, |first| first.saturating_sub(1))
    }

    /// What is given out under this lease, in order, each with what is known of it.
    pub fn held_by(&self, lease: u64) -> impl Iterator<Item = (u64, &Open)> {
        let held = self.open.iter().map(|(item, open)| (*item, open));
        held.filter(move |(_, open)| open.lease() == Some(lease))
    }

    /// Whether an item is open and may be given out again.
    pub fn is_free(&self, open: &Open, now: Timestamp) -> bool {
        self.free_from(open) <= now
    }

    /// When the next open item may be given out again: a deferral or a lease ends. Of each subject
    /// that is the first one's, whatever the others are. `None` if nothing is open.
    pub fn next_due(&self) -> Option<Timestamp> {
        let mut subjects = BTreeSet::new();
        let open = self.open.values();
        let first = open.filter(|open| subjects.insert(open.subject));
        first.map(|open| self.free_from(open)).min()
    }

    fn free_from(&self, open: &Open) -> Timestamp {
        match open.standing {
            Standing::Waiting { until } => until,
            Standing::Leased { lease } => {
                let lease = self.leases.get(&lease);
                lease.map_or_else(Timestamp::default, |lease| lease.until)
            }
        }
    }
}

impl Aggregate for Subscriber {
    const KIND: Kind = Kind::Subscriber;
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: &Command) -> Result<Vec<Event>, Refusal> {
        self.decide(command)
    }

    fn apply(&mut self, event: &Event) {
        self.take(event);
    }

    fn event_of(event: &AnyEvent) -> Option<&Event> {
        event.as_subscriber()
    }

    fn exists(&self) -> bool {
        self.is_subscribed
    }
}
