//! The events that the originals had, with the fields that they had: what was written against their
//! topics reads the feeds.

use serde_json::{Value, json};

use crate::support::{Client, Server};

/// What `POST`s and `PATCH`es are sent, then which events are there afterwards: a type, the fields of
/// its data beside `eventType` and `timestamp`, and the status in them.
fn check(
    shop: &str,
    requests: &[(&str, &str, Value)],
    last: &str,
    expected: &[(&str, &str, &str)],
) {
    let server = Server::start();
    let client = server.client().under(&format!("/{shop}"));
    for (method, path, body) in requests {
        let sent = client.request(method, path).json(&body.to_string());
        let status = match *method {
            "POST" => 201,
            "DELETE" => 204,
            _ => 200,
        };
        sent.expect(status);
    }
    // What is done afterwards has been done when its last event is there.
    let all = until(&client, last);
    for (kind, fields, status) in expected {
        let is_it = |event: &&Value| {
            event["type"] == *kind && (status.is_empty() || said(&event["data"]) == Some(*status))
        };
        let found = all.iter().find(is_it);
        let event = found.unwrap_or_else(|| panic!("no {kind} ({status}) in {all:#?}"));
        let data = event["data"].as_object().unwrap();
        let mut names: Vec<&str> = data.keys().map(String::as_str).collect();
        names.retain(|name| !["eventType", "timestamp"].contains(name));
        let mut wanted: Vec<&str> = fields.split_whitespace().collect();
        wanted.sort_unstable();
        names.sort_unstable();
        assert_eq!(names, wanted, "{shop}: {kind}");
        assert_eq!(data["eventType"], *kind);
        let time = event["time"].as_str().unwrap();
        let digits: String = time.chars().filter(char::is_ascii_digit).take(14).collect();
        assert_eq!(data["timestamp"], digits.as_str(), "{time}");
    }
}

fn until(client: &Client, last: &str) -> Vec<Value> {
    let path = format!("/events?type={last}&wait_ms=20000");
    let found = client.get(&path).at("/events");
    assert_ne!(found, json!([]), "no {last}");
    let all = client.get("/events?limit=1000").at("/events");
    all.as_array().unwrap().clone()
}

/// The status that an event's data has, under whatever name.
fn said(data: &Value) -> Option<&str> {
    let names = ["status", "reserveStatus", "roomStatus", "reservationStatus"];
    names.iter().find_map(|name| data[name].as_str())
}

#[test]
fn flowers() {
    let order = json!({ "phoneNumber": "1", "address": "SEOUL", "customerName": "KIM",
        "flowerType": "MixBox", "price": 10_000 });
    let ordered = "id phoneNumber address customerName status flowerType price me";
    let paid = "id orderId price status me";
    let delivered = "id orderId status me";
    check(
        "flowers",
        &[
            ("POST", "/orders", order.clone()),
            ("POST", "/deliveries", json!({ "orderId": 1 })),
            ("POST", "/orders", order),
            ("PATCH", "/orders/2", json!({ "status": "OrderCancelled" })),
        ],
        "PaymentCancelled",
        &[
            ("Ordered", ordered, "Ordered"),
            ("OrderCancelled", ordered, "OrderCancelled"),
            ("PaymentConfirmed", paid, "PaymentConfirmed"),
            ("PaymentCancelled", paid, "PaymentCancelled"),
            ("Delivered", delivered, "Delivered"),
        ],
    );
}

#[test]
fn tutoring() {
    let reserve = |key: &str| json!({ "reserveId": key, "userId": "user1", "status": "reserve" });
    // The two last are of lessons, which the original only had in its requirements.
    let reserved = "id userId reserveId status me lessonId price";
    let managed = "id reserveId status me lessonId";
    let paid = "id reserveId status me price";
    check(
        "tutoring",
        &[
            ("POST", "/reservations", reserve("one")),
            ("POST", "/managements", json!({ "reserveId": "one" })),
            ("POST", "/reservations", reserve("two")),
            (
                "POST",
                "/managements",
                json!({ "reserveId": "two", "status": "Rejected" }),
            ),
            ("DELETE", "/payments/1", json!({})),
        ],
        "PayCanceled",
        &[
            ("Reserved", reserved, "reserve"),
            ("ReservationCanceled", reserved, "Canceled"),
            ("RoomConfirmed", managed, "Confirmed"),
            ("RoomRejected", managed, "Rejected"),
            ("PayCompleted", paid, "PayCompleted"),
            ("PayCanceled", paid, "PayCanceled"),
        ],
    );
}

#[test]
fn stays() {
    let room = json!({ "roomType": "DERUX", "roomStatus": "EMPTY", "roomName": "DERUX ROOM",
        "roomQty": 10, "roomPrice": "1200000" });
    let stay = json!({ "customerName": "PARK", "customerId": 9805, "reserveStatus": "reserve",
        "roomNumber": 1, "paymentPrice": 120_000 });
    let set = |status: &str| json!({ "reservationNumber": 1, "reserveStatus": status });
    // The two last are of reservations of several rooms.
    let reserved = "reservationNumber customerName customerId reserveStatus roomNumber \
                    paymentPrice me roomCount rooms";
    check(
        "stays",
        &[
            ("POST", "/rooms", room),
            ("POST", "/reservations", stay),
            ("POST", "/reservations", set("payment")),
            ("POST", "/reservations", set("checkOut")),
        ],
        "CheckedOut",
        &[
            ("Reserved", reserved, "reserve"),
            (
                "PaymentCompleted",
                "reservationNumber paymentId paymentPrice reservationStatus me",
                "paymentComp",
            ),
            (
                "CheckedOut",
                "reservationNumber customerName customerId reserveStatus roomNumber me",
                "End",
            ),
            (
                "RoomConditionChanged",
                "roomNo roomType roomStatus roomName roomQty roomPrice me",
                "EMPTY",
            ),
        ],
    );
}

#[test]
fn repairs() {
    let call = json!({ "tel": "01023456789", "status": "호출", "cost": 25_500,
        "position": "37.5,127.0" });
    let managed = "id tel location status cost me";
    check(
        "repairs",
        &[
            ("POST", "/ascalls", call.clone()),
            ("POST", "/ascalls", call),
        ],
        "AsassignCompleted",
        &[
            ("AsmanageAssigned", managed, "호출중"),
            ("AsmanageAssigned", managed, "호출확정"),
            (
                "AsassignCompleted",
                "id status asmanid asman asmantel tel location me",
                "할당확정",
            ),
        ],
    );
    check(
        "repairs",
        &[
            ("POST", "/ascalls", json!({ "tel": "1" })),
            ("DELETE", "/ascalls/1", json!({})),
        ],
        "AscallCancelled",
        &[("AscallCancelled", "id assinstatus tel me", "")],
    );
}

#[test]
fn fish() {
    let order = json!({ "customerName": "HanYongsun", "fishName": "flatfish", "qty": 1,
        "telephone": "01012341234", "address": "sungnam", "status": "paid" });
    let fields = "customerName fishName qty telephone address status";
    check(
        "fish",
        &[
            ("POST", "/orders", order.clone()),
            ("PATCH", "/fishstores/1", json!({ "status": "prepared" })),
            ("POST", "/orders", order.clone()),
            ("PATCH", "/fishstores/2", json!({ "status": "canceled" })),
        ],
        "PayCanceled",
        &[
            ("OrderPlaced", &format!("orderId {fields}"), "paid"),
            ("OrderCanceled", &format!("orderId {fields}"), "canceled"),
            (
                "PayApproved",
                &format!("paymentId orderId {fields}"),
                "paid",
            ),
            ("PayCanceled", "paymentId orderId status", "canceled"),
            (
                "OrderTaken",
                &format!("fishOrderId orderId {fields}"),
                "prepared",
            ),
            ("RecieveCanceled", "fishOrderId orderId status", "canceled"),
            ("DeliveryStarted", "deliveryId orderId status", "delivered"),
        ],
    );
}
