//! A flower order, as its parts come to the functions that are measured alone.

use std::sync::Arc;

use jumun::domain::{
    Batch, Cause, Correlation, EntityKey, Event, Fields, Money, Stamped, Timestamp, Value,
    delivery, ids::OrderId, money::Currency, order, payment,
};

/// What it costs.
pub(crate) const AMOUNT: Money = Money::new(30_000, Currency::KRW);

/// As many, and as long, as a customer fills in.
pub(crate) fn fields() -> Fields {
    let texts = [
        ("phoneNumber", "010-1234-5678"),
        ("address", "1, Sejong-daero, Jung-gu, Seoul"),
        ("customerName", "Hong Gildong"),
        ("flowerType", "rose"),
    ];
    texts
        .into_iter()
        .map(|(name, text)| (name.into(), Value::from(text)))
        .collect()
}

/// Everything that happens to an order that is placed, paid and delivered, as one batch of six events.
pub(crate) fn batch(number: u64) -> Batch {
    let order = OrderId(number);
    let (amount, fields) = (AMOUNT, Arc::new(fields()));
    let events: [(u64, Event); 6] = [
        (1, order::Event::Placed { fields, amount }.into()),
        (1, payment::Event::Requested { order, amount }.into()),
        (2, payment::Event::Captured { amount }.into()),
        (2, order::Event::Confirmed.into()),
        (1, delivery::Event::Planned { order, steps: 1 }.into()),
        (2, delivery::Event::Done.into()),
    ];
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
