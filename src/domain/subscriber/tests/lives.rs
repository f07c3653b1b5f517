//! A subscriber against a naive book of what was given out to whom, over random lives.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

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
