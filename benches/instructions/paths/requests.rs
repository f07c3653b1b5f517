//! Requests to the whole server: read, routed, carried out, written, and answered.

use jumun::{
    actors::handles::{Context, Error, Expected, Request, Target},
    domain::{Kind, storefront::CommandAction},
};

use crate::{
    counted,
    house::{self, House, system},
};

/// Requests before those that are counted.
const WARM: u64 = 128;

/// Rooms that are reserved by turns. As many requests are under way together as there are connections, so
/// that each room is wanted by two of them, and one waits for the other.
const ROOMS: usize = house::CONNECTIONS / 2;

/// Orders that there are to be read.
const STORED: u64 = 256;

/// More than are reserved in any run, so that none runs out.
const ROOM: &str = r#"{"roomName":"Suite","roomStatus":"EMPTY","roomQty":1000000}"#;

const ORDER: &str = r#"{"phoneNumber":"010-1234-5678","address":"1, Sejong-daero, Jung-gu, Seoul","customerName":"Hong Gildong","flowerType":"rose","price":30000}"#;

/// A flower order: paid at once, durable, seen by the views.
pub(super) fn place(times: u64) {
    counts(&[], times, |_| vec![(posted("", ORDER), "201")]);
}

/// The same with a key of the client's, which is remembered.
pub(super) fn place_with_key(times: u64) {
    counts(&[], times, |number| {
        let key = format!("idempotency-key: order-{number:010}\r\n");
        vec![(posted(&key, ORDER), "201")]
    });
}

/// A reservation: durable with what it takes from its room, which other orders share. Each room keeps what
/// is reserved of it, 24 reservations on an average while it is counted.
pub(super) fn reserve(times: u64) {
    let rooms = vec![request("POST /stays/rooms", "", ROOM); ROOMS];
    counts(&rooms, times, |number| {
        let room = number % ROOMS as u64 + 1;
        let body = format!(
            r#"{{"roomNumber":{room},"roomCount":1,"customerName":"Hong Gildong","paymentPrice":90000}}"#
        );
        vec![(request("POST /stays/reservations", "", &body), "201")]
    });
}

/// Four commands to each order. All but the first find it resting.
pub(super) fn live(times: u64) {
    counts(&[], times, |number| {
        let one = format!("PATCH /flowers/orders/{number}");
        vec![
            (posted("", ORDER), "201"),
            (request(&one, "", r#"{"address":"2, Sejong-daero"}"#), "204"),
            (request(&one, "", r#"{"flowerType":"tulip"}"#), "204"),
            (delivery(number), "201"),
        ]
    });
}

/// One order by its number.
pub(super) fn read(times: u64) {
    counts(&placed(STORED), times, |number| {
        let path = format!("GET /flowers/orders/{}", number % STORED + 1);
        vec![(request(&path, "", ""), "200")]
    });
}

/// One order's row on the customer's page.
pub(super) fn read_row(times: u64) {
    counts(&placed(STORED), times, |number| {
        let path = format!("GET /flowers/myPages/{}", number % STORED + 1);
        vec![(request(&path, "", ""), "200")]
    });
}

/// The end of the customer's page, where the link to what is next leads: a view is not paged otherwise.
pub(super) fn read_rows(times: u64) {
    counts(&placed(STORED), times, |_| {
        let path = format!("GET /flowers/myPages?offset={}", STORED - 20);
        vec![(request(&path, "", ""), "200")]
    });
}

/// One page after the other of all orders.
pub(super) fn read_page(times: u64) {
    counts(&placed(STORED), times, |number| {
        let page = number % (STORED / 20);
        let path = format!("GET /flowers/orders?page={page}&size=20");
        vec![(request(&path, "", ""), "200")]
    });
}

/// A command, without HTTP, that only its order can refuse: its actors start, load, decide, and end.
pub(super) fn wake(times: u64) {
    let (system, mut house) = (system(), None);
    let request = |number: u64| Request {
        expected: Some(Expected {
            kind: Kind::Order,
            versions: Vec::new(),
        }),
        ..Request::new(
            CommandAction::CancelOrder,
            Target::Order(number % STORED + 1),
            Kind::Order,
        )
    };
    let wake = |house: &House, times: u64| {
        let (engine, at) = (house.engine.clone(), house.flowers());
        let all = async move {
            for number in 0..times {
                let outcome = engine.perform(at, request(number), Context::default());
                let outcome = outcome.await;
                assert!(matches!(outcome, Err(Error::Refused(_))), "{outcome:?}");
            }
        };
        system.block_on(house.while_working(all));
    };
    system.block_on(async {
        let mut own = House::open().await;
        own.exchange(&placed(STORED), "201").await;
        house = Some(own);
    });
    let house = house.expect("it was opened");
    wake(&house, WARM);
    counted::part(&mut || wake(&house, times));
}

/// Requests for so many new orders.
pub(super) fn placed(times: u64) -> Vec<Vec<u8>> {
    (0..times).map(|_| posted("", ORDER)).collect()
}

/// Requests that say of these orders that they are delivered.
pub(super) fn delivered(orders: impl Iterator<Item = u64>) -> Vec<Vec<u8>> {
    orders.map(delivery).collect()
}

/// Lets the requests of so many times run, after those of the warm-up, in a house where something was
/// placed or offered `before`. Each time has the same requests, one kind after the other.
fn counts(before: &[Vec<u8>], times: u64, of: impl Fn(u64) -> Vec<(Vec<u8>, &'static str)>) {
    let system = system();
    let mut house = system.block_on(House::open());
    system.block_on(house.exchange(before, "201"));
    let mut first = 1;
    let mut prepared = |times: u64| -> Vec<(Vec<Vec<u8>>, &'static str)> {
        let all: Vec<_> = (first..first + times).map(&of).collect();
        first += times;
        let kind = |at: usize| {
            let requests = all.iter().map(|own| own[at].0.clone()).collect();
            (requests, all[0][at].1)
        };
        (0..all[0].len()).map(kind).collect()
    };
    let (warm, counted) = (prepared(WARM), prepared(times));
    let mut run = |all: &[(Vec<Vec<u8>>, &str)]| {
        for (requests, status) in all {
            system.block_on(house.exchange(requests, status));
        }
    };
    run(&warm);
    counted::part(&mut || run(&counted));
}

fn posted(header: &str, body: &str) -> Vec<u8> {
    request("POST /flowers/orders", header, body)
}

fn delivery(order: u64) -> Vec<u8> {
    let body = format!(r#"{{"orderId":{order}}}"#);
    request("POST /flowers/deliveries", "", &body)
}

fn request(line: &str, header: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("{line} HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n{header}");
    let text = if length == 0 {
        format!("{head}\r\n")
    } else {
        let kind = "content-type: application/json";
        format!("{head}{kind}\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    text.into_bytes()
}
