//! The repair service: SEED API section 5.

use std::{collections::BTreeSet, fs, thread};

use serde_json::{Value, json};

use crate::support::{Client, Process, Recorded, Server, Setup, process::verify};

/// The call of the original's walk, as httpie sends it.
const CALL: &str = r#"{"tel": "01023456789", "status": "호출", "cost": "25500"}"#;

const CANCEL: &str = r#"{"status": "호출취소"}"#;
const REPAIRED: &str = r#"{"status": "수리완료"}"#;

/// How many engineers the file brings along.
const ENGINEERS: usize = 6;

fn shop() -> (Server, Client) {
    let server = Setup::of("repairs").start();
    let client = server.client();
    (server, client)
}

/// A call from a place.
fn from(position: &str) -> String {
    json!({"tel": "01023456789", "position": position}).to_string()
}

/// What the call, its management row and its assignment say; nothing where there is none.
fn stands(client: &Client, number: u64, expected: [&str; 3]) {
    for (path, status) in ["ascalls", "asmanages", "asassigns"].iter().zip(expected) {
        let path = format!("/{path}/{number}");
        if status.is_empty() {
            client.request("GET", &path).expect(404);
        } else {
            client.until(&path, "/status", status);
        }
    }
}

/// All of a collection.
fn all(client: &Client, path: &str) -> Vec<Value> {
    let reply = client.get(&format!("/{path}?size=1000"));
    let items = reply.at(&format!("/_embedded/{path}"));
    items.as_array().unwrap().clone()
}

/// A field of all of a collection.
fn each(client: &Client, path: &str, field: &str) -> Vec<Value> {
    let items = all(client, path).into_iter();
    items.map(|item| item[field].clone()).collect()
}

/// How many of a collection have this status.
fn count(client: &Client, path: &str, status: &str) -> usize {
    let found = each(client, path, "status").into_iter();
    found.filter(|found| found == status).count()
}

fn confirmed(client: &Client, body: &str) -> u64 {
    let number = client.post("/ascalls", body).number();
    stands(client, number, ["호출확정", "호출확정", "할당확정"]);
    number
}

/// Gives every engineer a call.
fn all_busy(client: &Client) {
    for _ in 0..ENGINEERS {
        confirmed(client, CALL);
    }
    assert_eq!(count(client, "engineers", "출동중"), ENGINEERS);
}

/// So many calls at the same time, from two places.
fn calls_at_once(client: &Client, count: usize) -> BTreeSet<u64> {
    let callers: Vec<_> = (0..count)
        .map(|caller| {
            let client = client.clone();
            let place = ["37.4980,127.0280", "37.5665,126.9780"][caller % 2];
            thread::spawn(move || client.post("/ascalls", &from(place)).number())
        })
        .collect();
    let numbers = callers.into_iter().map(|caller| caller.join().unwrap());
    let numbers: BTreeSet<u64> = numbers.collect();
    assert_eq!(numbers.len(), count);
    numbers
}

/// The orders that something happened to, in the order in which it did.
fn order_of<'a>(recorded: &'a Recorded, what: &str) -> Vec<&'a str> {
    let events = recorded.0.iter();
    let events = events.filter_map(|event| event.split_once(' '));
    events
        .filter(|(name, _)| *name == what)
        .map(|(_, number)| number)
        .collect()
}

#[test]
fn the_originals_commands_are_answered_as_they_were() {
    let (server, client) = shop();
    let reply = client.post("/ascalls", CALL);
    reply
        .has("/tel", "01023456789")
        .has("/status", "호출")
        .has("/cost", 25_500);
    reply.has("/location", Value::Null);
    reply.has(
        "/_links/ascall/href",
        format!("{}/ascalls/1", client.base()),
    );
    assert_eq!(
        reply.header("location"),
        format!("{}/ascalls/1", client.base())
    );
    stands(&client, 1, ["호출확정", "호출확정", "할당확정"]);

    client.get("/ascalls").has("/page/totalElements", 1);
    let reply = client.get("/asmanages/");
    reply
        .has("/page/totalElements", 1)
        .has("/_embedded/asmanages/0/orderId", "1");
    reply.has("/_embedded/asmanages/0/tel", "01023456789");
    reply.has("/_embedded/asmanages/0/cost", 25_500);

    let siege = client
        .request("POST", "/ascalls")
        .json(r#"{"tel": "0101231234"}"#);
    siege
        .expect(201)
        .has("/status", "호출")
        .has("/cost", Value::Null);
    let siege = r#"{"tel": "1234567890", "cost":3000}"#;
    let reply = client.request("POST", "/ascalls/").json(siege).expect(201);
    reply.has("/cost", 3_000).has("/tel", "1234567890");

    let reply = client.request("DELETE", "/ascalls/1").expect(204);
    assert_eq!(reply.text, "");
    client.request("GET", "/ascalls/1").expect(404);
    client.get("/ascalls").has("/page/totalElements", 2);
    server.verified();
}

#[test]
fn the_fields_are_the_originals_in_their_order() {
    let (_server, client) = shop();
    confirmed(&client, CALL);
    let check = |path: &str, expected: &[&str]| {
        let text = client.get(&format!("/{path}/1")).text;
        let names = text
            .lines()
            .filter_map(|line| line.strip_prefix("  \"")?.split_once('"'));
        let names: Vec<&str> = names.map(|(name, _)| name).collect();
        assert_eq!(names, [expected, &["_links"]].concat(), "{path}");
    };
    check(
        "ascalls",
        &["tel", "location", "status", "cost", "position"],
    );
    let managed = [
        "orderId", "tel", "location", "status", "cost", "asmanid", "asman", "asmantel",
    ];
    check("asmanages", &managed);
    check("asassigns", &["status", "asmanid", "asman", "asmantel"]);
}

#[test]
fn a_call_without_a_telephone_number_is_kept_and_nothing_follows() {
    let (server, client) = shop();
    client
        .post("/ascalls", r#"{"location": "서울", "cost": 100}"#)
        .has("/status", "호출");
    client.post("/ascalls", "{}").has("/status", "호출");
    client
        .post("/ascalls", r#"{"tel": null}"#)
        .has("/status", "호출");
    for number in 1..=3 {
        stands(&client, number, ["호출", "", ""]);
        let done = client
            .request("PATCH", &format!("/asassigns/{number}"))
            .json(REPAIRED);
        done.expect(404);
    }
    assert_eq!(count(&client, "engineers", "대기중"), ENGINEERS);
    client.request("DELETE", "/ascalls/1").expect(204);
    client.get("/customers/1").has("/status", "호출취소");
    let recorded = server.verified();
    recorded.has(&[
        ("approval.requested", 0),
        ("delivery.planned", 0),
        ("order.placed", 3),
    ]);
}

// ---- Policies -----------------------------------------------------------------------------------

#[test]
fn a_call_is_handed_over_and_confirmed_and_its_engineer_is_known_everywhere() {
    let (_server, client) = shop();
    confirmed(&client, CALL);
    let assigned = client.get("/asassigns/1");
    assigned
        .has("/asmanid", "서울80아1001")
        .has("/asman", "김수리");
    assigned.has("/asmantel", "010-0000-0001");
    for field in ["/asmanid", "/asman", "/asmantel"] {
        client.get("/asmanages/1").has(field, assigned.at(field));
    }
    let row = client.get("/customers/1");
    row.has("/asman", "김수리").has("/status", "호출확정");
    client.get("/engineers/1").has("/status", "출동중");
}

#[test]
fn a_call_that_is_cancelled_is_withdrawn_from_management_and_its_engineer_is_free() {
    let (server, client) = shop();
    for cancel in ["DELETE", "PATCH", "PUT"] {
        let number = confirmed(&client, CALL);
        let engineer = client.get(&format!("/asassigns/{number}")).at("/asmanid");
        assert_eq!(
            engineer, "서울80아1001",
            "the first is free again each time"
        );
        let path = format!("/ascalls/{number}");
        if cancel == "DELETE" {
            client.request(cancel, &path).expect(204);
            stands(&client, number, ["", "호출요청취소됨", "할당취소"]);
        } else {
            let reply = client.request(cancel, &path).json(CANCEL).expect(200);
            reply.has("/status", "호출취소");
            stands(&client, number, ["호출취소", "호출요청취소됨", "할당취소"]);
        }
        client.get("/engineers/1").has("/status", "대기중");
    }
    server.ends_with(&[
        ("order.cancelled", 3),
        ("approval.withdrawn", 3),
        ("delivery.cancelled", 3),
        ("listing.released", 3),
    ]);
}

#[test]
fn a_manager_who_calls_it_off_cancels_the_call_and_the_assignment() {
    let (server, client) = shop();
    let ways = [
        (
            "POST",
            "/asmanages",
            r#"{"orderId": "1", "status": "호출취소"}"#,
            201,
        ),
        ("PATCH", "/asmanages/2", CANCEL, 200),
        ("PUT", "/asmanages/3", CANCEL, 200),
    ];
    for (number, (method, path, body, status)) in (1..).zip(ways) {
        assert_eq!(confirmed(&client, CALL), number);
        let reply = client.request(method, path).json(body).expect(status);
        reply
            .has("/status", "호출취소")
            .has("/orderId", number.to_string());
        stands(&client, number, ["호출취소", "호출취소", "할당취소"]);
        client.get("/engineers/1").has("/status", "대기중");
    }
    server.ends_with(&[("approval.refused", 3), ("delivery.cancelled", 3)]);
}

#[test]
fn an_engineer_who_cannot_come_ends_the_call() {
    let (server, client) = shop();
    for (number, method) in (1..).zip(["PATCH", "PUT"]) {
        confirmed(&client, CALL);
        let request = client.request(method, &format!("/asassigns/{number}"));
        request
            .json(r#"{"status": "할당취소"}"#)
            .expect(200)
            .has("/status", "할당취소");
        stands(&client, number, ["호출취소", "호출요청취소됨", "할당취소"]);
    }
    assert_eq!(count(&client, "engineers", "대기중"), ENGINEERS);
    server.verified();
}

#[test]
fn the_customer_is_told_of_every_event_under_its_original_name() {
    let (_server, client) = shop();
    confirmed(&client, CALL);
    client.request("DELETE", "/ascalls/1").expect(204);
    client.get("/customers/1").has("/status", "호출취소");
    let told = all(&client, "notifications");
    let of =
        |name: &str| -> Vec<&Value> { told.iter().filter(|told| told["event"] == name).collect() };
    let names = [
        ("AsmanageAssigned", 2),
        ("AsassignCompleted", 1),
        ("AscallCancelled", 1),
        ("AsassignCancelled", 1),
    ];
    for (name, count) in names {
        assert_eq!(of(name).len(), count, "{name}: {told:#?}");
    }
    for told in &told {
        assert_eq!(
            (&told["to"], &told["order"]),
            (&json!("01023456789"), &json!(1))
        );
    }
    let texts: Vec<&str> = told
        .iter()
        .filter_map(|told| told["text"]["ko"].as_str())
        .collect();
    let before = |one: &str, other: &str| {
        let at = |part: &str| texts.iter().position(|text| text.contains(part));
        assert!(
            at(one).is_some() && at(one) < at(other),
            "{one} before {other}: {texts:#?}"
        );
    };
    before("접수되었습니다. (호출)", "찾고 있습니다. (호출중)");
    before(
        "찾고 있습니다. (호출중)",
        "김수리 기사님이 방문합니다. 연락처: 010-0000-0001",
    );
    before("김수리 기사님", "취소: 호출취소");

    confirmed(&client, CALL);
    client.patch("/asmanages/2", CANCEL);
    client.until("/customers/2", "/status", "호출취소");
    let told = all(&client, "notifications");
    let refused = told
        .iter()
        .find(|told| told["event"] == "AsmanageCancelled");
    assert_eq!(
        refused.map(|told| &told["order"]),
        Some(&json!(2)),
        "{told:#?}"
    );
}

// ---- What was required --------------------------------------------------------------------------

#[test]
fn the_nearest_free_engineer_is_sent() {
    let (server, client) = shop();
    let check = |position: &str, engineer: &str| {
        let number = confirmed(&client, &from(position));
        client
            .get(&format!("/asassigns/{number}"))
            .has("/asman", engineer);
        number
    };
    let gangnam = check("37.4980,127.0280", "이고침");
    check("37.4980,127.0280", "최전기");
    check("37.6500,127.0500", "정배관");
    client
        .request("DELETE", &format!("/ascalls/{gangnam}"))
        .expect(204);
    check("37.4980,127.0280", "이고침");
    check("37.55,126.92", "박나사");
    server.verified();
}

#[test]
fn without_a_place_the_first_free_engineer_is_sent() {
    let (_server, client) = shop();
    for name in ["김수리", "이고침", "박나사"] {
        let number = confirmed(&client, CALL);
        client
            .get(&format!("/asassigns/{number}"))
            .has("/asman", name);
    }
    client.request("DELETE", "/ascalls/2").expect(204);
    let number = confirmed(&client, CALL);
    client
        .get(&format!("/asassigns/{number}"))
        .has("/asman", "이고침");
}

#[test]
fn a_repair_that_is_done_completes_the_call_and_frees_its_engineer() {
    let (server, client) = shop();
    confirmed(&client, CALL);
    client
        .patch("/asassigns/1", REPAIRED)
        .has("/status", "수리완료");
    stands(&client, 1, ["수리완료", "호출확정", "수리완료"]);
    client.get("/engineers/1").has("/status", "대기중");
    client.get("/customers/1").has("/status", "수리완료");
    // Done is done.
    client
        .patch("/asassigns/1", REPAIRED)
        .has("/status", "수리완료");
    // As in every shop, it can be called off even then; there is nobody left to free.
    client
        .patch("/ascalls/1", CANCEL)
        .has("/status", "호출취소");
    stands(&client, 1, ["호출취소", "호출요청취소됨", "할당취소"]);
    confirmed(&client, CALL);
    client.get("/asassigns/2").has("/asman", "김수리");
    server.ends_with(&[("listing.reserved", 2), ("listing.released", 1)]);
}

#[test]
fn while_all_engineers_are_busy_a_call_waits_until_one_is_free() {
    let (server, client) = shop();
    all_busy(&client);
    let waiting = |number: u64| stands(&client, number, ["호출", "호출중", ""]);
    let next = || client.post("/ascalls", CALL).number();
    let (seventh, eighth) = (next(), next());
    waiting(seventh);
    waiting(eighth);
    client
        .get(&format!("/customers/{seventh}"))
        .has("/asman", Value::Null);

    client.request("DELETE", "/ascalls/3").expect(204);
    client.patch("/asassigns/5", REPAIRED);
    let mut engineers = BTreeSet::new();
    for number in [seventh, eighth] {
        stands(&client, number, ["호출확정", "호출확정", "할당확정"]);
        let engineer = client.get(&format!("/asassigns/{number}")).at("/asman");
        engineers.insert(engineer.as_str().unwrap().to_owned());
    }
    let freed = ["박나사", "정배관"].map(str::to_owned);
    assert_eq!(engineers, BTreeSet::from(freed));
    server.verified();
}

/// A call's next turn may begin before an engineer has heard that its last one is over.
#[test]
fn calls_that_are_called_off_while_somebody_is_assigned_leave_no_gap_in_their_history() {
    let server = Setup::of("repairs")
        .config("[limits]\nshards = 4\n")
        .start();
    thread::scope(|scope| {
        for _ in 0..12 {
            let client = server.client();
            scope.spawn(move || {
                for _ in 0..60 {
                    let number = client.post("/ascalls", CALL).number();
                    let path = format!("/ascalls/{number}");
                    client.request("DELETE", &path).expect(204);
                }
            });
        }
    });
    server.verified();
}

#[test]
fn who_has_waited_longest_is_served_first() {
    let server = Setup::of("repairs")
        .config("[limits]\nshards = 2\n")
        .start();
    let client = server.client();
    let mut calls = calls_at_once(&client, 40);
    let mut busy = BTreeSet::new();
    let engineers = || each(&client, "asassigns", "status").len();
    let mut looks = std::iter::repeat_with(engineers).take(20_000);
    assert!(looks.any(|assigned| assigned == ENGINEERS));
    for number in &calls {
        if client.get(&format!("/ascalls/{number}")).at("/status") == "호출확정" {
            busy.insert(*number);
        }
    }
    calls.retain(|number| !busy.contains(number));
    // One of those that wait is called off: nobody waits for it.
    let gone = calls.pop_first().unwrap();
    client
        .request("DELETE", &format!("/ascalls/{gone}"))
        .expect(204);
    while let (Some(done), Some(next)) = (busy.pop_first(), calls.pop_first()) {
        client.patch(&format!("/asassigns/{done}"), REPAIRED);
        stands(&client, next, ["호출확정", "호출확정", "할당확정"]);
        assert_eq!(count(&client, "asmanages", "호출중"), calls.len());
        busy.insert(next);
    }
    server.ends_with(&[("order.confirmed", 39), ("order.completed", 33)]);
}

#[test]
fn calls_that_wait_outlast_a_pause_and_a_kill_in_their_order() {
    let data = tempfile::TempDir::new().unwrap();
    let data = data.path().join("data");
    let serve = || Process::serve(&data, &["--root", "repairs"]);
    let process = serve();
    let client = process.client();
    all_busy(&client);
    let waiting: Vec<u64> = (0..5)
        .map(|_| client.post("/ascalls", CALL).number())
        .collect();
    client.pause("repairs/asassign");
    client.request("DELETE", "/ascalls/1").expect(204);
    client
        .get(&format!("/asmanages/{}", waiting[0]))
        .has("/status", "호출중");
    process.kill();

    let process = serve();
    let client = process.client();
    client
        .get(&format!("/asmanages/{}", waiting[0]))
        .has("/status", "호출중");
    client.resume("repairs/asassign");
    let served = |number: u64| stands(&client, number, ["호출확정", "호출확정", "할당확정"]);
    served(waiting[0]);
    for (done, next) in (2..).zip(&waiting[1..]) {
        client
            .request("DELETE", &format!("/ascalls/{done}"))
            .expect(204);
        served(*next);
    }
    process.terminate();
    assert!(process.wait().0.success());
    verify(&data);
    let recorded = Recorded::read(&data);
    let confirmed = order_of(&recorded, "order.confirmed");
    let waiting: Vec<String> = waiting.iter().map(u64::to_string).collect();
    assert_eq!(confirmed[ENGINEERS..], waiting);
}

#[test]
fn a_call_that_waits_can_be_cancelled() {
    let (server, client) = shop();
    all_busy(&client);
    let number = client.post("/ascalls", CALL).number();
    client
        .request("DELETE", &format!("/ascalls/{number}"))
        .expect(204);
    stands(&client, number, ["", "호출요청취소됨", ""]);
    client.request("DELETE", "/ascalls/1").expect(204);
    let next = confirmed(&client, CALL);
    client
        .get(&format!("/asassigns/{next}"))
        .has("/asman", "김수리");
    server.verified();
}

#[test]
fn one_engineer_never_comes_to_two_calls_however_many_come_at_once() {
    let (server, client) = shop();
    calls_at_once(&client, 32);
    let mut looks = std::iter::repeat_with(|| count(&client, "ascalls", "호출확정")).take(20_000);
    assert!(
        looks.any(|found| found == ENGINEERS),
        "every engineer has a call"
    );
    let busy = || {
        let assigned = all(&client, "asassigns").into_iter();
        let assigned = assigned.filter(|assign| assign["status"] == "할당확정");
        let busy: Vec<Value> = assigned.map(|assign| assign["asmanid"].clone()).collect();
        let distinct: BTreeSet<_> = busy.iter().map(Value::to_string).collect();
        assert_eq!(
            (busy.len(), distinct.len()),
            (ENGINEERS, ENGINEERS),
            "{busy:?}"
        );
    };
    busy();
    assert_eq!(count(&client, "asmanages", "호출중"), 32 - ENGINEERS);
    let recorded = server.verified();
    recorded.has(&[
        ("listing.reserved", ENGINEERS),
        ("listing.sold_out", ENGINEERS),
    ]);
    recorded.has(&[
        ("order.confirmed", ENGINEERS),
        ("delivery.planned", ENGINEERS),
    ]);
}

#[test]
fn a_call_is_answered_once_its_assignment_was_requested() {
    let (_server, client) = shop();
    all_busy(&client);
    for _ in 0..20 {
        let number = client.post("/ascalls", CALL).number();
        client
            .get(&format!("/asmanages/{number}"))
            .has("/status", "호출중");
    }
}

#[test]
fn calls_are_accepted_while_management_is_paused_and_handed_over_once_each_in_order() {
    // One shard has all the calls, so that their order is one.
    let server = Setup::of("repairs")
        .config("[limits]\nshards = 1\n")
        .start();
    let client = server.client();
    client.pause("repairs/asmanage");
    let numbers: Vec<u64> = (0..9)
        .map(|_| client.post("/ascalls", CALL).number())
        .collect();
    for number in &numbers {
        client
            .get(&format!("/ascalls/{number}"))
            .has("/status", "호출");
        client
            .request("GET", &format!("/asassigns/{number}"))
            .expect(404);
    }
    client.request("DELETE", "/ascalls/3").expect(204);
    client
        .request("GET", "/asmanages")
        .expect(503)
        .has("/code", "component_paused");
    client.resume("repairs/asmanage");
    for number in [1, 2, 4, 5, 6, 7] {
        stands(&client, number, ["호출확정", "호출확정", "할당확정"]);
    }
    for number in [8, 9] {
        stands(&client, number, ["호출", "호출중", ""]);
    }
    stands(&client, 3, ["", "", ""]);
    let recorded = server.verified();
    let expected = ["1", "2", "4", "5", "6", "7", "8", "9"];
    assert_eq!(order_of(&recorded, "approval.requested"), expected);
    assert_eq!(
        order_of(&recorded, "order.confirmed"),
        expected[..ENGINEERS]
    );
}

#[test]
fn calls_are_accepted_while_assignment_is_paused_and_assigned_afterwards_once_each() {
    let server = Setup::of("repairs")
        .config("[limits]\nshards = 1\n")
        .start();
    let client = server.client();
    client.pause("repairs/asassign");
    for number in 1..=5 {
        client.post("/ascalls", CALL).has("/status", "호출");
        client
            .get(&format!("/ascalls/{number}"))
            .has("/status", "호출");
        client
            .get(&format!("/asmanages/{number}"))
            .has("/status", "호출중");
    }
    client
        .request("GET", "/asassigns")
        .expect(503)
        .has("/code", "component_paused");
    client.request("GET", "/engineers").expect(503);
    client.resume("repairs/asassign");
    for number in 1..=5 {
        stands(&client, number, ["호출확정", "호출확정", "할당확정"]);
    }
    let recorded = server.verified();
    recorded.has(&[("listing.reserved", 5)]);
    assert_eq!(
        order_of(&recorded, "delivery.planned"),
        ["1", "2", "3", "4", "5"]
    );
}

#[test]
fn a_cancellation_reaches_what_was_paused_afterwards() {
    let (server, client) = shop();
    for paused in ["asmanage", "asassign"] {
        let number = confirmed(&client, CALL);
        client.pause(&format!("repairs/{paused}"));
        client
            .request("DELETE", &format!("/ascalls/{number}"))
            .expect(204);
        client.resume(&format!("repairs/{paused}"));
        stands(&client, number, ["", "호출요청취소됨", "할당취소"]);
        client.until("/engineers/1", "/status", "대기중");
    }
    server.ends_with(&[("approval.withdrawn", 2), ("delivery.cancelled", 2)]);
}

#[test]
fn the_customers_page_and_notifications_follow_when_they_run_again() {
    let (server, client) = shop();
    client.pause("repairs/customer");
    confirmed(&client, CALL);
    client.request("GET", "/customers/1").expect(503);
    client.request("GET", "/notifications").expect(503);
    client.resume("repairs/customer");
    client
        .until("/customers/1", "/status", "호출확정")
        .has("/asmantel", "010-0000-0001");
    client.until(
        "/notifications",
        "/_embedded/notifications/0/event",
        "placed",
    );
    server.verified();
}

#[test]
fn the_customer_sees_what_the_call_went_through() {
    let (_server, client) = shop();
    confirmed(&client, CALL);
    client.patch("/asassigns/1", REPAIRED);
    client
        .get("/customers/1")
        .has("/ascallId", 1)
        .has("/status", "수리완료");
    let history = client
        .get("/customers/1/history")
        .at("/_embedded/customers");
    let went = |field: &str| -> Vec<Value> {
        let mut went: Vec<Value> = Vec::new();
        for entry in history.as_array().unwrap() {
            if went.last() != Some(&entry[field]) {
                went.push(entry[field].clone());
            }
        }
        went
    };
    assert_eq!(went("status"), ["호출", "호출확정", "수리완료"]);
    assert_eq!(went("asman"), [Value::Null, json!("김수리")]);
    let found = client.get("/customers/search/findByTel?tel=01023456789");
    found.has("/_embedded/customers/0/ascallId", 1);
}

#[test]
fn what_cannot_be_done_is_refused_with_a_reason() {
    let (server, client) = shop();
    confirmed(&client, CALL);
    let check = |request: &str, body: &str, status: u16, code: &str| {
        let (method, path) = request.split_once(' ').unwrap();
        let reply = client.request(method, path).json(body).expect(status);
        if !code.is_empty() {
            reply.has("/code", code);
        }
    };
    check(
        "POST /asmanages",
        r#"{"tel": "01023456789"}"#,
        400,
        "field_required",
    );
    check("POST /asmanages", CANCEL, 400, "field_required");
    check(
        "POST /asmanages",
        r#"{"orderId": "one"}"#,
        400,
        "field_invalid",
    );
    check(
        "POST /asmanages",
        r#"{"orderId": "1"}"#,
        409,
        "status_not_settable",
    );
    let unknown = r#"{"orderId": "99", "status": "호출취소"}"#;
    check("POST /asmanages", unknown, 422, "unknown_order");
    check(
        "POST /ascalls",
        r#"{"tel": "1", "cost": "much"}"#,
        400,
        "field_invalid",
    );
    check(
        "POST /ascalls",
        r#"{"tel": "1", "position": "Seoul"}"#,
        400,
        "field_invalid",
    );
    check("POST /ascalls", "{", 400, "body_invalid");
    check(
        "PATCH /ascalls/1",
        r#"{"status": "수리완료"}"#,
        409,
        "status_not_settable",
    );
    check(
        "PATCH /asassigns/1",
        r#"{"status": "완료"}"#,
        409,
        "status_not_settable",
    );
    check("PATCH /ascalls/99", CANCEL, 404, "");
    check("DELETE /ascalls/99", "", 404, "");
    check("PATCH /asassigns/99", REPAIRED, 404, "");
    check("PATCH /asmanages/99", CANCEL, 404, "");
    check("DELETE /asmanages/1", "", 405, "");
    check(
        "POST /engineers",
        r#"{"asman": "무명"}"#,
        400,
        "field_required",
    );
    stands(&client, 1, ["호출확정", "호출확정", "할당확정"]);
    server.ends_with(&[("order.placed", 1), ("order.cancelled", 0)]);
}

#[test]
fn a_call_is_cancelled_once() {
    let (server, client) = shop();
    confirmed(&client, CALL);
    for _ in 0..2 {
        client
            .patch("/ascalls/1", CANCEL)
            .has("/status", "호출취소");
    }
    client
        .request("PATCH", "/asassigns/1")
        .json(REPAIRED)
        .expect(409)
        .has("/code", "order_cancelled");
    client
        .request("PATCH", "/asmanages/1")
        .json(CANCEL)
        .expect(409)
        .has("/code", "order_cancelled");
    client.request("DELETE", "/ascalls/1").expect(204);
    client.request("DELETE", "/ascalls/1").expect(404);
    server.ends_with(&[
        ("order.cancelled", 1),
        ("approval.withdrawn", 1),
        ("delivery.cancelled", 1),
        ("listing.released", 1),
    ]);
}

#[test]
fn a_call_can_be_changed_without_losing_its_engineer() {
    let (_server, client) = shop();
    confirmed(&client, CALL);
    client
        .patch("/ascalls/1", r#"{"location": "분당"}"#)
        .has("/status", "호출확정");
    client
        .get("/asmanages/1")
        .has("/location", "분당")
        .has("/asman", "김수리");
    client.get("/customers/1").has("/tel", "01023456789");
}

// ---- Who is there at the beginning --------------------------------------------------------------

const ROWS: [&str; 6] = ["김수리", "이고침", "박나사", "최전기", "정배관", "한기사"];

#[test]
fn six_engineers_are_there_at_the_beginning_and_after_every_restart() {
    let data = tempfile::TempDir::new().unwrap();
    let data = data.path().join("data");
    for looks in [1, 20, 60, 120] {
        Process::kill_starting(&data, looks * 50_000);
    }
    for _ in 0..3 {
        let process = Process::serve(&data, &["--root", "repairs"]);
        assert_eq!(each(&process.client(), "engineers", "asman"), ROWS);
        process.client().get("/engineers/6").has("/asman", "한기사");
        process.kill();
    }
    let process = Process::serve(&data, &["--root", "repairs"]);
    process
        .client()
        .request("DELETE", "/engineers/1")
        .expect(204);
    let hired = r#"{"asmanid": "서울80아1007", "asman": "새기사", "position": "37.5,127.0"}"#;
    process
        .client()
        .post("/engineers", hired)
        .has("/status", "대기중")
        .has("/quantity", 1);
    process.terminate();
    assert!(process.wait().0.success());
    let process = Process::serve(&data, &["--root", "repairs"]);
    let staff = [&ROWS[1..], &["새기사"]].concat();
    assert_eq!(
        each(&process.client(), "engineers", "asman"),
        staff,
        "who left does not come back"
    );
    assert_eq!(confirmed(&process.client(), CALL), 1);
    process.client().get("/asassigns/1").has("/asman", "이고침");
    process.terminate();
    assert!(process.wait().0.success());
    verify(&data);
}

#[test]
fn what_a_shop_begins_with_is_offered_to_its_end_and_only_to_a_shop_that_has_not_begun() {
    let directory = tempfile::TempDir::new().unwrap();
    let shops = directory.path().join("shops");
    fs::create_dir(&shops).unwrap();
    let text = include_str!("../../../storefronts/repairs.toml");
    let text = text.replacen("name = \"repairs\"", "name = \"plumbers\"", 1);
    let row = |at: usize| text.match_indices("[[listing.row]]").nth(at).unwrap().0;
    let rows_end = text.find("# A repair: which").unwrap();
    // The file with so many rows.
    let served = |data: &str, rows: usize| {
        let cut = if rows == ENGINEERS {
            rows_end
        } else {
            row(rows)
        };
        let text = [&text[..cut], &text[rows_end..]].concat();
        fs::write(shops.join("plumbers.toml"), text).unwrap();
        let shops = shops.to_str().unwrap();
        let more = ["--storefronts", shops, "--root", "plumbers"];
        Process::serve(&directory.path().join(data), &more)
    };
    for rows in [0, 2, 3, 6, 6, 4] {
        let there = if rows == 4 { 6 } else { rows };
        let process = served("cut short", rows);
        assert_eq!(each(&process.client(), "engineers", "asman"), ROWS[..there]);
    }
    let process = served("own", 0);
    process
        .client()
        .post("/engineers", r#"{"asmanid": "1", "asman": "주인"}"#);
    drop(process);
    let process = served("own", 6);
    assert_eq!(each(&process.client(), "engineers", "asman"), ["주인"]);
}
