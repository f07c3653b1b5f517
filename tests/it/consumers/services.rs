//! "The service is down, then up", as two of the originals showed it: here the service is a program
//! outside, which follows the feed as a group. What happened meanwhile comes to it afterwards, each
//! event once and in order, also when the server was started again in between.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Member, group, id};
use crate::support::{Client, Setup};

/// A service of its own: what it was told, in the order it was.
#[derive(Default)]
struct Service {
    told: Vec<(u64, String, String)>,
}

impl Service {
    /// Runs until nothing is left for it.
    fn run(&mut self, client: &Client, path: &str) {
        let member = Member::new(client, path, "service");
        while let Some(lease) = member.lease(3, 0) {
            for event in &lease.events {
                assert_eq!(event["attempt"], 1);
                let text = |name: &str| event[name].as_str().unwrap().to_owned();
                self.told
                    .push((id(event).parse().unwrap(), text("type"), text("subject")));
            }
            member.acknowledge(&lease, &lease.ids());
        }
    }

    /// It was told all of the feed's events of these types from `from` on, each once, in order.
    fn knows_all(&self, client: &Client, storefront: &str, types: &[&str], count: usize) {
        let query = format!("limit=1000&type={}", types.join(","));
        let all = client
            .get(&format!("/{storefront}/events?{query}"))
            .at("/events");
        let all = all.as_array().unwrap().iter();
        let text = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
        let all: Vec<_> = all
            .map(|event| {
                let id: u64 = id(event).parse().unwrap();
                (id, text(event, "type"), text(event, "subject"))
            })
            .collect();
        assert_eq!(self.told, all);
        assert_eq!(all.len(), count, "{all:?}");
    }
}

/// Starts the server again on what it left.
fn again(storefront: &str, data: TempDir) -> (crate::support::Server, Client) {
    let server = Setup::of(storefront).on(data).start();
    let client = server.client();
    (server, client)
}

#[test]
fn the_engineer_service_is_down_then_up_and_misses_no_assignment() {
    let server = Setup::of("repairs").start();
    let client = server.client();
    let (path, types) = (
        "/repairs/consumers/engineer",
        ["AsassignCompleted", "AsassignCancelled"],
    );
    group(&client, path, &json!({ "types": types }));
    let mut engineer = Service::default();
    let call = r#"{"tel": "01023456789", "status": "호출", "cost": "25500"}"#;
    let calls = |client: &Client| {
        let number = client.post("/ascalls", call).number();
        client.until(&format!("/asassigns/{number}"), "/status", "할당확정");
        number
    };
    let first = calls(&client);
    engineer.run(&client, path);
    assert_eq!(engineer.told.len(), 1);

    // The engineer service is down. Calls are taken, and one is called off.
    calls(&client);
    calls(&client);
    client
        .request("DELETE", &format!("/ascalls/{first}"))
        .expect(204);
    client.until(&format!("/asassigns/{first}"), "/status", "할당취소");
    client.get(path).has("/lag/events", 3);
    let (server, client) = again("repairs", server.stop());
    calls(&client);

    // It is up again.
    engineer.run(&client, path);
    engineer.knows_all(&client, "repairs", &types, 5);
    engineer.run(&client, path);
    engineer.knows_all(&client, "repairs", &types, 5);
    client
        .get(path)
        .has("/redelivered", 0)
        .has("/lag/events", 0);
    server.verified();
}

#[test]
fn the_room_service_is_down_then_up_and_misses_no_reservation() {
    let server = Setup::of("stays").start();
    let client = server.client();
    let (path, types) = (
        "/stays/consumers/room",
        ["PaymentCompleted", "ReservationCanceled", "CheckedOut"],
    );
    group(&client, path, &json!({ "types": types, "from": "now" }));
    let mut room = Service::default();
    client.post(
        "/rooms",
        r#"{"roomNumber": 1, "roomName": "ocean", "roomQty": 10,
        "roomStatus": "empty", "roomPrice": 50000}"#,
    );
    let reserve = r#"{"customerName": "PARK", "customerId": "9805", "roomNumber": "1",
        "reserveStatus": "reserve", "roomName": "ocean", "paymentPrice": "50000"}"#;
    let reserves_and_pays = |client: &Client| {
        let number = client.post("/reservations", reserve).number();
        client.post(
            "/reservations",
            &json!({ "reservationNumber": number, "reserveStatus": "payment",
                "customerName": "PARK", "customerId": "9805", "roomNumber": 1,
                "paymentPrice": 50000 })
            .to_string(),
        );
        number
    };
    reserves_and_pays(&client);
    room.run(&client, path);
    assert_eq!(room.told.len(), 1);

    // The room service is down: reservations are taken and paid all the same.
    reserves_and_pays(&client);
    let (server, client) = again("stays", server.stop());
    reserves_and_pays(&client);
    client.get(path).has("/lag/events", 2);

    room.run(&client, path);
    room.knows_all(&client, "stays", &types, 3);
    room.run(&client, path);
    room.knows_all(&client, "stays", &types, 3);
    client
        .get(path)
        .has("/redelivered", 0)
        .has("/lag/events", 0);
    server.verified();
}
