//! The feed: everything that happened, in order, under numbers that stay.

mod originals;
mod reader;
mod stream;
mod tail;

use serde_json::Value;

use crate::support::{CANCEL, Client, ORDER, Server};

/// The events of a page of the flower shop.
fn events(client: &Client, query: &str) -> Vec<Value> {
    let page = client.get(&format!("/flowers/events{query}")).at("/events");
    page.as_array().unwrap().clone()
}

fn types(events: &[Value]) -> Vec<&str> {
    let types = events.iter().map(|event| event["type"].as_str().unwrap());
    types.collect()
}

#[test]
fn pages_have_every_event_once_and_lead_on_to_what_comes() {
    let server = Server::start();
    let client = server.client();
    for _ in 0..3 {
        client.post("/flowers/orders", ORDER);
    }
    client.patch("/flowers/orders/2", CANCEL);
    // The money goes back afterwards.
    let back = events(&client, "?type=PaymentCancelled&wait_ms=20000");
    assert_eq!(back[0]["subject"], "orders/2");
    let second = events(&client, "?subject=orders/2");
    assert_eq!(
        types(&second),
        [
            "Ordered",
            "PaymentConfirmed",
            "OrderCancelled",
            "PaymentCancelled"
        ]
    );
    assert_eq!(second[0]["subject"], "orders/2");
    assert_eq!(events(&client, "?order=2"), second);

    let all = events(&client, "");
    let ids: Vec<u64> = (all.iter())
        .map(|event| event["id"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
    let mut paged = Vec::new();
    let mut path = "/flowers/events?limit=2".to_owned();
    while paged.len() < all.len() {
        let page = client.get(&path);
        let next = page.at("/_links/next/href");
        path = next.as_str().unwrap().replace(&client.base(), "");
        let events = page.at("/events");
        let events = events.as_array().unwrap();
        assert!(!events.is_empty(), "{path}");
        paged.extend(events.iter().cloned());
    }
    assert_eq!(paged, all);
    let one = client.get(&format!("/flowers/events/{}", ids[1]));
    assert_eq!(one.at(""), all[1]);

    // What is waited for comes as soon as it is there.
    let waits = {
        let (client, path) = (client.clone(), format!("{path}&wait_ms=20000&type=Ordered"));
        std::thread::spawn(move || client.get(&path).at("/events"))
    };
    client.post("/flowers/orders", ORDER);
    let come = waits.join().unwrap();
    assert_eq!(types(come.as_array().unwrap()), ["Ordered"]);
}
