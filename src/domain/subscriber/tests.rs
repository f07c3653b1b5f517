//! A subscriber against a naive book of what was given out to whom, over random lives.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    reason = "small numbers; only what settles and parks is written down"
)]

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::domain::ids::OrderId;

const NAME: &str = "menders";

/// What an onlooker writes down: no windows, no positions.
#[derive(Default)]
struct Book {
    settled: BTreeSet<u64>,
    parked: BTreeSet<u64>,
    /// Who has an item, and until when.
    out: BTreeMap<u64, (u64, Timestamp)>,
}

struct Life {
    random: fastrand::Rng,
    subscriber: Subscriber,
    book: Book,
    /// The stream: every item that is wanted, with what it is about.
    stream: BTreeMap<u64, EntityKey>,
    horizon: u64,
    now: Timestamp,
    leases: u64,
}

fn order(number: u64) -> EntityKey {
    OrderId(number).key()
}

fn subscribe(settings: Settings, from: u64) -> Command {
    Command::Subscribe {
        role: Role::Group,
        name: NAME.to_owned(),
        settings: Box::new(settings),
        from,
    }
}

/// Carries a command out, as an actor does.
fn carry_out(subscriber: &mut Subscriber, command: &Command) -> Result<Vec<Event>, Refusal> {
    let events = Aggregate::decide(subscriber, command)?;
    for event in &events {
        Aggregate::apply(subscriber, event);
    }
    Ok(events)
}

fn subscribed(settings: Settings) -> Subscriber {
    let mut subscriber = Subscriber::default();
    carry_out(&mut subscriber, &subscribe(settings, 0)).unwrap();
    subscriber
}

impl Life {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let attempts_max = random.bool().then(|| random.u32(2..6));
        Self {
            subscriber: subscribed(Settings {
                attempts_max,
                ..Settings::default()
            }),
            random,
            book: Book::default(),
            stream: BTreeMap::new(),
            horizon: 0,
            now: Timestamp(1),
            leases: 0,
        }
    }

    fn grow(&mut self) {
        for _ in 0..self.random.u64(0..30) {
            self.horizon += 1;
            if self.random.u8(0..4) > 0 {
                let about = order(self.random.u64(1..6));
                self.stream.insert(self.horizon, about);
            }
        }
    }

    fn ask(&mut self, command: &Command) -> Vec<Event> {
        carry_out(&mut self.subscriber, command).unwrap()
    }

    fn lease(&mut self) {
        self.leases += 1;
        let (from, lease) = (self.subscriber.seen_to, self.leases);
        let found = self.stream.range(from + 1..);
        let found: Vec<_> = found
            .map(|(item, about)| (*item, *about))
            .take(40)
            .collect();
        let seen_to = if found.len() < 40 {
            self.horizon
        } else {
            found.last().map_or(from, |(item, _)| *item)
        };
        let until = self.now.plus_ms(self.random.u64(1..50));
        let wanted = Wanted {
            lease,
            member: format!("member {}", lease % 3),
            now: self.now,
            until,
            max: self.random.usize(0..20),
            found,
            from,
            seen_to,
        };
        let max = wanted.max;
        let events = self.ask(&Command::Lease(Box::new(wanted)));
        self.note(&events);
        let given: Vec<u64> = self
            .subscriber
            .held_by(lease)
            .map(|(item, _)| item)
            .collect();
        assert!(given.len() <= max);
        for item in &given {
            self.may_be_given(*item, &given);
        }
        let out = given.into_iter().map(|item| (item, (lease, until)));
        self.book.out.extend(out);
    }

    /// No other lease has it, and nothing earlier of its subject is left to do elsewhere.
    fn may_be_given(&self, item: u64, given: &[u64]) {
        let Book {
            settled,
            parked,
            out,
        } = &self.book;
        let is_done = |item: &u64| settled.contains(item) || parked.contains(item);
        assert!(!is_done(&item), "{item} is done");
        let is_free = |(_, until): &(u64, Timestamp)| *until <= self.now;
        assert!(out.get(&item).is_none_or(is_free), "{item} is out");
        let about = self.stream[&item];
        let earlier = self.stream.range(..item);
        let earlier = earlier.filter(|(other, subject)| **subject == about && !is_done(other));
        for (other, _) in earlier {
            assert!(
                given.contains(other),
                "{item} before {other}, of the same subject"
            );
        }
    }

    fn note(&mut self, events: &[Event]) {
        for event in events {
            match event {
                Event::Acknowledged { items, .. } => self.book.settled.extend(items),
                Event::Parked { items, .. } => self.book.parked.extend(items),
                Event::Redelivered { items, .. } => {
                    self.book.parked.retain(|item| !items.contains(item));
                }
                _ => {}
            }
            if let Event::Acknowledged { items, .. }
            | Event::Deferred { items, .. }
            | Event::Parked { items, .. }
            | Event::Released { items, .. } = event
            {
                self.book.out.retain(|item, _| !items.contains(item));
            }
        }
    }

    fn treat(&mut self) {
        let Some(lease) = (self.leases > 0).then(|| self.random.u64(1..=self.leases)) else {
            return;
        };
        let (now, later) = (self.now, self.now.plus_ms(self.random.u64(0..60)));
        let out = self.book.out.iter();
        let its_own = out.filter(|(_, (own, _))| *own == lease);
        let items: Vec<u64> = its_own.map(|(item, _)| *item).collect();
        let half = items[..items.len() / 2].to_vec();
        let (which, why) = (Released::Lease(lease), "no".to_owned());
        let command = match self.random.u8(0..12) {
            0..6 => Command::Acknowledge { lease, items, now },
            6 => Command::Acknowledge {
                lease,
                items: half,
                now,
            },
            7 => Command::Defer {
                lease,
                items,
                until: later,
                why,
                now,
            },
            8 => Command::Park {
                lease,
                items: half,
                why,
                now,
            },
            9 => Command::Redeliver {
                items: Vec::new(),
                now,
            },
            10 => Command::Release { which, now },
            _ if self.subscriber.leases.contains_key(&lease) => {
                let out = self.book.out.values_mut();
                let its_own = out.filter(|(own, _)| *own == lease);
                its_own.for_each(|(_, until)| *until = later);
                Command::Extend {
                    lease,
                    until: later,
                }
            }
            _ => return,
        };
        let events = self.ask(&command);
        self.note(&events);
    }

    fn finish(&mut self) {
        for _ in 0..10_000 {
            self.now = self.now.plus_ms(1_000);
            self.lease();
            let lease = self.leases;
            let (items, now) = (Vec::new(), self.now);
            let events = self.ask(&Command::Acknowledge { lease, items, now });
            self.note(&events);
            let done = self.book.settled.len() + self.book.parked.len();
            if done == self.stream.len() {
                return;
            }
        }
        panic!("it does not come to an end: {:?}", self.subscriber);
    }
}

#[test]
fn nothing_is_left_out_or_given_to_two_or_out_of_order() {
    for seed in 0..80 {
        let mut life = Life::new(seed);
        for _ in 0..120 {
            life.now = life.now.plus_ms(life.random.u64(0..15));
            match life.random.u8(0..8) {
                0 | 1 => life.grow(),
                2..5 => life.lease(),
                _ => life.treat(),
            }
        }
        life.finish();
        assert_eq!(life.subscriber.open, BTreeMap::new(), "seed {seed}");
        let parked: BTreeSet<u64> = life.subscriber.parked.keys().copied().collect();
        assert_eq!(parked, life.book.parked, "seed {seed}");
        assert!(life.subscriber.position() >= *life.stream.keys().next_back().unwrap_or(&0));
    }
}

fn wanted(lease: u64, now: i64, max: usize, found: Vec<(u64, EntityKey)>, from: u64) -> Command {
    let seen_to = found.last().map_or(from, |(item, _)| *item);
    Command::Lease(Box::new(Wanted {
        lease,
        member: "kim".to_owned(),
        now: Timestamp(now),
        until: Timestamp(now + 10),
        max,
        found,
        from,
        seen_to,
    }))
}

#[test]
fn a_late_acknowledgement_counts_while_nobody_else_has_the_item() {
    let mut subscriber = subscribed(Settings::default());
    let found = vec![(1, order(1)), (2, order(2))];
    carry_out(&mut subscriber, &wanted(1, 0, 2, found, 0)).unwrap();
    let acknowledge = |lease, item| Command::Acknowledge {
        lease,
        items: vec![item],
        now: Timestamp(50),
    };
    carry_out(&mut subscriber, &wanted(2, 20, 1, vec![], 2)).unwrap();
    let events = carry_out(&mut subscriber, &acknowledge(1, 1)).unwrap();
    assert_eq!(events, [], "the second lease has it");
    assert_eq!(
        carry_out(&mut subscriber, &acknowledge(1, 2))
            .unwrap()
            .len(),
        1
    );
    assert_eq!((subscriber.position(), subscriber.redelivered), (0, 1));
    carry_out(&mut subscriber, &acknowledge(2, 1)).unwrap();
    assert_eq!((subscriber.position(), subscriber.acknowledged), (2, 2));
    assert!(subscriber.leases.is_empty());
}

#[test]
fn who_was_overtaken_asks_again_and_a_pause_gives_nothing_out() {
    let mut subscriber = subscribed(Settings::default());
    carry_out(&mut subscriber, &wanted(1, 0, 5, vec![(4, order(1))], 0)).unwrap();
    let overtaken = carry_out(&mut subscriber, &wanted(2, 0, 5, vec![(4, order(1))], 0));
    assert_eq!(overtaken, Err(Refusal::LeaseStale));
    let (why, now) = ("tired".to_owned(), Timestamp(1));
    carry_out(
        &mut subscriber,
        &Command::Pause {
            why: why.clone(),
            now,
        },
    )
    .unwrap();
    let paused = carry_out(&mut subscriber, &wanted(3, 99, 5, vec![], 4));
    assert_eq!(paused, Err(Refusal::SubscriberPaused { why }));
    carry_out(&mut subscriber, &Command::Resume { now }).unwrap();
    assert_eq!(
        carry_out(&mut subscriber, &wanted(3, 99, 5, vec![], 4))
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn to_look_in_vain_is_written_down_only_when_it_was_far() {
    let mut subscriber = subscribed(Settings::default());
    let look = |seen_to| {
        Command::Lease(Box::new(Wanted {
            lease: 1,
            member: "kim".to_owned(),
            max: 1,
            seen_to,
            ..Wanted::default()
        }))
    };
    assert_eq!(
        carry_out(&mut subscriber, &look(PASSED_MIN - 1)).unwrap(),
        []
    );
    carry_out(&mut subscriber, &look(PASSED_MIN)).unwrap();
    assert_eq!(subscriber.position(), PASSED_MIN);
}

#[test]
fn dead_letters_beyond_the_most_wait_and_it_is_paused() {
    let mut subscriber = subscribed(Settings::default());
    let mut from = 0;
    let mut lease = 0;
    while subscriber.paused.is_none() {
        lease += 1;
        let found = (from + 1..from + 91)
            .map(|item| (item, order(item)))
            .collect();
        carry_out(&mut subscriber, &wanted(lease, 0, 90, found, from)).unwrap();
        from += 90;
        let (items, why, now) = (Vec::new(), "꽃".repeat(999), Timestamp(1));
        carry_out(
            &mut subscriber,
            &Command::Park {
                lease,
                items,
                why,
                now,
            },
        )
        .unwrap();
    }
    assert_eq!(
        (subscriber.parked.len(), subscriber.open.len()),
        (PARKED_MAX, 450 - PARKED_MAX)
    );
    assert!(
        subscriber
            .parked
            .values()
            .all(|parked| parked.why.len() <= WHY_BYTES_MAX)
    );
    let now = Timestamp(2);
    let not_parked = Command::Redeliver {
        items: vec![9_999],
        now,
    };
    let refused = carry_out(&mut subscriber, &not_parked);
    assert_eq!(refused, Err(Refusal::NotParked { item: 9_999 }));
    carry_out(&mut subscriber, &Command::Redeliver { items: vec![], now }).unwrap();
    assert_eq!((subscriber.parked.len(), subscriber.open.len()), (0, 450));
}

#[test]
fn a_subscription_is_repeated_amended_and_begun_anew() {
    let mut subscriber = subscribed(Settings::default());
    let again = subscribe(Settings::default(), 7);
    assert_eq!(carry_out(&mut subscriber, &again).unwrap(), []);
    let lease_ms = 1_000;
    let other = subscribe(
        Settings {
            lease_ms,
            ..Settings::default()
        },
        7,
    );
    carry_out(&mut subscriber, &other).unwrap();
    assert_eq!(
        (subscriber.settings.lease_ms, subscriber.seen_to),
        (lease_ms, 0)
    );
    let bad = subscribe(
        Settings {
            lease_ms: 1,
            ..Settings::default()
        },
        7,
    );
    assert!(matches!(
        carry_out(&mut subscriber, &bad),
        Err(Refusal::SubscriberInvalid { .. })
    ));
    carry_out(&mut subscriber, &Command::Remove).unwrap();
    assert!(!subscriber.exists());
    let gone = carry_out(&mut subscriber, &Command::Resume { now: Timestamp(1) });
    assert_eq!(gone, Err(Refusal::NotSubscribed));
    carry_out(&mut subscriber, &again).unwrap();
    assert_eq!(subscriber.seen_to, 7);
}

#[test]
fn numbers_are_made_from_role_and_name_for_ever() {
    assert_eq!(number_of(Role::Group, NAME), 5_370_598_948_878_939);
    assert_ne!(number_of(Role::Webhook, NAME), number_of(Role::Group, NAME));
}
