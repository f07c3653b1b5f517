//! Webhooks: what happened is posted to others, signed, in order, until they have it.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    CANCEL, Client, ORDER, Process, Server, Setup,
    client::Reply,
    receiver::{Manners, Received, Receiver},
};

/// Pauses that a test need not wait for, and more of them than a coin falls on one side.
const QUICK: &str = "[webhooks]\nconnect_ms_max = 1000\ntimeout_ms_max = 1000\npauses_ms = [10, 10, \
    10, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, \
    20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20]\n";

/// Has the flower shop's events posted to the receiver, and returns the webhook's path.
fn hook(client: &Client, receiver: &Receiver, more: &Value) -> String {
    let mut body = json!({ "url": receiver.url() });
    let members = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(members);
    let made = client.post("/flowers/webhooks", &body.to_string());
    receiver.knows(&made.at("/secret"));
    let location = made.header("location");
    location.replace(&client.base(), "")
}

/// Waits until the webhook has everything, and returns how it is then.
fn settled(client: &Client, path: &str) -> Reply {
    let mut looks = std::iter::repeat_with(|| client.get(path)).take(20_000);
    let settled = looks.find(|webhook| webhook.at("/lag/events") == 0);
    settled.expect("a webhook has everything soon")
}

/// The ids of all events of the flower shop.
fn events(client: &Client) -> Vec<u64> {
    let page = client.get("/flowers/events?limit=1000").at("/events");
    let events = page.as_array().unwrap().iter();
    events
        .map(|event| event["id"].as_str().unwrap().parse().unwrap())
        .collect()
}

/// Which of these the receiver took, each once, in the order in which it first did.
fn taken(received: &[Received]) -> Vec<u64> {
    let mut taken = Vec::new();
    for one in received.iter().filter(|one| one.is_taken()) {
        if !taken.contains(&one.id()) {
            taken.push(one.id());
        }
    }
    taken
}

/// Each event came, under one id, and those about one order in their order.
fn check(received: &[Received], expected: &[u64]) {
    let order = taken(received);
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    let mut last = BTreeMap::<String, u64>::new();
    for id in order {
        let one = received.iter().find(|one| one.id() == id).unwrap();
        assert_eq!(one.header("webhook-id"), format!("flowers-{id}"));
        let content = one.header("content-type");
        assert_eq!(content, "application/cloudevents+json");
        let subject = one.body["subject"].as_str().unwrap().to_owned();
        let before = last.insert(subject.clone(), id);
        assert!(before.is_none_or(|before| before < id), "{subject}: {id}");
    }
}

/// A receiver that is down half of the time in every way there is, and restarted, and a server that
/// is killed three times: every event arrives, signed, and each order's in their order.
#[test]
fn every_event_arrives_whoever_fails_on_the_way() {
    let dir = TempDir::new().unwrap();
    let (data, config) = (dir.path().join("data"), dir.path().join("jumun.toml"));
    fs::write(
        &config,
        QUICK.replace("timeout_ms_max = 1000", "timeout_ms_max = 100"),
    )
    .unwrap();
    let serve = || Process::serve(&data, &["--config", config.to_str().unwrap()]);
    let random = Mutex::new(fastrand::Rng::new());
    let mut receiver = Receiver::start(move |_| match random.lock().unwrap().u8(0..10) {
        0 => Manners::Close,
        1 => Manners::Silence,
        2..5 => Manners::Answer(500),
        _ => Manners::Answer(204),
    });
    let mut process = serve();
    hook(&process.client(), &receiver, &json!({}));
    for round in 1..=4 {
        let client = process.client();
        for _ in 0..10 {
            client.post("/flowers/orders", ORDER);
        }
        receiver.until(|received| taken(received).len() >= round * 8);
        if round == 2 {
            receiver = receiver.restart();
        }
        if round < 4 {
            process.kill();
            process = serve();
        }
    }
    let expected = events(&process.client());
    assert_eq!(expected.len(), 80);
    let all = receiver.until(|received| taken(received).len() >= expected.len());
    check(&all, &expected);
    assert!(all.len() > expected.len() * 3 / 2, "nothing failed");
}

#[test]
fn what_a_receiver_refuses_is_a_dead_letter_until_it_is_redelivered() {
    let server = Setup::new().config(QUICK).start();
    let client = server.client();
    let receiver = Receiver::start(|event| match event["type"].as_str() {
        Some("Ordered") => Manners::Answer(404),
        _ => Manners::Answer(200),
    });
    let path = hook(&client, &receiver, &json!({}));
    client.post("/flowers/orders", ORDER);
    let [ordered, paid] = events(&client)[..] else {
        panic!("two events")
    };
    // What comes after it goes on.
    receiver.until(|received| taken(received) == [paid]);
    settled(&client, &path);
    let letters = client.get(&format!("{path}/dead-letters"));
    letters
        .has("/dead_letters/0/event", ordered.to_string())
        .has("/dead_letters/0/subject", "orders/1")
        .has("/dead_letters/0/why", "it answered 404: so be");
    client
        .get(&path)
        .has("/dead_letters", 1)
        .has("/delivered", 1)
        .has("/last_failure/status", 404);

    receiver.behaves(|_| Manners::Answer(200));
    let redeliver = format!("{path}/dead-letters/{ordered}/redeliver");
    let answered = client.request("POST", &redeliver).expect(200);
    answered.has("/dead_letters", json!([]));
    let come = receiver.until(|received| taken(received) == [paid, ordered]);
    assert_eq!(come[0].header("webhook-id"), come[2].header("webhook-id"));
    settled(&client, &path);
    client.request("POST", &redeliver).expect(404);
    let path = format!("{path}/attempts");
    let attempts = client.get(&path).at("/attempts");
    let attempts = attempts.as_array().unwrap();
    assert_eq!(attempts.len(), 3);
    assert_eq!(attempts[0]["id"], format!("flowers-{ordered}"));
    assert_eq!(attempts[2]["status"], 404);
}

#[test]
fn what_fails_to_the_last_pause_is_given_up_and_a_receiver_that_is_gone_gets_nothing_more() {
    let quick = "[webhooks]\npauses_ms = [1, 1]\n";
    let server = Setup::new().config(quick).start();
    let client = server.client();
    let receiver = Receiver::start(|event| match event["type"].as_str() {
        Some("Ordered") => Manners::Answer(503),
        _ => Manners::Answer(410),
    });
    let path = hook(&client, &receiver, &json!({}));
    client.post("/flowers/orders", ORDER);
    client
        .until(&path, "/state", "paused")
        .has("/dead_letters", 1)
        .has("/why", "it answered 410: so be");
    let letters = client.get(&format!("{path}/dead-letters"));
    let why = "given up after 3 attempts: it answered 503: so be";
    letters.has("/dead_letters/0/why", why);
    receiver.behaves(|_| Manners::Answer(200));
    let resumed = client
        .request("POST", &format!("{path}/resume"))
        .expect(200);
    assert_ne!(resumed.at("/state"), "paused");
    receiver.until(|received| taken(received).len() == 1);
}

#[test]
fn a_webhook_for_which_nothing_arrives_is_paused_and_goes_on_when_it_is_resumed() {
    let quick = "[webhooks]\npauses_ms = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n\
                 dead_after_s = 0\ndead_attempts_min = 4\n";
    let server = Setup::new().config(quick).start();
    let client = server.client();
    let receiver = Receiver::start(|_| Manners::Close);
    let path = hook(&client, &receiver, &json!({ "types": ["Ordered"] }));
    client.post("/flowers/orders", ORDER);
    let paused = client.until(&path, "/state", "paused");
    let why = paused.at("/why");
    assert!(
        why.as_str()
            .unwrap()
            .starts_with("4 attempts in a row failed"),
        "{why}"
    );
    paused.has("/lag/events", 1);
    assert_eq!(receiver.until(|received| received.len() >= 4).len(), 4);
    receiver.behaves(|_| Manners::Answer(200));
    client
        .request("POST", &format!("{path}/resume"))
        .expect(200);
    receiver.until(|received| taken(received).len() == 1);
    settled(&client, &path).has("/state", "active");
}

#[test]
fn what_waits_for_its_next_attempt_need_not_if_somebody_resumes_it() {
    let patient = "[webhooks]\npauses_ms = [600000]\n";
    let server = Setup::new().config(patient).start();
    let client = server.client();
    let receiver = Receiver::start(|_| Manners::Answer(500));
    let path = hook(&client, &receiver, &json!({}));
    client.post("/flowers/orders", ORDER);
    client.until(&path, "/state", "failing");
    receiver.behaves(|_| Manners::Answer(200));
    let resume = format!("{path}/resume");
    client.request("POST", &resume).expect(200);
    receiver.until(|received| taken(received).len() == 2);
    settled(&client, &path).has("/state", "active");
}

#[test]
fn a_receiver_that_asks_to_be_left_alone_is() {
    let server = Setup::new().config(QUICK).start();
    let client = server.client();
    let is_busy = AtomicBool::new(true);
    let receiver = Receiver::start(move |_| {
        if is_busy.swap(false, Ordering::SeqCst) {
            Manners::Busy(1)
        } else {
            Manners::Answer(200)
        }
    });
    let path = hook(&client, &receiver, &json!({}));
    client.post("/flowers/orders", ORDER);
    receiver.until(|received| taken(received).len() == 2);
    settled(&client, &path).has("/state", "active");
    let attempts = client.get(&format!("{path}/attempts")).at("/attempts");
    let at = |place: usize| -> jiff::Timestamp {
        let at = attempts[place]["at"].as_str().unwrap();
        at.parse().unwrap()
    };
    let waited = at(1).duration_since(at(2)).as_millis();
    assert!(waited >= 1_000, "{attempts}");
}

#[test]
fn a_trial_says_what_came_of_it_and_a_new_secret_is_valid_beside_the_old_one() {
    let server = Server::start();
    let client = server.client();
    let receiver = Receiver::start(|_| Manners::Answer(202));
    let path = hook(&client, &receiver, &json!({}));
    let trial = || client.request("POST", &format!("{path}/test")).expect(200);
    trial()
        .has("/delivered", true)
        .has("/status", 202)
        .has("/what", "it answered 202: so be");
    let come = receiver.until(|received| received.len() == 1);
    assert_eq!(come[0].body["type"], "jumun.test");

    let secret = format!("{path}/secret");
    let old = client.get(&secret);
    old.has("/previous_until", Value::Null);
    let new = client.request("POST", &secret).expect(200);
    assert_ne!(new.at("/secret"), old.at("/secret"));
    assert_ne!(new.at("/previous_until"), Value::Null);
    // This one knows the new secret alone, the other one still the old one alone.
    let other = Receiver::start(|_| Manners::Answer(200));
    other.knows(&new.at("/secret"));
    trial();
    let come = receiver.until(|received| received.len() == 2);
    assert_eq!(come[1].header("webhook-signature").split(' ').count(), 2);
    client.patch(&path, &json!({ "url": other.url() }).to_string());
    trial();
    other.until(|received| received.len() == 1);

    other.behaves(|_| Manners::Answer(500));
    trial().has("/delivered", false).has("/status", 500);
    client
        .get(&path)
        .has("/state", "active")
        .has("/dead_letters", 0);
}

#[test]
fn a_webhook_is_made_found_paused_and_removed() {
    let server = Server::start();
    let client = server.client();
    let receiver = Receiver::start(|_| Manners::Answer(200));
    client.post("/flowers/orders", ORDER);
    let more = json!({ "name": "erp", "subjects": ["orders/1"], "from": "beginning",
        "description": "the books" });
    let path = hook(&client, &receiver, &more);
    assert_eq!(path, "/flowers/webhooks/erp");
    receiver.until(|received| taken(received).len() == 2);
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let traced = client.request("PATCH", "/flowers/orders/1").json(CANCEL);
    traced.header("traceparent", traceparent).expect(200);
    let come = receiver.until(|received| received.len() > 2);
    let trace = come[2].header("traceparent");
    assert!(trace.starts_with(&traceparent[..36]), "{trace}");
    assert_eq!(come[2].body["traceparent"], trace);
    client.post("/flowers/orders", ORDER);
    client
        .get(&path)
        .has("/id", "erp")
        .has("/description", "the books")
        .has("/secret", Value::Null)
        .has("/subjects", json!(["orders/1"]));
    client.request("POST", &format!("{path}/pause")).expect(200);
    client
        .get(&path)
        .has("/state", "paused")
        .has("/why", "paused by hand");

    let page = client
        .request("DELETE", &path)
        .header("origin", "http://x.org");
    page.expect(403).has("/code", "local_only");
    let secret = format!("{path}/secret");
    let page = client
        .request("GET", &secret)
        .header("origin", "http://x.org");
    page.expect(403).has("/code", "local_only");
    client.request("DELETE", &path).expect(204);
    client.request("GET", &path).expect(404);
    let left = client.get("/flowers/webhooks").at("/webhooks");
    assert_eq!(left, json!([]));
}

#[test]
fn what_can_not_be_a_webhook_is_told_why() {
    let server = Setup::new()
        .config("[webhooks]\nendpoints_max = 2\n")
        .start();
    let client = server.client();
    let erp = json!({ "url": "https://example.org/", "name": "erp" });
    client.post("/flowers/webhooks", &erp.to_string());
    let refused = |body: Value, status, code: &str, words: &str| {
        let request = client.request("POST", "/flowers/webhooks");
        let reply = request.json(&body.to_string()).expect(status);
        reply.has("/code", code);
        let detail = reply.at("/detail");
        assert!(detail.as_str().unwrap().contains(words), "{detail}");
    };
    let url = "https://example.org/";
    refused(json!({}), 400, "field_invalid", "missing field `url`");
    refused(
        json!({ "url": "x.org" }),
        400,
        "field_invalid",
        "begins with http://",
    );
    refused(
        json!({ "url": "http://a:b@x.org/" }),
        400,
        "field_invalid",
        "signature",
    );
    refused(
        json!({ "url": url, "type": [] }),
        400,
        "field_invalid",
        "`types`",
    );
    refused(
        json!({ "url": url, "types": ["Paid"] }),
        400,
        "parameter_invalid",
        "Ordered",
    );
    refused(
        json!({ "url": url, "from": "9999" }),
        410,
        "event_unknown",
        "9999",
    );
    refused(
        json!({ "url": url, "secret": "mine" }),
        400,
        "field_invalid",
        "whsec_",
    );
    refused(
        json!({ "url": url, "name": "erp" }),
        409,
        "name_taken",
        "`erp` already",
    );
    client.post("/flowers/webhooks", &json!({ "url": url }).to_string());
    refused(
        json!({ "url": url }),
        409,
        "too_many_subscribers",
        "2 webhooks",
    );
}
