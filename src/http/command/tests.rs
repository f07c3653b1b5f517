//! Which request means what: the flower shop's, and those of a shop that has everything.

use std::sync::Arc;

use super::*;
use crate::{
    actors::handles::{Entity, Request},
    domain::{
        Money,
        listing::{self, Listing, Stock},
        money::Currency,
        order,
        storefront::read,
    },
    http::tests::workshop,
};

fn posies() -> Storefront {
    read::storefront(include_str!("../../../tests/shops/posies.toml")).unwrap()
}

/// What the engine is asked.
fn asked(
    definition: &Storefront,
    (verb, kind, number): (Verb, Kind, Option<u64>),
    json: &str,
    current: Option<&Item>,
) -> Result<Request, &'static str> {
    let resource = definition.resource(kind).unwrap();
    let body = Body::parse(json.as_bytes(), &resource.fields);
    let body = body.map_err(|error| error.code())?;
    let rule = meaning(definition, verb, resource, &body).map_err(|error| error.code())?;
    let asked = Asked {
        definition,
        resource,
        rule,
        number,
        body: &body,
    };
    request::of(&asked, current).map_err(|error| error.code())
}

/// What a PUT or PATCH of an order with this state, an address and a price would do.
fn amended(verb: Verb, state: order::State, json: &str) -> Result<(String, String), &'static str> {
    let fields = [
        ("address".into(), "Seoul".into()),
        ("price".into(), Value::Int(10_000)),
    ];
    let fields: Arc<crate::domain::Fields> = Arc::new(fields.into_iter().collect());
    let current = Item {
        number: 1,
        version: 3,
        entity: Entity::Order(order::Order {
            state,
            fields: Arc::clone(&fields),
            amount: Some(Money::new(10_000, Currency::KRW)),
            removed: false,
            lines: Vec::new(),
        }),
    };
    let request = asked(
        &posies(),
        (verb, Kind::Order, Some(1)),
        json,
        Some(&current),
    )?;
    if request.action != CommandAction::AmendOrder {
        return Ok((format!("{:?}", request.action), String::new()));
    }
    let amount = request
        .amount
        .map_or(String::new(), |amount| amount.to_string());
    Ok((written(fields.changed(&request.changes).iter()), amount))
}

/// `name=value` of each, in the order of the names.
fn written<'a>(fields: impl Iterator<Item = (&'a Arc<str>, &'a Value)>) -> String {
    let mut fields: Vec<String> = fields
        .map(|(name, value)| match value {
            Value::Text(text) => format!("{name}={text}"),
            Value::Int(number) => format!("{name}={number}"),
            Value::Bool(flag) => format!("{name}={flag}"),
        })
        .collect();
    fields.sort();
    fields.join(" ")
}

fn check(verb: Verb, json: &str, expected: Result<(&str, &str), &str>) {
    let found = amended(verb, order::State::Confirmed, json);
    let found = found
        .as_ref()
        .map(|(fields, amount)| (&**fields, &**amount));
    assert_eq!(found.map_err(|code| *code), expected, "{verb:?} {json}");
}

#[test]
fn patch_changes_what_is_sent_and_put_replaces_all_but_the_amount() {
    let kept = "address=Seoul price=10000";
    check(Verb::Patch, "{}", Ok((kept, "")));
    check(
        Verb::Patch,
        r#"{"flowerType":"Rose"}"#,
        Ok(("address=Seoul flowerType=Rose price=10000", "")),
    );
    check(Verb::Patch, r#"{"address":null}"#, Ok(("price=10000", "")));
    check(Verb::Patch, r#"{"price":null}"#, Ok((kept, "")));
    check(Verb::Patch, r#"{"price":"10000"}"#, Ok((kept, "10000 KRW")));
    check(
        Verb::Put,
        r#"{"flowerType":"Rose"}"#,
        Ok(("flowerType=Rose price=10000", "")),
    );
}

#[test]
fn a_status_means_its_command_or_what_is_so_already_or_nothing() {
    check(
        Verb::Patch,
        r#"{"status":"CalledOff"}"#,
        Ok(("CancelOrder", "")),
    );
    check(
        Verb::Put,
        r#"{"status":"CalledOff","price":1}"#,
        Ok(("CancelOrder", "")),
    );
    let kept = Ok(("address=Seoul price=10000", ""));
    check(Verb::Patch, r#"{"status":"Settled"}"#, kept);
    check(Verb::Patch, r#"{"status":"Asked"}"#, kept);
    check(Verb::Patch, r#"{"status":null}"#, kept);
    check(
        Verb::Patch,
        r#"{"status":"Brought"}"#,
        Err("status_not_settable"),
    );
    check(
        Verb::Patch,
        r#"{"status":"OrderCanceled"}"#,
        Err("status_not_settable"),
    );
}

#[test]
fn an_order_is_placed_with_what_is_known_of_it() {
    let siege = r#"{"couponId":"1", "customerId":"2", "qty":"1", "status":"ordered"}"#;
    let request = asked(&posies(), (Verb::Post, Kind::Order, None), siege, None).unwrap();
    assert!(request.fields.is_empty() && request.amount.is_none());
    assert_eq!(
        (request.target, request.answer_with),
        (Target::New, Kind::Order)
    );
}

/// What a request to the workshop asks, in short: the command, what it is about, and what it says.
fn means(to: (Verb, Kind, Option<u64>), json: &str, expected: Result<&str, &str>) {
    means_with(to, json, None, expected);
}

fn means_with(
    to: (Verb, Kind, Option<u64>),
    json: &str,
    current: Option<&Item>,
    expected: Result<&str, &str>,
) {
    let found = asked(&workshop(), to, json, current).map(|request| {
        assert_eq!(request.answer_with, to.1);
        let mut said = vec![format!("{} {:?}", request.action.name(), request.target)];
        said.extend((!request.fields.is_empty()).then(|| written(request.fields.iter())));
        for (name, value) in &request.changes {
            let value = value.as_ref().map(|value| (name, value));
            said.push(
                value.map_or_else(|| format!("{name}=null"), |one| written([one].into_iter())),
            );
        }
        said.extend(request.amount.map(|amount| amount.to_string()));
        let lines = request.lines.iter();
        said.extend(lines.map(|line| format!("{} of {}", line.quantity, line.listing.0)));
        said.extend(request.key.map(|key| format!("key {key}")));
        said.extend(request.on_hand.map(|on_hand| format!("on hand {on_hand}")));
        said.extend(request.step.map(|step| format!("step {step}")));
        said.extend(request.asked_by.map(|who| format!("by {who}")));
        said.join(", ")
    });
    let found = found.as_deref().map_err(|code| *code);
    assert_eq!(found, expected, "{to:?} {json}");
}

#[test]
fn an_order_names_listings_one_by_one_or_together_and_its_own_key() {
    let jobs = (Verb::Post, Kind::Order, None);
    means(
        jobs,
        r#"{"bike":"b","ticket":"t1","stand":"7","place":"37.5, 127","cost":9,"state":"x"}"#,
        Ok("order.place New, bike=b cost=9 place=37.5,127 ticket=t1, 9 KRW, 3 of 7, key t1"),
    );
    means(
        jobs,
        r#"{"bike":"b","more":[{"stand":1,"hours":2},{"stand":"4"}]}"#,
        Ok("order.place New, bike=b, 2 of 1, 1 of 4"),
    );
    means(jobs, r#"{"stand":7}"#, Err("field_required"));
    means(jobs, r#"{"bike":"b","ticket":""}"#, Err("field_required"));
    means(
        jobs,
        r#"{"bike":"b","done":"ready"}"#,
        Ok("order.place New, bike=b"),
    );
}

#[test]
fn a_post_that_names_an_order_is_about_that_one() {
    let jobs = (Verb::Post, Kind::Order, None);
    means(
        jobs,
        r#"{"job":"5","state":"pay","cost":"70","bike":"b","stand":9}"#,
        Ok("order.pay Order(5), 70 KRW"),
    );
    means(
        jobs,
        r#"{"ticket":"t1","state":"pay"}"#,
        Ok("order.pay Key(\"t1\")"),
    );
    means(jobs, r#"{"state":"pay","stand":9}"#, Err("field_required"));
    means(
        jobs,
        r#"{"job":5,"bike":"c"}"#,
        Ok("order.amend Order(5), bike=c, place=null"),
    );
    let bill = (Verb::Delete, Kind::Payment, Some(5));
    means(bill, "{}", Ok("order.cancel Order(5)"));
    let wages = (Verb::Post, Kind::Payout, None);
    means(wages, r#"{"job":5}"#, Ok("payout.pay Order(5)"));
}

#[test]
fn an_approval_is_an_orders_if_an_order_is_named_and_else_a_listings() {
    let checks = (Verb::Post, Kind::Approval, None);
    means(
        checks,
        r#"{"slip":"t","stand":2}"#,
        Ok("approval.grant Key(\"t\")"),
    );
    means(checks, r#"{"stand":2}"#, Ok("approval.grant Listing(2)"));
    means(checks, "{}", Err("field_required"));
    let check = (Verb::Patch, Kind::Approval, Some(4));
    means(check, "{}", Ok("approval.refuse Approval(4)"));
}

#[test]
fn a_delivery_notes_what_is_its_own_and_wants_to_know_who_asks() {
    let mendings = (Verb::Post, Kind::Delivery, None);
    means(
        mendings,
        r#"{"job":1,"bike":"b","mechanic":"Kim","who":12,"part":"any"}"#,
        Ok("delivery.advance Order(1), mechanic=Kim, who=12, step 1, by 12"),
    );
    means(mendings, r#"{"job":1}"#, Err("field_required"));
    means(mendings, r#"{"who":"me"}"#, Err("field_required"));
}

#[test]
fn a_listing_says_what_it_was_offered_with_until_there_is_a_word_for_it() {
    let stands = (Verb::Post, Kind::Listing, None);
    means(
        stands,
        r#"{"title":"A","hours":"8","state":"clean"}"#,
        Ok("listing.offer New, state=clean title=A, on hand 8"),
    );
    means(stands, "{}", Ok("listing.offer New, on hand 3"));
    means(stands, r#"{"cost":-1}"#, Err("amount_negative"));
    let stand = |stock| Item {
        number: 2,
        version: 1,
        entity: Entity::Listing(Listing {
            state: listing::State::Open,
            fields: [("state".into(), "clean".into())].into_iter().collect(),
            stock,
            ..Listing::default()
        }),
    };
    let check = |stock, json: &str, expected| {
        let to = (Verb::Patch, Kind::Listing, Some(2));
        means_with(to, json, Some(&stand(stock)), expected);
    };
    let untouched = Ok("listing.amend Listing(2), state=dirty");
    check(Stock::Untouched, r#"{"state":"dirty"}"#, untouched);
    check(
        Stock::SoldOut,
        r#"{"state":"dirty"}"#,
        Err("status_not_settable"),
    );
    check(
        Stock::SoldOut,
        r#"{"state":"full","hours":2,"title":null}"#,
        Ok("listing.amend Listing(2), title=null, on hand 2"),
    );
}

#[test]
fn what_an_order_is_for_is_not_changed() {
    let current = Item {
        number: 1,
        version: 1,
        entity: Entity::Order(order::Order {
            fields: Arc::new([("ticket".into(), "t".into())].into_iter().collect()),
            lines: vec![order::Line {
                listing: crate::domain::ids::ListingId(7),
                quantity: 2,
            }],
            ..order::Order::default()
        }),
    };
    let check = |json: &str, expected| {
        let job = (Verb::Patch, Kind::Order, Some(1));
        means_with(job, json, Some(&current), expected);
    };
    let same = r#"{"ticket":"t","stand":7,"hours":2,"more":[{"stand":7,"hours":2}],"bike":"c"}"#;
    check(same, Ok("order.amend Order(1), bike=c"));
    check(r#"{"ticket":"u"}"#, Err("field_invalid"));
    check(r#"{"stand":8}"#, Err("field_invalid"));
    check(r#"{"hours":3}"#, Err("field_invalid"));
    check(r#"{"more":[]}"#, Err("field_invalid"));
}
