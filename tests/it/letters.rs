//! Refunds that were given up: an operator sees them, finds out why, and has them tried again.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jumun::{
    actors::provider::{Answer, Call, Provider, Settles, Trouble},
    domain::payment::Effect,
};
use tempfile::TempDir;

use crate::support::Setup;

const POSIES: &str = include_str!("../shops/posies.toml");

const ORDER: &str = r#"{"customerName": "KIM", "address": "Mapo 1", "price": 12000}"#;

/// Takes money, and gives it back only if it feels like it.
struct Moody(Arc<AtomicBool>);

impl Provider for Moody {
    fn settles(&self) -> Settles {
        Settles::Elsewhere
    }

    fn call(&self, call: Call) -> Answer {
        let is_charge = matches!(call.effect, Effect::Charge { .. });
        let gives = is_charge || self.0.load(Ordering::Relaxed);
        Answer::Now(gives.then_some(()).ok_or(Trouble::Unavailable))
    }
}

fn shops() -> TempDir {
    let retry = "retry = { first_ms = 5, longest_ms = 5, for_s = 1 }";
    let text = POSIES.replacen("do   = \"pay\"", &format!("do = \"pay\"\n{retry}"), 1);
    let shops = TempDir::new().unwrap();
    fs::write(shops.path().join("posies.toml"), text).unwrap();
    shops
}

#[test]
fn a_refund_that_is_given_up_waits_for_an_operator_who_has_it_tried_again() {
    let (shops, gives) = (shops(), Arc::new(AtomicBool::new(false)));
    let setup = || {
        let gives = Arc::clone(&gives);
        let config = format!("storefronts = {:?}\n", shops.path());
        Setup::new().config(&config).with(move |options| {
            let provider = || Arc::new(Moody(Arc::clone(&gives))) as Arc<dyn Provider>;
            let count = options.storefronts.len();
            options.providers = Some(std::iter::repeat_with(provider).take(count).collect());
        })
    };
    let server = setup().start();
    let client = server.client();
    assert_eq!(client.post("/posies/purchases", ORDER).number(), 1);
    let (why, letter) = ("/ops/sagas/posies/1/why", "/ops/dead-letters/posies/1");
    let waits_for = |client: &crate::support::Client, what: &str| {
        let waits = client.get(why).at("/waitsFor");
        assert!(waits.as_str().unwrap().contains(what), "{waits}");
    };
    client.get(why).has("/state", "confirmed");
    waits_for(&client, "a person, to do the step `deliver`");
    let retry = format!("{letter}/retry");
    client.request("GET", letter).expect(404);
    client.request("POST", &retry).expect(404);
    let cancel = client.request("DELETE", "/posies/purchases/1");
    drop(cancel.send().unwrap());
    client.until(letter, "/payment", "refunding");
    waits_for(&client, "an operator: what it owes was given up");

    // It is still known after a restart.
    let data = server.stop();
    let server = setup().on(data).start();
    let client = server.client();
    let listed = client.get("/ops/dead-letters/posies");
    listed.has("/total", 1).has("/deadLetters/0/order", 1);
    listed.has("/deadLetters/0/retry", &*retry);
    listed.has("/deadLetters/0/lastTrouble", "the provider is unavailable");
    client.get("/ops/dead-letters/flowers").has("/total", 0);

    gives.store(true, Ordering::Relaxed);
    client.request("POST", &retry).expect(200);
    let nothing = "nothing: what was to be done is done, or undone";
    let done = client.until(why, "/waitsFor", nothing);
    done.has("/state", "cancelled");
    client.request("GET", letter).expect(404);
    client.get("/ops/dead-letters").has("/total", 0);
    let missing = client.request("GET", "/ops/sagas/posies/9/why");
    missing.expect(404).has("/code", "not_found");
    let stuck = client.get("/ops/sagas/stuck").at("/stuck");
    assert_eq!(stuck, serde_json::json!([]));
    server.records(&[
        ("payment.refunded", 1),
        ("saga.gave_up", 1),
        ("saga.resumed", 1),
    ]);
}
