//! The flower shop: SEED API section 3, requirement by requirement. The walk through its commands is
//! `walk`; what goes wrong on the way is in `behaviour`.

use serde_json::{Value, json};

use crate::support::{CANCEL, Client, ORDER, Server};

const DELIVERED: &str = r#"{"orderId": "1", "status": "Delivered"}"#;

fn shop() -> (Server, Client) {
    let server = Server::start();
    let client = server.client();
    (server, client)
}

fn ordered() -> (Server, Client) {
    let (server, client) = shop();
    client.post("/orders", ORDER).has("/status", "Ordered");
    (server, client)
}

fn set(client: &Client, component: &str, state: &str) {
    let path = format!("/ops/components/flowers/{component}");
    let body = json!({ "state": state }).to_string();
    client.request("PUT", &path).json(&body).expect(200);
}

#[test]
fn a_customer_chooses_a_subscription_and_orders_it() {
    let (_server, client) = shop();
    for flower in ["MixBox", "RoseBox"] {
        let order = ORDER.replace("MixBox", flower);
        let reply = client.post("/orders", &order);
        reply.has("/flowerType", flower).has("/status", "Ordered");
    }
}

#[test]
fn an_order_calls_the_payment() {
    let (_server, client) = ordered();
    let reply = client.get("/payments/search/findByOrderId?orderId=1");
    reply.has("/orderId", 1).has("/price", 10_000);
    reply.has("/status", "PaymentConfirmed");
    client.get("/orders/1").has("/status", "PaymentConfirmed");
}

#[test]
fn what_is_paid_reaches_the_florist() {
    let (_server, client) = ordered();
    let reply = client.get("/orderDetails/1");
    reply.has("/status", "PaymentConfirmed").has("/orderId", 1);
    reply.has("/address", "SEOUL").has("/flowerType", "MixBox");
}

#[test]
fn the_florist_looks_at_the_order_and_starts_its_delivery() {
    let (_server, client) = ordered();
    client
        .get("/orderDetails")
        .has("/_embedded/orderDetails/0/orderId", 1);
    client
        .post("/deliveries", DELIVERED)
        .has("/status", "Delivered");
    client.get("/orders/1").has("/status", "Delivered");
    client
        .get("/orderDetails/1")
        .has("/deliveryStatus", "Delivered");
}

#[test]
fn a_customer_can_cancel_before_and_after_the_delivery() {
    let (_server, client) = ordered();
    client
        .patch("/orders/1", CANCEL)
        .has("/status", "OrderCancelled");
    client.post("/orders", ORDER);
    let delivered = DELIVERED.replace("\"1\"", "\"2\"");
    client.post("/deliveries", &delivered);
    client
        .patch("/orders/2", CANCEL)
        .has("/status", "OrderCancelled");
}

#[test]
fn cancelling_an_order_cancels_its_payment() {
    let (_server, client) = ordered();
    client.patch("/orders/1", CANCEL);
    client.until("/payments/1", "/status", "PaymentCancelled");
    client.until("/myPages/1", "/status", "PaymentCancelled");
}

#[test]
fn cancelling_the_payment_cancels_the_delivery() {
    let (_server, client) = ordered();
    client.post("/deliveries", DELIVERED);
    client.patch("/orders/1", CANCEL);
    client.until("/deliveries/1", "/status", "DeliveryCancelled");
    client.until("/orderDetails/1", "/deliveryStatus", "DeliveryCancelled");
}

#[test]
fn a_customer_looks_up_order_and_payment_in_my_page_at_any_time() {
    let (_server, client) = ordered();
    let reply = client.get("/myPages/search/findByOrderId?orderId=1");
    reply.has("/flowerType", "MixBox").has("/price", 10_000);
    reply.has("/status", "PaymentConfirmed");
    reply.has("/deliveryStatus", Value::Null);
}

#[test]
fn orders_are_taken_while_the_delivery_is_down_and_delivered_afterwards() {
    let (_server, client) = shop();
    set(&client, "delivery", "paused");
    client.post("/orders", ORDER);
    client.get("/myPages/1").has("/deliveryStatus", Value::Null);
    client
        .request("POST", "/deliveries")
        .json(DELIVERED)
        .expect(503);
    client.request("GET", "/orderDetails").expect(503);
    set(&client, "delivery", "running");
    client.until("/orderDetails/1", "/status", "PaymentConfirmed");
    client.post("/deliveries", DELIVERED);
    client.get("/myPages/1").has("/deliveryStatus", "Delivered");
}

#[test]
fn no_order_is_placed_while_the_payment_is_down() {
    let (_server, client) = shop();
    set(&client, "payment", "paused");
    let reply = client.request("POST", "/orders").json(ORDER).expect(503);
    reply.has("/code", "component_paused");
    assert!(!reply.header("retry-after").is_empty());
    client.get("/orders").has("/page/totalElements", 0);
    client.get("/myPages").has("/_embedded/myPages", json!([]));
    set(&client, "payment", "running");
    client.post("/orders", ORDER).has("/status", "Ordered");
    client.get("/payments").has("/page/totalElements", 1);
}

#[test]
fn a_delivery_is_called_off_once_it_runs_again() {
    let (_server, client) = ordered();
    client.post("/deliveries", DELIVERED);
    set(&client, "delivery", "paused");
    client.patch("/orders/1", CANCEL);
    client.until("/payments/1", "/status", "PaymentCancelled");
    set(&client, "delivery", "running");
    client.until("/deliveries/1", "/status", "DeliveryCancelled");
    client.until("/orderDetails/1", "/deliveryStatus", "DeliveryCancelled");
}
