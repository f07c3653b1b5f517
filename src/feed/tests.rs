//! Reading from anywhere gives what happened, however it was read before.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::{
    domain::{
        Batch, Cause, Correlation, EntityKey, Event as Happened, Fields, Kind, Money, Stamped,
        Timestamp, money::Currency, order, saga, storefront::read,
    },
    store::{
        journal::{Journal, Limits, Memory, Record},
        pages::{self, Durable},
    },
};

/// Batches in the journal: more than a block, in many segments.
const BATCHES: u64 = 1_500;

/// A journal of two shops, turn by turn, with orders that are placed and called off and with events
/// that have no name.
struct Shops {
    feed: Feed,
    complete_to: Arc<AtomicU64>,
    /// Of the first shop: position and subject of each event that has a name.
    named: Vec<(Position, u64)>,
    end: Position,
    _journal: Journal,
}

fn shops() -> Shops {
    let posies = read::storefront(include_str!("../../tests/shops/posies.toml")).unwrap();
    let other = Storefront {
        name: "asters".into(),
        ..posies.clone()
    };
    let storefronts = vec![Arc::new(posies), Arc::new(other)];
    let limits = Limits {
        segment_bytes_max: 16 * 1024,
        frame_bytes_max: 4 * 1024,
    };
    let mut journal = Journal::open(Memory::new(), limits).unwrap().journal;
    let (mut named, mut end) = (Vec::new(), 0);
    for number in 1..=BATCHES {
        let is_first = number % 3 != 0;
        let mut events: Vec<Happened> = vec![saga::Event::Settled.into()];
        if number % 5 != 0 {
            let fields = Arc::new(Fields::new());
            let amount = Money::new(1, Currency::KRW);
            events.push(order::Event::Placed { fields, amount }.into());
            events.push(order::Event::Confirmed.into());
            events.push(order::Event::Cancelled.into());
        }
        let stamped = events.into_iter().map(|event| Stamped {
            entity: EntityKey::new(event.kind(), number),
            version: 1,
            event,
        });
        let events: Vec<Stamped> = stamped.collect();
        if is_first && events.len() > 1 {
            named.extend([(end + 2, number), (end + 4, number)]);
        }
        let batch = Batch {
            storefront: Arc::clone(&storefronts[usize::from(!is_first)].name),
            at: Timestamp(0),
            correlation: Correlation::default(),
            named: None,
            trace: None,
            cause: Cause::Unknown,
            answered: None,
            events,
        };
        let body = codec::encode(&batch);
        let count = u32::try_from(batch.events.len()).unwrap();
        journal.append(&[Record { body: &body, count }]).unwrap();
        end += u64::from(count);
    }
    journal.sync().unwrap();
    let layout = Arc::new(Layout::of(&storefronts));
    let collections = layout.collections().to_vec();
    let opened = Pages::in_memory(&Durable::default(), collections, pages::Limits::default());
    let complete_to = Arc::<AtomicU64>::default();
    let known = Arc::clone(&complete_to);
    let feed = Feed::new(Ground {
        storefronts,
        layout,
        pages: Arc::new(opened.unwrap().pages),
        journal: journal.source(),
        complete_to: Box::new(move || known.load(Ordering::Relaxed)),
    });
    Shops {
        feed,
        complete_to,
        named,
        end,
        _journal: journal,
    }
}

/// Everything after a position, in slices of so many.
fn all(feed: &Feed, after: Position, filter: &Filter, max: usize) -> Vec<(Position, u64)> {
    let (mut seen_to, mut found) = (after, Vec::new());
    while seen_to < feed.horizon() {
        let slice = feed.read(0, seen_to, filter, max).unwrap();
        assert!(slice.seen_to > seen_to && slice.events.len() <= max);
        seen_to = slice.seen_to;
        let events = slice.events.iter();
        found.extend(events.map(|event| (event.position, event.subject.number)));
    }
    found
}

#[test]
fn reading_from_anywhere_gives_everything_after_it_once_and_in_order() {
    let shops = shops();
    let any = Filter::default();
    let mut random = fastrand::Rng::with_seed(1);
    let (mut horizon, mut looked) = (0, 0);
    while horizon < shops.end {
        // The horizon moves on while others read; a block is read in pieces.
        horizon = (horizon + random.u64(1..200)).min(shops.end);
        shops.complete_to.store(horizon, Ordering::Relaxed);
        let after = random.u64(0..=horizon);
        let expected = shops
            .named
            .iter()
            .filter(|(at, _)| (after + 1..=horizon).contains(at));
        let expected: Vec<_> = expected.copied().collect();
        assert_eq!(
            all(&shops.feed, after, &any, random.usize(1..400)),
            expected
        );
        looked += expected.len();
    }
    assert!(looked > 10_000, "{looked}");

    let one = EntityKey::new(Kind::Order, 601);
    let filter = |types: &[&str], subjects: &[EntityKey]| Filter {
        types: types.iter().map(|name| Arc::from(*name)).collect(),
        subjects: subjects.to_vec(),
    };
    let of = |filter| all(&shops.feed, 0, &filter, 10);
    assert_eq!(of(filter(&["CalledOff"], &[])).len(), shops.named.len() / 2);
    assert_eq!(of(filter(&[], &[one])).len(), 2);
    assert_eq!(of(filter(&["Asked"], &[one])).len(), 1);
    assert_eq!(of(filter(&["Settled"], &[])), []);
}

#[tokio::test]
async fn who_waits_is_woken_by_what_comes_and_by_the_end() {
    let shops = shops();
    let waits = |after| {
        let feed = shops.feed.clone();
        tokio::spawn(async move { feed.wait(after).await })
    };
    let (first, second) = (waits(0), waits(10));
    tokio::task::yield_now().await;
    shops.complete_to.store(7, Ordering::Relaxed);
    shops.feed.ring();
    assert_eq!(first.await.unwrap(), Some(7));
    shops.complete_to.store(12, Ordering::Relaxed);
    shops.feed.ring();
    assert_eq!(second.await.unwrap(), Some(12));
    assert_eq!(shops.feed.wait(11).await, Some(12), "it is there already");
    let third = waits(12);
    tokio::task::yield_now().await;
    shops.feed.close();
    assert_eq!(third.await.unwrap(), None);
    // What was said to be there stays there.
    shops.complete_to.store(3, Ordering::Relaxed);
    assert_eq!(shops.feed.horizon(), 12);
}
