//! Durable consumers: groups that share a feed, and lose nothing of it.

mod killed;
mod services;

use serde_json::{Value, json};

use crate::support::{CANCEL, Client, ORDER, Server};

/// A member of a group, as a program outside would be one.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    client: Client,
    /// The group's path.
    path: String,
    name: String,
}

/// Events that were given out together.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub(crate) id: String,
    pub(crate) since: String,
    pub(crate) until: String,
    pub(crate) events: Vec<Value>,
}

impl Lease {
    fn read(answer: &Value) -> Option<Self> {
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        Some(Self {
            id: text("lease")?,
            since: text("since")?,
            until: text("until")?,
            events: answer["events"].as_array()?.clone(),
        })
    }

    fn ids(&self) -> Vec<&str> {
        self.events.iter().map(id).collect()
    }
}

pub(crate) fn id(event: &Value) -> &str {
    event["id"].as_str().expect("an event has an id")
}

impl Member {
    pub(crate) fn new(client: &Client, path: &str, name: &str) -> Self {
        Self {
            client: client.clone(),
            path: path.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Takes a lease, if there is anything within `wait_ms`.
    pub(crate) fn lease(&self, max: usize, wait_ms: u64) -> Option<Lease> {
        let asked = json!({ "member": self.name, "max": max, "wait_ms": wait_ms });
        Lease::read(&self.send("leases", &asked, 200))
    }

    /// Settles events of a lease.
    pub(crate) fn acknowledge(&self, lease: &Lease, events: &[&str]) -> Value {
        let asked = json!({ "lease": lease.id, "events": events });
        self.send("acknowledgements", &asked, 200)
    }

    fn send(&self, to: &str, body: &Value, status: u16) -> Value {
        let path = format!("{}/{to}", self.path);
        let request = self.client.request("POST", &path).json(&body.to_string());
        request.expect(status).json()
    }

    fn group(&self) -> Value {
        self.client.get(&self.path).json()
    }
}

/// Makes a group.
pub(crate) fn group(client: &Client, path: &str, wants: &Value) {
    let put = client.request("PUT", path).json(&wants.to_string());
    put.expect(201);
}

/// A group of two on a shop where so many orders were placed.
fn of_two(server: &Server, path: &str, orders: usize) -> (Member, Member) {
    let client = server.client();
    let wants = json!({ "types": ["Ordered", "OrderCancelled"], "lease_ms": 60_000 });
    group(&client, path, &wants);
    for _ in 0..orders {
        client.post("/flowers/orders", ORDER);
    }
    (
        Member::new(&client, path, "kim"),
        Member::new(&client, path, "lee"),
    )
}

#[test]
fn what_is_acknowledged_is_over_and_a_subject_stays_in_order() {
    let server = Server::start();
    let client = server.client();
    let path = "/flowers/consumers/engineers";
    let missing = client.request("GET", path).expect(404);
    missing.has("/code", "not_subscribed");
    let (kim, lee) = of_two(&server, path, 3);
    let again = json!({ "types": "Ordered,OrderCancelled", "lease_ms": 60_000 }).to_string();
    client.request("PUT", path).json(&again).expect(200);
    client.patch("/flowers/orders/1", CANCEL);
    let first = kim.lease(2, 0).unwrap();
    let second = lee.lease(10, 0).unwrap();
    let subjects = |lease: &Lease| -> Vec<String> {
        let events = lease.events.iter();
        let subjects = events.map(|event| event["subject"].as_str().unwrap());
        subjects.map(str::to_owned).collect()
    };
    assert_eq!(subjects(&first), ["orders/1", "orders/2"]);
    let waits = "the first order's end waits for its begin";
    assert_eq!(subjects(&second), ["orders/3"], "{waits}");
    let state = kim.group();
    assert_eq!(state["lag"]["events"], 4);
    assert_eq!(state["leases"].as_array().unwrap().len(), 2);

    let settled = kim.acknowledge(&first, &first.ids()[..1]);
    assert_eq!(settled, json!({ "acknowledged": 1, "lost": [] }));
    let theirs = kim.acknowledge(&first, &second.ids());
    assert_eq!(theirs, json!({ "acknowledged": 0, "lost": second.ids() }));
    let third = lee.lease(10, 0).unwrap();
    assert_eq!(third.events[0]["type"], "OrderCancelled");
    for (member, lease) in [(&kim, &first), (&lee, &second), (&lee, &third)] {
        member.acknowledge(lease, &lease.ids());
    }
    let state = kim.group();
    assert_eq!(
        (&state["lag"]["events"], &state["acknowledged"]),
        (&json!(0), &json!(4))
    );
    client.request("DELETE", path).expect(204);
    client.request("GET", path).expect(404);
    server.verified();
}

#[test]
fn what_cannot_be_handled_comes_again_or_is_put_aside() {
    let server = Server::start();
    let client = server.client();
    let path = "/flowers/consumers/engineers";
    let (kim, lee) = of_two(&server, path, 2);
    let first = kim.lease(1, 0).unwrap();
    let later = json!({ "lease": first.id, "why": "no hands" });
    assert_eq!(kim.send("deferrals", &later, 200)["deferred"], 1);
    assert_eq!(kim.group()["failing"]["why"], "no hands");
    let again = lee.lease(1, 0).unwrap();
    assert_eq!(
        (again.ids(), &again.events[0]["attempt"]),
        (first.ids(), &json!(2))
    );
    let dead = json!({ "lease": again.id, "why": "cannot be read" });
    assert_eq!(lee.send("dead-letters", &dead, 200)["dead_letters"], 1);
    let letters = client.get(&format!("{path}/dead-letters"));
    letters
        .has("/dead_letters/0/why", "cannot be read")
        .has("/dead_letters/0/subject", "orders/1");
    let other = lee.lease(10, 0).unwrap();
    assert_eq!(
        other.events[0]["subject"], "orders/2",
        "it holds nothing up"
    );
    let redelivered = lee.send("redeliveries", &json!({}), 200);
    assert_eq!(redelivered, json!({ "redelivered": 1, "dead_letters": 0 }));
    let once_more = kim.lease(10, 0).unwrap();
    assert_eq!(once_more.ids(), first.ids());
    kim.send("dead-letters", &json!({ "lease": once_more.id }), 200);
    let letter = format!("{path}/dead-letters/{}", first.ids()[0]);
    client.request("DELETE", &letter).expect(204);
    client.request("DELETE", &letter).expect(404);
    client
        .get(path)
        .has("/dead_letters", 0)
        .has("/redelivered", 1);
    let lease = format!("{path}/leases/{}", other.id);
    client.request("DELETE", &lease).expect(204);
    assert_eq!(kim.lease(10, 0).unwrap().ids(), other.ids());
    server.verified();
}

#[test]
fn who_waits_is_woken_by_an_event_a_release_and_the_end_of_a_lease() {
    let server = Server::start();
    let client = server.client();
    let path = "/flowers/consumers/florists";
    group(
        &client,
        path,
        &json!({ "from": "now", "types": "Ordered", "lease_ms": 400 }),
    );
    let (kim, lee) = (
        Member::new(&client, path, "kim"),
        Member::new(&client, path, "lee"),
    );
    let waits = |member: &Member| {
        let member = member.clone();
        std::thread::spawn(move || member.lease(1, 20_000).expect("something comes"))
    };
    let waiting = waits(&kim);
    client.post("/flowers/orders", ORDER);
    let first = waiting.join().unwrap();

    let waiting = waits(&lee);
    let lease = format!("{path}/leases/{}", first.id);
    client.request("DELETE", &lease).expect(204);
    let second = waiting.join().unwrap();
    assert_eq!(first.ids(), second.ids());
    client
        .request("PUT", &lease)
        .json("{}")
        .expect(409)
        .has("/code", "lease_lost");

    // Nobody says anything: the lease ends.
    let third = waits(&kim).join().unwrap();
    assert_eq!(third.ids(), second.ids());
    assert!(third.since >= second.until, "{third:?} and {second:?}");
    let late = lee.acknowledge(&second, &second.ids());
    assert_eq!(late["lost"], json!(second.ids()), "somebody else has it");
    kim.acknowledge(&third, &third.ids());
    assert!(kim.lease(1, 0).is_none());
}

#[test]
fn what_a_group_cannot_have_is_refused_with_what_to_do() {
    let server = Server::start();
    let client = server.client();
    let put = |path: &str, body: &str, status, code: &str| {
        let request = client.request("PUT", &format!("/flowers/consumers/{path}"));
        request.json(body).expect(status).has("/code", code);
    };
    put("a", r#"{"types": ["Nothing"]}"#, 400, "parameter_invalid");
    put("a", r#"{"subjects": ["orders"]}"#, 400, "parameter_invalid");
    put("a", r#"{"lease_ms": 1}"#, 400, "field_invalid");
    put("a", r#"{"from": "999999"}"#, 410, "event_unknown");
    put("a", "[]", 400, "body_invalid");
    put("%20", "{}", 400, "subscriber_invalid");
    let path = "/flowers/consumers/a";
    group(&client, path, &json!({}));
    let member = Member::new(&client, path, "kim");
    let send = |to: &str, body: Value, status, code: &str| {
        assert_eq!(member.send(to, &body, status)["code"], code, "{to}");
    };
    send("leases", json!({}), 400, "field_required");
    send("leases", json!({ "member": "" }), 400, "field_invalid");
    let lost = json!({ "lease": "00000000000000ab" });
    send("acknowledgements", lost, 409, "lease_lost");
    send(
        "redeliveries",
        json!({ "events": [1] }),
        404,
        "not_a_dead_letter",
    );
    member.send("pause", &json!({ "why": "on holiday" }), 200);
    send(
        "leases",
        json!({ "member": "kim" }),
        409,
        "subscriber_paused",
    );
    member.send("resume", &json!({}), 200);
    client.post("/flowers/orders", ORDER);
    assert!(member.lease(1, 0).is_some());
    let moved = member.send("position", &json!({ "to": "now" }), 200);
    assert_eq!(moved["lag"]["events"], 0);
    assert!(member.lease(1, 0).is_none());
    member.send("position", &json!({ "to": "beginning" }), 200);
    assert_eq!(member.lease(1, 0).unwrap().events[0]["type"], "Ordered");
    let page = client
        .request("POST", &format!("{path}/pause"))
        .header("origin", "http://a.b");
    page.expect(403).has("/code", "local_only");
    for number in 2..=64 {
        group(
            &client,
            &format!("/flowers/consumers/g{number}"),
            &json!({}),
        );
    }
    put("g65", "{}", 409, "too_many_subscribers");
    let all = client.get("/flowers/consumers").at("/consumers");
    assert_eq!(all.as_array().unwrap().len(), 64);
}
