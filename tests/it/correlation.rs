//! One id finds the same story everywhere: in the answer, the feed, the order's own page, the log.

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{CANCEL, Client, ORDER, Process, Server, client::Reply, process::verify};

const TILL: &str = "till-4/881";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn texts<'a>(all: &'a Value, list: &str, member: &str) -> Vec<&'a str> {
    let list = all.pointer(list).and_then(Value::as_array).unwrap();
    let members = list.iter().map(|each| each[member].as_str().unwrap());
    members.collect()
}

fn traceparent() -> String {
    format!("00-{TRACE}-b7ad6b7169203331-01")
}

/// Places an order at a till, and calls it off from somewhere else.
fn place_and_cancel(client: &Client) -> (Reply, Reply) {
    let place = client
        .request("POST", "/flowers/orders")
        .header("x-correlation-id", TILL)
        .header("traceparent", &traceparent())
        .json(ORDER)
        .expect(201);
    let cancel = client
        .request("PATCH", "/flowers/orders/1")
        .json(CANCEL)
        .expect(200);
    client.until(
        "/ops/sagas/flowers/1",
        "/turns/2/cause",
        "provider-answered",
    );
    (place, cancel)
}

/// The ids of a story's turns' events that have names for the outside, of the turns with this id.
fn ids(story: &Value, correlation: &str) -> Vec<u64> {
    let turns = story["turns"].as_array().unwrap().iter();
    let own = turns.filter(|turn| turn["correlation"] == correlation);
    let events = own.flat_map(|turn| turn["events"].as_array().unwrap());
    let named = events.filter(|event| !event["name"].is_null());
    named.map(|event| event["id"].as_u64().unwrap()).collect()
}

#[test]
fn one_id_finds_the_same_story_everywhere() {
    let data = TempDir::new().unwrap();
    let log = ["--log", "info,jumun::turns=debug", "--log-format", "json"];
    let process = Process::serve(data.path(), &log);
    let client = process.client();
    let (place, cancel) = place_and_cancel(&client);

    // The answer.
    assert_eq!(place.header("x-correlation-id"), TILL);
    let ours = place.header("traceparent").to_owned();
    assert_eq!((&ours[3..35], &ours[52..]), (TRACE, "-01"));
    assert_ne!(ours, traceparent(), "our span is not the caller's");
    let later = cancel.header("x-correlation-id").to_owned();

    // The order's own page, where what nobody asked for goes back to what began it all.
    let story = client.get("/ops/sagas/flowers/1").at("");
    assert_eq!(story["correlation"], TILL);
    assert_eq!(texts(&story, "/turns", "correlation"), [TILL, &later, TILL]);
    assert_eq!(
        texts(&story, "/turns", "cause"),
        ["command", "command", "provider-answered"]
    );
    assert_eq!(story["turns"][1]["command"], "order.cancel");
    assert_eq!(story["turns"][2]["traceparent"], ours.as_str());
    assert_eq!(story["ledger"]["refunded"], story["ledger"]["captured"]);

    // The feed.
    let feed = client.get("/flowers/events?order=1").at("/events");
    let feed = feed.as_array().unwrap();
    for id in [TILL, &later] {
        let same = feed.iter().filter(|event| event["correlationid"] == id);
        let same: Vec<u64> = same
            .map(|event| event["id"].as_str().unwrap().parse().unwrap())
            .collect();
        assert!(!same.is_empty());
        assert_eq!(same, ids(&story, id), "{id}");
    }
    assert!(
        feed.iter()
            .all(|event| event["correlationid"] != TILL || event["traceparent"] == ours.as_str())
    );

    // The search, by either of its names.
    for id in [TILL, story["correlationId"].as_str().unwrap()] {
        let found = client.get(&format!("/ops/sagas?correlation={id}"));
        assert_eq!(found.at("/sagas/0/story"), "/ops/sagas/flowers/1", "{id}");
        assert_eq!(found.at("/isCut"), false);
    }

    // The same after a crash, and as a replay has it.
    process.kill();
    let process = Process::serve(data.path(), &log);
    assert_eq!(process.client().get("/ops/sagas/1").at(""), story);
    let again = place_again(&process.client());
    process.terminate();
    let (status, log) = process.wait();
    assert!(status.success(), "{log}");
    verify(data.path());

    // The log.
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let turns: Vec<Value> = lines
        .filter(|line: &Value| line["target"] == "jumun::turns" && line["order"] == again)
        .collect();
    assert_eq!(turns[0]["correlation"], TILL, "{log}");
    assert_eq!(turns[0]["storefront"], "flowers");
    assert_eq!(turns[0]["cause"], "command");
}

/// Another order of the same till; its number.
fn place_again(client: &Client) -> u64 {
    let place = client
        .request("POST", "/flowers/orders")
        .header("x-correlation-id", TILL)
        .json(ORDER)
        .expect(201);
    place.number()
}

#[test]
fn a_story_is_a_page_for_who_shows_pages_and_says_whose_it_is() {
    let server = Server::start();
    let client = server.client();
    let order = ORDER.replace("KIM", "<b>KIM</b>");
    client.post("/flowers/orders", &order);
    let page = client
        .request("GET", "/ops/sagas/1")
        .accept(Some("text/html,*/*"))
        .expect(200);
    assert!(page.header("content-type").starts_with("text/html"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(!page.text.contains("<script") && !page.text.contains("<b>KIM"));
    for part in [
        "A request placed the order",
        "10,000 KRW",
        "PaymentConfirmed",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    let missing = client.request("GET", "/ops/sagas/2").expect(404);
    missing.has("/code", "not_found");
    let unsaid = client.request("GET", "/ops/sagas").expect(400);
    unsaid.has("/code", "parameter_invalid");
    // Two shops have an order of this number.
    client.post("/fish/orders", FISH);
    let both = client.request("GET", "/ops/sagas/1").expect(400);
    assert!(
        both.at("/detail")
            .as_str()
            .unwrap()
            .contains("fish, flowers")
    );
    client.get("/ops/sagas/1?storefront=fish");
}

const FISH: &str = r#"{"customerName": "KIM", "fishName": "fugu", "qty": 1, "status": "paid"}"#;
