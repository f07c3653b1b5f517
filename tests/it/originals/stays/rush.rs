//! Many customers for the last rooms, all at once.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Barrier,
        mpsc::{SyncSender, sync_channel},
    },
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{members, rooms, shop};
use crate::support::{Client, Process, Recorded, process::verify};

/// Customers, each with a connection of their own.
const CUSTOMERS: usize = 64;

/// Rooms that are left for them.
const ROOMS: u32 = 10;

/// What a customer was answered: the status and the code. Nothing without an answer.
type Answer = Option<(u16, String)>;

/// Lets every customer send this body at once, and says with which status each is answered.
fn rush(client: &Client, body: impl Fn(u64) -> Value, answered: &SyncSender<u16>) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(CUSTOMERS));
    let customers = (0..).take(CUSTOMERS).map(|customer| {
        let (client, barrier) = (client.clone(), Arc::clone(&barrier));
        let (body, answered) = (body(customer).to_string(), answered.clone());
        std::thread::spawn(move || {
            barrier.wait();
            let request = client.request("POST", "/reservations").json(&body);
            let (status, reply) = request.send().ok()?;
            answered.send(status).ok();
            let code = reply.at("/code");
            Some((status, code.as_str().unwrap_or_default().to_owned()))
        })
    });
    let customers: Vec<_> = customers.collect();
    let answers = customers.into_iter().map(std::thread::JoinHandle::join);
    answers.map(Result::unwrap).collect()
}

/// Waits for everyone's answer. Returns how many got what they asked for; all others must have been
/// told that nothing is left.
fn taken(client: &Client, body: impl Fn(u64) -> Value) -> usize {
    let (answered, _answers) = sync_channel(CUSTOMERS);
    let answers = rush(client, body, &answered);
    let mut taken = 0;
    for answer in &answers {
        let (status, code) = answer.as_ref().expect("everyone is answered");
        match status {
            201 => taken += 1,
            409 => assert_eq!(code, "sold_out"),
            _ => panic!("a customer was answered {status} {code}"),
        }
    }
    taken
}

fn one(customer: u64) -> Value {
    json!({"customerId": customer, "roomNumber": 1, "paymentPrice": 1})
}

/// Half of the customers name the rooms the other way round.
fn two(customer: u64) -> Value {
    let (first, second) = (1 + customer % 2, 2 - customer % 2);
    let lines = [first, second].map(|room| json!({"roomNumber": room, "roomCount": 1}));
    json!({"customerId": customer, "rooms": lines, "paymentPrice": 1})
}

#[test]
fn the_last_rooms_go_to_exactly_as_many_customers() {
    let (server, client) = shop();
    rooms(&client, &[ROOMS]);
    assert_eq!(taken(&client, one), ROOMS as usize);
    let reservations = client.get("/reservations");
    reservations.has("/page/totalElements", ROOMS);
    let room = client.get("/rooms/1");
    room.has("/roomStatus", "RoomNotAvaliable");
    server.ends_with(&[
        ("listing.reserved", ROOMS as usize),
        ("order.placed", ROOMS as usize),
        ("listing.sold_out", 1),
    ]);
}

#[test]
fn the_last_pairs_of_rooms_go_to_exactly_as_many_customers() {
    let (server, client) = shop();
    // There is one more of the first: who does not get the second leaves it to others.
    rooms(&client, &[ROOMS + 1, ROOMS]);
    assert_eq!(taken(&client, two), ROOMS as usize);
    client.get("/rooms/1").has("/roomStatus", "EMPTY");
    let second = client.get("/rooms/2");
    second.has("/roomStatus", "RoomNotAvaliable");
    server.ends_with(&[
        ("listing.reserved", 2 * ROOMS as usize),
        ("order.placed", ROOMS as usize),
        ("listing.released", 0),
    ]);
}

#[test]
fn a_kill_in_the_rush_neither_loses_a_reservation_nor_doubles_one() {
    let data = TempDir::new().unwrap();
    let data = data.path().join("data");
    let process = Process::serve(&data, &["--root", "stays"]);
    let client = process.client();
    let plenty = u32::try_from(CUSTOMERS / 2).unwrap();
    rooms(&client, &[plenty, plenty]);
    let (answered, answers) = sync_channel(CUSTOMERS);
    let rushing = std::thread::spawn(move || rush(&client, two, &answered));
    let taken = answers.iter().filter(|status| *status == 201);
    assert_eq!(taken.take(8).count(), 8, "the server answers");
    process.kill();
    let answers = rushing.join().unwrap();
    let answers = (0_u64..).zip(&answers);
    let taken = answers.filter(|(_, answer)| matches!(answer, Some((201, _))));
    let taken: BTreeSet<u64> = taken.map(|(customer, _)| customer).collect();
    verify(&data);

    let process = Process::serve(&data, &["--root", "stays"]);
    let found = process.client().get("/reservations?size=1000");
    let found = members(&found, "reservations", "customerId");
    let stored: BTreeSet<u64> = found.iter().filter_map(Value::as_u64).collect();
    assert_eq!(stored.len(), found.len(), "nobody has two: {found:?}");
    assert!(
        stored.is_superset(&taken),
        "{taken:?} is not all in {found:?}"
    );
    process.kill();
    verify(&data);
    Recorded::read(&data).has(&[
        ("listing.reserved", 2 * found.len()),
        ("order.placed", found.len()),
    ]);
}
