//! Orders of all five shops: each request goes to another one than the request before.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use serde::{Deserialize, Serialize};

use super::Workload;
use crate::{
    contest::{self, Contest, Load, Server},
    contestant::{self, echo::echo, jumun},
    result::{Group, Line, Told},
};

const CONNECTIONS: usize = 64;

pub(crate) const WORKLOAD: Workload = Workload {
    name: "mixed",
    about: "place orders in all five shops by turns",
    takes: |contest| contest.turns_take(2),
    run,
};

/// What is put on the shelves before the shops open: path and body.
const STOCK: [(&str, &str); 3] = [
    (
        "/stays/rooms",
        r#"{"roomName": "Suite", "roomStatus": "EMPTY", "roomQty": 1000000000}"#,
    ),
    (
        "/tutoring/lessons",
        r#"{"sellerId": "LEE", "title": "Maths", "price": 50000}"#,
    ),
    (
        "/tutoring/managements",
        r#"{"lessonId": 1, "status": "SaleApproved"}"#,
    ),
];

/// Path and body of an order in each; `WHOSE` is replaced by a number, another one each time.
const ORDERS: [(&str, &str); 5] = [
    (
        "/flowers/orders",
        r#"{"customerName": "WHOSE", "address": "SEOUL", "flowerType": "AAAA", "price": 10000}"#,
    ),
    (
        "/stays/reservations",
        r#"{"customerName": "WHOSE", "roomNumber": 1, "roomCount": 1, "paymentPrice": 90000}"#,
    ),
    (
        "/fish/orders",
        r#"{"customerName": "WHOSE", "fishName": "flatfish", "qty": 1, "price": 30000, "status": "paid"}"#,
    ),
    (
        "/repairs/ascalls",
        r#"{"tel": "WHOSE", "location": "SEOUL"}"#,
    ),
    (
        "/tutoring/reservations",
        r#"{"reserveId": "WHOSE", "userId": "KIM", "lessonId": 1}"#,
    ),
];

/// Digits of the number that replaces `WHOSE`.
const DIGITS: usize = 12;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Flowers {
    customer_name: String,
    address: String,
    flower_type: String,
    price: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stay {
    customer_name: String,
    room_number: u64,
    room_count: u64,
    payment_price: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "as the shop's clients call them")]
struct Fish {
    customer_name: String,
    fish_name: String,
    qty: u64,
    price: i64,
    status: String,
}

#[derive(Serialize, Deserialize)]
struct Repair {
    tel: String,
    location: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "as the shop's clients call them")]
struct Lesson {
    reserve_id: String,
    user_id: String,
    lesson_id: u64,
}

fn run(contest: &Contest) -> io::Result<Told> {
    let ceiling = contestant::http("echo", |routes| {
        let [flowers, stays, fish, repairs, tutoring] = ORDERS.map(|(path, _)| path);
        echo::<Flowers>(routes, flowers);
        echo::<Stay>(routes, stays);
        echo::<Fish>(routes, fish);
        echo::<Repair>(routes, repairs);
        echo::<Lesson>(routes, tutoring);
    })?;
    let jumun = jumun::start()?;
    for (path, body) in STOCK {
        contest::ask(&jumun, &contest::post(&jumun, path, body), 201)?;
    }
    let title = format!("place orders in five shops by turns, {CONNECTIONS} connections");
    let entrants = [(&ceiling, load(&ceiling)), (&jumun, load(&jumun))];
    let rounds = contest.turns(&title, &entrants);
    let lines = [Line::of("echo", &rounds[0]), Line::of("jumun", &rounds[1])];
    Ok(Told {
        groups: vec![Group {
            title,
            unit: "orders/s",
            lines: lines.into(),
            notes: Vec::new(),
        }],
        floors: Vec::new(),
    })
}

/// No number is used twice, in no round.
fn load(server: &Server) -> Load {
    let requests = ORDERS.map(|(path, body)| {
        let whose = "W".repeat(DIGITS);
        let request = contest::post(server, path, &body.replace("WHOSE", &whose));
        let places = request.windows(DIGITS);
        let at = places.enumerate().find(|(_, own)| *own == whose.as_bytes());
        let (at, _) = at.expect("each order says whose it is");
        (request, at)
    });
    let next = AtomicU64::new(1);
    let write = move |at: u64, buffer: &mut Vec<u8>| {
        let shop = usize::try_from(at % 5).expect("one of five");
        let (request, place) = &requests[shop];
        let number = format!("{:0DIGITS$}", next.fetch_add(1, Relaxed));
        buffer.extend_from_slice(&request[..*place]);
        buffer.extend_from_slice(number.as_bytes());
        buffer.extend_from_slice(&request[place + DIGITS..]);
    };
    Load {
        connections: CONNECTIONS,
        status: 201,
        write: Arc::new(write),
    }
}
