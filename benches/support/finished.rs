//! Finished flower orders, written straight into the journal of a data directory: a million of them would
//! take minutes through HTTP.

use std::{path::Path, sync::Arc};

use jumun::{
    domain::{
        Batch, Cause, Correlation, EntityKey, Event, Money, Stamped, Timestamp, Value, delivery,
        ids::OrderId, money::Currency, order, payment,
    },
    store::{
        codec::encode,
        directory::Directory,
        journal::{self, Journal, Record},
    },
};

/// Batches that are appended together.
const GROUP: usize = 256;

/// Makes a data directory whose journal has so many orders, and no trees. They are finished but for those
/// whose numbers are `unfinished`: these are paid and wait to be delivered, so that they can be changed.
pub(crate) fn write(data: &Path, orders: u64, unfinished: impl Fn(u64) -> bool) {
    let directory = Directory::open(data).expect("nobody else is there");
    let medium = journal::Directory::open(directory.journal()).expect("nobody else is there");
    let opened = Journal::open(medium, journal::Limits::default());
    let mut journal = opened.expect("an empty directory opens").journal;
    let mut next = 1;
    while next <= orders {
        let numbers = next..=orders.min(next + GROUP as u64 - 1);
        next = numbers.end() + 1;
        let batches = numbers.flat_map(|number| {
            let batches = if unfinished(number) { 1 } else { 2 };
            finished(number).into_iter().take(batches)
        });
        let bodies: Vec<(Vec<u8>, usize)> = batches
            .map(|batch| (encode(&batch), batch.events.len()))
            .collect();
        let records: Vec<_> = bodies
            .iter()
            .map(|(body, events)| Record {
                body,
                count: u32::try_from(*events).expect("a handful"),
            })
            .collect();
        journal.append(&records).expect("the disk takes it");
    }
    journal.sync().expect("the disk takes it");
}

/// What is written down for an order that is placed and paid, and then delivered.
fn finished(number: u64) -> [Batch; 2] {
    let order = OrderId(number);
    let amount = Money::new(30_000, Currency::KRW);
    let fields = [
        ("phoneNumber", "010-1234-5678"),
        ("address", "1, Sejong-daero, Jung-gu, Seoul"),
        ("customerName", "Hong Gildong"),
        ("flowerType", "rose"),
    ];
    let fields = fields.map(|(name, text)| (name.into(), Value::from(text)));
    let fields = Arc::new(fields.into_iter().collect());
    let ordered = [
        (1, order::Event::Placed { fields, amount }.into()),
        (1, payment::Event::Requested { order, amount }.into()),
        (2, payment::Event::Captured { amount }.into()),
        (2, order::Event::Confirmed.into()),
    ];
    let delivered = [
        (1, delivery::Event::Planned { order, steps: 1 }.into()),
        (2, delivery::Event::Done.into()),
        (3, order::Event::Completed.into()),
    ];
    [batch(number, ordered), batch(number, delivered)]
}

fn batch<const N: usize>(number: u64, events: [(u64, Event); N]) -> Batch {
    let stamp = |(version, event): (u64, Event)| Stamped {
        entity: EntityKey::new(event.kind(), number),
        version,
        event,
    };
    Batch {
        storefront: "flowers".into(),
        at: Timestamp(1_790_000_000_000),
        correlation: Correlation([7; 16]),
        named: None,
        trace: None,
        cause: Cause::default(),
        answered: None,
        events: events.into_iter().map(stamp).collect(),
    }
}
