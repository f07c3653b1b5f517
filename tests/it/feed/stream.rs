//! The feed as it happens: resumed anywhere, by slow and by fast readers, over kills and takeovers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{events, reader::Reader};
use crate::support::{CANCEL, Client, ORDER, Process, Server, Setup, process::jumun};

const EVENTS: &str = "/flowers/events";

/// The ids of what a page has, all of it.
fn all_ids(client: &Client) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    loop {
        let after = ids.last().map_or("beginning", String::as_str);
        let page = events(client, &format!("?limit=1000&after={after}"));
        if page.is_empty() {
            return ids;
        }
        ids.extend(page.iter().map(id));
    }
}

fn id(event: &Value) -> String {
    event["id"].as_str().unwrap().to_owned()
}

/// Reads until this order's payment came, over as many connections as it takes; what came.
fn read_until(mut address: impl FnMut() -> std::net::SocketAddr, subject: &str) -> Vec<String> {
    let (mut ids, mut last_id) = (Vec::new(), "beginning".to_owned());
    let mut random = fastrand::Rng::with_seed(7);
    loop {
        let Ok(mut reader) = Reader::open(address(), EVENTS, &last_id) else {
            continue;
        };
        // Some connections break in the middle.
        for _ in 0..random.usize(1..40) {
            let Ok(came) = reader.next() else { break };
            if came.event == "dropped" {
                break;
            }
            assert_eq!(id(&came.data), reader.last_id);
            ids.push(id(&came.data));
            if came.data["subject"] == subject && came.event == "PaymentConfirmed" {
                return ids;
            }
        }
        last_id = reader.last_id;
    }
}

/// Places orders until told to stop; the number of the last one.
fn writer(client: Client) -> (Arc<AtomicBool>, JoinHandle<u64>) {
    let stop = Arc::<AtomicBool>::default();
    let stopped = Arc::clone(&stop);
    let thread = std::thread::spawn(move || {
        let mut number = 0;
        while !stopped.load(Ordering::Relaxed) {
            number = client.post("/flowers/orders", ORDER).number();
        }
        number
    });
    (stop, thread)
}

#[test]
fn a_reader_that_comes_again_and_again_gets_everything_once_while_it_happens() {
    let server = Server::start();
    let client = server.client();
    let (stop, writing) = writer(client.clone());
    let address = server.address();
    let reading = std::thread::spawn(move || read_until(|| address, "orders/300"));
    let ids = reading.join().unwrap();
    stop.store(true, Ordering::Relaxed);
    writing.join().unwrap();
    assert!(ids.len() > 300, "{}", ids.len());
    assert_eq!(ids, all_ids(&client)[..ids.len()]);
}

#[test]
fn kills_and_takeovers_lose_no_event_and_show_none_twice() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let mut process = Process::serve(&data, &[]);
    let mut ids: Vec<String> = Vec::new();
    let mut last_id = "beginning".to_owned();
    for round in 0..6 {
        let client = process.client();
        let mut reader = Reader::open(process.address(), EVENTS, &last_id).unwrap();
        for _ in 0..20 {
            client.post("/flowers/orders", ORDER);
            let came = reader.next().unwrap();
            ids.push(id(&came.data));
        }
        drop(client);
        if round % 2 == 0 {
            process.kill();
            process = Process::serve(&data, &[]);
            // What was on its way may still have come.
        } else {
            let mut command = jumun(&["serve", "--takeover", "--data"]);
            let next = Process::start(command.arg(&data));
            // The old one lets its readers go and ends, and does not wait for them.
            assert!(process.ended());
            process = next;
        }
        last_id.clone_from(&reader.last_id);
        for came in reader.rest() {
            if came.event == "dropped" {
                assert_eq!(came.data["code"], "stopping");
                assert_eq!(came.data["after"], json!(ids.last()));
            } else {
                last_id = id(&came.data);
                ids.push(last_id.clone());
            }
        }
    }
    let client = process.client();
    let mut reader = Reader::open(process.address(), EVENTS, &last_id).unwrap();
    let all = all_ids(&client);
    assert!(all.len() >= 240, "{}", all.len());
    while ids.len() < all.len() {
        ids.push(id(&reader.next().unwrap().data));
    }
    assert_eq!(ids, all);
}

/// The flower shop under another name, with room for long texts: so few events fill what the system
/// keeps for a connection.
fn wide_shop() -> TempDir {
    let flowers = include_str!("../../../storefronts/flowers.toml");
    let wide = flowers.replace("name = \"flowers\"", "name = \"wide\"");
    let wide = wide
        .replace("max = 256", "max = 4096")
        .replace("max = 64", "max = 4096");
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("wide.toml"), wide).unwrap();
    dir
}

#[test]
fn a_reader_that_does_not_read_is_let_go_and_nobody_else_notices() {
    let shops = wide_shop();
    let settings = format!(
        "storefronts = {:?}\n[feed]\nstall_ms_max = 300\nheartbeat_ms = 50\nreaders_max = 2\n",
        shops.path()
    );
    let server = Setup::new().config(&settings).start();
    let (client, path) = (server.client(), "/wide/events");
    let open = |last_id: &str| Reader::try_open(server.address(), path, last_id).unwrap();
    let slow = open("").1;
    let mut fast = open("").1;
    assert!(open("").0.contains(" 503 "), "there is no room for a third");

    let long = "길".repeat(4_096);
    let order = json!({ "address": long, "customerName": long, "flowerType": long, "price": 1 });
    let order = order.to_string();
    let mut placed = 0;
    // A place is free as soon as the slow one is dropped.
    while !open("").0.contains(" 200 ") {
        for _ in 0..20 {
            placed += 1;
            client.post("/wide/orders", &order);
            assert_eq!(fast.next().unwrap().event, "Ordered");
            assert_eq!(fast.next().unwrap().event, "PaymentConfirmed");
        }
        assert!(placed < 5_000, "it is never dropped");
    }
    let mut rest = slow.rest();
    let last = rest.pop().unwrap();
    assert_eq!(
        (&*last.event, &last.data["code"]),
        ("dropped", &json!("stalled"))
    );
    // It goes on where it stopped.
    let after = last.data["after"].as_str().unwrap();
    assert_eq!(id(&rest.pop().unwrap().data), after);
    let number = rest.iter().filter(|came| came.event == "Ordered").count();
    drop(fast);
    let mut tries = std::iter::repeat_with(|| open(after));
    let again = tries.find(|(status, _)| status.contains(" 200 "));
    let mut again = again.unwrap().1;
    let came = again.next().unwrap().data;
    let place = came["subject"]
        .as_str()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap();
    let place: usize = place.parse().unwrap();
    assert!(
        (number..number + 3).contains(&place),
        "{number} came, then {place}"
    );
    drop(again);
    server.stop();
}

#[test]
fn a_stream_says_that_it_is_alive_and_how_far_it_looked() {
    let server = Setup::new().config("[feed]\nheartbeat_ms = 20\n").start();
    let client = server.client();
    let path = format!("{EVENTS}?type=OrderCancelled");
    let mut reader = Reader::open(server.address(), &path, "now").unwrap();
    assert_eq!(reader.next_or_id().unwrap().event, "");
    client.post("/flowers/orders", ORDER);
    let all = all_ids(&client);
    let last: u64 = all.last().unwrap().parse().unwrap();
    // Not an event that it wanted, but its id goes on.
    while reader.last_id.parse::<u64>().unwrap() < last {
        assert_eq!(reader.next_or_id().unwrap().event, "");
    }
    client.patch("/flowers/orders/1", CANCEL);
    assert_eq!(reader.next().unwrap().event, "OrderCancelled");

    // Whoever follows holds nothing up that wants to stop.
    let stopping = std::thread::spawn(move || server.stop());
    let came = reader.rest();
    assert_eq!(came.last().unwrap().data["code"], "stopping");
    stopping.join().unwrap();
}

#[test]
fn what_cannot_be_asked_is_told_with_what_can() {
    let server = Server::start();
    let client = server.client();
    let check = |query: &str, status: u16, words: &str| {
        let path = format!("{EVENTS}{query}");
        let reply = client.request("GET", &path).expect(status);
        assert!(reply.text.contains(words), "{query}: {}", reply.text);
    };
    check("?type=Orderd", 400, "Ordered, OrderCancelled");
    check("?subject=orders", 400, "orders/1");
    check("?subject=payments/1", 400, "orders/1");
    check("?after=soon", 400, "`beginning` or `now`");
    check("?limit=1001", 400, "from 1 to 1000");
    check("?tpye=Ordered", 400, "known: after");
    check("?after=99999", 410, "begin again");
    check("/99999", 404, "no event 99999");
    let (status, _) = Reader::try_open(server.address(), EVENTS, "yesterday").unwrap();
    assert!(status.contains(" 400 "), "{status}");
    let request = client.request("GET", EVENTS);
    let request = request.header("accept", "application/cloudevents-batch+json");
    let reply = request.expect(200);
    assert_eq!(reply.text, "[]");
}
