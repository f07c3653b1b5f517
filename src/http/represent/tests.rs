//! What answers look like, byte for byte where the originals' clients look.

use std::{cell::RefCell, convert::Infallible, sync::Arc};

use super::*;
use crate::{
    actors::handles::{Entity, Item},
    domain::{
        EntityKey, Fields, Kind, Money, Value,
        approval::{self, Approval},
        delivery::{self, Delivery},
        ids::{ListingId, OrderId},
        listing::{self, Listing, Stock},
        money::Currency,
        order,
        payout::{self, Payout},
        storefront::read,
    },
    http::{address::Collection, form::Forms, json, tests::workshop},
    represent::about,
};

fn posies() -> Storefront {
    read::storefront(include_str!("../../../tests/shops/posies.toml")).unwrap()
}

fn print(item: &Item) -> String {
    let posies = posies();
    let resource = posies.resource(item.entity.kind()).unwrap();
    let body = ItemBody {
        definition: &posies,
        resource,
        whole: &Whole {
            item: item.clone(),
            joined: Vec::new(),
        },
        form: &Forms::of(Collection::Resource(resource)).alone,
        url: "http://order:8080/things",
    };
    String::from_utf8(json::print(&body)).unwrap()
}

#[test]
fn an_order_shows_its_fields_in_the_files_order_then_its_links() {
    let fields = [
        ("price".into(), Value::Int(10_000)),
        ("flowerType".into(), "AAAA".into()),
    ];
    let item = Item {
        number: 123,
        version: 2,
        entity: Entity::Order(order::Order {
            state: order::State::Confirmed,
            fields: Arc::new(fields.into_iter().collect()),
            amount: Some(Money::new(10_000, Currency::KRW)),
            removed: false,
            lines: Vec::new(),
        }),
    };
    let expected = "{\n  \"phoneNumber\" : null,\n  \"address\" : null,\n  \"customerName\" : \
                    null,\n  \"status\" : \"Settled\",\n  \"flowerType\" : \"AAAA\",\n  \
                    \"price\" : 10000,\n  \"_links\" : {\n    \"self\" : {\n      \"href\" : \
                    \"http://order:8080/things/123\"\n    },\n    \"purchase\" : {\n      \"href\" : \
                    \"http://order:8080/things/123\"\n    }\n  }\n}";
    assert_eq!(print(&item), expected);
}

#[test]
fn a_price_that_was_not_sent_is_null_and_a_state_without_a_word_too() {
    let free = Item {
        number: 1,
        version: 1,
        entity: Entity::Order(order::Order {
            state: order::State::Held,
            amount: Some(Money::zero(Currency::KRW)),
            ..order::Order::default()
        }),
    };
    assert!(print(&free).contains("\"price\" : null"));
    assert!(print(&free).contains("\"status\" : null"));
    let done = Item {
        number: 1,
        version: 2,
        entity: Entity::Delivery(Delivery {
            state: delivery::State::Done,
            order: Some(OrderId(1)),
            steps: 1,
            ..Delivery::default()
        }),
    };
    assert!(print(&done).starts_with("{\n  \"orderId\" : 1,\n  \"status\" : \"Brought\""));
}

fn item(number: u64, entity: Entity) -> Item {
    Item {
        number,
        version: 1,
        entity,
    }
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    let pairs = pairs
        .iter()
        .map(|(name, text)| ((*name).into(), Value::from(*text)));
    pairs.collect()
}

/// Job 1, with 4 hours at stand 7, which costs 30 by now.
fn job() -> Item {
    let line = |listing, quantity| order::Line {
        listing: ListingId(listing),
        quantity,
    };
    item(
        1,
        Entity::Order(order::Order {
            state: order::State::Placed,
            fields: Arc::new(fields(&[("bike", "red"), ("ticket", "t")])),
            amount: Some(Money::new(30, Currency::KRW)),
            lines: vec![line(7, 4), line(8, 1)],
            removed: false,
        }),
    )
}

fn stand(stock: Stock) -> Item {
    item(
        7,
        Entity::Listing(Listing {
            state: listing::State::Open,
            fields: fields(&[("title", "A"), ("state", "clean")]),
            on_hand: Some(9),
            stock,
            ..Listing::default()
        }),
    )
}

fn check_of(number: u64, subject: EntityKey) -> Item {
    item(
        number,
        Entity::Approval(Approval {
            state: approval::State::Requested,
            subject: Some(subject),
        }),
    )
}

fn repair() -> Item {
    item(
        1,
        Entity::Delivery(Delivery {
            state: delivery::State::Planned,
            order: Some(OrderId(1)),
            steps: 2,
            fields: fields(&[("mechanic", "Kim"), ("part", "rider")]),
        }),
    )
}

/// What an entity of the workshop shows, without its links, and what was read beside it.
fn shows(of: Item, expected: &str, beside: &[EntityKey]) {
    let workshop = workshop();
    let resource = workshop.resource(of.entity.kind()).unwrap();
    let stored = [
        job(),
        stand(Stock::SoldOut),
        check_of(1, EntityKey::new(Kind::Order, 1)),
        repair(),
    ];
    let read = RefCell::new(Vec::new());
    let whole = Joins::of(&workshop, resource).load(of, |kind, number| {
        read.borrow_mut().push(EntityKey::new(kind, number));
        let mut stored = stored.iter();
        let found = stored.find(|item| item.entity.kind() == kind && item.number == number);
        Ok::<_, Infallible>(found.cloned())
    });
    let body = ItemBody {
        definition: &workshop,
        resource,
        whole: &whole.unwrap(),
        form: &Forms::of(Collection::Resource(resource)).alone,
        url: "",
    };
    let json = String::from_utf8(json::print(&body)).unwrap();
    let json: String = json.split_whitespace().collect();
    let shown = json.split_once(",\"_links\"").unwrap().0;
    assert_eq!(shown.replace('"', ""), expected);
    assert_eq!(read.into_inner(), beside);
}

#[test]
fn every_kind_shows_its_own_and_what_it_takes_from_others() {
    let key = EntityKey::new;
    let (order, listing) = (key(Kind::Order, 1), key(Kind::Listing, 7));
    let more = "[{stand:7,hours:4},{stand:8,hours:1}]";
    shows(
        job(),
        &format!(
            "{{ticket:t,bike:red,place:null,stand:7,hours:4,more:{more},cost:30,state:new,\
             done:soon"
        ),
        &[key(Kind::Delivery, 1)],
    );
    shows(
        stand(Stock::Untouched),
        "{title:A,hours:9,cost:null,state:clean",
        &[],
    );
    shows(
        stand(Stock::SoldOut),
        "{title:A,hours:9,cost:null,state:full",
        &[],
    );
    shows(
        check_of(1, order),
        "{slip:t,stand:7,hours:4,called:A,state:open",
        &[order, listing],
    );
    shows(
        check_of(7, listing),
        "{slip:null,stand:7,hours:null,called:A,state:open",
        &[listing],
    );
    shows(
        repair(),
        "{job:1,bike:red,mechanic:Kim,who:null,part:rider,state:soon",
        &[order],
    );
    let shares = (Money::new(27, Currency::KRW), Money::new(3, Currency::KRW));
    let wage = Payout {
        state: payout::State::Due,
        order: Some(OrderId(1)),
        shares: Some(shares),
        due: None,
    };
    shows(item(1, Entity::Payout(wage)), "{job:1,cost:27,kept:3", &[]);
}

#[test]
fn an_order_with_fields_of_its_own_alone_reads_nothing_else() {
    let posies = posies();
    for resource in &posies.resources {
        let none = Joins::of(&posies, resource).load::<Infallible>(job(), |kind, number| {
            panic!("{kind} {number} is read for {}", resource.path)
        });
        assert_eq!(about(&none.unwrap().item), EntityKey::new(Kind::Order, 1));
    }
}
