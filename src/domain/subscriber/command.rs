//! What one may ask of a subscriber, and what is made of it.

use super::{
    Event, Open, PARKED_MAX, Role, Settings, Subscriber, WHY_BYTES_MAX, WINDOW_MAX, number_of,
    settings::{check_member, check_name},
};
use crate::domain::{EntityKey, Refusal, Timestamp};

/// Items that are asked for, and what was found of the stream for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The lease's number, chosen by the caller and never before: at random, not 0.
    pub lease: u64,
    /// Who asks, by its own word.
    pub member: String,
    /// The present instant.
    pub now: Timestamp,
    /// When the items come back by themselves.
    pub until: Timestamp,
    /// The most items that are wanted.
    pub max: usize,
    /// Wanted items of the stream after `from` in ascending order, each with what it is about.
    pub found: Vec<(u64, EntityKey)>,
    /// The subscriber's `seen_to` as it was when the stream was looked at.
    pub from: u64,
    /// Up to where the stream was looked at: every wanted item up to this is in `found`.
    pub seen_to: u64,
}

/// Which leases are given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Released {
    /// This one.
    Lease(u64),
    /// All that are not this member's.
    AllBut(String),
    /// All.
    All,
}

/// What one may ask of a subscriber. Items that a lease does not hold (any more) are passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Be there; or, if it is, want this from now on.
    Subscribe {
        /// What it is for.
        role: Role,
        /// Its name.
        name: String,
        /// What it wants, and how.
        settings: Box<Settings>,
        /// The last item that it does not want; says nothing if it is there already.
        from: u64,
    },
    /// Want this from now on.
    Amend {
        /// What it wants, and how.
        settings: Box<Settings>,
    },
    /// Give items out.
    Lease(Box<Wanted>),
    /// Settle items.
    Acknowledge {
        /// The lease that holds them.
        lease: u64,
        /// Which; all that it holds if empty.
        items: Vec<u64>,
        /// The present instant.
        now: Timestamp,
    },
    /// Give items out again later.
    Defer {
        /// The lease that holds them.
        lease: u64,
        /// Which; all that it holds if empty.
        items: Vec<u64>,
        /// From when on.
        until: Timestamp,
        /// What failed; empty if nothing did.
        why: String,
        /// The present instant.
        now: Timestamp,
    },
    /// Make dead letters of items. What does not fit beside the others waits while it is paused.
    Park {
        /// The lease that holds them.
        lease: u64,
        /// Which; all that it holds if empty.
        items: Vec<u64>,
        /// Why.
        why: String,
        /// The present instant.
        now: Timestamp,
    },
    /// Let a lease end at another time.
    Extend {
        /// Which.
        lease: u64,
        /// When it ends.
        until: Timestamp,
    },
    /// Give leases back: what they hold may be given out at once.
    Release {
        /// Which.
        which: Released,
        /// The present instant.
        now: Timestamp,
    },
    /// Give dead letters out again, as if they never had been.
    Redeliver {
        /// Which; as many as there is room for if empty.
        items: Vec<u64>,
        /// The present instant.
        now: Timestamp,
    },
    /// Settle dead letters.
    Discard {
        /// Which; all if empty.
        items: Vec<u64>,
    },
    /// Go on behind another item, back or forth, and forget what is open.
    Seek {
        /// The last item that it does not want.
        position: u64,
    },
    /// Give nothing out.
    Pause {
        /// Why.
        why: String,
        /// The present instant.
        now: Timestamp,
    },
    /// Go on; what waits is due at once.
    Resume {
        /// The present instant.
        now: Timestamp,
    },
    /// Be no more.
    Remove,
}

impl Subscriber {
    /// Decides what `command` makes happen, or why it may not.
    pub(super) fn decide(&self, command: &Command) -> Result<Vec<Event>, Refusal> {
        if let Command::Subscribe {
            role,
            name,
            settings,
            from,
        } = command
        {
            return self.subscribe(*role, name, settings, *from);
        }
        if !self.is_subscribed {
            let is_done = matches!(command, Command::Remove);
            return if is_done {
                Ok(Vec::new())
            } else {
                Err(Refusal::NotSubscribed)
            };
        }
        self.change(command)
    }

    fn subscribe(
        &self,
        role: Role,
        name: &str,
        settings: &Settings,
        from: u64,
    ) -> Result<Vec<Event>, Refusal> {
        if !self.is_subscribed {
            check_name(name)?;
            settings.check()?;
            return Ok(vec![Event::Subscribed {
                role,
                name: name.to_owned(),
                settings: Box::new(settings.clone()),
                from,
            }]);
        }
        if (self.role, self.name.as_str()) != (role, name) {
            debug_assert_eq!(number_of(self.role, &self.name), number_of(role, name));
            let name = name.to_owned();
            return Err(Refusal::NameTaken { name });
        }
        self.amend(settings)
    }

    fn amend(&self, settings: &Settings) -> Result<Vec<Event>, Refusal> {
        settings.check()?;
        if *settings == self.settings {
            return Ok(Vec::new());
        }
        let settings = Box::new(settings.clone());
        Ok(vec![Event::Amended { settings }])
    }

    fn change(&self, command: &Command) -> Result<Vec<Event>, Refusal> {
        Ok(match command {
            Command::Amend { settings } => self.amend(settings)?,
            Command::Lease(wanted) => {
                check_member(&wanted.member)?;
                self.lease(wanted)?
            }
            Command::Acknowledge { lease, items, now } => {
                let at = *now;
                about(self.held(*lease, items), |items| Event::Acknowledged {
                    items,
                    at,
                })
            }
            Command::Defer {
                lease,
                items,
                until,
                why,
                now,
            } => self.defer(&self.held(*lease, items), *until, why, *now),
            Command::Park {
                lease,
                items,
                why,
                now,
            } => self.park_all(&self.held(*lease, items), why, *now),
            Command::Extend { lease, until } => {
                let Some(known) = self.leases.get(lease) else {
                    return Err(Refusal::LeaseLost);
                };
                let (lease, until) = (*lease, *until);
                let event = Event::Extended { lease, until };
                if known.until == until {
                    Vec::new()
                } else {
                    vec![event]
                }
            }
            Command::Release { which, now } => {
                let at = *now;
                about(self.out_under(which), |items| Event::Released { items, at })
            }
            Command::Redeliver { items, now } => {
                let at = *now;
                let room = WINDOW_MAX.saturating_sub(self.open.len());
                let items = self.dead(items)?.into_iter().take(room);
                about(items.collect(), |items| Event::Redelivered { items, at })
            }
            Command::Discard { items } => {
                about(self.dead(items)?, |items| Event::Discarded { items })
            }
            Command::Seek { position } => {
                let position = *position;
                if self.open.is_empty() && self.seen_to == position {
                    return Ok(Vec::new());
                }
                vec![Event::Sought { position }]
            }
            Command::Pause { why, now } => self.pause(why, *now),
            Command::Resume { now } if self.paused.is_some() => vec![Event::Resumed { at: *now }],
            Command::Subscribe { .. } | Command::Resume { .. } => Vec::new(),
            Command::Remove => vec![Event::Removed],
        })
    }

    fn defer(&self, items: &[u64], until: Timestamp, why: &str, now: Timestamp) -> Vec<Event> {
        let (worn, others): (Vec<u64>, Vec<u64>) = items.iter().partition(|item| {
            let open = self.open.get(item);
            open.is_some_and(|open| self.is_worn(open))
        });
        let mut events = about(others, |items| Event::Deferred {
            items,
            until,
            why: shortened(why),
            at: now,
        });
        let often = "deferred for the last time that it may be given out";
        let why = if why.is_empty() { often } else { why };
        events.extend(self.park_all(&worn, why, now));
        events
    }

    /// Dead letters, as many as there is room for; what has none waits, and nothing is given out.
    pub(super) fn park_all(&self, items: &[u64], why: &str, at: Timestamp) -> Vec<Event> {
        let room = PARKED_MAX.saturating_sub(self.parked.len());
        let (parked, others) = items.split_at(room.min(items.len()));
        let why = shortened(why);
        let waiting = Event::Deferred {
            items: others.to_vec(),
            until: at,
            why: why.clone(),
            at,
        };
        let mut events = about(parked.to_vec(), |items| Event::Parked { items, why, at });
        events.extend((!others.is_empty()).then_some(waiting));
        if !items.is_empty() && items.len() >= room {
            events.extend(self.pause(
                "as many items are dead letters as may be: redeliver or discard them, then resume",
                at,
            ));
        }
        events
    }

    fn pause(&self, why: &str, at: Timestamp) -> Vec<Event> {
        if self.paused.is_some() {
            return Vec::new();
        }
        let why = shortened(why);
        vec![Event::Paused { why, at }]
    }

    /// Whether an item was given out as often as it may be.
    pub(super) fn is_worn(&self, open: &Open) -> bool {
        let attempts_max = self.settings.attempts_max;
        attempts_max.is_some_and(|attempts_max| open.attempts >= attempts_max)
    }

    /// What of these the lease holds; all that it holds if they are none.
    fn held(&self, lease: u64, items: &[u64]) -> Vec<u64> {
        if items.is_empty() {
            return self.held_by(lease).map(|(item, _)| item).collect();
        }
        let mut held: Vec<u64> = (items.iter().copied())
            .filter(|item| self.open.get(item).and_then(Open::lease) == Some(lease))
            .collect();
        held.sort_unstable();
        held.dedup();
        held
    }

    fn out_under(&self, which: &Released) -> Vec<u64> {
        let is_meant = |lease: u64| match which {
            Released::Lease(only) => lease == *only,
            Released::All => true,
            Released::AllBut(member) => {
                let lease = self.leases.get(&lease);
                lease.is_none_or(|lease| lease.member != *member)
            }
        };
        let out = self.open.iter();
        let out = out.filter(|(_, open)| open.lease().is_some_and(is_meant));
        out.map(|(item, _)| *item).collect()
    }

    /// These dead letters, or all.
    fn dead(&self, items: &[u64]) -> Result<Vec<u64>, Refusal> {
        if let Some(item) = items.iter().find(|item| !self.parked.contains_key(item)) {
            return Err(Refusal::NotParked { item: *item });
        }
        Ok(if items.is_empty() {
            self.parked.keys().copied().collect()
        } else {
            items.to_vec()
        })
    }
}

/// The sentence, cut to what is kept of one.
pub(super) fn shortened(why: &str) -> String {
    let mut end = why.len().min(WHY_BYTES_MAX);
    while !why.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    why.get(..end).unwrap_or_default().to_owned()
}

/// The event about these items, if there are any.
fn about(items: Vec<u64>, event: impl FnOnce(Vec<u64>) -> Event) -> Vec<Event> {
    if items.is_empty() {
        Vec::new()
    } else {
        vec![event(items)]
    }
}

/// What was found, as an item and what it is about.
pub(super) type Found = (u64, EntityKey);
