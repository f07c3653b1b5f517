//! What was required of the original (SEED API 4h).

use serde_json::{Value, json};

use super::{ROOM, ask, is_refused, is_sold_out, members, reserve, rooms, shop};

#[test]
fn the_manager_registers_rooms() {
    let (server, client) = shop();
    let room = client.post("/rooms", ROOM).number();
    let room = format!("/rooms/{room}");
    client.patch(&room, r#"{"roomPrice": 1300000, "roomStatus": "CLEANING"}"#);
    client.get("/roomInfoes/1").has("/roomStatus", "CLEANING");
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
    server.ends_with(&[("listing.reserved", 4), ("listing.sold_out", 3)]);
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
    server.ends_with(&[("payment.captured", 1), ("order.confirmed", 1)]);
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
    server.ends_with(&[
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
    server.ends_with(&[
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
