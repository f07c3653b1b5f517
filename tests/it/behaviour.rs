//! What the originals did wrong, done right.

use std::{fs, time::Duration};

use jumun::{
    actors::provider::{Answer, Call, Provider, Settles},
    domain::payment::Effect,
};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::support::{CANCEL, DELIVER, ORDER, Server, Setup};

#[test]
fn a_payment_moves_its_order_on() {
    let server = Server::start();
    let client = server.client();
    client.post("/orders", ORDER).has("/status", "Ordered");
    client.get("/orders/1").has("/status", "PaymentConfirmed");
    client.get("/myPages/1").has("/status", "PaymentConfirmed");
    server.records(&[
        ("order.placed", 1),
        ("payment.captured", 1),
        ("order.confirmed", 1),
    ]);
}

#[test]
fn a_delivery_that_is_started_twice_counts_once() {
    let server = Server::start();
    let client = server.client();
    client.post("/orders", ORDER);
    let first = client.post("/deliveries", DELIVER);
    let second = client.post("/deliveries", DELIVER);
    assert_eq!(first.text, second.text);
    client.get("/deliveries").has("/page/totalElements", 1);
    client.get("/orders/1").has("/status", "Delivered");
    server.records(&[("delivery.done", 1), ("order.completed", 1)]);
}

#[test]
fn an_order_that_is_cancelled_twice_is_refunded_once_and_its_delivery_called_off() {
    let server = Server::start();
    let client = server.client();
    client.post("/orders", ORDER);
    client.post("/deliveries", DELIVER);
    client
        .patch("/orders/1", CANCEL)
        .has("/status", "OrderCancelled");
    client
        .patch("/orders/1", CANCEL)
        .has("/status", "OrderCancelled");
    client.until("/payments/1", "/status", "PaymentCancelled");
    client
        .get("/deliveries/1")
        .has("/status", "DeliveryCancelled");
    client
        .until("/myPages/1", "/status", "PaymentCancelled")
        .has("/deliveryStatus", "DeliveryCancelled");
    server.records(&[
        ("order.cancelled", 1),
        ("payment.refunded", 1),
        ("delivery.cancelled", 1),
    ]);
}

#[test]
fn a_cancelled_order_is_not_delivered() {
    let server = Server::start();
    let client = server.client();
    client.post("/orders", ORDER);
    client.patch("/orders/1", CANCEL);
    client
        .request("POST", "/deliveries")
        .json(DELIVER)
        .expect(409);
    client.get("/orders/1").has("/status", "OrderCancelled");
    server.records(&[
        ("delivery.done", 0),
        ("order.completed", 0),
        ("payment.captured", 1),
    ]);
}

#[test]
fn without_payment_there_is_no_order() {
    let server = Setup::new().config("[payment]\ndown = true\n").start();
    let client = server.client();
    let reply = client.request("POST", "/orders").json(ORDER).expect(503);
    reply
        .has("/code", "payment_unavailable")
        .has("/path", "/orders");
    assert_eq!(reply.header("retry-after"), "1");
    for collection in [
        "orders",
        "payments",
        "deliveries",
        "myPages",
        "orderDetails",
    ] {
        let reply = client.get(&format!("/{collection}"));
        assert_eq!(
            reply.at(&format!("/_embedded/{collection}")),
            serde_json::json!([])
        );
    }
    let recorded = server.recorded().0.into_iter();
    let listed = |event: &String| event.starts_with("listing.");
    let of_orders: Vec<String> = recorded.filter(|event| !listed(event)).collect();
    assert_eq!(
        of_orders,
        Vec::<String>::new(),
        "only what other shops began with"
    );
}

/// Answers once the test lets it.
struct Slow(watch::Receiver<bool>);

impl Provider for Slow {
    fn settles(&self) -> Settles {
        Settles::InJournal
    }

    fn call(&self, call: Call) -> Answer {
        if !matches!(call.effect, Effect::Charge { .. }) {
            return Answer::Now(Ok(()));
        }
        let mut may_answer = self.0.clone();
        Answer::Later(Box::pin(async move {
            drop(may_answer.wait_for(|may_answer| *may_answer).await);
            Ok(())
        }))
    }
}

#[test]
fn a_payment_that_takes_too_long_leaves_no_order() {
    let (answer, may_answer) = watch::channel(false);
    let server = Setup::new()
        .with(|options| {
            let count = options.storefronts.len();
            let slow = std::sync::Arc::new(Slow(may_answer));
            options.providers = Some(
                (0..count)
                    .map(|_| std::sync::Arc::clone(&slow) as _)
                    .collect(),
            );
        })
        .start();
    let client = server.client();
    let reply = client.request("POST", "/orders").json(ORDER).expect(503);
    reply.has("/code", "payment_timed_out");
    assert_eq!(reply.header("retry-after"), "1");
    client.get("/orders").has("/page/totalElements", 0);

    answer.send(true).unwrap();
    let number = client.post("/orders", ORDER).number();
    client.get("/payments").has("/page/totalElements", 1);
    client
        .get(&format!("/orders/{number}"))
        .has("/status", "PaymentConfirmed");
    server.records(&[("order.placed", 1), ("payment.captured", 1)]);
}

#[test]
fn a_shop_may_deliver_by_itself_as_the_original_meant_to() {
    let text = include_str!("../../storefronts/flowers.toml")
        .replace("name = \"flowers\"", "name = \"prompt\"")
        .replace("mode = \"command\"", "mode = \"async\"");
    let definitions = TempDir::new().unwrap();
    fs::write(definitions.path().join("prompt.toml"), text).unwrap();
    let config = format!("storefronts = {:?}\n", definitions.path());
    let server = Setup::new().config(&config).start();
    let client = server.client().under("/prompt");
    client.post("/orders", ORDER);
    client.until("/orders/1", "/status", "Delivered");
    client.until("/myPages/1", "/deliveryStatus", "Delivered");
    client
        .post("/deliveries", DELIVER)
        .has("/status", "Delivered");
    client.get("/deliveries").has("/page/totalElements", 1);
    server.client().get("/orders").has("/page/totalElements", 0);
    server.records(&[("delivery.done", 1), ("order.completed", 1)]);
}

#[test]
fn a_provider_within_its_deadline_is_waited_for() {
    let config = "[payment]\nlatency_ms_min = 20\nlatency_ms_max = 40\n";
    let server = Setup::new().config(config).start();
    let before = tokio::time::Instant::now();
    server
        .client()
        .post("/orders", ORDER)
        .has("/status", "Ordered");
    assert!(before.elapsed() >= Duration::from_millis(20));
}
