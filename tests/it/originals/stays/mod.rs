//! The room reservation: SEED API section 4.

mod paused;
mod required;
mod rush;

use serde_json::{Value, json};

use crate::support::{Client, Server, Setup, client::Reply};

/// The room of the original's walk, with numbers as httpie sends them: as text.
const ROOM: &str = r#"{"roomType": "DERUX", "roomStatus": "EMPTY", "roomName": "DERUX ROOM",
    "roomQty": "10", "roomPrice": "1200000"}"#;

/// A reservation of the original's walk.
const RESERVE: &str = r#"{"customerName": "PARK", "customerId": "9805",
    "reserveStatus": "reserve", "roomNumber": "1", "paymentPrice": "50000"}"#;

fn shop() -> (Server, Client) {
    let server = Setup::of("stays").start();
    let client = server.client();
    (server, client)
}

/// The body that asks for something to become of a reservation.
fn to(status: &str, number: u64) -> String {
    format!(
        r#"{{"reservationNumber": "{number}", "reserveStatus": "{status}",
            "customerName": "PARK", "customerId": "9805", "roomNumber": "1",
            "paymentPrice": "50000"}}"#
    )
}

/// Asks for something to become of a reservation.
fn ask(client: &Client, status: &str, number: u64) -> Reply {
    client.post("/reservations", &to(status, number))
}

fn is_refused(client: &Client, status: &str, number: u64, expected: u16, code: &str) {
    let request = client.request("POST", "/reservations");
    let reply = request.json(&to(status, number)).expect(expected);
    reply.has("/code", code);
}

/// Registers rooms of which there are so many, numbered from 1.
fn rooms(client: &Client, quantities: &[u32]) {
    for quantity in quantities {
        client.post("/rooms", &ROOM.replace("\"10\"", &quantity.to_string()));
    }
}

/// Reserves one of a room. Returns the reservation's number.
fn reserve(client: &Client, room: u64) -> u64 {
    let body = RESERVE.replace("\"1\"", &room.to_string());
    let reply = client.post("/reservations", &body);
    reply
        .has("/reserveStatus", "reserve")
        .has("/roomNumber", room);
    reply.number()
}

fn is_sold_out(client: &Client, room: u64) {
    let body = RESERVE.replace("\"1\"", &room.to_string());
    let request = client.request("POST", "/reservations").json(&body);
    request.expect(409).has("/code", "sold_out");
}

/// One member of each of what a collection lists.
fn members(reply: &Reply, collection: &str, name: &str) -> Vec<Value> {
    let listed = reply.at(&format!("/_embedded/{collection}"));
    let listed = listed.as_array().expect("a list");
    listed.iter().map(|item| item[name].clone()).collect()
}

fn walk(client: &Client) {
    let room = client.post("/rooms", ROOM);
    assert_eq!(
        room.header("location"),
        format!("{}/rooms/1", client.base())
    );
    room.has("/roomType", "DERUX")
        .has("/roomStatus", "EMPTY")
        .has("/roomName", "DERUX ROOM")
        .has("/roomQty", 10)
        .has("/roomPrice", "1200000")
        .has("/roomNo", Value::Null);

    let first = r#"{"customerName": "PARK CHANG SEON", "customerId": "9805",
        "reserveStatus": "reserve", "roomNumber": "101", "paymentPrice": "120000"}"#;
    let reply = client.post("/reservations", first);
    assert_eq!(reply.number(), 1);
    reply
        .has("/reserveStatus", "reserve")
        .has("/roomNumber", 101)
        .has("/customerId", 9805)
        .has("/paymentPrice", 120_000)
        .has("/reservationNumber", Value::Null);

    let rows = client.until("/roomInfoes", "/_embedded/roomInfoes/0/roomStatus", "EMPTY");
    rows.has("/_embedded/roomInfoes/0/roomNumber", 1)
        .has("/_embedded/roomInfoes/0/roomName", "DERUX ROOM");

    let pay = r#"{"reservationNumber": "1", "reserveStatus": "payment", "customerName": "PARK",
        "customerId": "9805", "roomNumber": "1", "paymentPrice": "50001"}"#;
    let paid = client.post("/reservations", pay);
    paid.has("/reserveStatus", "paymentComp")
        .has("/paymentPrice", 50_001);
    let again = r#"{"reservationNumber": "1", "reserveStatus": "payment",
        "customerName": "PARK CHANG SEON", "customerId": "9805", "roomNumber": "101",
        "paymentPrice": "120000"}"#;
    client
        .post("/reservations", again)
        .has("/reserveStatus", "paymentComp")
        .has("/paymentPrice", 50_001);
    client
        .get("/payments")
        .has("/page/totalElements", 1)
        .has("/_embedded/payments/0/reservationNumber", 1)
        .has("/_embedded/payments/0/paymentPrice", 50_001)
        .has("/_embedded/payments/0/paymentStatus", "Y");
    let out = r#"{"reservationNumber": "1", "reserveStatus": "checkOut",
        "customerName": "PARK CHANG SEON", "customerId": "9805", "roomNumber": "101",
        "paymentPrice": "120000"}"#;
    client
        .post("/reservations", out)
        .has("/reserveStatus", "End");
    client
        .get("/payments/1")
        .has("/paymentId", 1)
        .has("/reservationStatus", "End");
    rooms_down(client);
    // The README's slip of the pen, and the original's load test.
    client
        .get("/roomInfos")
        .has("/_embedded/roomInfoes/0/roomNumber", 1);
    client.get("/payments").has("/page/totalElements", 2);
}

/// The part of the walk where the rooms' service is stopped.
fn rooms_down(client: &Client) {
    client.pause("stays/room");
    client.request("GET", "/rooms").expect(503);
    client
        .post("/reservations", RESERVE)
        .has("/reserveStatus", "reserve")
        .has("/roomNumber", 1);
    let pay = r#"{"reservationNumber": "1", "reserveStatus": "payment", "customerName": "PARK",
        "customerId": "9805", "roomNumber": "101", "paymentPrice": "50001"}"#;
    client
        .post("/reservations", pay)
        .has("/reserveStatus", "End");
    ask(client, "payment", 2).has("/reserveStatus", "paymentComp");
    client.resume("stays/room");
    client.get("/rooms/1").has("/roomQty", 10);
}

#[test]
fn the_originals_commands_work_at_the_root() {
    let (server, client) = shop();
    walk(&client);
    // For the reservation that was taken while the rooms were down.
    server.until_recorded("listing.reserved", 1);
    server.ends_with(&[
        ("order.placed", 2),
        ("payment.captured", 2),
        ("listing.reserved", 1),
    ]);
}

#[test]
fn the_originals_commands_work_under_the_storefronts_name() {
    let (_server, client) = shop();
    walk(&client.under("/stays"));
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let (server, client) = shop();
    rooms(&client, &[1]);
    let number = reserve(&client, 1);
    is_refused(&client, "payment", 77, 422, "unknown_order");
    is_refused(&client, "checkOut", 77, 422, "unknown_order");
    is_refused(&client, "cancel", 77, 404, "not_found");
    is_refused(&client, "reserve", 77, 404, "not_found");
    let wrong = |body: &str, status: u16, code: &str| {
        let request = client.request("POST", "/reservations").json(body);
        request.expect(status).has("/code", code);
    };
    wrong(r#"{"reserveStatus": "payment"}"#, 400, "field_required");
    wrong(r#"{"customerId": "nobody"}"#, 400, "field_invalid");
    wrong(r#"{"roomNumber": "first"}"#, 400, "field_invalid");
    wrong(r#"{"paymentPrice": "-1"}"#, 400, "amount_negative");
    wrong("[]", 400, "body_invalid");
    let request = client.request("POST", "/rooms");
    let request = request.json(r#"{"roomQty": "many"}"#);
    request.expect(400).has("/code", "field_invalid");
    client.request("DELETE", "/reservations/77").expect(404);
    client.request("GET", "/payments/77").expect(404);
    // A POST that names a reservation and asks for nothing else changes what it says.
    ask(&client, "reserve", number).has("/reserveStatus", "reserve");
    let renamed = to("reserve", number).replace("PARK", "LEE");
    client.post("/reservations", &renamed);
    client.get("/reservations/1").has("/customerName", "LEE");
    let moved = to("reserve", number).replace("\"roomNumber\": \"1\"", "\"roomNumber\": 5");
    wrong(&moved, 400, "field_invalid");
    client.get("/reservations").has("/page/totalElements", 1);
    server.ends_with(&[("order.placed", 1)]);
}
#[test]
fn several_rooms_are_reserved_together_or_not_at_all() {
    let (server, client) = shop();
    rooms(&client, &[3, 1]);
    let both = |one: u32, other: u32| {
        let lines = json!([{"roomNumber": 1, "roomCount": one}, {"roomNumber": 2, "roomCount": other},
            {"roomNumber": 1, "roomCount": 1}]);
        json!({"customerName": "PARK", "rooms": lines, "paymentPrice": 90_000}).to_string()
    };
    let reply = client.post("/reservations", &both(2, 1));
    reply
        .has("/rooms/1/roomNumber", 2)
        .has("/rooms/0/roomCount", 2);
    for room in ["/rooms/1", "/rooms/2"] {
        client.get(room).has("/roomStatus", "RoomNotAvaliable");
    }
    ask(&client, "cancel", reply.number());
    for (lines, code) in [
        (both(3, 1), "sold_out"),
        (both(1, 2), "sold_out"),
        (both(0, 1), "quantity_zero"),
        (
            both(1, 1).replace(r#""roomNumber":2"#, r#""roomNumber":9"#),
            "unknown_listing",
        ),
    ] {
        let request = client.request("POST", "/reservations").json(&lines);
        let (status, reply) = request.send().unwrap();
        assert!((400..500).contains(&status), "{status}");
        reply.has("/code", code);
    }
    for room in ["/rooms/1", "/rooms/2"] {
        client.get(room).has("/roomStatus", "RoomAvailable");
    }
    let many = RESERVE.replace("\"roomNumber\"", "\"roomCount\": 3, \"roomNumber\"");
    client.post("/reservations", &many).has("/roomCount", 3);
    client
        .get("/rooms/1")
        .has("/roomStatus", "RoomNotAvaliable");
    server.ends_with(&[("listing.reserved", 3), ("order.placed", 2)]);
}
