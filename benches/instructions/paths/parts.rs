//! Parts of a path alone: the rules, what is stored of them, and the journal.

use std::hint::black_box;

use jumun::{
    domain::{
        Aggregate, EntityKey, Event, Kind, Timestamp,
        ids::OrderId,
        order::{self, Order},
        saga::{Circumstances, Closed, Saga},
    },
    store::{
        codec,
        journal::{Journal, Memory, Record},
        snapshot,
    },
};

use crate::{counted, flower, house};

/// Times before those that are counted.
const WARM: u64 = 64;

/// Batches that are appended together.
const GROUP: u64 = 16;

pub(super) fn decide(times: u64) {
    let commands = [
        order::Command::Place {
            fields: flower::fields().into(),
            amount: flower::AMOUNT,
            lines: Vec::new(),
        },
        order::Command::Confirm,
    ];
    counts(times, || {
        let mut order = Order::default();
        for command in black_box(&commands) {
            let events = order.decide(command).expect("it is allowed");
            for event in &events {
                order.apply(event);
            }
        }
        black_box(order);
    });
}

pub(super) fn react(times: u64) {
    let storefronts = house::storefronts();
    let flowers = storefronts.iter().find(|own| &*own.name == "flowers");
    let at = Circumstances {
        order: OrderId(7),
        flow: &flowers.expect("it is embedded").flow,
        now: Timestamp(0),
        closed: Closed::default(),
    };
    let events: Vec<Event> = flower::batch(7)
        .events
        .into_iter()
        .map(|own| own.event)
        .collect();
    counts(times, || {
        let mut saga = Saga::default();
        // Placed, requested, captured, confirmed.
        for event in black_box(&events[..4]) {
            saga.apply(EntityKey::new(event.kind(), 7), event);
            black_box(saga.react(&at));
        }
    });
}

pub(super) fn encode(times: u64) {
    let batch = flower::batch(42);
    counts(times, || {
        black_box(codec::encode(black_box(&batch)));
    });
}

pub(super) fn decode(times: u64) {
    let bytes = codec::encode(&flower::batch(42));
    counts(times, || {
        black_box(codec::decode(black_box(&bytes)).expect("it was encoded here"));
    });
}

pub(super) fn append(times: u64) {
    let opened = Journal::open(Memory::new(), house::JOURNAL);
    let mut journal = opened.expect("there is memory").journal;
    let bodies: Vec<_> = (0..GROUP)
        .map(|number| codec::encode(&flower::batch(number)))
        .collect();
    let record = |body| Record { body, count: 6 };
    let records: Vec<Record<'_>> = bodies.iter().map(|body| record(body)).collect();
    counts(times, || {
        journal
            .append(black_box(&records))
            .expect("there is memory");
        journal.sync().expect("there is memory");
    });
}

pub(super) fn snapshot(times: u64) {
    let order = placed();
    counts(times, || {
        black_box(snapshot::encode(black_box(&order)));
    });
}

pub(super) fn restore(times: u64) {
    let bytes = snapshot::encode(&placed());
    counts(times, || {
        let entity = snapshot::entity(Kind::Order, black_box(&bytes));
        black_box(entity.expect("it was encoded here"));
    });
}

fn placed() -> Order {
    let mut order = Order::default();
    for stamped in flower::batch(7).events {
        if let Event::Order(event) = &stamped.event {
            order.apply(event);
        }
    }
    order
}

fn counts(times: u64, mut once: impl FnMut()) {
    let mut run = |times: u64| (0..times).for_each(|_| once());
    run(WARM);
    counted::part(&mut || run(times));
}
