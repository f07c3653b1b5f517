//! What may have happened to a subscriber, and what that makes of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Failing, Lease, Open, Parked, Paused, Role, Settings, Standing, Subscriber, command::shortened,
};
use crate::domain::{EntityKey, Timestamp};

/// Items that were given out together: a change, not a whole state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// Under which lease.
    pub lease: u64,
    /// To whom.
    pub member: String,
    /// When.
    pub at: Timestamp,
    /// When they come back by themselves.
    pub until: Timestamp,
    /// Items that were given out before.
    pub again: Vec<u64>,
    /// Items that are given out for the first time.
    pub new: Vec<(u64, EntityKey)>,
    /// Items that were found, and wait behind an earlier one of their subject.
    pub behind: Vec<(u64, EntityKey)>,
    /// Up to where the stream was looked at.
    pub seen_to: u64,
}

/// What may have happened to a subscriber.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// It is there, and wants what comes after an item.
    Subscribed {
        /// What it is for.
        role: Role,
        /// Its name.
        name: String,
        /// What it wants, and how.
        settings: Box<Settings>,
        /// The last item that it does not want.
        from: u64,
    },
    /// It wants something else.
    Amended {
        /// What it wants from now on, and how.
        settings: Box<Settings>,
    },
    /// Items were given out.
    Leased(Box<Given>),
    /// Nothing was wanted up to here.
    Passed {
        /// The last item that was looked at.
        to: u64,
    },
    /// Items are settled.
    Acknowledged {
        /// Which.
        items: Vec<u64>,
        /// When.
        at: Timestamp,
    },
    /// Items are to be given out again later.
    Deferred {
        /// Which.
        items: Vec<u64>,
        /// From when on.
        until: Timestamp,
        /// What failed; empty if nothing did.
        why: String,
        /// When.
        at: Timestamp,
    },
    /// Items became dead letters.
    Parked {
        /// Which.
        items: Vec<u64>,
        /// Why.
        why: String,
        /// When.
        at: Timestamp,
    },
    /// A lease ends at another time.
    Extended {
        /// Which.
        lease: u64,
        /// When it ends.
        until: Timestamp,
    },
    /// Items came back early, and may be given out at once.
    Released {
        /// Which.
        items: Vec<u64>,
        /// When.
        at: Timestamp,
    },
    /// Dead letters are to be given out again.
    Redelivered {
        /// Which.
        items: Vec<u64>,
        /// When.
        at: Timestamp,
    },
    /// Dead letters are settled.
    Discarded {
        /// Which.
        items: Vec<u64>,
    },
    /// It goes on behind another item, back or forth; what was open is forgotten.
    Sought {
        /// The last item that it does not want.
        position: u64,
    },
    /// Nothing is given out from now on.
    Paused {
        /// Why.
        why: String,
        /// When.
        at: Timestamp,
    },
    /// It goes on, and what waits is due at once.
    Resumed {
        /// When.
        at: Timestamp,
    },
    /// It is not there any more.
    Removed,
}

impl Event {
    /// The domain's word for it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Subscribed { .. } => "subscribed",
            Self::Amended { .. } => "amended",
            Self::Leased(_) => "leased",
            Self::Passed { .. } => "passed",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Deferred { .. } => "deferred",
            Self::Parked { .. } => "parked",
            Self::Extended { .. } => "extended",
            Self::Released { .. } => "released",
            Self::Redelivered { .. } => "redelivered",
            Self::Discarded { .. } => "discarded",
            Self::Sought { .. } => "sought",
            Self::Paused { .. } => "paused",
            Self::Resumed { .. } => "resumed",
            Self::Removed => "removed",
        }
    }
}

impl Subscriber {
    /// Takes in what has happened.
    pub(super) fn take(&mut self, event: &Event) {
        match event {
            Event::Subscribed {
                role,
                name,
                settings,
                from,
            } => {
                *self = Self {
                    is_subscribed: true,
                    role: *role,
                    name: name.clone(),
                    settings: (**settings).clone(),
                    seen_to: *from,
                    ..Self::default()
                };
            }
            Event::Amended { settings } => self.settings = (**settings).clone(),
            Event::Leased(given) => self.leased(given),
            Event::Passed { to } => self.seen_to = *to,
            Event::Acknowledged { items, at } => {
                self.settle(items);
                let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
                self.acknowledged = self.acknowledged.saturating_add(count);
                self.acknowledged_at = Some(*at);
                self.failing = None;
            }
            Event::Deferred {
                items,
                until,
                why,
                at,
            } => {
                self.wait(items, *until);
                if !why.is_empty() {
                    self.failed(items.len(), why, *at);
                }
            }
            Event::Parked { items, why, at } => self.park(items, why, *at),
            Event::Extended { lease, until } => {
                if let Some(lease) = self.leases.get_mut(lease) {
                    lease.until = *until;
                }
            }
            Event::Released { items, at } => self.wait(items, *at),
            Event::Redelivered { items, at } => self.redeliver(items, *at),
            Event::Discarded { items } => {
                self.parked.retain(|item, _| !items.contains(item));
            }
            Event::Sought { position } => {
                self.open.clear();
                self.leases.clear();
                self.seen_to = *position;
            }
            Event::Paused { why, at } => {
                let (why, since) = (why.clone(), *at);
                self.paused = Some(Paused { why, since });
            }
            Event::Resumed { at } => self.resumed(*at),
            Event::Removed => *self = Self::default(),
        }
    }

    fn leased(&mut self, given: &Given) {
        let standing = Standing::Leased { lease: given.lease };
        for item in &given.again {
            if let Some(open) = self.open.get_mut(item) {
                self.redelivered = self
                    .redelivered
                    .saturating_add(u64::from(open.attempts > 0));
                open.attempts = open.attempts.saturating_add(1);
                open.standing = standing;
            }
        }
        let waiting = Standing::Waiting { until: given.at };
        let (new, behind) = (given.new.iter(), given.behind.iter());
        let found = new.map(|found| (found, 1, standing));
        let found = found.chain(behind.map(|found| (found, 0, waiting)));
        for ((item, subject), attempts, standing) in found {
            self.parked.remove(item);
            let open = Open {
                subject: *subject,
                attempts,
                since: given.at,
                standing,
            };
            self.open.insert(*item, open);
        }
        let lease = Lease {
            member: given.member.clone(),
            since: given.at,
            until: given.until,
        };
        self.leases.insert(given.lease, lease);
        self.seen_to = given.seen_to;
        self.forget_leases();
    }

    fn settle(&mut self, items: &[u64]) {
        for item in items {
            self.open.remove(item);
        }
        self.forget_leases();
    }

    fn wait(&mut self, items: &[u64], until: Timestamp) {
        for item in items {
            if let Some(open) = self.open.get_mut(item) {
                open.standing = Standing::Waiting { until };
            }
        }
        self.forget_leases();
    }

    fn park(&mut self, items: &[u64], why: &str, at: Timestamp) {
        for item in items {
            if let Some(open) = self.open.remove(item) {
                let parked = Parked {
                    subject: open.subject,
                    attempts: open.attempts,
                    why: shortened(why),
                    at,
                };
                self.parked.insert(*item, parked);
            }
        }
        self.failed(items.len(), why, at);
        self.forget_leases();
    }

    fn redeliver(&mut self, items: &[u64], at: Timestamp) {
        for item in items {
            if let Some(parked) = self.parked.remove(item) {
                let open = Open {
                    subject: parked.subject,
                    attempts: 0,
                    since: at,
                    standing: Standing::Waiting { until: at },
                };
                self.open.entry(*item).or_insert(open);
            }
        }
    }

    fn resumed(&mut self, at: Timestamp) {
        self.paused = None;
        self.failing = None;
        for open in self.open.values_mut() {
            if let Standing::Waiting { until } = &mut open.standing {
                *until = at.min(*until);
            }
        }
    }

    fn failed(&mut self, items: usize, why: &str, at: Timestamp) {
        let times = u32::try_from(items).unwrap_or(u32::MAX);
        let before = self.failing.take();
        self.failing = Some(Failing {
            since: before.as_ref().map_or(at, |before| before.since),
            times: before
                .map_or(0, |before| before.times)
                .saturating_add(times),
            last: at,
            why: shortened(why),
        });
    }

    /// Leases that have nothing any more are over.
    fn forget_leases(&mut self) {
        let held: BTreeSet<u64> = self.open.values().filter_map(Open::lease).collect();
        self.leases.retain(|lease, _| held.contains(lease));
    }
}
