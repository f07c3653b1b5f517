//! The originals' own walk through the flower shop, request by request.

use serde_json::Value;

use crate::support::{CANCEL, Client, ORDER, Server};

/// An order's body as httpie sends it.
fn order(customer: &str, address: &str, flower: &str, price: &str) -> String {
    format!(
        r#"{{"phoneNumber": "01012341234", "address": "{address}", "customerName": "{customer}",
            "flowerType": "{flower}", "price": "{price}", "status": "Ordered"}}"#
    )
}

fn walk(client: &Client) {
    let reply = client.post("/orders", ORDER);
    reply
        .has("/status", "Ordered")
        .has("/price", 10_000)
        .has("/phoneNumber", "01012341234");
    assert_eq!(
        reply.header("location"),
        format!("{}/orders/1", client.base())
    );
    reply.has("/_links/order/href", format!("{}/orders/1", client.base()));

    let reply = client.get("/orders");
    reply
        .has("/page/totalElements", 1)
        .has("/_embedded/orders/0/customerName", "KIM");
    reply.has("/_embedded/orders/0/status", "PaymentConfirmed");
    let reply = client.get("/payments");
    reply
        .has("/page/totalElements", 1)
        .has("/_embedded/payments/0/orderId", 1);
    reply.has("/_embedded/payments/0/status", "PaymentConfirmed");
    for view in ["myPages", "orderDetails"] {
        let reply = client.get(&format!("/{view}"));
        reply.has("/page", Value::Null);
        let row = format!("/_embedded/{view}/0");
        reply.has(&format!("{row}/status"), "PaymentConfirmed");
        reply
            .has(&format!("{row}/price"), 10_000)
            .has(&format!("{row}/deliveryStatus"), Value::Null);
    }

    let delivered = r#"{"orderId": "1", "status": "Delivered"}"#;
    client
        .post("/deliveries", delivered)
        .has("/orderId", 1)
        .has("/status", "Delivered");
    let reply = client.get("/deliveries");
    reply
        .has("/page/totalElements", 1)
        .has("/_embedded/deliveries/0/status", "Delivered");
    client.get("/orders/1").has("/status", "Delivered");
    client.get("/myPages/1").has("/deliveryStatus", "Delivered");

    let more = [
        ("KWON", "Seoul", "RoseBox", "10000"),
        ("LEE", "Bundang", "RandomBox", "20000"),
        ("Han", "Jeju", "DaisyBox", "30000"),
        ("PARK", "Busan", "LilyBox", "15000"),
    ];
    for (customer, address, flower, price) in more {
        let reply = client.post("/orders", &order(customer, address, flower, price));
        reply.has("/status", "Ordered").has("/flowerType", flower);
        let page = format!("/myPages/{}", reply.number());
        client
            .get(&page)
            .has("/deliveryStatus", Value::Null)
            .has("/customerName", customer);
    }
    let siege = [
        r#"{"flowerType":"AAAA","price":10000}"#,
        r#"{"couponId":"1", "customerId":"2", "qty":"1", "amt":"30000", "status":"ordered"}"#,
    ];
    for body in siege {
        client.post("/orders", body).has("/status", "Ordered");
    }
    client.get("/payments").has("/page/totalElements", 7);

    client
        .patch("/orders/1", CANCEL)
        .has("/status", "OrderCancelled");
    client.until("/payments/1", "/status", "PaymentCancelled");
    client
        .get("/deliveries/1")
        .has("/status", "DeliveryCancelled");
    client
        .get("/myPages/1")
        .has("/deliveryStatus", "DeliveryCancelled");
}

#[test]
fn the_originals_commands_work_at_the_root() {
    walk(&Server::start().client());
}

#[test]
fn the_originals_commands_work_under_the_storefronts_name() {
    walk(&Server::start().client().under("/flowers"));
}
