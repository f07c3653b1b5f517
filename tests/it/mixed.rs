//! All shops at once: many customers who place, pay, take, deliver and call off, while parts are
//! paused and the process is killed. What must never be so is looked for in what is answered.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::JoinHandle,
};

use fastrand::Rng;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Client, Process, Recorded, process::verify};

/// Customers of each shop, each with a connection of their own.
const CUSTOMERS: usize = 3;

/// Answers between two parts being paused or let run.
const ANSWERS: usize = 80;

/// Parts being paused or let run before the end of a round.
const TURNS: usize = 16;

/// Parts that are paused at the same time, at most.
const PAUSED_MAX: usize = 3;

/// How often is looked before what should follow by itself counts as not following.
const LOOKS_MAX: usize = 400;

/// Of each of the two rooms.
const ROOMS: usize = 3;

/// What the customers must have led to, or they did too little to show anything.
const EVENTS: [&str; 13] = [
    "order.cancelled",
    "order.completed",
    "order.removed",
    "payment.captured",
    "payment.refunded",
    "listing.sold_out",
    "listing.freed",
    "approval.granted",
    "approval.refused",
    "approval.withdrawn",
    "delivery.done",
    "delivery.cancelled",
    "payout.taken_back",
];

/// What a customer sends: method, path, body.
type Sent = (&'static str, String, Value);

/// One shop, and how its customers behave.
struct Shop {
    name: &'static str,
    /// What there must be before they come.
    first: fn() -> Vec<Sent>,
    /// An order under a key that nobody else has.
    place: fn(&str, &mut Rng) -> Sent,
    /// Something that is done with an order: its number, its key, and a number that chooses.
    touch: fn(u64, &str, u8) -> Sent,
    /// What is wrong with what the shop answers.
    faults: fn(&Client) -> Vec<String>,
}

const SHOPS: [Shop; 5] = [
    Shop {
        name: "flowers",
        first: Vec::new,
        place: |key, _| {
            (
                "POST",
                "orders".into(),
                json!({"customerName": key, "price": 100}),
            )
        },
        touch: |order, _, which| match which % 3 {
            0 => ("POST", "deliveries".into(), json!({"orderId": order})),
            1 => (
                "PATCH",
                format!("orders/{order}"),
                json!({"status": "OrderCancelled"}),
            ),
            _ => ("DELETE", format!("orders/{order}"), Value::Null),
        },
        faults: |client| {
            unpaid(
                client,
                ["OrderCancelled", "PaymentConfirmed", "PaymentCancelled"],
            )
        },
    },
    Shop {
        name: "fish",
        first: Vec::new,
        place: |key, _| {
            let body = json!({"customerName": key, "price": 100, "status": "paid"});
            ("POST", "orders".into(), body)
        },
        touch: |order, _, which| match which % 4 {
            0 | 1 => (
                "PATCH",
                format!("fishstores/{order}"),
                json!({"status": "prepared"}),
            ),
            2 => (
                "PATCH",
                format!("fishstores/{order}"),
                json!({"status": "canceled"}),
            ),
            _ => (
                "PATCH",
                format!("orders/{order}"),
                json!({"status": "canceled"}),
            ),
        },
        faults: untaken,
    },
    Shop {
        name: "stays",
        first: || {
            let room = json!({"roomName": "SEA", "roomQty": ROOMS});
            vec![
                ("POST", "rooms".into(), room.clone()),
                ("POST", "rooms".into(), room),
            ]
        },
        place: |key, random| {
            let room = random.u64(1..=2);
            let body = json!({"customerName": key, "roomNumber": room, "paymentPrice": 100});
            ("POST", "reservations".into(), body)
        },
        touch: |order, _, which| {
            let status = ["payment", "payment", "checkOut", "cancel"][usize::from(which % 4)];
            let body = json!({"reservationNumber": order, "reserveStatus": status});
            ("POST", "reservations".into(), body)
        },
        faults: oversold,
    },
    Shop {
        name: "repairs",
        first: Vec::new,
        place: |key, random| {
            let position = format!("37.{},127.{}", random.u16(100..999), random.u16(100..999));
            (
                "POST",
                "ascalls".into(),
                json!({"tel": key, "position": position}),
            )
        },
        touch: |order, _, which| match which % 4 {
            0 | 1 => (
                "PATCH",
                format!("asassigns/{order}"),
                json!({"status": "수리완료"}),
            ),
            2 => (
                "PATCH",
                format!("ascalls/{order}"),
                json!({"status": "호출취소"}),
            ),
            _ => (
                "PATCH",
                format!("asmanages/{order}"),
                json!({"status": "호출취소"}),
            ),
        },
        faults: overworked,
    },
    Shop {
        name: "tutoring",
        first: || {
            let lesson = json!({"sellerId": "teacher", "title": "Piano", "price": 100});
            let open = json!({"lessonId": 1});
            vec![
                ("POST", "lessons".into(), lesson),
                ("POST", "managements".into(), open),
            ]
        },
        place: |key, random| {
            let mut body = json!({"userId": "pupil", "reserveId": key, "price": 100});
            if random.bool() {
                body["lessonId"] = json!(1);
            }
            ("POST", "reservations".into(), body)
        },
        touch: |order, key, which| match which % 4 {
            0 | 1 => ("POST", "managements".into(), json!({"reserveId": key})),
            2 => ("DELETE", format!("payments/{order}"), Value::Null),
            _ => (
                "PATCH",
                format!("reservations/{order}"),
                json!({"status": "Canceled"}),
            ),
        },
        faults: unconfirmed,
    },
];

/// All of a collection, each with its number.
fn all(client: &Client, path: &str) -> BTreeMap<u64, Value> {
    let (mut items, mut page) = (BTreeMap::new(), 0);
    loop {
        let reply = client.get(&format!("/{path}?size=1000&page={page}"));
        let listed = reply.at(&format!("/_embedded/{path}"));
        for item in listed.as_array().unwrap() {
            let href = item["_links"]["self"]["href"].as_str().unwrap();
            let number = href.rsplit('/').next().unwrap().parse().unwrap();
            let other = items.insert(number, item.clone());
            assert_eq!(other, None, "{path}/{number} is listed twice");
        }
        page += 1;
        if reply.at("/page/totalPages").as_u64().unwrap() <= page {
            return items;
        }
    }
}

/// What an item says under this name.
fn says<'a>(items: &'a BTreeMap<u64, Value>, number: u64, name: &str) -> &'a str {
    let item = items.get(&number);
    item.and_then(|item| item[name].as_str())
        .unwrap_or("nothing")
}

/// Where payment is awaited: no order is there without its money, and no money without its order.
fn unpaid(client: &Client, [cancelled, captured, refunded]: [&str; 3]) -> Vec<String> {
    let (orders, payments) = (all(client, "orders"), all(client, "payments"));
    let mut faults = Vec::new();
    for &number in orders.keys().chain(payments.keys()) {
        let is_off = !orders.contains_key(&number) || says(&orders, number, "status") == cancelled;
        let expected = if is_off { refunded } else { captured };
        let found = says(&payments, number, "status");
        if found != expected {
            faults.push(format!(
                "the payment of order {number} is {found}, not {expected}"
            ));
        }
    }
    faults
}

fn untaken(client: &Client) -> Vec<String> {
    let mut faults = unpaid(client, ["canceled", "paid", "canceled"]);
    let (orders, deliveries) = (all(client, "orders"), all(client, "deliveries"));
    let stores = all(client, "fishstores");
    for &number in orders.keys() {
        let (order, store) = (
            says(&orders, number, "status"),
            says(&stores, number, "status"),
        );
        let fits = matches!(
            (order, store, says(&deliveries, number, "status")),
            ("paid", "paid", "nothing")
                | ("paid", "prepared", "delivered")
                | ("canceled", "canceled" | "nothing", "canceled" | "nothing")
        );
        if !fits {
            faults.push(format!("order {number} is {order}, the store says {store}"));
        }
    }
    faults
}

/// Rooms are reserved as often as there are rooms, at most; which are free, they say themselves.
fn oversold(client: &Client) -> Vec<String> {
    let reservations = all(client, "reservations");
    let mut faults = Vec::new();
    for (number, room) in all(client, "rooms") {
        let live = reservations.values().filter(|reservation| {
            let status = reservation["reserveStatus"].as_str().unwrap_or_default();
            reservation["roomNumber"] == number && ["reserve", "paymentComp"].contains(&status)
        });
        let (live, status) = (live.count(), &room["roomStatus"]);
        if live > ROOMS || (live == ROOMS) != (status == "RoomNotAvaliable") {
            faults.push(format!("room {number} is {status}, reserved {live} times"));
        }
    }
    faults
}

/// Whoever repairs is at one customer's, and nobody is anywhere without a customer.
fn overworked(client: &Client) -> Vec<String> {
    let calls = all(client, "ascalls");
    let mut live: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut faults = Vec::new();
    for (number, assigned) in all(client, "asassigns") {
        let call = says(&calls, number, "status");
        let status = assigned["status"].as_str().unwrap_or_default();
        if (call == "호출확정") != (status == "할당확정") {
            faults.push(format!("call {number} is {call}, but {status}"));
        }
        if status == "할당확정" {
            let engineer = assigned["asmanid"].as_str().unwrap_or_default();
            live.entry(engineer.to_owned()).or_default().push(number);
        }
    }
    for engineer in all(client, "engineers").values() {
        let name = engineer["asmanid"].as_str().unwrap_or_default();
        let own = live.remove(name).unwrap_or_default();
        let is_out = engineer["status"] == "출동중";
        if own.len() > 1 || own.is_empty() == is_out {
            faults.push(format!("{name} is at {own:?}: {}", engineer["status"]));
        }
    }
    faults.extend(
        live.into_iter()
            .map(|calls| format!("nobody is at {calls:?}")),
    );
    faults
}

/// Nobody pays for what was not admitted, or was called off.
fn unconfirmed(client: &Client) -> Vec<String> {
    let (payments, managements) = (all(client, "payments"), all(client, "managements"));
    let mut faults = Vec::new();
    for (number, reservation) in all(client, "reservations") {
        let status = reservation["status"].as_str().unwrap_or_default();
        let is_admitted = !reservation["lessonId"].is_null()
            || says(&managements, number, "status") == "Confirmed";
        let payment = says(&payments, number, "status");
        let fits = match status {
            "reserve" => payment == "nothing" && !is_admitted,
            "PayCompleted" => payment == "PayCompleted" && is_admitted,
            "Canceled" => ["nothing", "PayCanceled"].contains(&payment),
            _ => false,
        };
        if !fits {
            faults.push(format!(
                "reservation {number} is {status}, its payment {payment}"
            ));
        }
    }
    faults
}

/// Sends it; the status and the number that `Location` has, or nothing without an answer. The only
/// refusals are the rules', and of parts that are paused.
fn send(client: &Client, (method, path, body): Sent) -> Option<(u16, Option<u64>)> {
    let request = client.request(method, &format!("/{path}"));
    let request = if body.is_null() {
        request
    } else {
        request.json(&body.to_string())
    };
    let (status, reply) = request.send().ok()?;
    match status {
        201 => Some((status, Some(reply.number()))),
        200 | 204 | 404 | 409 | 422 => Some((status, None)),
        503 if !reply.header("retry-after").is_empty() => Some((status, None)),
        _ => panic!(
            "{method} {path} {body} was answered {status}: {}",
            reply.text
        ),
    }
}

/// A customer: places orders and touches those of before, until nobody answers.
fn customer(client: &Client, shop: &Shop, name: &str, seed: u64, answered: &SyncSender<()>) {
    let mut random = Rng::with_seed(seed);
    let mut known: VecDeque<(u64, String)> = VecDeque::new();
    for turn in 1_u64.. {
        let places = known.len() < 4 || random.u8(..3) == 0;
        let (key, sent) = if places {
            let key = format!("{name}n{turn}");
            let sent = (shop.place)(&key, &mut random);
            (Some(key), sent)
        } else {
            let (number, key) = &known[random.usize(..known.len())];
            (None, (shop.touch)(*number, key, random.u8(..)))
        };
        let Some((_, number)) = send(client, sent) else {
            return;
        };
        if let (Some(key), Some(number)) = (key, number) {
            known.push_back((number, key));
            if known.len() > 12 {
                known.pop_front();
            }
        }
        answered.send(()).ok();
    }
}

/// The customers of all shops, and who hears of each answer.
fn customers(address: SocketAddr, random: &mut Rng) -> (Vec<JoinHandle<()>>, Receiver<()>) {
    let (answered, answers) = sync_channel(1);
    let mut all = Vec::new();
    for shop in &SHOPS {
        for own in 0..CUSTOMERS {
            let client = Client::new(address).under(&format!("/{}", shop.name));
            let (answered, seed) = (answered.clone(), random.u64(..));
            let name = format!("{seed}c{own}");
            let run = move || customer(&client, shop, &name, seed, &answered);
            all.push(std::thread::spawn(run));
        }
    }
    (all, answers)
}

/// Every part of every shop, as `flowers/payment`.
fn parts(client: &Client) -> Vec<String> {
    let listed = client.get("/ops/components").at("/components");
    let parts = listed.as_array().unwrap().iter();
    let text = |part: &Value, name: &str| part[name].as_str().unwrap().to_owned();
    parts
        .map(|part| format!("{}/{}", text(part, "storefront"), text(part, "component")))
        .collect()
}

/// Customers at work while parts stop and go on. Returns what is paused at the end.
fn round(process: &Process, random: &mut Rng) -> (VecDeque<String>, Vec<JoinHandle<()>>) {
    let client = process.client();
    let parts = parts(&client);
    let (customers, answers) = customers(process.address(), random);
    let mut paused: VecDeque<String> = VecDeque::new();
    for _ in 0..TURNS {
        for _ in 0..ANSWERS {
            answers.recv().expect("the shops answer");
        }
        let part = &parts[random.usize(..parts.len())];
        if !paused.contains(part) {
            client.pause(part);
            paused.push_back(part.clone());
        }
        if paused.len() > PAUSED_MAX {
            client.resume(&paused.pop_front().unwrap());
        }
    }
    (paused, customers)
}

/// Nothing is wrong any more with what the shops answer.
fn settles(client: &Client, seed: u64) {
    for shop in &SHOPS {
        let client = client.under(&format!("/{}", shop.name));
        let mut looks = std::iter::repeat_with(|| (shop.faults)(&client)).take(LOOKS_MAX);
        if looks.any(|faults| faults.is_empty()) {
            continue;
        }
        let faults = (shop.faults)(&client);
        panic!("{} (seed {seed}): {faults:#?}", shop.name);
    }
}

#[test]
fn all_shops_keep_what_they_promise_under_a_mixed_load_with_pauses_and_kills() {
    let seed = fastrand::u64(..);
    let mut random = Rng::with_seed(seed);
    let data = TempDir::new().unwrap();
    let data = data.path().join("data");
    let process = Process::serve(&data, &[]);
    for shop in &SHOPS {
        let client = process.client().under(&format!("/{}", shop.name));
        for sent in (shop.first)() {
            let answer = send(&client, sent);
            assert_eq!(answer.map(|(status, _)| status), Some(201), "{}", shop.name);
        }
    }
    let mut process = process;
    for _ in 0..3 {
        let (paused, customers) = round(&process, &mut random);
        process.kill();
        for customer in customers {
            customer.join().unwrap();
        }
        verify(&data);
        process = Process::serve(&data, &[]);
        for part in paused {
            process.client().resume(&part);
        }
        settles(&process.client(), seed);
    }
    process.terminate();
    let (status, log) = process.wait();
    assert!(status.success(), "{status}: {log}");
    verify(&data);
    let recorded = Recorded::read(&data);
    for event in EVENTS {
        let count = recorded.count(event);
        assert!(count > 0, "there was no {event} (seed {seed})");
    }
}
