//! The shipped example reads, and each kind of mistake is found at its line.

mod mistakes;
mod studio;

use super::*;
use crate::domain::{
    breaker::Rules,
    order,
    storefront::{Action, COMPONENTS_MAX, FieldType, Mode, Source, Test, Verb},
};

const POSIES: &str = include_str!("../../../../../tests/shops/posies.toml");

fn posies() -> Storefront {
    match storefront(POSIES) {
        Ok(storefront) => storefront,
        Err(mistakes) => panic!("the shipped example has mistakes: {mistakes:#?}"),
    }
}

#[test]
fn the_shop_of_the_tests_reads() {
    let posies = posies();
    assert_eq!(&*posies.name, "posies");
    assert_eq!(posies.payment.deadline_ms, 300);
    assert_eq!(posies.payment.calls_max, 10);
    assert_eq!(posies.payment.breaker, Rules::default());
    let order = posies.resource(Kind::Order).unwrap();
    assert_eq!((&*order.path, &*order.item), ("purchases", "purchase"));
    let names: Vec<&str> = order.fields.iter().map(|field| &*field.name).collect();
    let wire = [
        "phoneNumber",
        "address",
        "customerName",
        "status",
        "flowerType",
        "price",
    ];
    assert_eq!(names, wire, "the file's order is kept");
    assert!(order.fields.iter().all(|field| !field.required));

    let delivery = posies.resource(Kind::Delivery).unwrap();
    assert_eq!(&*delivery.item, "parcel");
    assert_eq!(&**delivery.words.get("done").unwrap(), "Brought");

    let [pay, deliver] = &posies.flow.steps[..] else {
        panic!("two steps")
    };
    assert_eq!(
        (pay.mode, pay.then),
        (Mode::Sync, Some(order::State::Confirmed))
    );
    assert_eq!(deliver.action, Action::Deliver { steps: 1 });
    assert_eq!(deliver.mode, Mode::Command);

    let cancel = &posies.commands[1];
    assert_eq!((cancel.verb, cancel.kind), (Verb::Patch, Kind::Order));
    assert_eq!(cancel.when[0].test, Test::Is("CalledOff".into()));

    let (_, page) = posies.view_at("pages").unwrap();
    assert_eq!((&*page.item, page.fields.len()), ("page", 8));
    assert_eq!(page.fields[0].holds, FieldType::Order);
    let done = page
        .rules
        .iter()
        .find(|rule| &*rule.event == "done")
        .unwrap();
    assert_eq!(done.set, [("deliveryStatus".into(), Source::Status)]);
    assert!(page.searches[0].single);
}

/// Each row changes the first occurrence of a text in the flower shop, and says which mistake is
/// expected in the line where it stands, so many lines further down, or where another text is:
/// `text ==> replacement ==> expected part of the message [==> lines or text]`.
fn check(rows: &str) {
    check_in(POSIES, rows);
}

/// The same for another file.
fn check_in(file: &str, rows: &str) {
    for row in rows.lines().filter(|row| !row.trim().is_empty()) {
        let cells: Vec<&str> = row.split("==>").map(str::trim).collect();
        let (from, to, expected) = (cells[0], cells[1], cells[2]);
        let at = file.find(from).unwrap_or_else(|| panic!("no `{from}`"));
        let text = file.replacen(from, &to.replace("\\n", "\n"), 1);
        let line = |at| text[..at].split('\n').count();
        let line = match cells.get(3).map(|place| (place, place.parse())) {
            None => line(at),
            Some((_, Ok(below))) => line(at).checked_add_signed(below).unwrap(),
            Some((place, Err(_))) => line(text.find(place).unwrap()),
        };
        let mistakes = storefront(&text).expect_err(row);
        let found = mistakes
            .iter()
            .any(|mistake| mistake.line == line && mistake.message.contains(expected));
        assert!(found, "{row}: expected in line {line}, got {mistakes:#?}");
    }
}

#[test]
fn mistakes_in_names_and_settings_are_found() {
    check(
        r#"
        name = "posies"  ==> name = "flo wers" ==> cannot stand in a URL
        name = "posies"  ==> name = "livez"    ==> another meaning
        name = "posies"  ==> name = "ops"      ==> another meaning
        topic =           ==> tropic =          ==> did you mean `topic`?
        topic =           ==> topic = \n#       ==> this is not TOML
        "KRW"             ==> "won"             ==> ISO 4217
        "KRW"             ==> 410               ==> must be a text
        deadline_ms = 300 ==> deadline_ms = 0   ==> from 1 to 60000
        deadline_ms = 300 ==> breaker = { calls_mix = 5 } ==> did you mean `calls_max`?
        deadline_ms = 300 ==> breaker = { errors_percent = 101 } ==> from 1 to 100
        deadline_ms = 300 ==> breaker = { no_room = "ignored" } ==> did you mean `ignore`?
        "#,
    );
}

#[test]
fn mistakes_in_resources_are_found() {
    check(
        r#"
        path = "purchases"       ==> path = "search"        ==> another meaning
        path = "purchases"       ==> path = "ops"           ==> another meaning
        path = "purchases"       ==> path = "staff"         ==> add `item`
        path = "bills"     ==> path = "purchases"        ==> taken by [order]
        { type = "text", max = 256 } ==> { type = "txt" } ==> did you mean `text`?
        { type = "text", max = 256 } ==> { type = "money" } ==> another field of this type ==> 4
        max = 256             ==> max = 0                ==> a whole number from 1 to 4096
        orderId = { type = "order" } ==> orderId = { type = "order", as = "txt" } ==> did you mean `text`?
        { type = "text", max = 32 } ==> { type = "text", as = "text" } ==> has no key `as`
        max = 256             ==> min = 0                ==> has no key `min`
        placed    = "Asked" ==> #                      ==> a word for `placed` ==> -1
        cancelled =           ==> canceled =             ==> did you mean `cancelled`?
        refunding =           ==> #                      ==> a word for `refunding` ==> -2
        by = "orderId"        ==> by = "orderID"         ==> did you mean `orderId`?
        steps = ["Brought"] ==> steps = []             ==> needs `steps` ==> -2
        "#,
    );
}

#[test]
fn mistakes_in_the_flow_and_its_commands_are_found() {
    check(
        r#"
        do   = "pay"          ==> do   = "pey"           ==> did you mean `pay`?
        do   = "deliver"      ==> do   = "pay"           ==> once at most
        mode = "command"      ==> mode = "sync"          ==> no mode `sync`
        then = "completed"    ==> then = "confirmed"     ==> expected a later state
        on = "POST purchases"    ==> on = "GET purchases"      ==> no command has the method `GET`
        on = "POST purchases"    ==> on = "POST purchase"    ==> did you mean `purchases`?
        on = "POST purchases"    ==> on = "POST purchases/{id}" ==> expected `POST purchases`
        on = "DELETE purchases/{id}" ==> when = { status = "Asked" }\non = "DELETE purchases/{id}" ==> a DELETE has no fields
        on = "DELETE purchases/{id}" ==> on = "PATCH purchases/{id}" ==> never reached
        on = "POST parcels" ==> #                     ==> needs `on` ==> -1
        do = "delivery.advance" ==> do = "order.place"   ==> expected POST on the path of [order]
        do = "delivery.advance" ==> do = "payout.pay"    ==> needs a [[flow]] with do = "payout"
        do = "delivery.advance" ==> do = "approval.grant" ==> needs a [[flow]] with do = "approve"
        "order.place"         ==> "listing.offer"        ==> on the path of [listing]
        "order.place"         ==> "order.palce"          ==> did you mean `order.place`?
        "order.remove"        ==> "order.amend"          ==> expected POST, PUT, PATCH
        { status = "CalledOff" } ==> { status = "CaledOff" } ==> has no word
        { status = "CalledOff" } ==> { state = "x" } ==> [order] has no field `state`
        "#,
    );
}

#[test]
fn mistakes_in_what_events_say_are_found() {
    check(
        r#"
        topic = "posies"  ==> topic = "posies"\n[feed]\nputt = { me = true } ==> did you mean `put`? ==> 2
        topic = "posies"  ==> topic = "posies"\n[feed]\nput = { me = 1.5 } ==> a whole number ==> 2
        [payment.events]  ==> [payment.events]\nfailed = { fields = ["price"] } ==> needs `name` ==> 1
        [payment.events]  ==> [payment.events]\nfailed = { name = "F", feilds = [] } ==> did you mean `fields`? ==> 1
        [payment.events]  ==> [payment.events]\nfailed = { name = "F", fields = ["prize"] } ==> did you mean `price`? ==> 1
        [payment.events]  ==> [payment.events]\nfailed = 3 ==> a text in quotes ==> 1
        "#,
    );
}

#[test]
fn mistakes_in_views_are_found() {
    check(
        r#"
        path   = "sheets" ==> path   = "purchases"    ==> taken by [order]
        key    = "orderId"    ==> key    = "order"       ==> does not list the key
        "price", "deliveryStatus"] ==> "price", "eta"]   ==> no event sets `eta`
        on.order.placed       ==> on.order.plaecd        ==> did you mean `placed`?
        { set = ["status"] }  ==> { set = ["address"] }  ==> [payment] has no field `address`
        { set = ["status", "price"] } ==> { sets = 1 }   ==> did you mean `set`?
        done      = { set = { deliveryStatus ==> done = { set = { d ==> the view has no field `d`
        "#,
    );
    let amended = r#"{ set = ["phoneNumber", "address", "customerName", "flowerType"] }"#;
    check(&format!(
        "{amended} ==> {{ set = [\"status\"] }} ==> does not carry `status`"
    ));
}

#[test]
fn mistakes_in_components_are_found() {
    check(
        r#"
        [components]          ==> [componets]            ==> did you mean `components`?
        [components]          ==> [[components]]          ==> must be a table
        payment  = ["bills"] ==> payment = ["bils"] ==> did you mean `bills`?
        payment  = ["bills"] ==> payment = []         ==> has no path: expected some of `purchases`
        payment  = ["bills"] ==> payment = "bills" ==> must be a list of texts
        payment  = ["bills"] ==> payment = [1]        ==> must be a list of texts
        payment  = ["bills"] ==> payment = ["purchases"] ==> belongs to the component `order` already
        payment  = ["bills"] ==> payment = ["bills", "bills"] ==> `payment` already
        payment  = ["bills"] ==> order = ["bills"] ==> this is not TOML
        payment  = ["bills"] ==> "pay ment" = ["bills"] ==> cannot stand in a URL
        payment  = ["bills"] ==> payment = ["bills", "notification"] ==> `notifications`?
        "#,
    );
    let many: Vec<String> = (0..COMPONENTS_MAX)
        .map(|at| format!("c{at} = [\"notifications\"]"))
        .collect();
    check(&format!(
        "payment  = ==> {}\\n payment = ==> 64 components at most ==> {}",
        many[1..].join("\\n"),
        COMPONENTS_MAX - 1
    ));
}

#[test]
fn components_are_as_the_file_groups_them_or_one_for_each_collection() {
    let named = |storefront: &Storefront| -> Vec<(String, String)> {
        let components = storefront.components.iter();
        components
            .map(|own| (own.name.to_string(), own.paths.join(" ")))
            .collect()
    };
    let pair = |name: &str, paths: &str| (name.to_owned(), paths.to_owned());
    let posies = posies();
    assert_eq!(
        named(&posies),
        [
            pair("order", "purchases pages"),
            pair("payment", "bills"),
            pair("delivery", "parcels sheets"),
        ]
    );
    let places = ["purchases", "pages", "bills", "sheets", "notifications"];
    let places = places.map(|path| posies.component_of(path));
    assert_eq!(places, [Some(0), Some(0), Some(1), Some(2), None]);

    let (before, _) = POSIES.split_once("[components]").unwrap();
    let each = ["purchases", "bills", "parcels", "pages", "sheets"];
    assert_eq!(
        named(&storefront(before).unwrap()),
        each.map(|path| pair(path, path))
    );
    let (_, view) = before.rsplit_once("[[view]]").unwrap();
    let view = |at: usize| format!("[[view]]{}", view.replace("sheets", &format!("p{at}s")));
    let views: Vec<String> = (each.len()..COMPONENTS_MAX).map(view).collect();
    let most = format!("{before}{}", views.concat());
    assert_eq!(storefront(&most).unwrap().components.len(), COMPONENTS_MAX);
    let [mistake] = &storefront(&format!("{most}{}", view(0))).unwrap_err()[..] else {
        panic!("one mistake")
    };
    assert!(mistake.message.contains("say in [components]"), "{mistake}");

    let others = "[components]\nnews = [\"notifications\"]";
    let others = storefront(&format!("{before}{others}")).unwrap();
    assert_eq!(others.component_of("notifications"), Some(0));
    assert_eq!(
        others.component_of("purchases"),
        None,
        "it cannot be paused"
    );
}

#[test]
fn all_mistakes_are_reported_at_once_in_the_order_of_the_file() {
    let text = POSIES
        .replacen("\"KRW\"", "\"won\"", 1)
        .replacen("deadline_ms = 300", "deadline_ms = 99999", 1)
        .replacen("\"delivery.advance\"", "\"delivery.advnce\"", 1);
    let mistakes = storefront(&text).unwrap_err();
    let texts: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    // The deliver step then waits for a command that nothing means: a fourth, and true.
    assert_eq!(texts.len(), 4, "{texts:#?}");
    assert!(texts[0].starts_with("line ") && texts[0].contains("`won` is not a currency"));
    assert!(mistakes.is_sorted_by_key(|mistake| mistake.line));
}

#[test]
fn an_empty_file_is_told_what_a_storefront_needs() {
    let mistakes = storefront("").unwrap_err();
    for needed in [
        "`name`",
        "`title`",
        "`currency`",
        "[order]",
        "[[flow]]",
        "[[command]]",
    ] {
        let told = mistakes
            .iter()
            .any(|mistake| mistake.message.contains(needed));
        assert!(told, "{needed} in {mistakes:#?}");
    }
}

#[test]
fn steps_before_the_last_have_words_of_their_own() {
    let text = POSIES.replacen(
        "steps = [\"Brought\"]",
        "steps = [\"Wrapped\", \"Gone\"]",
        1,
    );
    let storefront = storefront(&text).unwrap();
    let delivery = storefront.resource(Kind::Delivery).unwrap();
    let word = |own: &str| delivery.words.get(own).map(|word| &**word);
    assert_eq!(
        (word("step.0"), word("done")),
        (Some("Wrapped"), Some("Gone"))
    );
    assert_eq!(
        storefront.flow.steps[1].action,
        Action::Deliver { steps: 2 }
    );
}
