//! Views over pages in memory: what batches make of rows, histories and notifications, and what
//! remains of it after a stop, a crash or a second replay.

mod told;

use std::{collections::BTreeMap, sync::Arc};

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

/// Pages with a storefront's views on them, and the journal so far.
struct Desk {
    storefronts: Vec<Arc<Storefront>>,
    layout: Arc<Layout>,
    durable: Durable,
    pages: Arc<Pages>,
    projector: Projector,
    journal: Vec<Committed>,
}

impl Desk {
    fn new(storefront: Storefront) -> Self {
        let storefronts = vec![Arc::new(storefront)];
        let layout = Arc::new(Layout::of(&storefronts));
        let durable = Durable::default();
        let pages = pages(&layout, &durable);
        let projector = Projector::new(
            storefronts.clone(),
            Arc::clone(&layout),
            Arc::clone(&pages),
            0,
        );
        Self {
            storefronts,
            layout,
            durable,
            pages,
            projector,
            journal: Vec::new(),
        }
    }

    fn commit(&mut self, events: &[(EntityKey, Event)]) {
        let first = self.end() + 1;
        let events = events.iter().map(|(entity, event)| Stamped {
            entity: *entity,
            version: 1,
            event: event.clone(),
        });
        let batch = Batch {
            storefront: Arc::clone(&self.storefronts[0].name),
            at: Timestamp(i64::try_from(first).unwrap() * 1_000),
            correlation: Correlation::default(),
            named: None,
            trace: None,
            cause: Cause::default(),
            answered: None,
            events: events.collect(),
        };
        self.journal.push(Committed {
            first,
            batch: Arc::new(batch),
        });
        let last = self.journal.len() - 1;
        self.projector.take(&self.journal[last..]).unwrap();
    }

    fn end(&self) -> Position {
        self.journal.last().map_or(0, Committed::last)
    }

    /// What a crash leaves of it, brought up to the journal's end as a start does.
    fn after_crash(self) -> Self {
        let pages = pages(&self.layout, &self.durable);
        let stops = stops::read(&pages, &self.layout, &self.storefronts).unwrap();
        let new = |position| {
            let (layout, pages) = (Arc::clone(&self.layout), Arc::clone(&pages));
            Projector::new(self.storefronts.clone(), layout, pages, position).stopped(stops.clone())
        };
        let complete_to = pages.complete_to();
        let restored = new(complete_to).silent();
        for committed in &self.journal {
            if committed.first > complete_to {
                restored.take(std::slice::from_ref(committed)).unwrap();
            }
        }
        let projector = new(self.end());
        Self {
            pages,
            projector,
            ..self
        }
    }

    /// Lets everything that stopped go on, so many batches at a time.
    fn go_on(&self, batches: usize) {
        let models: Vec<Model> = self.projector.progress().stops.keys().copied().collect();
        while let Some(from) = {
            let progress = self.projector.progress();
            progress.stops.values().map(|stop| stop.at).min()
        } {
            let missed = self.journal.iter();
            let missed = missed.filter(|committed| committed.last() > from);
            let missed: Vec<_> = missed.take(batches).cloned().collect();
            let to = missed.last().map_or(from, Committed::last);
            self.projector.bring_up(&missed, to, &models).unwrap();
        }
    }

    fn row(&self, view: usize, number: u64) -> Option<Fields> {
        let slot = self.pages.get(self.layout.rows(0, view), number).unwrap();
        slot.map(|slot| kept::read(&slot.bytes).unwrap())
    }

    fn has(&self, view: usize, number: u64, expected: &[(&str, Value)]) {
        let row = self.row(view, number).unwrap_or_default();
        let expected: BTreeMap<_, _> = expected.iter().cloned().collect();
        let found: BTreeMap<&str, Value> = row
            .iter()
            .map(|(name, value)| (&**name, value.clone()))
            .collect();
        assert_eq!(found, expected, "row {number}");
    }

    fn history(&self, view: usize, number: u64) -> Vec<(String, i64, Option<Value>)> {
        let collection = self.layout.history(0, view).unwrap();
        let slot = self.pages.get(collection, number).unwrap().unwrap();
        let entries = kept::read::<Vec<Entry>>(&slot.bytes).unwrap().into_iter();
        let entries = entries.map(|entry| {
            let status = entry.row.get("status").cloned();
            (entry.event.to_string(), entry.at.0, status)
        });
        entries.collect()
    }

    fn told(&self) -> Vec<Notification> {
        let told = self.layout.told(0).unwrap().notifications;
        let slots = self.pages.range(told, 0, 1_000).unwrap();
        let numbers: Vec<u64> = slots.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (1..=slots.len() as u64).collect::<Vec<_>>());
        let read = slots
            .iter()
            .map(|(_, slot)| kept::read(&slot.bytes).unwrap());
        read.collect()
    }

    fn delivery(&self, number: u64) -> Option<Delivery> {
        let deliveries = self.layout.told(0).unwrap().deliveries;
        let slot = self.pages.get(deliveries, number).unwrap();
        slot.map(|slot| kept::read(&slot.bytes).unwrap())
    }

    /// The same pages come of the journal alone.
    fn is_what_a_replay_gives(&self) {
        let mut other = Self::new((*self.storefronts[0]).clone());
        for committed in &self.journal {
            other
                .projector
                .take(std::slice::from_ref(committed))
                .unwrap();
        }
        other.journal.clone_from(&self.journal);
        for place in 0..self.layout.collections().len() {
            let all = |desk: &Self| {
                let mut all = Vec::new();
                let each = &mut |number, slot: &Slot| {
                    if number != stops::STOP_NUMBER {
                        all.push((number, slot.clone()));
                    }
                    std::ops::ControlFlow::Continue(())
                };
                desk.pages.each(CollectionId(place), each).unwrap();
                all
            };
            let name = &self.layout.collections()[place].name;
            assert_eq!(all(self), all(&other), "{name}");
        }
    }
}

fn pages(layout: &Layout, durable: &Durable) -> Arc<Pages> {
    let collections = layout.collections().to_vec();
    let opened = Pages::in_memory(durable, collections, Limits::default());
    Arc::new(opened.unwrap().pages)
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
fn a_row_that_cannot_be_read_stops_its_view_and_is_not_begun_anew() {
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
    let mut desk = Desk::new(shop);
    desk.commit(&[placed(9, "KIM")]);
    let board = desk.layout.rows(0, 0);
    let damaged = Slot {
        bytes: Arc::from(*b"\xFF"),
        ..desk.pages.get(board, 9).unwrap().unwrap()
    };
    desk.pages.put(board, 9, damaged.clone()).unwrap();
    desk.commit(&[captured(9)]);
    desk.commit(&[placed(10, "LEE")]);
    assert_eq!(desk.pages.get(board, 9).unwrap(), Some(damaged));
    let stopped = desk.projector.progress().panicked.clone();
    let said = &stopped[&Model::view(0, 0)];
    assert!(said.contains("cannot be read"), "{said}");
    assert_eq!(stopped.len(), 1);
    assert_eq!(desk.row(0, 10), None);
    desk.has(1, 10, &[("name", "LEE".into())]);
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
