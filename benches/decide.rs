//! The rules alone: what an order costs before anything is stored or sent.

use std::hint::black_box;

use criterion::{BatchSize, Criterion};
use jumun::domain::{
    Aggregate, EntityKey, Event, Fields, Money, Timestamp,
    ids::OrderId,
    money::Currency,
    order::{self, Order, State},
    payment,
    saga::{Circumstances, Closed, Saga},
    storefront::{Action, Flow, Mode, Retry, Step},
};

const ORDER: OrderId = OrderId(7);
const AMOUNT: Money = Money::new(30_000, Currency::KRW);

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    orders(&mut criterion);
    sagas(&mut criterion);
    criterion.final_summary();
}

/// Deciding and taking in what was decided.
fn orders(criterion: &mut Criterion) {
    let placed = taking(&Order::default(), &place());
    let mut group = criterion.benchmark_group("order");
    for (name, given, command) in [
        ("place", Order::default(), place()),
        ("confirm", placed.clone(), order::Command::Confirm),
        ("cancel", placed, order::Command::Cancel),
    ] {
        assert_ne!(taking(&given, &command), given, "{name} changes nothing");
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || given.clone(),
                |order| {
                    let events = order.decide(black_box(&command)).expect("it is allowed");
                    for event in &events {
                        order.apply(event);
                    }
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
    let (nothing, command) = (Order::default(), place());
    let placed = nothing.decide(&command).expect("it is allowed");
    let mut group = criterion.benchmark_group("order alone");
    group.bench_function("decide", |bencher| {
        bencher.iter(|| black_box(&nothing).decide(black_box(&command)));
    });
    group.bench_function("apply", |bencher| {
        bencher.iter_batched_ref(
            Order::default,
            |order| placed.iter().for_each(|event| order.apply(event)),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// What is next, at each stage of an order's life.
fn sagas(criterion: &mut Criterion) {
    let flow = flow();
    let at = Circumstances {
        order: ORDER,
        flow: &flow,
        now: Timestamp(0),
        closed: Closed::default(),
    };
    let events = [
        placed(),
        payment::Event::Requested {
            order: ORDER,
            amount: AMOUNT,
        }
        .into(),
        payment::Event::Captured { amount: AMOUNT }.into(),
        order::Event::Confirmed.into(),
    ];
    let after = |count: usize, last: Option<Event>| {
        let mut saga = Saga::default();
        events[..count]
            .iter()
            .chain(&last)
            .for_each(|event| saga.apply(EntityKey::new(event.kind(), ORDER.0), event));
        saga
    };
    let mut group = criterion.benchmark_group("saga");
    group.bench_function("a whole order", |bencher| {
        bencher.iter(|| {
            let mut saga = Saga::default();
            for event in black_box(&events) {
                saga.apply(EntityKey::new(event.kind(), ORDER.0), event);
                black_box(saga.react(&at));
            }
        });
    });
    for (name, saga, commands) in [
        ("pay", after(1, None), 1),
        ("wait for a person", after(4, None), 0),
        ("undo", after(4, Some(order::Event::Cancelled.into())), 1),
    ] {
        assert_eq!(saga.react(&at).commands.len(), commands, "{name}");
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(&saga).react(black_box(&at)));
        });
    }
    group.finish();
}

fn taking(order: &Order, command: &order::Command) -> Order {
    let mut order = order.clone();
    let events = order.decide(command).expect("it is allowed");
    for event in &events {
        order.apply(event);
    }
    order
}

fn place() -> order::Command {
    order::Command::Place {
        fields: fields().into(),
        amount: AMOUNT,
        lines: Vec::new(),
    }
}

fn placed() -> Event {
    order::Event::Placed {
        fields: fields().into(),
        amount: AMOUNT,
    }
    .into()
}

/// As many, and as long, as an order has.
fn fields() -> Fields {
    let texts = [
        ("phoneNumber", "010-1234-5678"),
        ("address", "1, Sejong-daero, Jung-gu, Seoul"),
        ("customerName", "Hong Gildong"),
        ("flowerType", "rose"),
    ];
    texts
        .into_iter()
        .map(|(name, text)| (name.into(), text.into()))
        .collect()
}

/// Paid at once, delivered when a person says so.
fn flow() -> Flow {
    let step = |action, mode, then| Step {
        action,
        mode,
        then: Some(then),
        retry: Retry::default(),
        is_deferrable: false,
        only_if: None,
        within_ms: None,
    };
    Flow {
        steps: vec![
            step(Action::Pay, Mode::Sync, State::Confirmed),
            step(
                Action::Deliver { steps: 1 },
                Mode::Command,
                State::Completed,
            ),
        ],
        returns: false,
    }
}
