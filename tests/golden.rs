//! What older versions wrote can be read for ever: one stored batch for each event type.
//!
//! A folder for each envelope version: what is under `golden/v1` is only read, what is under
//! `golden/v2` is still written alike. No file is ever edited. `JUMUN_WRITE_GOLDEN=1 cargo test
//! --test golden` writes the files that are missing there; it overwrites none. A changed body needs
//! a new schema version and an upcaster.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc};

use jumun::{
    domain::{
        Batch, Cause, Correlation, EntityKey, Event, Fields, Kind, Money, Stamped, Timestamp,
        Trace, Value, approval, delivery,
        ids::{ListingId, OrderId},
        listing,
        money::Currency,
        order, payment, payout,
        recorded::Answered,
        saga,
        storefront::CommandAction,
        subscriber::{self, Endpoint, Filter, Given, Retiring, Role, Settings},
    },
    store::codec::{Error, STEPS, TYPES, decode, encode, registered},
};

const ORDER: OrderId = OrderId(4_711);

fn fields() -> Fields {
    [
        ("address".into(), Value::from("서울시 중구 \"1\"")),
        ("quantity".into(), Value::Int(i64::MIN)),
        ("price".into(), Value::Int(5)),
        ("gift".into(), Value::Bool(true)),
        ("note".into(), Value::from("")),
    ]
    .into_iter()
    .collect()
}

/// One event of each type.
fn events() -> Vec<Event> {
    let order = ORDER;
    let fields = fields();
    let amount = Money::new(10_000, Currency::KRW);
    let large = Money::new(i64::MAX, Currency::from_code("EUR").expect("a code"));
    let reason = "카드 한도 초과".to_owned();
    let due = Timestamp(1_790_000_000_123);
    let on_hand = Some(u64::MAX);
    vec![
        listing::Event::Offered {
            fields: fields.clone(),
            on_hand,
        }
        .into(),
        listing::Event::Opened.into(),
        listing::Event::Closed.into(),
        listing::Event::Reserved { order, quantity: 3 }.into(),
        listing::Event::Released { order, quantity: 3 }.into(),
        order::Event::Placed {
            fields: Arc::new(fields),
            amount,
        }
        .into(),
        order::Event::Amended {
            fields: Arc::default(),
        }
        .into(),
        order::Event::Held.into(),
        order::Event::Confirmed.into(),
        order::Event::Completed.into(),
        order::Event::Cancelled.into(),
        order::Event::Removed.into(),
        payment::Event::Requested { order, amount }.into(),
        payment::Event::Captured { amount: large }.into(),
        payment::Event::Failed { reason }.into(),
        payment::Event::VoidRequested.into(),
        payment::Event::RefundRequested { amount }.into(),
        payment::Event::Refunded { amount }.into(),
        delivery::Event::Planned { order, steps: 2 }.into(),
        delivery::Event::Stepped { step: 0 }.into(),
        delivery::Event::Done.into(),
        delivery::Event::Cancelled.into(),
        saga::Event::RetryScheduled { attempt: 7, due }.into(),
        saga::Event::Settled.into(),
    ]
}

/// And one of each type that came later.
fn later_events() -> Vec<Event> {
    let (order, fields) = (ORDER, fields());
    let amount = Money::new(45_000, Currency::KRW);
    let commission = Money::new(5_000, Currency::KRW);
    let due = Timestamp(1_790_000_000_123);
    let subject = EntityKey::new(Kind::Listing, 12);
    let line = order::Line {
        listing: ListingId(12),
        quantity: 2,
    };
    vec![
        order::Event::Itemised { lines: vec![line] }.into(),
        order::Event::Priced { amount }.into(),
        listing::Event::Amended {
            fields: fields.clone(),
            on_hand: None,
        }
        .into(),
        listing::Event::SoldOut.into(),
        listing::Event::Freed.into(),
        listing::Event::Removed.into(),
        listing::Event::Handed { order, quantity: 2 }.into(),
        delivery::Event::Noted { fields }.into(),
        saga::Event::Routed { skipped: 5 }.into(),
        approval::Event::Requested { subject }.into(),
        approval::Event::Granted { subject }.into(),
        approval::Event::Refused { subject }.into(),
        approval::Event::Withdrawn { subject }.into(),
        approval::Event::Expired { subject }.into(),
        saga::Event::Awaiting {
            kind: Kind::Payment,
            until: due,
        }
        .into(),
        saga::Event::GaveUp(saga::GivenUp {
            attempt: 8_645,
            since: due,
            reason: "the provider did not answer in time".to_owned(),
        })
        .into(),
        saga::Event::Resumed.into(),
        payout::Event::Scheduled {
            order,
            amount,
            commission,
            due,
        }
        .into(),
        payout::Event::Paid { amount, commission }.into(),
        payout::Event::TakenBack { amount, commission }.into(),
    ]
}

/// What a subscriber wants, with all that can be said.
fn settings(until: Timestamp) -> Settings {
    Settings {
        filter: Filter {
            types: vec!["Ordered".to_owned()],
            subjects: vec![ORDER.key()],
        },
        lease_ms: 30_000,
        attempts_max: Some(5),
        endpoint: Some(Endpoint {
            url: "https://example.com/꽃".to_owned(),
            description: String::new(),
            secret: "whsec_bmV3".to_owned(),
            previous: Some(Retiring {
                secret: "whsec_b2xk".to_owned(),
                until,
            }),
        }),
    }
}

/// And one of each type of a subscriber's.
fn subscriber_events() -> Vec<Event> {
    use subscriber::Event as Of;
    let at = Timestamp(1_790_000_000_123);
    let until = Timestamp(1_790_000_030_123);
    let (lease, why) = (u64::MAX, "500: 잠시 후 다시".to_owned());
    let items = || vec![7, 1 << 40];
    let given = Given {
        lease,
        member: "kim".to_owned(),
        at,
        until,
        again: vec![7],
        new: vec![(8, ORDER.key()), (9, EntityKey::new(Kind::Listing, 12))],
        behind: vec![(10, ORDER.key())],
        seen_to: 11,
    };
    let events = [
        Of::Subscribed {
            role: Role::Webhook,
            name: "first".to_owned(),
            settings: Box::new(settings(until)),
            from: 6,
        },
        Of::Amended {
            settings: Box::default(),
        },
        Of::Leased(Box::new(given)),
        Of::Passed { to: u64::MAX },
        Of::Acknowledged { items: items(), at },
        Of::Deferred {
            items: items(),
            until,
            why: why.clone(),
            at,
        },
        Of::Parked {
            items: items(),
            why: why.clone(),
            at,
        },
        Of::Extended { lease, until },
        Of::Released { items: items(), at },
        Of::Redelivered { items: items(), at },
        Of::Discarded { items: items() },
        Of::Sought { position: 5 },
        Of::Paused { why, at },
        Of::Resumed { at },
        Of::Removed,
    ];
    events.map(Event::from).to_vec()
}

fn batch(events: Vec<Event>, answered: Option<Answered>) -> Batch {
    let stamp = |(event, version): (Event, u64)| Stamped {
        entity: EntityKey::new(event.kind(), ORDER.0),
        version,
        event,
    };
    Batch {
        storefront: "flowers".into(),
        at: Timestamp(1_790_000_000_000),
        correlation: Correlation([0x5A; 16]),
        named: None,
        trace: None,
        cause: Cause::default(),
        answered,
        events: events.into_iter().zip(1..).map(stamp).collect(),
    }
}

/// One batch for each cause, where its request came from among them.
fn causes() -> Vec<(String, Batch)> {
    let others = [
        Cause::Unknown,
        Cause::Timer,
        Cause::ProviderAnswered,
        Cause::Operator,
        Cause::Opening,
        Cause::Subscriber,
        Cause::Unmet,
    ];
    let commands = CommandAction::ALL.map(|(name, command)| (name, Cause::Command(command)));
    let others = others.map(|cause| (cause.name(), cause));
    let trace = Trace {
        id: [0xA1; 16],
        span: [0xB2; 8],
        flags: 1,
    };
    commands
        .into_iter()
        .chain(others)
        .map(|(name, cause)| {
            let caused = Batch {
                named: Some("주문-7/a".into()),
                trace: Some(trace),
                cause,
                ..batch(vec![order::Event::Held.into()], None)
            };
            (format!("cause-{name}.bin"), caused)
        })
        .collect()
}

/// Each golden file's name with the batch it stands for.
fn goldens() -> Vec<(String, Batch)> {
    let name = |event: &Event| format!("{}-{}.bin", event.kind(), event.name());
    let single = |event: Event| (name(&event), batch(vec![event], None));
    let mut goldens: Vec<_> = events()
        .into_iter()
        .chain(later_events())
        .chain(subscriber_events())
        .map(single)
        .collect();
    let answered = Answered {
        key: "ключ-1".to_owned(),
        fingerprint: 0x0123_4567_89AB_CDEF,
        version: 3,
        entity: EntityKey::new(Kind::Order, ORDER.0),
    };
    goldens.extend(causes());
    goldens.push(("answered.bin".to_owned(), batch(events(), Some(answered))));
    goldens
}

fn path(name: &str) -> PathBuf {
    folder("v2").join(name)
}

fn folder(version: &str) -> PathBuf {
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    golden.join(version)
}

#[test]
fn what_said_no_cause_is_read_as_unknown() {
    let mut all: BTreeMap<String, Batch> = goldens().into_iter().collect();
    let mut read = 0;
    for file in fs::read_dir(folder("v1")).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let stored = fs::read(file.path()).unwrap();
        let expected = all
            .remove(&name)
            .unwrap_or_else(|| panic!("{name} stands for nothing"));
        assert_eq!(expected.cause, Cause::Unknown, "{name}");
        assert_eq!(decode(&stored).as_ref(), Ok(&expected), "{name}");
        read += 1;
    }
    assert_eq!(read, 45, "none of them is ever deleted");
}

#[test]
fn what_was_ever_written_is_read_and_still_written_alike() {
    let may_write = std::env::var("JUMUN_WRITE_GOLDEN").as_deref() == Ok("1");
    for (name, expected) in goldens() {
        let path = path(&name);
        if may_write && !path.exists() {
            fs::write(&path, encode(&expected)).unwrap();
        }
        let stored = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(decode(&stored).as_ref(), Ok(&expected), "{name}");
        assert_eq!(
            encode(&expected),
            stored,
            "{name}: changed without a new schema version"
        );
    }
}

#[test]
fn each_registered_type_has_its_golden_file() {
    let made = [events(), later_events(), subscriber_events()].concat();
    for known in TYPES {
        let golden = format!("{}-{}.bin", known.kind, known.name);
        assert!(path(&golden).exists(), "{golden}");
        let of_type = |event: &&Event| (event.kind(), event.name()) == (known.kind, known.name);
        assert_eq!(made.iter().filter(of_type).count(), 1, "{known:?}");
    }
    assert_eq!(made.len(), TYPES.len());
    assert!(
        STEPS.is_empty(),
        "a step needs the golden file of the version it starts from"
    );
}

#[test]
fn no_prefix_and_no_longer_text_is_a_batch() {
    for (name, batch) in goldens() {
        let mut bytes = encode(&batch);
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).is_err(), "{name} up to byte {end}");
        }
        bytes.push(0);
        assert!(decode(&bytes).is_err(), "{name} and more");
    }
}

#[test]
fn wrong_bytes_are_refused_or_read_but_never_a_panic() {
    let (_, batch) = goldens().pop().expect("there are some");
    let whole = encode(&batch);
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            assert_ne!(
                decode(&bytes).as_ref(),
                Ok(&batch),
                "bit {bit} of byte {at} is ignored"
            );
        }
    }
}

#[test]
fn what_a_newer_version_wrote_is_refused_with_advice() {
    let whole = encode(&batch(vec![order::Event::Held.into()], None));
    // An event without a body ends the envelope: type, schema version and length are its last 8.
    let (number, schema) = (whole.len() - 8, whole.len() - 6);
    let changed = |at: usize, to: u8| {
        let mut bytes = whole.clone();
        bytes[at] = to;
        decode(&bytes).unwrap_err()
    };
    assert!(registered(299).is_none() && registered(203).is_some());
    for error in [changed(0, 3), changed(number, 0xFF), changed(schema, 2)] {
        assert!(
            error.to_string().contains("written by a newer version"),
            "{error}"
        );
    }
    assert!(matches!(changed(0, 0), Error::Envelope(_)));
    assert!(matches!(changed(schema, 0), Error::Body { .. }));
    assert!(
        matches!(changed(number, 201), Error::Body { .. }),
        "an order placed without fields"
    );
}
