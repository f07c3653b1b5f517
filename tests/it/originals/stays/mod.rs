//! The room reservation: SEED API section 4.

mod rush;

use serde_json::{Value, json};

use crate::support::{Client, Server, Setup, client::Reply};

/// The room of the original's walk. Its README ends the line with a backslash, which the shell
/// hands on as a part of the price.
const ROOM: &str = r#"{"roomType": "DERUX", "roomStatus": "EMPTY", "roomName": "DERUX ROOM",
    "roomQty": "10", "roomPrice": "1200000"}"#;

/// A reservation of the original's walk, with numbers as httpie sends them: as text.
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
    server.verified().has(&[
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
fn the_manager_registers_rooms() {
    let (server, client) = shop();
    let room = client.post("/rooms", ROOM).number();
    let room = format!("/rooms/{room}");
    client.patch(&room, r#"{"roomPrice": 1300000}"#);
    client.patch(&room, r#"{"roomQty": 2}"#);
    let put = r#"{"roomType": "SUITE", "roomName": "SUITE ROOM", "roomQty": 3}"#;
    let request = client.request("PUT", &room).json(put);
    request.expect(200).has("/roomPrice", Value::Null);
    // A POST that names a room is about that room, as the original's was.
    let post = r#"{"roomNo": 1, "roomType": "DERUX", "roomName": "TWIN", "roomPrice": "9"}"#;
    client.post("/rooms", post).has("/roomName", "TWIN");
    client
        .get(&room)
        .has("/roomType", "DERUX")
        .has("/roomPrice", "9")
        .has("/roomQty", 3);
    let plain = client.post("/rooms", r#"{"roomName": "PLAIN"}"#);
    plain.has("/roomQty", 1).has("/roomStatus", Value::Null);
    client.get("/rooms").has("/page/totalElements", 2);

    client.request("DELETE", &room).expect(204);
    client.request("GET", &room).expect(404);
    let gone = client.request("POST", "/reservations").json(RESERVE);
    gone.expect(409).has("/code", "listing_not_open");
    client.get("/roomInfoes/1").has("/roomStatus", "RoomClosed");
    server
        .verified()
        .of("stays")
        .has(&[("listing.offered", 2), ("listing.amended", 4)]);
}

#[test]
fn a_reserved_room_is_not_reservable() {
    let (server, client) = shop();
    rooms(&client, &[1, 2]);
    let first = reserve(&client, 1);
    client
        .get("/rooms/1")
        .has("/roomStatus", "RoomNotAvaliable")
        .has("/roomType", "DERUX")
        .has("/roomName", "DERUX ROOM")
        .has("/roomQty", 1)
        .has("/roomPrice", "1200000");
    is_sold_out(&client, 1);
    reserve(&client, 2);
    client.get("/rooms/2").has("/roomStatus", "EMPTY");
    reserve(&client, 2);
    client
        .get("/rooms/2")
        .has("/roomStatus", "RoomNotAvaliable");
    is_sold_out(&client, 2);
    client.get("/reservations").has("/page/totalElements", 3);
    ask(&client, "cancel", first);
    reserve(&client, 1);
    server
        .verified()
        .has(&[("listing.reserved", 4), ("listing.sold_out", 3)]);
}

#[test]
fn a_complete_payment_confirms_the_reservation_once() {
    let (server, client) = shop();
    rooms(&client, &[1]);
    let number = reserve(&client, 1);
    client.get("/payments").has("/page/totalElements", 0);
    let paid = ask(&client, "payment", number);
    paid.has("/reserveStatus", "paymentComp");
    for _ in 0..2 {
        ask(&client, "payment", number).has("/reserveStatus", "paymentComp");
    }
    let reservation = format!("/reservations/{number}");
    client.patch(&reservation, r#"{"reserveStatus": "payment"}"#);
    client
        .get("/payments/search/findByReservationNumber?reservationNumber=1")
        .has("/paymentPrice", 50_000)
        .has("/reservationStatus", "paymentComp")
        .has("/paymentStatus", "Y");
    ask(&client, "checkOut", number);
    ask(&client, "payment", number).has("/reserveStatus", "End");
    server
        .verified()
        .has(&[("payment.captured", 1), ("order.confirmed", 1)]);
}

#[test]
fn a_customer_cancels_and_the_room_and_the_money_come_back() {
    let (server, client) = shop();
    rooms(&client, &[1]);
    let cancel = r#"{"reserveStatus": "cancel"}"#;
    for way in ["POST", "PATCH", "PUT", "DELETE"] {
        let number = reserve(&client, 1);
        ask(&client, "payment", number);
        client
            .get("/rooms/1")
            .has("/roomStatus", "RoomNotAvaliable");
        let path = format!("/reservations/{number}");
        for _ in 0..2 {
            match way {
                "POST" => drop(ask(&client, "cancel", number)),
                "DELETE" => {}
                _ => drop(client.request(way, &path).json(cancel).expect(200)),
            }
        }
        if way == "DELETE" {
            client.request(way, &path).expect(204);
            client.request("GET", &path).expect(404);
            client.request(way, &path).expect(404);
        } else {
            client.get(&path).has("/reserveStatus", "cancel");
            is_refused(&client, "payment", number, 409, "order_cancelled");
            is_refused(&client, "checkOut", number, 409, "order_cancelled");
        }
        client.get("/rooms/1").has("/roomStatus", "RoomAvailable");
        client.until(&format!("/payments/{number}"), "/paymentStatus", "N");
        let page = format!("/myReservations/{number}");
        client.get(&page).has("/reserveStatus", "cancel");
    }
    server.verified().has(&[
        ("order.cancelled", 4),
        ("payment.refunded", 4),
        ("listing.freed", 4),
    ]);
}

#[test]
fn a_check_out_makes_the_room_reservable() {
    let (server, client) = shop();
    rooms(&client, &[1]);
    let number = reserve(&client, 1);
    // What is not paid for never completes.
    is_refused(&client, "checkOut", number, 409, "order_not_ready");
    ask(&client, "payment", number);
    for _ in 0..2 {
        ask(&client, "checkOut", number).has("/reserveStatus", "End");
    }
    client.get("/rooms/1").has("/roomStatus", "RoomAvailable");
    client.get("/payments/1").has("/paymentStatus", "Y");
    reserve(&client, 1);
    is_sold_out(&client, 1);
    server.verified().has(&[
        ("delivery.done", 1),
        ("order.completed", 1),
        ("listing.freed", 1),
    ]);
}

#[test]
fn a_customer_looks_a_reservation_up() {
    let (_server, client) = shop();
    rooms(&client, &[1]);
    let number = reserve(&client, 1);
    let stands = |status: &str, paid: Value| {
        let path = format!("/reservations/{number}");
        client.get(&path).has("/reserveStatus", status);
        let page = client.get("/myReservations/search/findByCustomerId?customerId=9805");
        let row = "/_embedded/myReservations/0";
        page.has(&format!("{row}/reserveStatus"), status)
            .has(&format!("{row}/roomNumber"), 1)
            .has(&format!("{row}/paymentStatus"), paid);
    };
    stands("reserve", Value::Null);
    ask(&client, "payment", number);
    stands("paymentComp", json!("Y"));
    ask(&client, "checkOut", number);
    stands("End", json!("Y"));
    let history = client.get("/myReservations/1/history");
    let said = members(&history, "myReservations", "reserveStatus");
    assert_eq!(said.first(), Some(&json!("reserve")));
    assert_eq!(said.last(), Some(&json!("End")));
}

#[test]
fn every_change_is_told_once_and_in_order() {
    let (_server, client) = shop();
    rooms(&client, &[1]);
    let number = reserve(&client, 1);
    ask(&client, "payment", number);
    client.pause("stays/notice");
    client.request("GET", "/notifications").expect(503);
    ask(&client, "checkOut", number);
    let number = reserve(&client, 1);
    ask(&client, "cancel", number);
    client.resume("stays/notice");
    let told = client.get("/notifications");
    let events = members(&told, "notifications", "event");
    let expected = [
        "RoomConditionChanged",
        "Reserved",
        "RoomConditionChanged",
        "PaymentCompleted",
        "CheckedOut",
        "RoomConditionChanged",
        "Reserved",
        "RoomConditionChanged",
        "ReservationCanceled",
        "RoomConditionChanged",
    ];
    assert_eq!(events, expected);
    let paid = "/_embedded/notifications/3";
    told.has(&format!("{paid}/order"), 1)
        .has(&format!("{paid}/to"), "PARK")
        .has(
            &format!("{paid}/text/en"),
            "PARK, reservation 1 is paid (50000 won) and confirmed.",
        )
        .has(
            &format!("{paid}/text/ko"),
            "PARK님, 예약 1번이 50000원 결제되어 확정되었습니다.",
        );
    told.has("/_embedded/notifications/2/listing", 1).has(
        "/_embedded/notifications/2/text/en",
        "DERUX ROOM (room 1) has changed: RoomNotAvaliable",
    );
}

#[test]
fn room_infoes_say_what_is_and_remember_what_was() {
    let (_server, client) = shop();
    rooms(&client, &[1]);
    let number = reserve(&client, 1);
    client
        .get("/roomInfoes/1")
        .has("/roomStatus", "RoomNotAvaliable");
    client.pause("stays/roomInfo");
    client.request("GET", "/roomInfoes").expect(503);
    client.request("GET", "/roomInfos/1").expect(503);
    ask(&client, "cancel", number);
    client.patch("/rooms/1", r#"{"roomPrice": "7"}"#);
    client.resume("stays/roomInfo");
    client
        .until("/roomInfos/1", "/roomStatus", "RoomAvailable")
        .has("/roomPrice", "7")
        .has("/roomName", "DERUX ROOM");
    let history = client.get("/roomInfoes/1/history");
    let expected = [
        ["EMPTY", "1200000"],
        ["RoomNotAvaliable", "1200000"],
        ["RoomAvailable", "1200000"],
        ["RoomAvailable", "7"],
    ];
    let [statuses, prices] =
        ["roomStatus", "roomPrice"].map(|name| members(&history, "roomInfoes", name));
    let found: Vec<_> = statuses.into_iter().zip(prices).collect();
    assert_eq!(json!(found), json!(expected));
    let events = members(&history, "roomInfoes", "event");
    assert_eq!(events, ["RoomConditionChanged"; 4]);
}

#[test]
fn with_payments_paused_nothing_is_reserved_for_good_and_nothing_charged() {
    let (server, client) = shop();
    rooms(&client, &[1]);
    let number = reserve(&client, 1);
    client.pause("stays/payment");
    let body = to("payment", number);
    let reply = client.request("POST", "/reservations").json(&body);
    let reply = reply.expect(503);
    reply.has("/code", "component_paused");
    assert!(reply.header("retry-after").parse::<u32>().unwrap() > 0);
    client
        .get("/reservations/1")
        .has("/reserveStatus", "reserve")
        .has("/paymentPrice", 50_000);
    client.request("GET", "/payments").expect(503);
    client.resume("stays/payment");
    client.get("/payments").has("/page/totalElements", 0);
    ask(&client, "payment", number).has("/reserveStatus", "paymentComp");
    server.verified().has(&[("payment.captured", 1)]);
}

#[test]
fn a_provider_that_takes_too_long_takes_nothing() {
    let slow = "[payment]\nlatency_ms_min = 5000\nlatency_ms_max = 5000\n";
    let server = Setup::of("stays").config(slow).start();
    let client = server.client();
    rooms(&client, &[1]);
    let number = reserve(&client, 1);
    is_refused(&client, "payment", number, 503, "payment_timed_out");
    let reservation = client.get("/reservations/1");
    reservation.has("/reserveStatus", "reserve");
    client.get("/payments").has("/page/totalElements", 0);
    server.verified().has(&[("payment.captured", 0)]);
}

#[test]
fn with_rooms_paused_reservations_are_taken_and_catch_up_in_order() {
    let (server, client) = shop();
    rooms(&client, &[2, 1]);
    let staying = reserve(&client, 2);
    ask(&client, "payment", staying);
    client.pause("stays/room");
    let [first, second, third] = [(); 3].map(|()| {
        let number = reserve(&client, 1);
        ask(&client, "payment", number).has("/reserveStatus", "paymentComp");
        number
    });
    let fleeting = reserve(&client, 1);
    ask(&client, "cancel", fleeting).has("/reserveStatus", "cancel");
    ask(&client, "checkOut", staying).has("/reserveStatus", "End");
    client.resume("stays/room");
    client.until("/rooms/1", "/roomStatus", "RoomNotAvaliable");
    client.until("/rooms/2", "/roomStatus", "RoomAvailable");
    // Two rooms for three: the last is called off, and gets the money back.
    let path = |number: u64| format!("/reservations/{number}");
    client.until(&path(third), "/reserveStatus", "cancel");
    client.until(&format!("/payments/{third}"), "/paymentStatus", "N");
    for number in [first, second] {
        client
            .get(&path(number))
            .has("/reserveStatus", "paymentComp");
        ask(&client, "checkOut", number).has("/reserveStatus", "End");
    }
    server.verified().has(&[
        ("listing.reserved", 3),
        ("listing.released", 3),
        ("payment.captured", 4),
        ("payment.refunded", 1),
    ]);
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
    server
        .verified()
        .has(&[("listing.reserved", 3), ("order.placed", 2)]);
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
    server.verified().has(&[("order.placed", 1)]);
}
