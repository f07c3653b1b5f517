//! A shop that is only a file: nothing in the program knows of laundries.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    Client, Process, Recorded,
    process::{run, verify_with},
};

const SHOPS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/storefronts");

const ORDER: &str = r#"{"customerName": "KIM", "address": "Mapo 1", "bags": 2, "price": 12000}"#;

const CANCEL: &str = r#"{"status": "Cancelled"}"#;

fn serve(data: &Path) -> Process {
    Process::serve(data, &["--storefronts", SHOPS, "--root", "laundry"])
}

fn place(client: &Client) -> u64 {
    let reply = client.post("/orders", ORDER);
    reply.has("/status", "Ordered").has("/price", 12_000);
    reply.number()
}

/// The load of this order comes to this step.
fn load(client: &Client, number: u64, step: &str) {
    let body = format!(r#"{{"orderId": {number}, "status": "{step}"}}"#);
    client.post("/loads", &body).has("/status", step);
}

fn is_too_late(client: &Client, method: &str, number: u64, body: &str) {
    let path = format!("/orders/{number}");
    let request = client.request(method, &path);
    let request = if method == "DELETE" {
        request
    } else {
        request.json(body)
    };
    let reply = request.expect(409);
    reply.has("/code", "too_late");
    let detail = reply.at("/detail");
    let detail = detail.as_str().unwrap_or_default();
    assert!(detail.contains("come to `"), "{detail}");
}

/// Stops it, which must go well, and looks at what it leaves.
fn ended(process: Process, data: &Path) -> Recorded {
    process.terminate();
    let (status, log) = process.wait();
    assert!(status.success(), "{status}: {log}");
    verify_with(data, &["--storefronts", SHOPS]);
    Recorded::read(data)
}

#[test]
fn the_file_has_no_mistakes_and_is_summed_up() {
    let file = format!("{SHOPS}/laundry.toml");
    let output = run(&["storefronts", "check", &file]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    for line in [
        "laundry.toml is fine",
        "Laundry / 동네 세탁소, in KRW",
        "1. pay (sync), then the order is confirmed",
        "2. deliver (command), then the order is completed",
        "order.remove, until Washing\n",
        "delivery.advance to Collected\n",
    ] {
        assert!(said.contains(line), "`{line}` is not in: {said}");
    }
}

#[test]
fn laundry_is_paid_collected_washed_and_brought_back() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let process = serve(&data);
    let client = process.client();
    let number = place(&client);
    let order = format!("/orders/{number}");
    client.get(&order).has("/status", "Paid");
    client
        .get(&format!("/payments/{number}"))
        .has("/status", "Paid")
        .has("/price", 12_000);

    let photo = format!(r#"{{"orderId": {number}, "photo": "2026/11/bag-7.jpg"}}"#);
    client
        .post("/loads", &photo)
        .has("/status", "Collected")
        .has("/photo", "2026/11/bag-7.jpg")
        .has("/address", "Mapo 1")
        .has("/driver", Value::Null);
    let moved = r#"{"address": "Mapo 2"}"#;
    client.patch(&order, moved).has("/status", "Paid");
    load(&client, number, "Washing");
    load(&client, number, "Washing");
    load(&client, number, "Returned");
    client.get(&order).has("/status", "Finished");

    let ticket = format!("/tickets/{number}");
    client
        .until(&ticket, "/load", "Returned")
        .has("/photo", "2026/11/bag-7.jpg")
        .has("/address", "Mapo 2")
        .has("/status", "Finished");
    let history = client.get(&format!("{ticket}/history")).text;
    assert!(history.contains("\"Washing\""), "{history}");
    let notices = client.get("/notifications").text;
    let expected = "KIM, your laundry is back.";
    assert!(notices.contains(expected), "{notices}");
    is_too_late(&client, "PATCH", number, moved);

    ended(process, &data).has(&[
        ("payment.captured", 1),
        ("delivery.noted", 1),
        ("delivery.step", 2),
        ("delivery.done", 1),
        ("order.completed", 1),
    ]);
}

#[test]
fn an_order_is_called_off_until_washing_begins_and_not_after() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let process = serve(&data);
    let client = process.client();
    let [waiting, collected, washing, removed] = [(); 4].map(|()| place(&client));
    load(&client, collected, "Collected");
    load(&client, washing, "Washing");
    client
        .request("DELETE", &format!("/orders/{removed}"))
        .expect(204);
    for number in [waiting, collected] {
        // Twice is as good as once.
        for _ in 0..2 {
            let reply = client.patch(&format!("/orders/{number}"), CANCEL);
            reply.has("/status", "Cancelled");
        }
        client.until(&format!("/payments/{number}"), "/status", "GaveBack");
    }
    client
        .get(&format!("/loads/{collected}"))
        .has("/status", "CalledOff");
    is_too_late(&client, "PATCH", washing, CANCEL);
    is_too_late(&client, "DELETE", washing, "");
    // What has come so far is not forgotten.
    process.kill();
    let process = serve(&data);
    let client = process.client();
    is_too_late(&client, "PATCH", washing, CANCEL);
    client
        .get(&format!("/orders/{washing}"))
        .has("/status", "Paid");
    client.until(&format!("/payments/{removed}"), "/status", "GaveBack");
    load(&client, washing, "Returned");
    is_too_late(&client, "PATCH", washing, CANCEL);

    ended(process, &data).has(&[
        ("order.placed", 4),
        ("order.cancelled", 3),
        ("payment.refunded", 3),
        ("delivery.cancelled", 1),
        ("order.completed", 1),
    ]);
}

#[test]
fn laundry_that_cannot_be_paid_or_understood_is_not_taken() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let process = serve(&data);
    let client = process.client();
    for body in [
        r#"{"customerName": "KIM", "address": "Mapo 1"}"#,
        r#"{"customerName": "KIM", "price": 1}"#,
        r#"{"customerName": "KIM", "address": "Mapo 1", "bags": 21, "price": 1}"#,
    ] {
        client.request("POST", "/orders").json(body).expect(400);
    }
    client.pause("laundry/payments");
    client.request("POST", "/orders").json(ORDER).expect(503);
    client.resume("laundry/payments");
    client.get("/orders").has("/page/totalElements", 0);
    client.get("/payments").has("/page/totalElements", 0);
    let unknown = r#"{"orderId": 999}"#;
    let reply = client.request("POST", "/loads").json(unknown).expect(422);
    reply.has("/code", "unknown_order");
    ended(process, &data).has(&[("order.placed", 0)]);
}
