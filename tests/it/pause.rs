//! A part of a shop that is paused answers nothing, and stays paused until someone lets it run.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Client, ORDER, Process, Server, process::does_not_start};

const PAYMENT: &str = "/ops/components/flowers/payment";

fn set(client: &Client, path: &str, state: &str) {
    let body = json!({ "state": state }).to_string();
    let reply = client.request("PUT", path).json(&body).expect(200);
    reply.has("/state", state);
    client.get(path).has("", reply.json());
}

/// Every request to a paused part says so, and when to come back.
fn is_paused(client: &Client, request: &str, part: &str) {
    let (method, path) = request.split_once(' ').unwrap();
    let reply = client.request(method, path).json("{}").expect(503);
    let seconds: u32 = reply.header("retry-after").parse().unwrap();
    assert!(seconds > 0, "{request}");
    if method != "HEAD" {
        reply.has("/code", "component_paused").has(
            "/detail",
            format!("the part `{part}` of this shop is paused; try again later"),
        );
    }
}

#[test]
fn a_page_in_a_browser_pauses_nothing() {
    let server = Server::start();
    let client = server.client();
    let asked = client
        .request("PUT", PAYMENT)
        .json(r#"{"state": "paused"}"#);
    let refused = asked.header("origin", "http://localhost:8080").expect(403);
    refused.has("/code", "local_only");
    client.get(PAYMENT).has("/state", "running");
}

#[test]
fn what_is_paused_answers_503_at_every_path_and_mount_and_nothing_else_does() {
    let server = Server::start();
    let client = server.client();
    client.post("/orders", ORDER);
    set(&client, PAYMENT, "paused");
    for prefix in ["", "/flowers"] {
        for path in [
            "GET /payments",
            "GET /payments/",
            "HEAD /payments",
            "OPTIONS /payments",
            "DELETE /payments",
            "GET /payments/1",
            "HEAD /payments/1",
            "GET /payments/999",
            "GET /payments/search",
            "GET /payments/search/findByOrderId?orderId=1",
        ] {
            let (method, path) = path.split_once(' ').unwrap();
            is_paused(&client, &format!("{method} {prefix}{path}"), "payment");
        }
        for path in [
            "",
            "/orders/1",
            "/deliveries",
            "/myPages/1",
            "/profile/payments",
        ] {
            client.get(&format!("{prefix}{path}"));
        }
    }
    for path in ["/livez", "/readyz", "/problems/component_paused"] {
        client.get(path);
    }

    set(&client, "/ops/components/flowers/delivery", "paused");
    is_paused(&client, "POST /deliveries", "delivery");
    is_paused(&client, "GET /orderDetails/1", "delivery");
    is_paused(&client, "GET /payments/1", "payment");
    set(&client, PAYMENT, "running");
    client.get("/payments/1").has("/status", "PaymentConfirmed");
    is_paused(&client, "GET /orderDetails", "delivery");

    set(&client, "/ops/components/flowers/order", "paused");
    is_paused(&client, "POST /orders", "order");
    is_paused(&client, "PATCH /orders/1", "order");
    is_paused(&client, "DELETE /orders/1", "order");
    is_paused(
        &client,
        "GET /myPages/search/findByOrderId?orderId=1",
        "order",
    );
    set(&client, "/ops/components/flowers/order", "running");
    client.get("/orders").has("/page/totalElements", 1);
}

#[test]
fn the_parts_are_listed_and_set_as_often_as_one_likes() {
    let server = Server::start();
    let client = server.client();
    let part = |component: &str, state: &str, collections: &[&str]| {
        json!({"storefront": "flowers", "component": component, "state": state,
            "collections": collections})
    };
    let order = part("order", "running", &["orders", "myPages"]);
    let payment = |state| part("payment", state, &["payments"]);
    let delivery = part("delivery", "running", &["deliveries", "orderDetails"]);
    let notice = part("notice", "running", &["notifications"]);
    let listed = |payment: Value| {
        let all = json!([order.clone(), payment, delivery.clone(), notice.clone()]);
        client
            .get("/ops/components/flowers")
            .has("/components", all.clone());
        let found = client.get("/ops/components").at("/components");
        let of_flowers = found.as_array().unwrap().iter();
        let of_flowers = of_flowers.filter(|part| part["storefront"] == "flowers");
        assert_eq!(of_flowers.cloned().collect::<Value>(), all);
    };
    listed(payment("running"));
    for state in ["paused", "paused", "running", "running", "paused"] {
        set(&client, PAYMENT, state);
        listed(payment(state));
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of requests")]
fn a_part_or_state_that_there_is_not_is_answered_with_what_there_is() {
    let server = Server::start();
    let client = server.client();
    let check = |method: &str, path: &str, body: &str, status: u16, code: &str, said: &str| {
        let request = client.request(method, &format!("/ops/{path}"));
        let reply = request.json(body).expect(status);
        let detail = reply.has("/code", code).at("/detail");
        let detail = detail.as_str().unwrap();
        assert!(detail.contains(said), "{method} {path} {body}: {detail}");
    };
    let paused = r#"{"state": "paused"}"#;
    let (shops, parts) = (
        "there are: fish, flowers,",
        "there are: order, payment, delivery",
    );
    check("GET", "components/flower", "", 404, "not_found", shops);
    check(
        "GET",
        "components/flower/payment",
        "",
        404,
        "not_found",
        shops,
    );
    check(
        "GET",
        "components/flowers/payments",
        "",
        404,
        "not_found",
        parts,
    );
    check(
        "PUT",
        "components/flowers/refund",
        paused,
        404,
        "not_found",
        parts,
    );
    check(
        "PUT",
        "components/flowers/refund",
        "",
        404,
        "not_found",
        parts,
    );
    let put = |body: &str, code: &str| {
        let expected = r#"expected {"state": "paused"} or {"state": "running"}"#;
        check(
            "PUT",
            "components/flowers/payment",
            body,
            400,
            code,
            expected,
        );
    };
    put("", "body_missing");
    put("{", "body_invalid");
    put(r#""paused""#, "body_invalid");
    put("{}", "field_required");
    put(r#"{"state": null}"#, "field_required");
    put(r#"{"state": "Paused"}"#, "field_invalid");
    put(r#"{"state": true}"#, "field_invalid");
    for method in ["POST", "PATCH", "DELETE"] {
        let request = client.request(method, PAYMENT).json(paused);
        assert_eq!(request.expect(405).header("allow"), "GET,HEAD,PUT,OPTIONS");
    }
    let request = client.request("PUT", "/ops/components").json(paused);
    request.expect(405);
    client.request("GET", "/ops").expect(404);
    client.get(PAYMENT).has("/state", "running");
}

#[test]
fn a_pause_outlasts_a_kill_and_a_restart() {
    let data = TempDir::new().unwrap();
    let data = data.path().join("data");
    let process = Process::serve(&data, &[]);
    assert!(!data.join("components.json").exists(), "nothing is paused");
    set(&process.client(), PAYMENT, "paused");
    set(&process.client(), "/ops/components/flowers/order", "paused");
    set(
        &process.client(),
        "/ops/components/flowers/order",
        "running",
    );
    process.kill();

    let process = Process::serve(&data, &[]);
    let said = "the part `payment` of `flowers` is paused; PUT";
    assert!(process.greeting.contains(said), "{}", process.greeting);
    is_paused(&process.client(), "GET /flowers/payments", "payment");
    process.client().get("/flowers/orders");
    set(&process.client(), PAYMENT, "running");
    process.terminate();
    assert!(process.wait().0.success());

    let process = Process::serve(&data, &[]);
    assert!(!process.greeting.contains("paused"), "{}", process.greeting);
    process.client().get("/flowers/payments");
}

#[test]
fn pauses_of_what_is_not_served_are_told_ignored_and_kept() {
    let data = Server::start().stop();
    let file = data.path().join("data/components.json");
    let text = r#"{"format": 1, "paused": [{"storefront": "tulips", "component": "payment"},
        {"storefront": "flowers", "component": "refund"}]}"#;
    fs::write(&file, text).unwrap();
    let process = Process::serve(&data.path().join("data"), &[]);
    for ignored in ["`payment` of `tulips`", "`refund` of `flowers`"] {
        assert!(process.greeting.contains(ignored), "{}", process.greeting);
    }
    assert!(process.greeting.contains("components.json"));
    process.client().get("/flowers/payments");
    set(&process.client(), PAYMENT, "paused");
    drop(process);
    let kept: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let pause = |storefront, component| json!({"storefront": storefront, "component": component});
    let expected = [
        pause("flowers", "payment"),
        pause("tulips", "payment"),
        pause("flowers", "refund"),
    ];
    assert_eq!(kept["paused"], json!(expected));
}

#[test]
fn a_file_of_pauses_that_cannot_be_read_is_refused_with_what_to_do() {
    let data = Server::start().stop();
    let data = data.path().join("data");
    let file = data.join("components.json");
    let check = |text: &[u8], why: &str| {
        fs::write(&file, text).unwrap();
        let advice = "mend it, or remove it: then all run";
        does_not_start(&data, &["components.json", why, advice]);
        assert_eq!(fs::read(&file).unwrap(), text, "it is left as it was");
    };
    check(b"", "EOF");
    check(b"\0\0\0\0", "line 1");
    check(br#"{"format": 1, "paused": ["payment"]}"#, "payment");
    check(
        br#"{"format": 1, "paused": [{"storefront": "flowers"}]}"#,
        "component",
    );
    check(br#"{"format": 2, "paused": []}"#, "its format is 2");
    check(&vec![b' '; 1024 * 1024 + 1], "more than 1048576 bytes");
    fs::remove_file(&file).unwrap();
    Process::serve(&data, &[]).client().get("/flowers/payments");
}

#[test]
fn a_pause_that_cannot_be_kept_is_not_answered_as_one() {
    let data = TempDir::new().unwrap();
    let data = data.path().join("data");
    let process = Process::serve(&data, &[]);
    let client = process.client();
    // Nothing can be renamed over a directory that holds something.
    let in_the_way = data.join("components.json");
    fs::create_dir_all(in_the_way.join("something")).unwrap();
    let request = client.request("PUT", PAYMENT);
    let reply = request.json(r#"{"state": "paused"}"#).expect(503);
    reply.has("/code", "store_unavailable");
    client.get(PAYMENT).has("/state", "running");
    client.get("/flowers/payments");
    fs::remove_dir_all(in_the_way).unwrap();
    set(&client, PAYMENT, "paused");
}
