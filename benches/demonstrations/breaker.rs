//! The originals' demonstration of their circuit breakers: a payment provider that takes about as
//! long as anyone waits for it, and more clients than it can serve.
//!
//! All five shops are open at once, each with clients of its own that pause as `siege`'s do. The
//! provider of each is as slow as its original's was; repairs takes no payments, and must not
//! notice.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;

use super::{
    books::Books,
    crowd::{Answer, Client, Crowd, Pace, write},
    server::{Server, Setup, ask},
    shops::{SHOPS, Shop, stock},
    stage::{Stage, wait_for},
    tally::{Tallies, Tally},
};

/// Clients of each shop, round by round.
const CLIENTS: [usize; 3] = [50, 100, 200];
/// The longest pause of `siege` unless it is told otherwise, in milliseconds.
const THINK_MS_MAX: u64 = 1_000;
/// How long the originals' providers took, in milliseconds, and how long their callers waited.
const PROVIDERS: [Provider; 4] = [
    Provider::new("flowers", 200, 310, 300),
    Provider::new("stays", 400, 620, 610),
    Provider::new("fish", 400, 620, 600),
    Provider::new("tutoring", 400, 620, 1_000),
];
/// The shop that accepts what cannot be paid just now, and its word for such orders.
const PATIENT: (&str, &str) = ("tutoring", "Pending");
/// The shop that takes no payments.
const FREE: &str = "repairs";
/// What an answer takes at most beside the provider's time, in milliseconds.
const BESIDE_MS_MAX: u32 = 250;
/// How long the orders that wait may take to be paid: thousands of them, ten at a time.
const BACKLOG_MAX: Duration = Duration::from_mins(20);

/// A payment provider, as it behaves for one shop.
struct Provider {
    shop: &'static str,
    ms_min: u32,
    ms_max: u32,
    deadline_ms: u32,
}

impl Provider {
    const fn new(shop: &'static str, ms_min: u32, ms_max: u32, deadline_ms: u32) -> Self {
        Self {
            shop,
            ms_min,
            ms_max,
            deadline_ms,
        }
    }
}

pub(super) fn show(stage: &mut Stage<'_>) -> io::Result<()> {
    for clients in stage.or_in_test(&CLIENTS[..], &[20]) {
        round(stage, *clients)?;
    }
    Ok(())
}

fn round(stage: &mut Stage<'_>, clients: usize) -> io::Result<()> {
    let setup = stage
        .setup(&clients.to_string())?
        .with_settings(&settings())?;
    let server = setup.serve()?;
    stock(setup.address)?;
    let guests = SHOPS
        .iter()
        .flat_map(|shop| (0..clients).map(move |at| Guest::new(shop, at)));
    let watch = Watch::start(setup.address)?;
    let pace = Pace::Thinking(THINK_MS_MAX);
    let crowd = Crowd::start(setup.address, pace, guests.collect())?;
    let (_, tallies) = crowd.stop_after(stage.length(30))?;
    let seen = watch.end()?;
    stage.say(Tally::head())?;
    for (name, tally) in tallies.each() {
        stage.say(tally.row(name, clients))?;
    }
    check(stage, &tallies)?;
    breakers(stage, &seen)?;
    backlog(stage, &setup, server)?;
    let books = Books::read(&setup.data)?;
    let unpaid = books.confirmed_unpaid(FREE);
    let what = format!(
        "{} orders were paid, once each; none was confirmed unpaid",
        books.paid()
    );
    stage.must(
        what,
        unpaid == 0 && books.doubled() == 0 && books.paid() > 0,
    )?;
    stage.verify(&setup)
}

/// As slow as the originals' were.
fn settings() -> String {
    let mut text = String::new();
    for Provider {
        shop,
        ms_min,
        ms_max,
        ..
    } in PROVIDERS
    {
        let table = format!("[payment.storefronts.{shop}]");
        writeln!(
            text,
            "{table}\nlatency_ms_min = {ms_min}\nlatency_ms_max = {ms_max}"
        )
        .expect("a text takes any text");
    }
    text
}

fn check(stage: &mut Stage<'_>, tallies: &Tallies) -> io::Result<()> {
    let none = Tally::default();
    let of = |shop| tallies.get(shop).unwrap_or(&none);
    for Provider {
        shop, deadline_ms, ..
    } in PROVIDERS
    {
        let tally = of(shop);
        let slowest_ms = tally.longest_us() / 1_000;
        let what = format!(
            "{shop}: no answer took longer than {deadline_ms} ms and a little: {slowest_ms} ms"
        );
        stage.measured(what, slowest_ms <= deadline_ms + BESIDE_MS_MAX)?;
    }
    for shop in [PATIENT.0, FREE] {
        let availability = of(shop).availability();
        stage.must(
            format_args!("{shop}: availability {availability}"),
            availability.is_all(),
        )?;
    }
    let p99_ms = of(FREE).served.percentile_us(99) / 1_000;
    let what = format!("{FREE}: does not notice: 99 of 100 within {p99_ms} ms");
    stage.measured(what, p99_ms <= BESIDE_MS_MAX)?;
    let lost: u64 = tallies.each().map(|(_, tally)| tally.lost).sum();
    stage.must("every request had an answer", lost == 0)
}

/// Where there is too much, breakers open, and close again.
fn breakers(stage: &mut Stage<'_>, seen: &Seen) -> io::Result<()> {
    for (shop, states) in seen {
        stage.say(format_args!("  breaker of {shop}: {}", states.row()))?;
    }
    for Provider { shop, .. } in PROVIDERS.iter().filter(|own| own.shop != PATIENT.0) {
        let states = seen.get(*shop);
        let opened = states.is_some_and(|own| own.was("open") && own.was("closed"));
        stage.measured(
            format_args!("the breaker of {shop} opens and closes"),
            opened,
        )?;
    }
    let free = seen.get(FREE);
    let closed = free.is_none_or(|own| !own.was("open"));
    stage.must(format_args!("that of {FREE} stays closed"), closed)
}

/// Waits until every order that was accepted unpaid is paid.
fn backlog(stage: &mut Stage<'_>, setup: &Setup, server: Server) -> io::Result<()> {
    let (began, mut first) = (Instant::now(), None);
    let paid = wait_for(BACKLOG_MAX, || {
        let left = pending(setup.address)?;
        first.get_or_insert(left);
        // Few looks: each reads all orders.
        thread::sleep(Duration::from_millis(if left > 100 { 2_000 } else { 100 }));
        Ok(left == 0)
    })?;
    let what = format!(
        "{} orders that {} had accepted unpaid were all paid within {} s",
        first.unwrap_or(0),
        PATIENT.0,
        began.elapsed().as_secs()
    );
    stage.must(what, paid)?;
    stage.must("it ends as asked", server.stop()?.success())
}

/// How many orders wait for their payment.
fn pending(address: SocketAddr) -> io::Result<usize> {
    let mut count = 0;
    for page in 0.. {
        let path = format!("/{}/reservations?size=1000&page={page}", PATIENT.0);
        let (_, body) = ask(address, "GET", &path, "")?;
        let items = body["_embedded"]["reservations"].as_array();
        let waits = |item: &&Value| item["status"] == PATIENT.1;
        count += items.map_or(0, |items| items.iter().filter(waits).count());
        if page + 1 >= body["page"]["totalPages"].as_u64().unwrap_or(0) {
            break;
        }
    }
    Ok(count)
}

/// A client that orders, and where it has to be said extra, pays.
struct Guest {
    shop: &'static Shop,
    at: usize,
    asked: u64,
    unpaid: Option<u64>,
}

impl Guest {
    const fn new(shop: &'static Shop, at: usize) -> Self {
        Self {
            shop,
            at,
            asked: 0,
            unpaid: None,
        }
    }

    fn pays_extra(&self) -> bool {
        self.shop.name == "stays"
    }
}

impl Client for Guest {
    fn asks(&mut self, request: &mut Vec<u8>) -> Option<&'static str> {
        if let Some(number) = self.unpaid.take() {
            let (line, body) = self.shop.later[0].about(number);
            write(request, &line, None, &body);
            return Some(self.shop.name);
        }
        self.asked += 1;
        let whose = format!("g{}n{}", self.at, self.asked);
        let (line, body) = self.shop.order(&whose);
        write(request, &line, None, &body);
        // What asks no provider is counted apart.
        Some(if self.pays_extra() {
            "stays, unpaid"
        } else {
            self.shop.name
        })
    }

    fn hears(&mut self, answer: &Answer<'_>) {
        if self.pays_extra() && answer.status == 201 {
            self.unpaid = answer.number();
        }
    }
}

/// What the breakers were seen to be, by shop.
type Seen = BTreeMap<String, States>;

/// One breaker's.
#[derive(Default)]
struct States {
    now: String,
    each: BTreeSet<String>,
    changes: u64,
}

impl States {
    fn note(&mut self, state: &str) {
        if self.now != state {
            self.changes += u64::from(!self.now.is_empty());
            state.clone_into(&mut self.now);
            self.each.insert(state.to_owned());
        }
    }

    fn was(&self, state: &str) -> bool {
        self.each.contains(state)
    }

    fn row(&self) -> String {
        let each: Vec<&str> = self.each.iter().map(String::as_str).collect();
        format!("{}; {} changes seen", each.join(", "), self.changes)
    }
}

/// Looks at the breakers all the time.
struct Watch {
    over: Arc<AtomicBool>,
    thread: thread::JoinHandle<io::Result<Seen>>,
}

impl Watch {
    fn start(address: SocketAddr) -> io::Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        let thread = thread::Builder::new().spawn(move || {
            let mut seen = Seen::new();
            while !ends.load(Ordering::Relaxed) {
                let (_, body) = ask(address, "GET", "/ops/breakers", "")?;
                for breaker in body["breakers"].as_array().into_iter().flatten() {
                    let text = |field: &str| breaker[field].as_str().unwrap_or_default();
                    seen.entry(text("storefront").into())
                        .or_default()
                        .note(text("state"));
                }
                thread::sleep(Duration::from_millis(50));
            }
            Ok(seen)
        })?;
        Ok(Self { over, thread })
    }

    fn end(self) -> io::Result<Seen> {
        self.over.store(true, Ordering::Relaxed);
        let joined = self.thread.join();
        joined.map_err(|_| io::Error::other("the watch panicked"))?
    }
}
