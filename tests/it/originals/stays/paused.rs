//! What happens while a part of it is paused or does not answer, and afterwards.

use serde_json::json;

use super::{RESERVE, ask, is_refused, members, reserve, rooms, shop, to};
use crate::support::Setup;

#[test]
fn with_payments_paused_nothing_is_stored_and_nothing_charged() {
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
    server.ends_with(&[("payment.captured", 1)]);
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
    server.ends_with(&[("payment.captured", 0)]);
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
    server.ends_with(&[
        ("listing.reserved", 3),
        ("listing.released", 3),
        ("payment.captured", 4),
        ("payment.refunded", 1),
    ]);
}

#[test]
fn what_waits_for_its_room_waits_through_a_restart() {
    let (server, client) = shop();
    rooms(&client, &[3, 1]);
    client.pause("stays/room");
    let numbers = [(); 8].map(|()| reserve(&client, 1));
    let other = reserve(&client, 2);
    let server = Setup::of("stays").on(server.stop()).start();
    let client = server.client();
    client.request("GET", "/rooms/1").expect(503);
    let statuses = || {
        let reservations = client.get("/reservations");
        members(&reservations, "reservations", "reserveStatus")
    };
    assert_eq!(statuses(), ["reserve"; 9]);
    client.resume("stays/room");
    for number in &numbers[3..] {
        let path = format!("/reservations/{number}");
        client.until(&path, "/reserveStatus", "cancel");
    }
    client.until("/rooms/2", "/roomStatus", "RoomNotAvaliable");
    let expected = [["reserve"; 3].as_slice(), &["cancel"; 5], &["reserve"]].concat();
    assert_eq!(statuses(), expected);
    ask(&client, "cancel", other);
    server.ends_with(&[
        ("listing.reserved", 4),
        ("listing.released", 1),
        ("order.cancelled", 6),
    ]);
}

#[test]
fn a_room_that_was_taken_off_meanwhile_is_not_reserved() {
    let (server, client) = shop();
    rooms(&client, &[2]);
    let staying = reserve(&client, 1);
    ask(&client, "payment", staying);
    client.request("DELETE", "/rooms/1").expect(204);
    // Who has it keeps it.
    ask(&client, "checkOut", staying).has("/reserveStatus", "End");
    let request = client.request("POST", "/reservations").json(RESERVE);
    request.expect(409).has("/code", "listing_not_open");
    client.pause("stays/room");
    let number = reserve(&client, 1);
    client.resume("stays/room");
    let path = format!("/reservations/{number}");
    client.until(&path, "/reserveStatus", "cancel");
    server.ends_with(&[("listing.reserved", 1), ("listing.released", 1)]);
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
