//! A listing, a saga and a view that panic whenever they are touched, beside ten thousand others:
//! they alone are put aside, an operator sees them and lets them go on, and nobody else notices.
//!
//! Rounds with and without panics take turns, with the same requests in both.

use std::{
    fmt::Write as _,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    crowd::{Answer, Client, Crowd, Pace, write},
    server::{Server, ask},
    stage::{Stage, wait_for},
    tally::{Tallies, Tally},
};

/// The listings that nothing happens to.
const OTHERS: u64 = 10_000;
/// Clients of theirs.
const CLIENTS: usize = 32;
/// Clients of what panics.
const TROUBLED: usize = 2;
/// The longest pause of all of them, in milliseconds.
const THINK_MS_MAX: u64 = 10;
/// Rounds of each kind.
const ROUNDS: usize = 5;
/// The listing and the order that panic, and the path of the view that does.
const LISTING: u64 = 1;
const ORDER: u64 = 1;
const VIEW: &str = "roomInfoes";
/// What counts as noise beside the slowest round without panics, in per cent.
const NOISE_PERCENT: u32 = 25;

pub(super) fn show(stage: &mut Stage<'_>) -> io::Result<()> {
    let setup = stage.setup("panics")?.with("--fault-injection");
    let server = setup.serve()?;
    let rooms = stage.or_in_test(OTHERS, 100);
    prepare(&server, rooms)?;
    let (mut calm, mut troubled) = (Vec::new(), Vec::new());
    stage.say(Tally::head())?;
    for _ in 0..stage.or_in_test(ROUNDS, 1) {
        calm.push(round(stage, &server, "calm", rooms)?);
        faults(&server, "PUT", &rules())?;
        troubled.push(round(stage, &server, "panicking", rooms)?);
        faults(&server, "DELETE", "")?;
        release(stage, &server)?;
    }
    compare(stage, &calm, &troubled)?;
    stage.must("it ends as asked", server.stop()?.success())?;
    stage.verify(&setup)
}

/// Registers the rooms, and one reservation of the first.
fn prepare(server: &Server, rooms: u64) -> io::Result<()> {
    let left = Arc::new(AtomicU64::new(rooms + 1));
    let owners = (0..CLIENTS).map(|_| Owner(Arc::clone(&left)));
    let crowd = Crowd::start(server.address(), Pace::Thinking(0), owners.collect())?;
    crowd.finish()?;
    let body = format!(r#"{{"customerName": "KIM", "roomNumber": {LISTING}, "roomCount": 1}}"#);
    let (status, answer) = server.post("/stays/reservations", &body)?;
    let number = answer["_links"]["self"]["href"]
        .as_str()
        .unwrap_or_default();
    if status == 201 && number.ends_with(&format!("/{ORDER}")) {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "the first reservation was answered {status}: {answer}"
    )))
}

/// The panics.
fn rules() -> String {
    let mut rules = String::from("[");
    let place = r#""storefront": "stays", "do": "panic""#;
    let listing = format!(r#"{{"at": "decide", "kind": "listing", "number": {LISTING}, {place}}}"#);
    let saga = format!(r#"{{"at": "react", "number": {ORDER}, {place}}}"#);
    let view = format!(r#"{{"at": "view", "view": "{VIEW}", {place}}}"#);
    write!(rules, "{listing}, {saga}, {view}]").expect("a text takes any text");
    rules
}

fn faults(server: &Server, method: &str, body: &str) -> io::Result<()> {
    let (status, answer) = ask(server.address(), method, "/ops/faults", body)?;
    if status < 300 {
        return Ok(());
    }
    let what = format!("{method} /ops/faults was answered {status}: {answer}");
    Err(io::Error::other(what))
}

/// Both kinds of clients for a while. Returns what the others' were answered.
fn round(
    stage: &mut Stage<'_>,
    server: &Server,
    name: &'static str,
    rooms: u64,
) -> io::Result<Tally> {
    let pace = Pace::Thinking(THINK_MS_MAX);
    let troubled = (0..TROUBLED).map(|at| Guest {
        rooms: None,
        asked: at,
    });
    let troubled = Crowd::start(server.address(), pace, troubled.collect())?;
    let others = (0..CLIENTS).map(|at| Guest {
        rooms: Some(rooms),
        asked: at,
    });
    let others = Crowd::start(server.address(), pace, others.collect())?;
    let (_, others) = others.stop_after(stage.length(3))?;
    let (_, troubled) = troubled.stop()?;
    for (tallies, clients) in [(&others, CLIENTS), (&troubled, TROUBLED)] {
        say(stage, tallies, name, clients)?;
    }
    Ok(others.total())
}

fn say(stage: &mut Stage<'_>, tallies: &Tallies, name: &str, clients: usize) -> io::Result<()> {
    for (of, tally) in tallies.each() {
        stage.say(tally.row(&format!("{name}: {of}"), clients))?;
    }
    Ok(())
}

/// An operator sees what was put aside, and lets it go on.
fn release(stage: &mut Stage<'_>, server: &Server) -> io::Result<()> {
    let (_, body) = server.get("/ops/quarantine")?;
    let all = body["quarantine"].as_array().cloned().unwrap_or_default();
    let mut put_aside = Vec::new();
    for one in &all {
        let [storefront, kind] = ["storefront", "kind"].map(|own| one[own].as_str().unwrap_or(""));
        let what = one["number"].as_u64().map_or_else(
            || one["view"].as_str().unwrap_or_default().to_owned(),
            |number| number.to_string(),
        );
        let name = format!("{storefront}/{kind}/{what}");
        let path = format!("/ops/quarantine/{name}");
        let (status, answer) = ask(server.address(), "DELETE", &path, "")?;
        let refused = format!("DELETE {path} is answered {status} {answer}");
        stage.must_quietly(refused, status == 204)?;
        put_aside.push(name);
    }
    put_aside.sort();
    let expected = [
        format!("stays/listings/{LISTING}"),
        format!("stays/orders/{ORDER}"),
        format!("stays/views/{VIEW}"),
    ];
    let what = format!("put aside, listed and released: {}", put_aside.join(", "));
    stage.must(what, put_aside == expected)?;
    let body = format!(r#"{{"customerName": "KIM", "roomNumber": {LISTING}, "roomCount": 1}}"#);
    let again = wait_for(Duration::from_secs(10), || {
        let reserved = server.post("/stays/reservations", &body)?.0 == 201;
        let path = format!("/stays/{VIEW}/{LISTING}");
        Ok(reserved && server.get(&path)?.0 == 200)
    })?;
    stage.must_quietly("what was released is served again", again)
}

fn compare(stage: &mut Stage<'_>, calm: &[Tally], troubled: &[Tally]) -> io::Result<()> {
    let p99s = |rounds: &[Tally]| {
        let mut all: Vec<u32> = rounds
            .iter()
            .map(|own| own.served.percentile_us(99))
            .collect();
        all.sort_unstable();
        all
    };
    let (calm_us, troubled_us) = (p99s(calm), p99s(troubled));
    let [without, with] = [&calm_us, &troubled_us].map(|all| all[all.len() / 2]);
    let slowest = calm_us.last().copied().unwrap_or(0);
    let what = format!(
        "the others' p99 is {with} µs beside panics and {without} µs without (medians; the rounds \
         without: {calm_us:?})"
    );
    stage.measured(what, with <= slowest + slowest * NOISE_PERCENT / 100)?;
    let mut unserved = calm
        .iter()
        .chain(troubled)
        .map(|own| own.lost + own.answered_from(300));
    stage.must(
        "every request of the others was served",
        unserved.all(|count| count == 0),
    )
}

/// Registers rooms until there are enough.
struct Owner(Arc<AtomicU64>);

impl Client for Owner {
    fn asks(&mut self, request: &mut Vec<u8>) -> Option<&'static str> {
        let before = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        before.ok()?;
        let body = r#"{"roomName": "Suite", "roomStatus": "EMPTY", "roomQty": 1000000}"#;
        write(request, "POST /stays/rooms", None, body);
        Some("rooms")
    }

    fn hears(&mut self, _answer: &Answer<'_>) {}
}

/// Reserves and looks: any room but the one, or that and the order and the view that panic.
struct Guest {
    rooms: Option<u64>,
    asked: usize,
}

impl Client for Guest {
    fn asks(&mut self, request: &mut Vec<u8>) -> Option<&'static str> {
        self.asked += 1;
        let room = self
            .rooms
            .map_or(LISTING, |rooms| fastrand::u64(LISTING + 1..=rooms));
        let name = if self.rooms.is_some() {
            "others"
        } else {
            "troubled"
        };
        match (self.asked % 3, self.rooms) {
            (0, None) => {
                let line = format!("PATCH /stays/reservations/{ORDER}");
                write(request, &line, None, r#"{"reserveStatus": "payment"}"#);
            }
            (0, Some(_)) => write(request, &format!("GET /stays/rooms/{room}"), None, ""),
            (1, None) => write(request, &format!("GET /stays/{VIEW}/{room}"), None, ""),
            _ => {
                let body = format!(
                    r#"{{"customerName": "LEE", "roomNumber": {room}, "roomCount": 1, "paymentPrice": 1}}"#
                );
                write(request, "POST /stays/reservations", None, &body);
            }
        }
        Some(name)
    }

    fn hears(&mut self, _answer: &Answer<'_>) {}
}
