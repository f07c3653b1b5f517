//! What goes wrong on purpose, and what still goes well beside it.

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Client, ORDER, Process, Server, process::jumun, server::Setup};

const FAULTS: &str = "/ops/faults";

/// A server where faults may be set.
fn faulty() -> Server {
    Setup::new().config("fault_injection = true\n").start()
}

/// From now on, only this goes wrong.
fn set(client: &Client, faults: &str) {
    client.request("PUT", FAULTS).json(faults).expect(200);
}

fn clear(client: &Client) {
    client.request("DELETE", FAULTS).expect(204);
}

#[test]
fn faults_are_set_only_where_the_start_allowed_it_and_says_so() {
    let server = Server::start();
    for method in ["GET", "PUT", "DELETE"] {
        let request = server.client();
        let request = request.request(method, FAULTS).json("[]");
        request.expect(404).has("/code", "path_unknown");
    }
    let data = TempDir::new().unwrap();
    let process = Process::serve(&data.path().join("data"), &["--fault-injection"]);
    assert!(process.greeting.contains("Not for real orders"));
    let client = process.client();
    client
        .get(FAULTS)
        .has("", serde_json::json!({ "faults": [] }));
    for (wrong, code) in [
        ("{}", "body_invalid"),
        (r#"[{"at": "nowhere", "do": "panic"}]"#, "body_invalid"),
        (
            r#"[{"at": "shard", "do": "panic", "per": 1}]"#,
            "body_invalid",
        ),
        (r#"[{"at": "decide", "do": "fail"}]"#, "field_invalid"),
    ] {
        let refused = client.request("PUT", FAULTS).json(wrong).expect(400);
        refused.has("/code", code);
    }
}

/// The standard library's own way would be text between the lines, after a pause for the names in it.
#[test]
fn a_panic_is_a_line_of_the_log() {
    let data = TempDir::new().unwrap();
    let mut command = jumun(&["serve", "--listen", "127.0.0.1:0", "--fault-injection"]);
    command.args(["--log-format", "json", "--data"]);
    command
        .arg(data.path().join("data"))
        .env("RUST_BACKTRACE", "1");
    let process = Process::start(&mut command);
    let client = process.client();
    client.post("/flowers/orders", ORDER);
    set(
        &client,
        r#"[{"at": "decide", "kind": "order", "number": 1, "do": "panic"}]"#,
    );
    client.request("DELETE", "/flowers/orders/1").expect(500);
    process.terminate();
    let (status, log) = process.wait();
    assert!(status.success(), "{log}");
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let panics = lines.filter(|line: &Value| line["message"] == "something panicked");
    let panics: Vec<Value> = panics.collect();
    assert_eq!(panics.len(), 1, "{log}");
    assert!(panics[0]["place"].as_str().unwrap().starts_with("src/"));
    assert!(panics[0]["text"].is_string());
}

#[test]
fn what_is_struck_fails_and_nobody_else_does() {
    let server = faulty();
    let client = server.client();
    client.post("/orders", ORDER);
    client.post("/orders", ORDER);
    set(
        &client,
        r#"[{"at": "decide", "kind": "order", "number": 1, "do": "panic"}]"#,
    );
    let cancel = |number: u64, status| {
        let path = format!("/orders/{number}");
        drop(client.request("DELETE", &path).expect(status));
    };
    cancel(1, 500);
    cancel(2, 204);
    client.get(FAULTS).has("/faults/0/struck", 1);
    set(&client, r#"[{"at": "provider", "do": "fail"}]"#);
    let refused = client.request("POST", "/orders").json(ORDER).expect(503);
    refused.has("/code", "payment_unavailable");
    clear(&client);
    client.post("/orders", ORDER);
    cancel(1, 204);
}

/// Cancels an order, or changes a listing.
fn fails(client: &Client, (method, path, body): (&str, &str, &str), status: u16, code: &str) {
    let reply = client.request(method, path).json(body).expect(status);
    reply.has("/code", code);
}

#[test]
fn what_panics_too_often_waits_for_an_operator_and_goes_on_once_it_is_released() {
    let server = faulty();
    let client = server.client();
    client.post("/orders", ORDER);
    client.post("/orders", ORDER);
    set(
        &client,
        r#"[{"at": "decide", "kind": "order", "number": 1, "do": "panic"},
            {"at": "react", "number": 2, "do": "panic"}]"#,
    );
    for order in ["/orders/1", "/orders/2"] {
        for _ in 0..5 {
            fails(&client, ("DELETE", order, ""), 500, "crashed");
        }
        fails(&client, ("DELETE", order, ""), 503, "quarantined");
    }
    client
        .get("/ops/quarantine")
        .has("/quarantine/0/storefront", "flowers")
        .has("/quarantine/0/kind", "orders")
        .has("/quarantine/0/number", 1)
        .has("/quarantine/0/panics", 5)
        .has("/quarantine/0/reason", "an injected fault at decide")
        .has("/quarantine/1/number", 2);
    clear(&client);
    let release = |path: &str, status| {
        let path = format!("/ops/quarantine/{path}");
        drop(client.request("DELETE", &path).expect(status));
    };
    fails(&client, ("DELETE", "/orders/1", ""), 503, "quarantined");
    release("flowers/orders/1", 204);
    release("flowers/orders/1", 404);
    release("flowers/listings/1", 404);
    release("nowhere/orders/1", 404);
    drop(client.request("DELETE", "/orders/1").expect(204));
    client.get("/ops/quarantine").has("/quarantine/0/number", 2);
    let actors = client.get("/ops/actors");
    let shards = actors.json()["shards"].as_array().unwrap().clone();
    assert!(shards.iter().all(|shard| shard["state"] == "alive"));
    let sum = |name: &str| {
        let counts = shards.iter().map(|shard| shard[name].as_u64().unwrap());
        counts.sum::<u64>()
    };
    assert_eq!((sum("panics"), sum("panics_in_hour")), (10, 10));
    actors.has("/commits_waiting", 0);
    let own = r#"{storefront="flowers",kind="order"}"#;
    is_measured(&client, &format!("jumun_actor_restarts_total{own} 10"));
    is_measured(&client, &format!("jumun_quarantined{own} 1"));
}

/// A line of `/metrics` says this.
fn is_measured(client: &Client, line: &str) {
    let reply = client.get("/metrics");
    assert!(
        reply.text.lines().any(|own| own == line),
        "{line}\n{}",
        reply.text
    );
}

#[test]
fn a_listing_that_panics_is_quarantined_alone_and_the_orders_that_want_it_are_not() {
    let server = Setup::of("stays")
        .config("fault_injection = true\n")
        .start();
    let client = server.client();
    for _ in 0..2 {
        let room = r#"{"roomType": "DERUX", "roomStatus": "EMPTY", "roomName": "DERUX ROOM",
            "roomQty": "100", "roomPrice": "1200000"}"#;
        client.post("/rooms", room);
    }
    let reserve = |room: u64| {
        let body = format!(
            r#"{{"customerName": "PARK", "customerId": "9805", "reserveStatus": "reserve",
                "roomNumber": "{room}", "paymentPrice": "50000"}}"#
        );
        let request = client.request("POST", "/reservations").json(&body);
        request.send().unwrap()
    };
    let fault = |place: &str| {
        let fault =
            format!(r#"[{{"at": "{place}", "kind": "listing", "number": 1, "do": "panic"}}]"#);
        set(&client, &fault);
    };
    for place in ["decide", "serve"] {
        fault(place);
        for _ in 0..5 {
            let (status, reply) = reserve(1);
            assert_eq!(status, 500, "{place}: {}", reply.text);
            assert_eq!(reserve(2).0, 201, "{place}");
        }
        let (status, reply) = reserve(1);
        assert_eq!(status, 503, "{place}");
        reply.has("/code", "quarantined");
        clear(&client);
        let released = client.request("DELETE", "/ops/quarantine/stays/listings/1");
        drop(released.expect(204));
    }
    assert_eq!(reserve(1).0, 201);
}

/// Places orders until the shard with this number has had one of them and it was not answered, or any
/// number of others were. Returns the numbers of those that were acknowledged.
fn placed(client: &Client, count: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    for _ in 0..count {
        let request = client.request("POST", "/orders").json(ORDER);
        let (status, reply) = request.send().unwrap();
        if status == 201 {
            numbers.push(reply.number());
        } else {
            assert!(
                [500, 503, 504].contains(&status),
                "{status}: {}",
                reply.text
            );
        }
    }
    numbers
}

/// Waits until so many shards were replaced.
fn until_replaced(client: &Client, count: u64) {
    let replaced = || {
        let reply = client.get("/ops/actors");
        let shards = reply.json()["shards"].as_array().unwrap().clone();
        shards
            .iter()
            .map(|shard| shard["replaced"].as_u64().unwrap())
            .sum::<u64>()
    };
    let mut looks = std::iter::repeat_with(replaced).take(20_000);
    assert!(
        looks.any(|replaced| replaced >= count),
        "{count} were not replaced"
    );
}

#[test]
fn a_shard_that_dies_is_made_again_and_nothing_acknowledged_is_lost() {
    let server = Setup::new()
        .config("fault_injection = true\n[limits]\nshards = 2\n")
        .start();
    let client = server.client();
    let mut numbers = placed(&client, 10);
    for (deaths, shard) in [0, 1, 0].into_iter().enumerate() {
        let fault = format!(r#"[{{"at": "shard", "number": {shard}, "do": "die", "times": 1}}]"#);
        set(&client, &fault);
        std::thread::scope(|scope| {
            let under_load: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| placed(&client, 50)))
                .collect();
            for load in under_load {
                numbers.extend(load.join().unwrap());
            }
        });
        until_replaced(&client, deaths as u64 + 1);
    }
    assert!(
        numbers.len() > 500,
        "the other shard goes on: {}",
        numbers.len()
    );
    numbers.extend(placed(&client, 10));
    for number in &numbers {
        drop(client.get(&format!("/orders/{number}")));
    }
    client.get("/livez");
    let recorded = server.verified();
    let confirmed = recorded.count("order.confirmed");
    assert!(
        confirmed >= numbers.len(),
        "{confirmed} of {}",
        numbers.len()
    );
}

#[test]
fn a_shard_that_is_stuck_is_replaced_and_its_thread_does_no_harm_when_it_comes_back() {
    let server = Setup::new()
        .config("fault_injection = true\n[limits]\nshards = 2\nstuck_ms_max = 1000\n")
        .start();
    let client = server.client();
    for _ in 0..3 {
        client.post("/orders", ORDER);
    }
    set(
        &client,
        r#"[{"at": "decide", "kind": "order", "number": 1, "do": "stall", "ms": 600000, "times": 1}]"#,
    );
    std::thread::scope(|scope| {
        let stuck = scope.spawn(|| client.request("DELETE", "/orders/1").send().unwrap().0);
        until_replaced(&client, 1);
        client.get("/ops/actors").has("/leaked", 1);
        is_measured(&client, "jumun_shard_threads_lost 1");
        let lines = client.get("/metrics").text;
        let stuck_once = |own: &str| own.contains("cause=\"stuck\"") && own.ends_with(" 1");
        let mut lines = lines.lines();
        assert!(
            lines.any(|own| own.starts_with("jumun_shard_replacements_total") && stuck_once(own))
        );
        // The shard works again, also on the order that it was stuck in.
        drop(client.request("DELETE", "/orders/1").expect(204));
        drop(client.request("DELETE", "/orders/2").expect(204));
        client.post("/orders", ORDER);
        // The thread comes back, and is not listened to.
        clear(&client);
        let status = stuck.join().unwrap();
        assert!([500, 503, 504].contains(&status), "{status}");
    });
    client.get("/livez");
    server.records(&[("order.cancelled", 2), ("payment.refunded", 2)]);
}

/// The last of many orders that each came alone: after sixteen of them the shard itself waits for the disk.
#[test]
fn a_disk_that_stands_still_is_no_shard_that_is_stuck() {
    let server = Setup::new()
        .config("fault_injection = true\n[limits]\nshards = 1\nstuck_ms_max = 500\n")
        .start();
    let client = server.client();
    placed(&client, 50);
    let metrics = client.get("/metrics").text;
    let is_alone = |line: &str| line.starts_with("jumun_commit_groups_alone_total ");
    let alone = metrics.lines().find(|line| is_alone(line)).unwrap();
    assert!(!alone.ends_with(" 0"), "its shard waits for none of them");
    set(
        &client,
        r#"[{"at": "sync", "do": "stall", "ms": 2500, "times": 1}]"#,
    );
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| client.post("/orders", ORDER).number());
        while !waits.is_finished() {
            drop(client.get("/livez"));
            drop(client.get("/orders/1"));
        }
        assert_eq!(waits.join().unwrap(), 51);
    });
    client.get("/ops/actors").has("/shards/0/replaced", 0);
    client.post("/orders", ORDER);
    server.records(&[("order.confirmed", 52)]);
}

#[test]
fn a_view_that_panics_stops_alone_and_has_everything_once_it_is_released() {
    let server = faulty();
    let client = server.client();
    client.post("/orders", ORDER);
    drop(client.get("/myPages/1"));
    set(
        &client,
        r#"[{"at": "view", "view": "myPages", "number": 2, "do": "panic"}]"#,
    );
    client.post("/orders", ORDER);
    client.post("/orders", ORDER);
    let behind = client.request("GET", "/myPages/1").expect(503);
    behind.has("/code", "view_behind");
    drop(client.get("/orderDetails/3"));
    client
        .get("/ops/quarantine")
        .has("/views/0/view", "myPages")
        .has("/views/0/reason", "an injected fault at view");
    clear(&client);
    let released = client.request("DELETE", "/ops/quarantine/flowers/views/myPages");
    drop(released.expect(204));
    for order in 1..=3 {
        drop(client.get(&format!("/myPages/{order}")));
    }
    drop(server.verified());
}
