//! The fish restaurant: SEED API section 6.

use serde_json::Value;

use crate::support::{Client, Server, Setup};

/// The order of the original's walk, with numbers as httpie sends them: as text.
const ORDER: &str = r#"{"customerName": "HanYongsun", "fishName": "flatfish", "qty": "1",
    "telephone": "01012341234", "address": "kyungkido sungnamsi", "status": "paid"}"#;

/// The order of the original's load test, with real numbers where it had them.
const SIEGE: &str = r#"{"customerName": "HanYongsun", "fishName": "flatfish", "qty": 1,
    "telephone": "01012341234", "address": "kyungkido sungnamsi", "status": "paid"}"#;

const PREPARED: &str = r#"{"status": "prepared"}"#;
const CANCEL: &str = r#"{"status": "canceled"}"#;

const COLLECTIONS: [&str; 4] = ["orders", "payments", "fishstores", "deliveries"];

fn shop() -> (Server, Client) {
    let server = Setup::of("fish").start();
    let client = server.client();
    (server, client)
}

/// Places an order; its number is the next one, or a later one.
fn place(client: &Client) -> u64 {
    client.post("/orders", ORDER).number()
}

/// The store takes the order; what it is answered has no body.
fn take(client: &Client, number: u64) {
    let path = format!("/fishstores/{number}");
    assert_eq!(client.patch(&path, PREPARED).text, "");
}

/// What the order, its payment, its row at the store, its delivery and its customer's page say;
/// nothing where there is none. Read models follow, so the page is awaited.
fn stands(client: &Client, number: u64, expected: [&str; 5]) {
    let [order, payment, store, delivery, page] = expected;
    client.until(&format!("/myPages/{number}"), "/status", page);
    for (path, status) in [
        ("orders", order),
        ("payments", payment),
        ("fishstores", store),
        ("deliveries", delivery),
    ] {
        let path = format!("/{path}/{number}");
        if status.is_empty() {
            client.request("GET", &path).expect(404);
        } else {
            client.until(&path, "/status", status);
        }
    }
}

fn is_empty(client: &Client, collections: &[&str]) {
    for path in collections {
        client
            .get(&format!("/{path}"))
            .has("/page/totalElements", 0);
    }
}

/// The request is answered with this status and code.
fn is_refused(client: &Client, request: &str, body: &str, status: u16, code: &str) {
    let (method, path) = request.split_once(' ').unwrap();
    let reply = client.request(method, path).json(body).expect(status);
    reply.has("/code", code);
}

/// The walk of the original's readme.
fn walk(client: &Client) {
    for body in [ORDER, SIEGE] {
        let reply = client.post("/orders", body);
        reply
            .has("/customerName", "HanYongsun")
            .has("/fishName", "flatfish")
            .has("/qty", 1)
            .has("/telephone", 1_012_341_234)
            .has("/address", "kyungkido sungnamsi")
            .has("/status", "paid");
        let members = reply.json().as_object().map(serde_json::Map::len);
        assert_eq!(members, Some(7), "{}", reply.text);
        let href = format!("{}/orders/{}", client.base(), reply.number());
        reply.has("/_links/order/href", href);
    }
    client.get("/fishstores/1").has("/status", "paid");
    take(client, 1);
    client.until("/deliveries/1", "/status", "delivered");
    for path in ["orders", "payments", "fishstores"] {
        let reply = client.get(&format!("/{path}"));
        reply.has("/page/totalElements", 2);
        reply.has(&format!("/_embedded/{path}/0/telephone"), 1_012_341_234);
    }
    for path in ["payments", "fishstores", "deliveries"] {
        client.get(&format!("/{path}/1")).has("/orderId", 1);
        let search = format!("/{path}/search/findByOrderId?orderId=");
        client.get(&format!("{search}1")).has("/orderId", 1);
        client.request("GET", &format!("{search}999")).expect(404);
    }
    client.until("/myPages/1", "/status", "delivered");
    let found = client.get("/myPages/search/findByStatus?status=delivered");
    found
        .has("/_embedded/myPages/0/fishName", "flatfish")
        .has("/_embedded/myPages/1", Value::Null);
    for path in ["/myPages", "/mypages"] {
        let reply = client.get(path);
        reply
            .has("/page", Value::Null)
            .has("/_embedded/myPages/1/customerName", "HanYongsun");
    }
}

#[test]
fn the_originals_commands_work_at_the_root() {
    let (server, client) = shop();
    walk(&client);
    server.verified();
}

#[test]
fn the_originals_commands_work_under_the_storefronts_name() {
    let (_server, client) = shop();
    walk(&client.under("/fish"));
}

#[test]
fn the_originals_frontend_finds_a_number_in_every_link() {
    let (_server, client) = shop();
    place(&client);
    client.until("/fishstores/1", "/status", "paid");
    for path in ["orders", "payments", "fishstores", "mypages"] {
        let reply = client.get(&format!("/{path}/1"));
        let href = reply.at("/_links/self/href");
        assert!(href.as_str().unwrap().ends_with("/1"), "{path}: {href}");
    }
}

// ---- What was required (6h) ---------------------------------------------------------------------

#[test]
fn a_customer_picks_a_fish_dish_and_orders_it() {
    let (server, client) = shop();
    let reply = client.post("/orders", ORDER);
    assert_eq!(reply.number(), 1);
    client.get("/orders/1").has("/fishName", "flatfish");
    server.ends_with(&[("order.placed", 1)]);
}

#[test]
fn a_customer_pays_what_the_order_costs() {
    let (server, client) = shop();
    place(&client);
    let priced = r#"{"fishName": "flatfish", "price": 30000, "status": "paid"}"#;
    let reply = client.post("/orders", priced);
    reply.has("/price", Value::Null);
    for number in [1, reply.number()] {
        let path = format!("/payments/{number}");
        client.get(&path).has("/status", "paid");
    }
    server.ends_with(&[("payment.captured", 2), ("order.confirmed", 2)]);
}

#[test]
fn an_order_that_is_paid_goes_to_the_store() {
    let (server, client) = shop();
    place(&client);
    client.until("/fishstores/1", "/status", "paid");
    let row = client.get("/fishstores/1");
    row.has("/orderId", 1)
        .has("/customerName", "HanYongsun")
        .has("/fishName", "flatfish")
        .has("/qty", 1)
        .has("/telephone", 1_012_341_234)
        .has("/address", "kyungkido sungnamsi");
    server.ends_with(&[("approval.requested", 1)]);
}

#[test]
fn the_owner_takes_the_order_and_prepares_it() {
    let (server, client) = shop();
    place(&client);
    is_empty(&client, &["deliveries"]);
    take(&client, 1);
    client.get("/fishstores/1").has("/status", "prepared");
    server.ends_with(&[("approval.granted", 1)]);
}

#[test]
fn the_rider_starts_when_the_store_has_taken_the_order() {
    let (server, client) = shop();
    place(&client);
    take(&client, 1);
    client.until("/deliveries/1", "/status", "delivered");
    client.get("/deliveries/1").has("/fishName", "flatfish");
    server.ends_with(&[("delivery.done", 1), ("order.completed", 1)]);
}

#[test]
fn a_customer_can_cancel() {
    let (server, client) = shop();
    for method in ["PATCH", "PUT"] {
        let path = format!("/orders/{}", place(&client));
        let reply = client.request(method, &path).json(CANCEL).expect(200);
        reply
            .has("/status", "canceled")
            .has("/fishName", "flatfish");
        client.get(&path).has("/status", "canceled");
    }
    server.ends_with(&[("order.cancelled", 2)]);
}

#[test]
fn cancelling_calls_off_the_delivery_and_the_payment() {
    let (server, client) = shop();
    let [waiting, brought, other] = [(); 3].map(|()| place(&client));
    take(&client, brought);
    let paid = ["paid", "paid", "paid", "", "paid"];
    stands(&client, waiting, paid);
    let delivered = ["paid", "paid", "prepared", "delivered", "delivered"];
    stands(&client, brought, delivered);
    for number in [waiting, brought] {
        client.patch(&format!("/orders/{number}"), CANCEL);
    }
    let all = "canceled";
    stands(&client, waiting, [all, all, all, "", all]);
    stands(&client, brought, [all; 5]);
    stands(&client, other, paid);
    server.ends_with(&[
        ("payment.refunded", 2),
        ("approval.withdrawn", 2),
        ("delivery.cancelled", 1),
    ]);
}

#[test]
fn a_customer_checks_the_state_of_an_order() {
    let (_server, client) = shop();
    place(&client);
    client.get("/orders/1").has("/status", "paid");
    client.until("/myPages/1", "/status", "paid");
    let search = client.get("/myPages/search/findByStatus?status=canceled");
    search.has("/_embedded/myPages/0", Value::Null);
}

#[test]
fn each_change_of_order_and_delivery_is_visible_on_the_customers_page() {
    let (_server, client) = shop();
    let page = |status: &str| {
        let reply = client.until("/myPages/1", "/status", status);
        reply
            .has("/customerName", "HanYongsun")
            .has("/fishName", "flatfish")
            .has("/qty", 1)
            .has("/telephone", 1_012_341_234)
            .has("/address", "kyungkido sungnamsi");
        let members = reply.json().as_object().map(serde_json::Map::len);
        assert_eq!(
            members,
            Some(7),
            "no number but in the link: {}",
            reply.text
        );
    };
    place(&client);
    page("paid");
    client.pause("fish/delivery");
    take(&client, 1);
    page("prepared");
    client.resume("fish/delivery");
    page("delivered");
    client.patch("/orders/1", CANCEL);
    page("canceled");
    let amended = r#"{"address": "Seoul"}"#;
    let other = place(&client);
    let reply = client.patch(&format!("/orders/{other}"), amended);
    reply.has("/address", "Seoul");
    client.until(&format!("/myPages/{other}"), "/address", "Seoul");
}

#[test]
fn an_order_is_complete_only_if_it_is_paid() {
    let setup = Setup::of("fish").config("[payment]\ndown = true\n");
    let server = setup.start();
    let client = server.client();
    let reply = client.request("POST", "/orders").json(ORDER).expect(503);
    assert_ne!(reply.header("retry-after"), "");
    is_empty(&client, &COLLECTIONS);
    client
        .get("/myPages")
        .has("/_embedded/myPages/0", Value::Null);
    server.ends_with(&[("order.placed", 0)]);
}

#[test]
fn while_the_payment_is_down_nothing_is_stored() {
    let (server, client) = shop();
    client.pause("fish/payment");
    for _ in 0..2 {
        let reply = client.request("POST", "/orders").json(ORDER).expect(503);
        assert_ne!(reply.header("retry-after"), "");
    }
    is_empty(&client, &["orders", "fishstores", "deliveries"]);
    client.resume("fish/payment");
    is_empty(&client, &COLLECTIONS);
    let number = place(&client);
    let row = format!("/fishstores/{number}");
    client.until(&row, "/status", "paid");
    server.ends_with(&[("order.placed", 1), ("payment.captured", 1)]);
}

#[test]
fn while_the_store_is_down_orders_are_taken_and_come_to_it_afterwards_once_each_in_order() {
    let server = Setup::of("fish").config("[limits]\nshards = 1\n").start();
    let client = server.client();
    place(&client);
    client.pause("fish/fishstore");
    client.request("GET", "/fishstores").expect(503);
    for number in 2..=12 {
        client.post("/orders", ORDER).has("/status", "paid");
        let path = format!("/payments/{number}");
        client.get(&path).has("/status", "paid");
    }
    client.patch("/orders/12", CANCEL);
    client.until("/payments/12", "/status", "canceled");
    client.resume("fish/fishstore");
    for number in 1..=11 {
        client.until(&format!("/fishstores/{number}"), "/status", "paid");
    }
    client.get("/fishstores").has("/page/totalElements", 11);
    let recorded = server.verified();
    recorded.has(&[("order.placed", 12), ("approval.requested", 11)]);
    let requested = recorded.0.iter();
    let requested: Vec<&str> = requested
        .filter_map(|event| event.strip_prefix("approval.requested "))
        .collect();
    let in_order: Vec<String> = (1..=11).map(|number: u64| number.to_string()).collect();
    assert_eq!(requested, in_order);
}

// ---- What follows from what (6e) ----------------------------------------------------------------

#[test]
fn while_the_rider_is_away_the_store_goes_on_and_each_order_is_brought_once() {
    let (server, client) = shop();
    client.pause("fish/delivery");
    let taken = [(); 3].map(|()| place(&client));
    for number in taken {
        take(&client, number);
        let page = format!("/myPages/{number}");
        client.until(&page, "/status", "prepared");
    }
    client.resume("fish/delivery");
    for number in taken {
        let path = format!("/deliveries/{number}");
        client.until(&path, "/status", "delivered");
    }
    server.ends_with(&[("delivery.done", 3)]);
}

#[test]
fn an_order_that_the_store_refuses_is_cancelled_and_its_money_given_back() {
    let (server, client) = shop();
    let refuse = |number: u64, method: &str, status: u16| {
        let path = format!("/fishstores/{number}");
        let reply = client.request(method, &path);
        let reply = match method {
            "DELETE" => reply,
            _ => reply.json(CANCEL),
        };
        reply.expect(status);
    };
    for (method, status) in [("PATCH", 200), ("PUT", 200), ("DELETE", 204)] {
        let number = place(&client);
        refuse(number, method, status);
        let all = "canceled";
        stands(&client, number, [all, all, all, "", all]);
    }
    // Also when it was taken and brought before.
    let number = place(&client);
    take(&client, number);
    client.until(&format!("/deliveries/{number}"), "/status", "delivered");
    refuse(number, "PATCH", 200);
    stands(&client, number, ["canceled"; 5]);
    server.ends_with(&[
        ("approval.refused", 4),
        ("approval.withdrawn", 0),
        ("order.cancelled", 4),
        ("payment.refunded", 4),
        ("delivery.cancelled", 1),
    ]);
}

#[test]
fn an_order_that_changes_without_being_cancelled_is_not_told_to_be() {
    let (server, client) = shop();
    place(&client);
    client.patch("/orders/1", r#"{"qty": 2}"#).has("/qty", 2);
    client.patch("/orders/1", r#"{"status": "paid"}"#);
    stands(&client, 1, ["paid", "paid", "paid", "", "paid"]);
    client.get("/fishstores/1").has("/qty", 2);
    server.ends_with(&[("order.amended", 1), ("order.cancelled", 0)]);
}

#[test]
fn an_order_that_is_cancelled_before_the_store_or_the_rider_has_it_needs_nothing_of_them() {
    let (server, client) = shop();
    client.pause("fish/fishstore");
    client.pause("fish/delivery");
    place(&client);
    client.patch("/orders/1", CANCEL);
    client.until("/payments/1", "/status", "canceled");
    client.resume("fish/fishstore");
    client.resume("fish/delivery");
    stands(&client, 1, ["canceled", "canceled", "", "", "canceled"]);
    server.ends_with(&[
        ("approval.requested", 0),
        ("delivery.planned", 0),
        ("payment.refunded", 1),
    ]);
}

// ---- What goes wrong ----------------------------------------------------------------------------

#[test]
fn cancelling_twice_gives_the_money_back_once() {
    let (server, client) = shop();
    place(&client);
    for _ in 0..2 {
        client.patch("/orders/1", CANCEL).has("/status", "canceled");
    }
    client.until("/payments/1", "/status", "canceled");
    server.ends_with(&[("order.cancelled", 1), ("payment.refunded", 1)]);
}

#[test]
fn the_store_may_say_yes_twice_whatever_its_words() {
    let (server, client) = shop();
    place(&client);
    for body in [PREPARED, PREPARED, "{}", r#"{"status": "on its way"}"#] {
        let reply = client.patch("/fishstores/1", body);
        assert_eq!(reply.text, "", "{body}");
    }
    client.get("/fishstores/1").has("/status", "prepared");
    let path = format!("/fishstores/{}", place(&client));
    let request = client.request("PUT", &path).json(PREPARED);
    request.expect(200).has("/status", "prepared");
    server.ends_with(&[("approval.granted", 2), ("delivery.done", 2)]);
}

#[test]
fn what_is_called_off_is_neither_taken_nor_refused() {
    let (server, client) = shop();
    place(&client);
    client.patch("/orders/1", CANCEL);
    for body in [PREPARED, CANCEL] {
        is_refused(&client, "PATCH /fishstores/1", body, 409, "order_cancelled");
    }
    is_refused(
        &client,
        "PATCH /orders/1",
        r#"{"qty": 3}"#,
        409,
        "order_cancelled",
    );
    server.ends_with(&[("approval.granted", 0), ("delivery.planned", 0)]);
}

#[test]
fn an_order_that_does_not_say_it_is_to_be_paid_is_refused_and_not_stored() {
    let (_server, client) = shop();
    for body in [
        "{}",
        r#"{"fishName": "flatfish"}"#,
        r#"{"fishName": "flatfish", "status": "ordered"}"#,
        r#"{"fishName": "flatfish", "status": "canceled"}"#,
    ] {
        is_refused(&client, "POST /orders", body, 409, "status_not_settable");
    }
    let unsaid = client.request("POST", "/orders").json("{}").expect(409);
    let expected = "the request does not say what it means: expected status = \"paid\"";
    unsaid.has("/detail", expected);
    is_empty(&client, &COLLECTIONS);
}

#[test]
fn values_and_numbers_that_there_are_not_are_told_apart() {
    let (_server, client) = shop();
    for (field, value) in [
        ("qty", r#""two""#),
        ("telephone", r#""010-1234-1234""#),
        ("telephone", "true"),
        ("telephone", r#""99999999999999999999""#),
        ("price", r#""ten""#),
    ] {
        let body = format!(r#"{{"{field}": {value}, "status": "paid"}}"#);
        is_refused(&client, "POST /orders", &body, 400, "field_invalid");
    }
    is_refused(&client, "POST /orders", "{", 400, "body_invalid");
    for path in ["/orders/999", "/fishstores/999"] {
        for method in ["PATCH", "PUT"] {
            let request = format!("{method} {path}");
            is_refused(&client, &request, CANCEL, 404, "not_found");
        }
        client.request("GET", path).expect(404);
        client.request("DELETE", path).expect(404);
    }
    is_refused(&client, "PATCH /fishstores/999", PREPARED, 404, "not_found");
    is_empty(&client, &COLLECTIONS);
    let long = r#"{"telephone": "821012341234", "status": "paid"}"#;
    client
        .post("/orders", long)
        .has("/telephone", 821_012_341_234_u64);
}
