//! What a subscriber gives out, takes back and puts aside, case by case; over random lives in `lives`.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    reason = "small numbers; only what settles and parks is written down"
)]

mod lives;

use super::*;
use crate::domain::ids::OrderId;

const NAME: &str = "menders";

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
