//! Views over pages in memory: what batches make of rows, histories and notifications, and what
//! remains of it after a stop, a crash or a second replay.

mod desk;
mod told;

use std::{collections::BTreeMap, sync::Arc};

use desk::Desk;

use super::{
    history::Entry,
    kept,
    model::{Model, NOTIFICATIONS},
    notices::{Delivery, Notification, Stage},
    projector::Projector,
    stops,
};
use crate::{
    domain::{
        Batch, Cause, Correlation, EntityKey, Event, Fields, Kind, Money, Stamped, Timestamp,
        Value, approval, delivery,
        ids::{ListingId, OrderId},
        listing,
        money::Currency,
        order::{self, Line},
        payment, payout,
        storefront::{
            Channel, Field, FieldType, Language, Notice, Resource, Rows, Source, Spoken,
            Storefront, Title, View, ViewRule, Way, Words, read,
        },
        subscriber::{self, Given, Role, number_of},
    },
    store::{
        commit::{Committed, Position},
        layout::Layout,
        pages::{CollectionId, Durable, Limits, Pages, Slot},
    },
};

fn posies() -> Storefront {
    read::storefront(include_str!("../../../tests/shops/posies.toml")).unwrap()
}

fn listings(words: &[(&str, &str)]) -> Resource {
    let pairs = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        Words(
            pairs
                .map(|(own, word)| ((*own).into(), (*word).into()))
                .collect(),
        )
    };
    Resource {
        kind: Kind::Listing,
        path: "chambers".into(),
        item: "room".into(),
        aliases: Vec::new(),
        fields: vec![Field::new("roomStatus", FieldType::Status)],
        words: pairs(words),
        events: pairs(&[("offered", "RoomOffered")]),
        number: "id".into(),
        event_data: Vec::new(),
        searches: Vec::new(),
    }
}

fn rule(kind: Kind, event: &str, set: &[(&str, Source)]) -> ViewRule {
    let set = set.iter().cloned();
    ViewRule {
        kind,
        event: event.into(),
        set: set.map(|(name, source)| (name.into(), source)).collect(),
        add: Vec::new(),
    }
}

fn view(path: &str, rows: Rows, rules: Vec<ViewRule>) -> View {
    View {
        path: path.into(),
        item: path.into(),
        aliases: Vec::new(),
        rows,
        history: true,
        only: None,
        fields: Vec::new(),
        rules,
        searches: Vec::new(),
    }
}

fn fields(pairs: &[(&str, Value)]) -> Fields {
    let pairs = pairs.iter().cloned();
    pairs.map(|(name, value)| (name.into(), value)).collect()
}

fn won(minor: i64) -> Money {
    Money::new(minor, Currency::KRW)
}

fn placed(number: u64, name: &str) -> (EntityKey, Event) {
    let placed = order::Event::Placed {
        fields: Arc::new(fields(&[("customerName", name.into())])),
        amount: won(9_000),
    };
    (OrderId(number).key(), placed.into())
}

fn itemised(number: u64, lines: &[(u64, u64)]) -> (EntityKey, Event) {
    let lines = lines.iter().map(|&(listing, quantity)| Line {
        listing: ListingId(listing),
        quantity,
    });
    let lines = lines.collect();
    (
        OrderId(number).key(),
        order::Event::Itemised { lines }.into(),
    )
}

fn captured(number: u64) -> (EntityKey, Event) {
    let captured = payment::Event::Captured { amount: won(9_000) };
    (OrderId(number).payment().key(), captured.into())
}

fn of_listing(number: u64, event: listing::Event) -> (EntityKey, Event) {
    (ListingId(number).key(), event.into())
}

fn reserved(listing: u64, order: u64, quantity: u64) -> (EntityKey, Event) {
    let order = OrderId(order);
    of_listing(listing, listing::Event::Reserved { order, quantity })
}

fn offered(number: u64, own: &[(&str, Value)]) -> (EntityKey, Event) {
    let offered = listing::Event::Offered {
        fields: fields(own),
        on_hand: Some(3),
    };
    of_listing(number, offered)
}

#[test]
fn an_event_goes_to_the_row_of_its_order_or_of_its_listing() {
    let number = |rows| {
        let subject = |kind| approval::Event::Granted {
            subject: EntityKey::new(kind, 4),
        };
        let approval = EntityKey::new(Kind::Approval, 4);
        [
            captured(7),
            reserved(3, 7, 2),
            offered(3, &[]),
            (approval, subject(Kind::Order).into()),
            (approval, subject(Kind::Listing).into()),
        ]
        .map(|(entity, event)| {
            let stamped = Stamped {
                entity,
                version: 1,
                event,
            };
            super::fold::row_of(rows, &stamped)
        })
    };
    let orders = [Some(7), Some(7), None, Some(4), None];
    assert_eq!(number(Rows::Orders), orders);
    let listings = [None, Some(3), Some(3), None, Some(4)];
    assert_eq!(number(Rows::Listings), listings);
    let both = [Some(7), Some(3), Some(3), Some(4), Some(4)];
    assert_eq!(number(Rows::Both), both);
}

#[test]
fn one_batch_counts_in_every_row_that_it_touches_and_only_once() {
    let mut shop = posies();
    shop.resources.push(listings(&[]));
    let sets = [("by", Source::Listing), ("taken", Source::Quantity)];
    let counting = ViewRule {
        add: vec![("bookings".into(), 1), ("free".into(), -1)],
        ..rule(Kind::Listing, "reserved", &sets)
    };
    shop.views = vec![
        view("board", Rows::Listings, vec![counting.clone()]),
        view("plans", Rows::Orders, vec![counting]),
    ];
    let mut desk = Desk::new(shop);
    desk.commit(&[placed(9, "KIM"), reserved(1, 9, 2), reserved(2, 9, 5)]);
    desk.commit(&[reserved(2, 10, 4)]);
    desk.projector.take(&desk.journal).unwrap();
    let row = |by: i64, taken: i64, count: i64| {
        [
            ("by", by.into()),
            ("taken", taken.into()),
            ("bookings", count.into()),
            ("free", (-count).into()),
        ]
    };
    desk.has(0, 1, &row(1, 2, 1));
    desk.has(0, 2, &row(2, 4, 2));
    desk.has(1, 9, &row(2, 5, 2));
    desk.has(1, 10, &row(2, 4, 1));
    assert_eq!(desk.history(1, 9).len(), 2, "one for each event");
    desk.is_what_a_replay_gives();
}

#[test]
fn what_a_view_cannot_read_stops_it_and_stays_as_it_was() {
    let mut shop = posies();
    let named = [("name", Source::Field("customerName".into()))];
    let counting = ViewRule {
        add: vec![("times".into(), 1)],
        ..rule(Kind::Payment, "captured", &[])
    };
    let rules = vec![rule(Kind::Order, "placed", &named), counting];
    // Not alike, so that neither takes its rows from the other.
    shop.views = vec![
        view("board", Rows::Orders, rules.clone()),
        view("plans", Rows::Orders, rules[..1].to_vec()),
    ];
    let rows = |desk: &Desk| desk.layout.rows(0, 0);
    let history = |desk: &Desk| desk.layout.history(0, 0).unwrap();
    let kept: [&dyn Fn(&Desk) -> CollectionId; 2] = [&rows, &history];
    for damaged in kept {
        let mut desk = Desk::new(shop.clone());
        desk.commit(&[placed(9, "KIM")]);
        let damaged = damaged(&desk);
        let slot = Slot {
            bytes: Arc::from(*b"\xFF"),
            ..desk.pages.get(damaged, 9).unwrap().unwrap()
        };
        desk.pages.put(damaged, 9, slot).unwrap();
        let all = |desk: &Desk| kept.map(|of| desk.pages.get(of(desk), 9).unwrap());
        let before = all(&desk);
        desk.commit(&[captured(9)]);
        desk.commit(&[placed(10, "LEE")]);
        assert_eq!(all(&desk), before);
        let stopped = desk.projector.progress().panicked.clone();
        let said = &stopped[&Model::view(0, 0)];
        assert!(said.contains("cannot be read"), "{said}");
        assert_eq!(stopped.len(), 1);
        assert_eq!(desk.row(0, 10), None);
        desk.has(1, 10, &[("name", "LEE".into())]);
    }
}

#[test]
fn a_listings_row_shows_what_it_was_offered_with_until_a_word_applies() {
    let mut shop = posies();
    shop.resources
        .push(listings(&[("open", "OPEN"), ("freed", "FREE")]));
    let (status, event) = (("status", Source::Status), ("event", Source::Event));
    let many = ("many", Source::Quantity);
    let of = |event: &str, set: &[(&str, Source)]| rule(Kind::Listing, event, set);
    let at_first = [
        status.clone(),
        event.clone(),
        many.clone(),
        ("name", Source::Field("name".into())),
        ("kind", Source::Constant("room".into())),
    ];
    let rules = vec![
        of("offered", &at_first),
        of("opened", &[status.clone(), event]),
        of("sold_out", std::slice::from_ref(&status)),
        of("freed", std::slice::from_ref(&status)),
        of("amended", &[many, status]),
    ];
    shop.views = vec![view("board", Rows::Listings, rules)];
    let mut desk = Desk::new(shop);
    let given = [("name", "101".into()), ("roomStatus", "EMPTY".into())];
    let amended = listing::Event::Amended {
        fields: Fields::new(),
        on_hand: Some(8),
    };
    let mut check = |event, status: &str, name: &str, many: i64| {
        desk.commit(&[event]);
        let expected = [
            ("status", status.into()),
            ("event", name.into()),
            ("many", many.into()),
            ("name", "101".into()),
            ("kind", "room".into()),
        ];
        desk.has(0, 5, &expected);
    };
    let of = |event| of_listing(5, event);
    check(offered(5, &given), "EMPTY", "RoomOffered", 3);
    check(of(listing::Event::SoldOut), "EMPTY", "RoomOffered", 3);
    check(of(listing::Event::Opened), "OPEN", "opened", 3);
    check(of(listing::Event::Freed), "FREE", "opened", 3);
    check(of(amended), "FREE", "opened", 8);
    desk.is_what_a_replay_gives();
}
