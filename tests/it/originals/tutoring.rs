//! The tutoring store: the reservation system's own commands, and the lessons that its requirements
//! ask for.

use std::sync::Arc;

use jumun::{
    actors::{
        provider::{Answer, Call, Provider, Settles, Trouble},
        simulator::{Behaviour, Simulator},
    },
    app::{Options, definitions::Definition},
    domain::payment::Effect,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Client, Process, Recorded, Server, Setup, client::Reply, process::run};

/// A started shop, with a client of the shop and one of the whole server.
struct Shop {
    server: Server,
    client: Client,
}

impl Shop {
    fn open() -> Self {
        Self::of(Server::start())
    }

    fn of(server: Server) -> Self {
        let client = server.client().under("/tutoring");
        Self { server, client }
    }

    /// Pauses a part of the shop, or lets it run again.
    fn set(&self, part: &str, state: &str) {
        let path = format!("/ops/components/tutoring/{part}");
        let body = json!({ "state": state }).to_string();
        let client = self.server.client();
        client.request("PUT", &path).json(&body).expect(200);
    }

    /// A lesson that is offered, for 50,000.
    fn offered(&self) -> u64 {
        let lesson = json!({"sellerId": "s1", "title": "math", "price": 50_000});
        self.post("/lessons", &lesson).number()
    }

    /// A lesson that is open.
    fn lesson(&self) -> u64 {
        let lesson = self.offered();
        self.post("/managements", &json!({"lessonId": lesson}));
        lesson
    }

    /// `u1`'s purchase of a lesson.
    fn purchase(&self, lesson: u64, key: &str) -> u64 {
        self.post("/reservations", &purchase(lesson, key)).number()
    }

    /// `u1`'s reservation without a lesson.
    fn reserve(&self, key: &str) -> u64 {
        let body = json!({"reserveId": key, "userId": "u1", "price": 30_000});
        self.post("/reservations", &body).number()
    }

    fn post(&self, path: &str, body: &Value) -> Reply {
        self.client.post(path, &body.to_string())
    }

    fn refused(&self, path: &str, body: &Value, status: u16, code: &str) {
        let request = self.client.request("POST", path).json(&body.to_string());
        request.expect(status).has("/code", code);
    }

    fn delete(&self, path: &str, status: u16) -> Reply {
        self.client.request("DELETE", path).expect(status)
    }

    fn get(&self, path: &str) -> Reply {
        self.client.get(path)
    }

    /// Waits until a reservation is paid.
    fn paid(&self, number: u64) {
        for path in ["payments", "reservations"] {
            let path = format!("/{path}/{number}");
            self.until(&path, "/status", "PayCompleted");
        }
    }

    /// A purchase that is paid, down to what its seller is to have.
    fn bought(&self, lesson: u64, key: &str) -> u64 {
        let number = self.purchase(lesson, key);
        self.paid(number);
        let path = format!("/remittances/{number}");
        self.until(&path, "/status", "RemittanceScheduled");
        number
    }

    fn until(&self, path: &str, pointer: &str, expected: &str) -> Reply {
        until(&self.client, path, pointer, expected)
    }

    /// Each of the collection's items, in this field.
    fn column(&self, collection: &str, field: &str) -> Vec<Value> {
        let rows = self.get(&format!("/{collection}"));
        let rows = rows.at(&format!("/_embedded/{collection}"));
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row[field].clone()).collect()
    }

    /// What the buyer's page said of a reservation, and at which events.
    fn told(&self, number: u64) -> Vec<(String, String)> {
        let history = self.get(&format!("/myReservationLists/{number}/history"));
        let entries = history.at("/_embedded/myReservationLists");
        let text = |value: &Value| value.as_str().unwrap_or("null").to_owned();
        let entries = entries.as_array().unwrap().iter();
        entries
            .map(|entry| (text(&entry["event"]), text(&entry["reserveStatus"])))
            .collect()
    }

    /// Stops the shop. Every checksum, every order's books, and every row must be right.
    fn close(self) {
        is_verified(&self.server.stop());
    }
}

/// Looks until there is such a thing and it says so: what follows by itself follows soon.
fn until(client: &Client, path: &str, pointer: &str, expected: &str) -> Reply {
    let look = || client.request("GET", path).send().unwrap();
    let mut looks = std::iter::repeat_with(look).take(20_000);
    let found = looks.find(|(status, reply)| *status == 200 && reply.at(pointer) == expected);
    let (_, reply) = found.unwrap_or_else(|| panic!("{path} does not become {expected}"));
    reply
}

fn purchase(lesson: u64, key: &str) -> Value {
    json!({"reserveId": key, "userId": "u1", "lessonId": lesson, "price": 50_000})
}

fn is_verified(data: &TempDir) {
    let data = data.path().join("data");
    let output = run(&["verify", "--data", data.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
}

/// The shop, with a provider that can be told how to behave.
fn with_provider() -> (Shop, Arc<Simulator>) {
    let simulator = Arc::new(Simulator::new(Behaviour::default(), 1));
    let provider: Arc<dyn Provider> = Arc::clone(&simulator) as Arc<dyn Provider>;
    let setup = Setup::new().with(move |options| {
        let each = options.storefronts.iter();
        options.providers = Some(each.map(|_| Arc::clone(&provider)).collect());
    });
    (Shop::of(setup.start()), simulator)
}

/// Reads the shop's file with something else in it.
fn replace(options: &mut Options, was: &str, is: &str) {
    let text = include_str!("../../../storefronts/tutoring.toml");
    assert!(text.contains(was), "the file says {was}");
    let changed = Definition::read(&text.replace(was, is)).unwrap();
    let mut all = options.storefronts.iter_mut();
    let own = all.find(|own| &*own.storefront().name == "tutoring");
    *own.unwrap() = changed;
}

/// Declines every charge, in books of its own.
struct Declines;

impl Provider for Declines {
    fn settles(&self) -> Settles {
        Settles::Elsewhere
    }

    fn call(&self, call: Call) -> Answer {
        Answer::Now(match call.effect {
            Effect::Charge { .. } => Err(Trouble::Declined("limit".to_owned())),
            Effect::Refund { .. } | Effect::Void { .. } => Ok(()),
        })
    }
}

fn declining(change: impl FnOnce(&mut Options) + Send + 'static) -> Shop {
    let setup = Setup::new().with(|options| {
        change(options);
        let each = options.storefronts.iter();
        let provider = |_| Arc::new(Declines) as Arc<dyn Provider>;
        options.providers = Some(each.map(provider).collect());
    });
    Shop::of(setup.start())
}

#[test]
fn the_originals_commands_work_at_the_root_with_the_quotes_as_they_were_typed() {
    let data = TempDir::new().unwrap();
    let path = data.path().join("data");
    let process = Process::serve(&path, &["--root", "tutoring"]);
    let client = process.client();
    let body = r#"{"reserveId": "”reserve1”", "userId": "”user1”", "status": "”reserve”"}"#;
    let reply = client.post("/reservations", body);
    reply
        .has("/reserveId", "”reserve1”")
        .has("/userId", "”user1”");
    reply.has("/status", "reserve");
    assert_eq!(
        reply.header("location"),
        format!("{}/reservations/1", client.base())
    );
    let reply = client.get("/managementLists/1");
    reply
        .has("/reserveId", "”reserve1”")
        .has("/status", "reserve");
    client.get("/managements").has("/page/totalElements", 0);

    let reply = client.post("/managements", r#"{"reserveId": "”reserve1”"}"#);
    reply
        .has("/reserveId", "”reserve1”")
        .has("/status", "Confirmed");
    for body in [
        r#"{"reserveId": "”reserve2”", "userId": "”user1”"}"#,
        r#"{"reserveId": "”reserve3”", "userId": "”user1”"}"#,
    ] {
        client.post("/reservations", body).has("/status", "reserve");
    }
    let reply = client.get("/reservations");
    reply.has("/page/totalElements", 3).has("/page/size", 20);
    reply.has("/_embedded/reservations/0/reserveId", "”reserve1”");

    until(&client, "/payments/1", "/status", "PayCompleted");
    client.get("/reservations/1").has("/status", "PayCompleted");
    let found = "/myReservationLists/search/findByReserveId?reserveId=%E2%80%9Dreserve1%E2%80%9D";
    let reply = client.get(found);
    reply.has(
        "/_embedded/myReservationLists/0/reserveStatus",
        "PayCompleted",
    );
    reply.has("/_embedded/myReservationLists/1", Value::Null);
    let paid = client.post(
        "/payments",
        r#"{"reserveId": "”reserve1”", "status": "paid"}"#,
    );
    paid.has("/status", "PayCompleted");
    client.request("DELETE", "/payments/1").expect(204);
    until(&client, "/payments/1", "/status", "PayCanceled");
    client.request("DELETE", "/managements/1").expect(409);
    client.request("DELETE", "/reservations/1").expect(204);
    client.request("GET", "/reservations/1").expect(404);
    process.terminate();
    assert!(process.wait().0.success());
    is_verified(&data);
}

#[test]
fn reservations_are_accepted_while_management_is_down_and_its_list_catches_up() {
    let shop = Shop::open();
    shop.reserve("r1");
    shop.set("management", "paused");
    shop.client.request("GET", "/managementLists").expect(503);
    let grant = shop.client.request("POST", "/managements");
    grant.json(r#"{"reserveId": "r1"}"#).expect(503);
    let keys = ["r2", "r3", "r4"];
    for key in keys {
        shop.reserve(key);
    }
    let lesson = shop.offered();
    shop.get(&format!("/lessons/{lesson}"))
        .has("/status", "SaleRequested");
    shop.set("management", "running");
    let mut listed = shop.column("managementLists", "reserveId");
    listed.retain(|key| !key.is_null());
    listed.sort_by_key(ToString::to_string);
    assert_eq!(listed, ["r1", "r2", "r3", "r4"], "each once");
    shop.get(&format!("/managementLists/{lesson}"))
        .has("/kind", "sale")
        .has("/status", "SaleRequested")
        .has("/lessonId", lesson);
    for key in keys {
        let row = shop.post("/managements", &json!({"reserveId": key}));
        shop.paid(row.number());
    }
    shop.close();
}

#[test]
fn a_reservation_is_paid_once_it_is_confirmed_and_not_before() {
    let shop = Shop::open();
    let number = shop.reserve("r1");
    shop.client
        .request("GET", &format!("/payments/{number}"))
        .expect(404);
    shop.refused(
        "/payments",
        &json!({"reserveId": "r1"}),
        409,
        "order_not_ready",
    );
    shop.post("/managements", &json!({"reserveId": "r1"}));
    shop.paid(number);
    shop.get(&format!("/payments/{number}"))
        .has("/status", "PayCompleted")
        .has("/price", 30_000)
        .has("/reserveId", "r1");
    shop.post("/managements", &json!({"reserveId": "r1"}));
    shop.get("/payments").has("/page/totalElements", 1);
    shop.get("/remittances").has("/page/totalElements", 0);
    let told = [
        ("Reserved", "reserve"),
        ("RoomConfirmed", "Confirmed"),
        ("PayCompleted", "PayCompleted"),
    ];
    assert_eq!(
        shop.told(number),
        told.map(|(event, status)| (event.into(), status.into()))
    );
    shop.close();
}

#[test]
fn a_rejection_cancels_the_reservation_and_gives_the_money_back() {
    let shop = Shop::open();
    let number = shop.reserve("r1");
    shop.post("/managements", &json!({"reserveId": "r1"}));
    shop.paid(number);
    shop.delete(&format!("/managements/{number}"), 204);
    shop.until(&format!("/payments/{number}"), "/status", "PayCanceled");
    shop.get(&format!("/reservations/{number}"))
        .has("/status", "Canceled");
    shop.get(&format!("/managements/{number}"))
        .has("/status", "Rejected");
    shop.until(
        &format!("/myReservationLists/{number}"),
        "/reserveStatus",
        "PayCanceled",
    )
    .has("/approval", "Rejected");
    let told = shop.told(number);
    assert!(
        told.contains(&("RoomRejected".into(), "Rejected".into())),
        "{told:?}"
    );
    assert!(
        told.contains(&("PayCanceled".into(), "PayCanceled".into())),
        "{told:?}"
    );
    shop.delete(&format!("/managements/{number}"), 409)
        .has("/code", "order_cancelled");

    let unanswered = shop.reserve("r2");
    let reply = shop.post(
        "/managements",
        &json!({"reserveId": "r2", "status": "Rejected"}),
    );
    reply.has("/status", "Rejected");
    shop.get(&format!("/reservations/{unanswered}"))
        .has("/status", "Canceled");
    shop.client
        .request("GET", &format!("/payments/{unanswered}"))
        .expect(404);
    shop.close();
}

#[test]
fn a_purchase_of_an_approved_lesson_is_paid_at_once_and_the_seller_gets_the_price_less_the_fee() {
    let shop = Shop::open();
    let lesson = shop.lesson();
    let reply = shop.post("/reservations", &purchase(lesson, "r1"));
    reply.has("/lessonId", lesson).has("/price", 50_000);
    let number = reply.number();
    shop.paid(number);
    shop.get(&format!("/payments/{number}"))
        .has("/price", 50_000)
        .has("/status", "PayCompleted");
    let remittance = format!("/remittances/{number}");
    shop.until(&remittance, "/status", "RemittanceScheduled")
        .has("/reserveId", "r1")
        .has("/sellerId", "s1")
        .has("/amount", 45_000)
        .has("/fee", 5_000)
        .has("/status", "RemittanceScheduled");
    let pay = shop.client.request("PATCH", &remittance);
    let done = pay.json(r#"{"status": "Other"}"#).expect(409);
    done.has("/code", "status_not_settable");
    shop.client
        .patch(&remittance, r#"{"status": "Remitted"}"#)
        .has("/status", "Remitted");
    shop.client
        .patch(&remittance, r#"{"status": "Remitted"}"#)
        .has("/status", "Remitted");
    for path in ["reservations", "payments"] {
        shop.delete(&format!("/{path}/{number}"), 409)
            .has("/code", "payout_paid");
    }
    shop.get(&format!("/payments/{number}"))
        .has("/status", "PayCompleted");
    let recorded = events_of(shop);
    recorded.has(&[
        ("payment.captured", 1),
        ("payout.paid", 1),
        ("payout.taken_back", 0),
    ]);
}

/// Closes the shop; what its journal has.
fn events_of(shop: Shop) -> Recorded {
    let data = shop.server.stop();
    is_verified(&data);
    Recorded::read(&data.path().join("data"))
}

#[test]
fn the_seller_is_paid_by_itself_when_it_is_due() {
    let soon = |options: &mut Options| replace(options, "= \"7 d\"", "= \"1 ms\"");
    let shop = Shop::of(Setup::new().with(soon).start());
    let lesson = shop.lesson();
    let number = shop.purchase(lesson, "r1");
    shop.until(&format!("/remittances/{number}"), "/status", "Remitted");
    shop.set("remittance", "paused");
    let waits = shop.purchase(lesson, "r2");
    shop.paid(waits);
    shop.set("remittance", "running");
    shop.until(&format!("/remittances/{waits}"), "/status", "Remitted");
    let recorded = events_of(shop);
    recorded.has(&[("payout.scheduled", 2), ("payout.paid", 2)]);
}

#[test]
fn a_lesson_is_approved_by_the_administrator_and_then_registered_as_a_lecture() {
    let shop = Shop::open();
    let reply = shop.post(
        "/lessons",
        &json!({"sellerId": "s1", "title": "math", "price": "50000"}),
    );
    reply.has("/status", "SaleRequested").has("/price", 50_000);
    let lesson = reply.number();
    assert_eq!(lesson, 1);
    shop.client.request("GET", "/lectures/1").expect(404);
    assert!(shop.column("lectures", "title").is_empty());
    shop.get("/managements").has("/page/totalElements", 0);
    shop.refused("/reservations", &purchase(1, "r1"), 409, "listing_not_open");
    shop.get("/reservations").has("/page/totalElements", 0);

    let reply = shop.post("/managements", &json!({"lessonId": "1"}));
    reply
        .has("/status", "SaleApproved")
        .has("/lessonId", 1)
        .has("/reserveId", Value::Null);
    shop.get("/lessons/1").has("/status", "SaleApproved");
    shop.get("/lectures/1")
        .has("/lessonId", 1)
        .has("/sellerId", "s1")
        .has("/title", "math")
        .has("/status", "LectureRegistered");
    shop.get("/managementLists/1")
        .has("/status", "SaleApproved");
    shop.get("/mySaleLists/1")
        .has("/saleStatus", "SaleApproved");
    shop.bought(1, "r1");

    shop.delete("/managements/1", 204);
    shop.get("/managements/1").has("/status", "SaleRejected");
    shop.get("/lessons/1").has("/status", "SaleRejected");
    shop.client.request("GET", "/lectures/1").expect(404);
    assert!(shop.column("lectures", "title").is_empty());
    shop.refused("/reservations", &purchase(1, "r2"), 409, "listing_not_open");

    let other = shop.offered();
    let reply = shop.post(
        "/managements",
        &json!({"lessonId": other, "status": "SaleRejected"}),
    );
    reply.has("/status", "SaleRejected");
    shop.client
        .request("GET", &format!("/lectures/{other}"))
        .expect(404);
    shop.close();
}

#[test]
fn a_session_is_held_by_the_two_whose_deal_is_complete_and_by_nobody_else() {
    let shop = Shop::open();
    let lesson = shop.lesson();
    shop.set("payment", "paused");
    let number = shop.purchase(lesson, "r1");
    let session = |user: &str| json!({"lectureId": lesson, "reserveId": "r1", "userId": user});
    shop.refused("/lectureSessions", &session("u1"), 409, "order_not_ready");
    shop.refused("/lectureSessions", &session("s1"), 409, "order_not_ready");
    shop.set("payment", "running");
    shop.paid(number);
    shop.refused("/lectureSessions", &session("u2"), 403, "not_a_party");
    let mut another = session("u1");
    another["lectureId"] = 999.into();
    shop.refused("/lectureSessions", &another, 409, "listing_not_ordered");
    let nobody = json!({"lectureId": lesson, "reserveId": "r1"});
    shop.refused("/lectureSessions", &nobody, 400, "field_required");
    shop.get("/lectureSessions").has("/page/totalElements", 0);

    shop.post("/lectureSessions", &session("u1"))
        .has("/lectureId", lesson)
        .has("/reserveId", "r1")
        .has("/userId", "u1")
        .has("/role", "buyer")
        .has("/status", "SessionStarted");
    let mut joined = session("s1");
    joined["joinUrl"] = "https://meet.example/1".into();
    shop.post("/lectureSessions", &joined)
        .has("/role", "seller")
        .has("/joinUrl", "https://meet.example/1")
        .has("/status", "SessionStarted");
    let path = format!("/lectureSessions/{number}");
    let end = |user: &str| json!({"status": "SessionEnded", "userId": user}).to_string();
    shop.client
        .request("PATCH", &path)
        .json(&end("u2"))
        .expect(403);
    shop.client
        .patch(&path, &end("s1"))
        .has("/status", "SessionEnded");
    shop.get(&format!("/reservations/{number}"))
        .has("/status", "LectureCompleted");
    shop.post("/lectureSessions", &session("u1"))
        .has("/status", "SessionEnded");
    let recorded = events_of(shop);
    recorded.has(&[
        ("delivery.step", 1),
        ("delivery.done", 1),
        ("order.completed", 1),
    ]);
}

#[test]
fn a_reservation_without_a_lesson_has_no_session() {
    let shop = Shop::open();
    shop.reserve("r1");
    shop.post("/managements", &json!({"reserveId": "r1"}));
    let session = json!({"reserveId": "r1", "userId": "u1"});
    shop.refused("/lectureSessions", &session, 409, "order_not_ready");
    shop.close();
}

#[test]
fn a_buyer_cancels_and_the_payment_and_the_remittance_are_taken_back_once() {
    let shop = Shop::open();
    let lesson = shop.lesson();
    let number = shop.bought(lesson, "r1");
    shop.get(&format!("/mySaleLists/{lesson}"))
        .has("/reserveCount", 1);
    shop.delete(&format!("/reservations/{number}"), 204);
    shop.until(&format!("/payments/{number}"), "/status", "PayCanceled");
    shop.get(&format!("/remittances/{number}"))
        .has("/status", "RemittanceCanceled");
    shop.get(&format!("/mySaleLists/{lesson}"))
        .has("/reserveCount", 0);
    shop.client
        .request("GET", &format!("/reservations/{number}"))
        .expect(404);
    shop.until(
        &format!("/myReservationLists/{number}"),
        "/reserveStatus",
        "PayCanceled",
    );
    assert!(
        shop.told(number)
            .contains(&("ReservationCanceled".into(), "Canceled".into()))
    );
    shop.delete(&format!("/reservations/{number}"), 404);
    shop.delete(&format!("/payments/{number}"), 204);
    shop.refused(
        "/payments",
        &json!({"reserveId": "r1"}),
        409,
        "order_cancelled",
    );
    let session = json!({"lectureId": lesson, "reserveId": "r1", "userId": "u1"});
    shop.refused("/lectureSessions", &session, 409, "order_cancelled");
    shop.client
        .request("PATCH", &format!("/remittances/{number}"))
        .json(r#"{"status": "Remitted"}"#)
        .expect(409)
        .has("/code", "payout_not_due");

    let kept = shop.bought(lesson, "r2");
    let path = format!("/reservations/{kept}");
    for _ in 0..2 {
        let reply = shop.client.patch(&path, r#"{"status": "Canceled"}"#);
        reply.has("/status", "Canceled");
    }
    shop.until(&format!("/payments/{kept}"), "/status", "PayCanceled");
    let recorded = events_of(shop);
    recorded.has(&[
        ("order.cancelled", 2),
        ("payment.refunded", 2),
        ("payout.taken_back", 2),
    ]);
}

#[test]
fn a_refund_at_the_payment_cancels_the_reservation() {
    let shop = Shop::open();
    let number = shop.bought(shop.lesson(), "r1");
    shop.delete(&format!("/payments/{number}"), 204);
    shop.until(&format!("/payments/{number}"), "/status", "PayCanceled");
    shop.get(&format!("/reservations/{number}"))
        .has("/status", "Canceled");
    shop.get(&format!("/remittances/{number}"))
        .has("/status", "RemittanceCanceled");
    shop.close();
}

#[test]
fn while_payment_is_down_purchases_are_pending_and_are_paid_by_themselves_in_order() {
    let shop = Shop::open();
    let lesson = shop.lesson();
    shop.set("payment", "paused");
    let purchases = ["r1", "r2", "r3"].map(|key| shop.purchase(lesson, key));
    let confirmed = shop.reserve("r4");
    shop.post("/managements", &json!({"reserveId": "r4"}));
    for number in purchases.into_iter().chain([confirmed]) {
        shop.get(&format!("/reservations/{number}"))
            .has("/status", "Pending");
        shop.get(&format!("/myReservationLists/{number}"))
            .has("/reserveStatus", "Pending");
    }
    shop.get(&format!("/managementLists/{confirmed}"))
        .has("/status", "Pending");
    shop.delete(&format!("/reservations/{}", purchases[2]), 204);
    shop.set("payment", "running");
    for number in [purchases[0], purchases[1], confirmed] {
        shop.paid(number);
    }
    assert_eq!(shop.column("payments", "reserveId").len(), 3);
    shop.get(&format!("/myReservationLists/{}", purchases[2]))
        .has("/reserveStatus", "Canceled");
    let recorded = events_of(shop);
    recorded.has(&[
        ("order.held", 4),
        ("payment.captured", 3),
        ("payment.refunded", 0),
    ]);
}

#[test]
fn while_the_payment_provider_is_overloaded_a_purchase_is_pending_and_paid_later() {
    let (shop, provider) = with_provider();
    let lesson = shop.lesson();
    provider.behave(Behaviour {
        down: true,
        ..Behaviour::default()
    });
    let number = shop.purchase(lesson, "r1");
    shop.until(&format!("/reservations/{number}"), "/status", "Pending");
    shop.get(&format!("/myReservationLists/{number}"))
        .has("/reserveStatus", "Pending");
    provider.behave(Behaviour::default());
    shop.paid(number);
    let recorded = events_of(shop);
    recorded.has(&[("order.held", 1), ("payment.captured", 1)]);
}

#[test]
fn buyers_sellers_and_the_administrator_look_up_what_is_theirs() {
    let shop = Shop::open();
    let lesson = shop.lesson();
    let number = shop.bought(lesson, "r1");
    shop.bought(lesson, "r2");
    shop.post(
        "/lessons",
        &json!({"sellerId": "s2", "title": "art", "price": 1}),
    );
    shop.reserve("r3");

    assert_eq!(
        shop.column("lectures", "title"),
        ["math"],
        "only what is on sale"
    );
    let reply = shop.get("/mySaleLists/search/findBySellerId?sellerId=s1");
    reply.has("/_embedded/mySaleLists/0/lessonId", lesson);
    reply.has("/_embedded/mySaleLists/0/title", "math");
    reply.has("/_embedded/mySaleLists/0/saleStatus", "SaleApproved");
    reply.has("/_embedded/mySaleLists/0/reserveCount", 2);
    reply.has("/_embedded/mySaleLists/1", Value::Null);
    let reply = shop.get("/remittances/search/findBySellerId?sellerId=s1");
    reply.has("/_embedded/remittances/1/amount", 45_000);
    let reply = shop.get("/payments/search/findByReserveId?reserveId=r1");
    reply.has("/_embedded/payments/0/price", 50_000);
    reply.has("/_embedded/payments/1", Value::Null);
    let reply = shop.get("/lessons/search/findBySellerId?sellerId=s2");
    reply.has("/_embedded/lessons/0/title", "art");
    shop.until(
        &format!("/myReservationLists/{number}"),
        "/reserveStatus",
        "PayCompleted",
    );
    let reply = shop.get("/myReservationLists/search/findByReserveId?reserveId=r1");
    reply.has("/_embedded/myReservationLists/0/userId", "u1");
    reply.has(
        "/_embedded/myReservationLists/0/reserveStatus",
        "PayCompleted",
    );

    let mut waiting = shop.column("managementLists", "status");
    waiting.sort_by_key(ToString::to_string);
    let expected = [
        "PayCompleted",
        "PayCompleted",
        "SaleApproved",
        "SaleRequested",
        "reserve",
    ];
    assert_eq!(waiting, expected);
    shop.close();
}

#[test]
fn a_sellers_page_and_the_lectures_catch_up_once_after_a_pause() {
    let shop = Shop::open();
    let first = shop.lesson();
    shop.set("reservation", "paused");
    shop.set("lecture", "paused");
    for path in [
        "/reservations",
        "/mySaleLists",
        "/lectures",
        "/lectureSessions",
    ] {
        shop.client
            .request("GET", path)
            .expect(503)
            .has("/code", "component_paused");
    }
    shop.delete(&format!("/managements/{first}"), 204);
    shop.set("reservation", "running");
    shop.get(&format!("/mySaleLists/{first}"))
        .has("/saleStatus", "SaleRejected");
    let second = shop.lesson();
    shop.set("lecture", "running");
    shop.client
        .request("GET", &format!("/lectures/{first}"))
        .expect(404);
    shop.get(&format!("/lectures/{second}"))
        .has("/status", "LectureRegistered");
    assert_eq!(shop.column("lectures", "lessonId"), [second]);
    shop.close();
}

#[test]
fn what_cannot_be_is_refused_and_leaves_nothing_behind() {
    let shop = Shop::open();
    let lesson = shop.lesson();
    shop.bought(lesson, "r1");
    let mut cheaper = purchase(lesson, "r2");
    cheaper["price"] = 1.into();
    let long = "r".repeat(65);
    for (path, body, status, code) in [
        ("reservations", purchase(lesson, "r1"), 409, "key_taken"),
        ("reservations", cheaper, 409, "price_changed"),
        ("reservations", purchase(999, "r2"), 422, "unknown_listing"),
        (
            "reservations",
            json!({"userId": "u1"}),
            400,
            "field_required",
        ),
        (
            "reservations",
            json!({"reserveId": ""}),
            400,
            "field_required",
        ),
        (
            "reservations",
            json!({"reserveId": long}),
            400,
            "field_too_long",
        ),
        (
            "managements",
            json!({"reserveId": "r9"}),
            422,
            "unknown_key",
        ),
        (
            "managements",
            json!({"lessonId": 999}),
            422,
            "unknown_listing",
        ),
        ("managements", json!({}), 400, "field_required"),
        ("payments", json!({"reserveId": "r9"}), 422, "unknown_key"),
        ("payments", json!({}), 400, "field_required"),
        ("lessons", json!({"title": "math"}), 400, "field_required"),
    ] {
        shop.refused(&format!("/{path}"), &body, status, code);
    }
    for (field, value, code) in [
        ("price", json!("much"), "field_invalid"),
        ("price", json!(-1), "amount_negative"),
        ("lessonId", json!("x"), "field_invalid"),
    ] {
        let body = json!({"reserveId": "r2", field: value});
        shop.refused("/reservations", &body, 400, code);
    }
    let nobodys = json!({"reserveId": "r9", "userId": "u1"});
    shop.refused("/lectureSessions", &nobodys, 422, "unknown_key");
    for item in ["reservations/999", "reservations/x", "managements/999"] {
        shop.delete(&format!("/{item}"), 404);
    }
    for item in ["payments/999", "lessons/999"] {
        shop.delete(&format!("/{item}"), 404);
    }
    shop.delete("/remittances/1", 405);
    shop.get("/reservations").has("/page/totalElements", 1);
    shop.get("/payments").has("/page/totalElements", 1);
    shop.purchase(lesson, "r2");
    shop.close();
}

#[test]
fn a_declined_payment_cancels_the_purchase_and_the_buyer_sees_that_it_failed() {
    let shop = declining(|_| ());
    let lesson = shop.lesson();
    let number = shop.purchase(lesson, "r1");
    shop.until(&format!("/reservations/{number}"), "/status", "Canceled");
    shop.get("/payments").has("/page/totalElements", 0);
    let told = shop.told(number);
    assert!(
        told.contains(&("PayFailed".into(), "PayFailed".into())),
        "{told:?}"
    );
    shop.get(&format!("/mySaleLists/{lesson}"))
        .has("/reserveCount", 0);
    shop.get("/remittances").has("/page/totalElements", 0);
    shop.refused("/reservations", &purchase(lesson, "r1"), 409, "key_taken");
    shop.close();
}

#[test]
fn a_key_whose_order_never_came_to_be_can_be_used_again() {
    let shop = declining(|options| replace(options, "mode = \"hold\"", "mode = \"sync\""));
    let lesson = shop.lesson();
    for _ in 0..2 {
        let declined = "payment_declined";
        shop.refused("/reservations", &purchase(lesson, "r1"), 402, declined);
    }
    shop.get("/reservations").has("/page/totalElements", 0);
    shop.close();
}

#[test]
fn of_many_clients_with_one_key_one_has_the_reservation() {
    let shop = Shop::open();
    let placed = std::thread::scope(|scope| {
        let clients = [(); 8].map(|()| {
            scope.spawn(|| {
                let request = shop.client.request("POST", "/reservations");
                request.json(r#"{"reserveId": "r1"}"#).send().unwrap().0
            })
        });
        clients.map(|client| client.join().unwrap())
    });
    let count = |status| placed.iter().filter(|found| **found == status).count();
    assert_eq!((count(201), count(409)), (1, 7), "{placed:?}");
    shop.get("/reservations").has("/page/totalElements", 1);
    shop.close();
}

#[test]
fn a_purchase_that_names_no_price_costs_what_the_lesson_costs() {
    let shop = Shop::open();
    let lesson = shop.lesson();
    let purchase = json!({"reserveId": "r1", "userId": "u1", "lessonId": lesson});
    let reply = shop.post("/reservations", &purchase);
    let number = reply.has("/price", 50_000).number();
    shop.paid(number);
    shop.get(&format!("/payments/{number}"))
        .has("/price", 50_000);
    shop.close();
}
