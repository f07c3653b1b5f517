//! A listing and a saga that panic whenever they are touched, beside ten thousand others: they alone
//! are put aside, an operator sees them and lets them go on, and nobody else notices. A view that
//! panics keeps nobody waiting but its own readers, and catches up once it is let go on.
//!
//! Rounds with and without panics take turns, with the same requests in both.

use std::{
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
const TROUBLED: usize = 8;
/// The longest pause of all of them, in milliseconds.
const THINK_MS_MAX: u64 = 10;
/// Rounds of each kind.
const ROUNDS: usize = 5;
/// The path of the view that panics.
const VIEW: &str = "roomInfoes";
/// How soon a view has caught up.
const CATCHES_UP: Duration = Duration::from_secs(30);
/// What counts as noise beside the slowest round without panics, in per cent.
const NOISE_PERCENT: u32 = 25;
/// What nobody who does not panic may have to wait, ever.
const WAIT_US_MAX: u32 = 1_000_000;

/// What panics, and what does not.
#[derive(Clone, Debug)]
struct Cast {
    listing: u64,
    order: u64,
    others: Arc<[u64]>,
}

pub(super) fn show(stage: &mut Stage<'_>) -> io::Result<()> {
    let setup = stage.setup("panics")?.with("--fault-injection");
    let server = setup.serve()?;
    let cast = prepare(&server, stage.or_in_test(OTHERS, 100))?;
    let (mut calm, mut troubled) = (Vec::new(), Vec::new());
    stage.say(Tally::head())?;
    for _ in 0..stage.or_in_test(ROUNDS, 1) {
        calm.push(round(stage, &server, "calm", &cast)?);
        faults(&server, "PUT", &cast.entities())?;
        troubled.push(round(stage, &server, "panicking", &cast)?);
        faults(&server, "DELETE", "")?;
        release(stage, &server, &cast)?;
    }
    faults(&server, "PUT", &view())?;
    troubled.push(round(stage, &server, "view panics", &cast)?);
    faults(&server, "DELETE", "")?;
    release_view(stage, &server, &cast)?;
    compare(stage, &calm, &troubled)?;
    stage.must("it ends as asked", server.stop()?.success())?;
    stage.verify(&setup)
}

/// An operator sees that the view stopped, and lets it go on.
fn release_view(stage: &mut Stage<'_>, server: &Server, cast: &Cast) -> io::Result<()> {
    let stands = !shows(server, cast)?;
    let (_, body) = server.get("/ops/quarantine")?;
    let is_listed = body["views"][0]["view"] == VIEW;
    let path = format!("/ops/quarantine/stays/views/{VIEW}");
    let (status, _) = ask(server.address(), "DELETE", &path, "")?;
    let what = format!("the view {VIEW} stood alone, was listed and released");
    stage.must(what, stands && is_listed && status == 204)?;
    let caught_up = wait_for(CATCHES_UP, || shows(server, cast))?;
    stage.must("it has caught up", caught_up)
}

/// Whether the view is there and has a row of the listing.
fn shows(server: &Server, cast: &Cast) -> io::Result<bool> {
    let path = format!("/stays/{VIEW}/{}", cast.listing);
    Ok(server.get(&path)?.0 == 200)
}

/// Registers so many rooms and one more, and a reservation of that one.
fn prepare(server: &Server, rooms: u64) -> io::Result<Cast> {
    let left = Arc::new(AtomicU64::new(rooms + 1));
    let owner = |_| Owner {
        left: Arc::clone(&left),
        rooms: Vec::new(),
    };
    let owners = (0..CLIENTS).map(owner).collect();
    let crowd = Crowd::start(server.address(), Pace::Thinking(0), owners)?;
    let (owners, _) = crowd.finish()?;
    let mut rooms: Vec<u64> = owners.into_iter().flat_map(|owner| owner.rooms).collect();
    let listing = rooms.pop().unwrap_or_default();
    let (status, answer) = server.post("/stays/reservations", &reservation(listing))?;
    let href = answer["_links"]["self"]["href"]
        .as_str()
        .unwrap_or_default();
    let order = href
        .rsplit('/')
        .next()
        .and_then(|number| number.parse().ok());
    let order = order.filter(|_| status == 201).ok_or_else(|| {
        io::Error::other(format!("a reservation was answered {status}: {answer}"))
    })?;
    Ok(Cast {
        listing,
        order,
        others: rooms.into(),
    })
}

fn reservation(room: u64) -> String {
    format!(r#"{{"customerName": "LEE", "roomNumber": {room}, "roomCount": 1, "paymentPrice": 1}}"#)
}

impl Cast {
    /// The panics of the listing and of the order's saga.
    fn entities(&self) -> String {
        let Self { listing, order, .. } = self;
        format!(
            r#"[{{"at": "decide", "storefront": "stays", "kind": "listing", "number": {listing}, "do": "panic"}},
                {{"at": "react", "storefront": "stays", "number": {order}, "do": "panic"}}]"#
        )
    }

    /// What is put aside because of them, as it is addressed.
    fn put_aside(&self) -> [String; 2] {
        [
            format!("stays/listings/{}", self.listing),
            format!("stays/orders/{}", self.order),
        ]
    }
}

/// The panics of the view.
fn view() -> String {
    format!(r#"[{{"at": "view", "storefront": "stays", "view": "{VIEW}", "do": "panic"}}]"#)
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
    cast: &Cast,
) -> io::Result<Tally> {
    let pace = Pace::Thinking(THINK_MS_MAX);
    let guests = |clients, has_trouble| {
        let guest = |at| Guest {
            cast: cast.clone(),
            has_trouble,
            asked: at,
        };
        Crowd::start(server.address(), pace, (0..clients).map(guest).collect())
    };
    let troubled = guests(TROUBLED, true)?;
    let others = guests(CLIENTS, false)?;
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
fn release(stage: &mut Stage<'_>, server: &Server, cast: &Cast) -> io::Result<()> {
    let (_, body) = server.get("/ops/quarantine")?;
    let all = body["quarantine"].as_array().cloned().unwrap_or_default();
    let mut put_aside = Vec::new();
    for one in &all {
        let [storefront, kind] = ["storefront", "kind"].map(|own| one[own].as_str().unwrap_or(""));
        let name = format!("{storefront}/{kind}/{}", one["number"]);
        let path = format!("/ops/quarantine/{name}");
        let (status, answer) = ask(server.address(), "DELETE", &path, "")?;
        let refused = format!("DELETE {path} is answered {status} {answer}");
        stage.must_quietly(refused, status == 204)?;
        put_aside.push(name);
    }
    put_aside.sort();
    let what = format!("put aside, listed and released: {}", put_aside.join(", "));
    stage.must(what, put_aside == cast.put_aside())?;
    let body = reservation(cast.listing);
    let again = wait_for(CATCHES_UP, || {
        let reserved = server.post("/stays/reservations", &body)?.0 == 201;
        Ok(reserved && shows(server, cast)?)
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
    // A median says nothing of what happens once: the first panic of a process stopped its shard for 2.3 s.
    let longest = |own: &Tally| own.served.percentile_us(100);
    let longest_us = troubled.iter().map(longest).max().unwrap_or(0);
    let what = format!("their slowest answer beside panics took {longest_us} µs, in all rounds");
    stage.measured(what, longest_us < WAIT_US_MAX)?;
    let mut unserved = calm
        .iter()
        .chain(troubled)
        .map(|own| own.lost + own.answered_from(300));
    stage.must(
        "every request of the others was served",
        unserved.all(|count| count == 0),
    )
}

/// Registers rooms until there are enough, and remembers their numbers.
struct Owner {
    left: Arc<AtomicU64>,
    rooms: Vec<u64>,
}

impl Client for Owner {
    fn asks(&mut self, request: &mut Vec<u8>) -> Option<&'static str> {
        let relaxed = Ordering::Relaxed;
        let before = self
            .left
            .fetch_update(relaxed, relaxed, |left| left.checked_sub(1));
        before.ok()?;
        let body = r#"{"roomName": "Suite", "roomStatus": "EMPTY", "roomQty": 1000000}"#;
        write(request, "POST /stays/rooms", None, body);
        Some("rooms")
    }

    fn hears(&mut self, answer: &Answer<'_>) {
        self.rooms.extend(answer.number());
    }
}

/// Reserves and looks: any room but the one, or that one and the order and the view that panic.
struct Guest {
    cast: Cast,
    has_trouble: bool,
    asked: usize,
}

impl Client for Guest {
    fn asks(&mut self, request: &mut Vec<u8>) -> Option<&'static str> {
        self.asked += 1;
        let Cast {
            listing,
            order,
            others,
        } = &self.cast;
        if !self.has_trouble {
            let room = fastrand::choice(others.iter()).copied().unwrap_or_default();
            if self.asked.is_multiple_of(3) {
                write(request, &format!("GET /stays/rooms/{room}"), None, "");
            } else {
                write(
                    request,
                    "POST /stays/reservations",
                    None,
                    &reservation(room),
                );
            }
            return Some("others");
        }
        match self.asked % 3 {
            0 => {
                let line = format!("PATCH /stays/reservations/{order}");
                write(request, &line, None, r#"{"reserveStatus": "payment"}"#);
            }
            1 => write(request, &format!("GET /stays/{VIEW}/{listing}"), None, ""),
            _ => write(
                request,
                "POST /stays/reservations",
                None,
                &reservation(*listing),
            ),
        }
        Some("troubled")
    }

    fn hears(&mut self, _answer: &Answer<'_>) {}
}
