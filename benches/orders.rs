//! Placing an order through HTTP, against an echo of the same body in the same run.
//!
//! The echo is what actix-web costs by itself: it reads the body into a struct and answers it. The
//! ratio of the two survives a change of machine; the numbers themselves do not. Rounds of both
//! take turns, and the median counts, because single rounds differ by several hundredths.
//!
//! `cargo bench --bench orders` measures; with `-- --test` each server answers a few requests. With
//! `-- --counting` a third server, `bare`, takes its turns: Jumun that counts nothing for `/metrics`, to
//! see what counting costs.

#[path = "support/cpu.rs"]
mod cpu;
#[path = "../tests/support/load.rs"]
mod load;

use std::{
    env, future,
    io::{self, Write},
    net::{SocketAddr, TcpListener},
    sync::mpsc,
    thread,
    time::Duration,
};

use actix_web::{HttpResponse, HttpServer, web};
use jumun::{
    app::{self, Options},
    config::Config,
};
use load::{Report, THREAD_NAME, Until, drive};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// As the `jumun` binary has it; the echo profits as well.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// HTTP threads of each server.
const WORKERS: usize = 2;
/// One for latency, many for throughput.
const CONNECTIONS: [usize; 2] = [1, 64];
/// Odd, so that there is a median.
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);
const PATH: &str = "/flowers/orders";

/// An order of the flower shop, as the echo reads it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    phone_number: String,
    address: String,
    customer_name: String,
    flower_type: String,
    price: i64,
}

/// A server that runs in this process until the process ends.
struct Server {
    name: &'static str,
    address: SocketAddr,
    rounds: [Vec<Round>; CONNECTIONS.len()],
    /// Removed at the end.
    #[expect(dead_code, reason = "held, not read")]
    directory: Option<TempDir>,
}

/// One server under one load for one round.
struct Round {
    report: Report,
    /// Of the servers' threads, each request; `None` where the system does not tell.
    cpu_us: Option<u64>,
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let mut filters = arguments.iter().filter(|own| !own.starts_with('-'));
    if filters.clone().next().is_some() && !filters.any(|filter| "orders".contains(filter)) {
        return Ok(());
    }
    let mut servers = vec![start_echo()?, start_jumun("jumun", true)?];
    if arguments.iter().any(|own| own == "--counting") {
        servers.push(start_jumun("bare", false)?);
    }
    let mut out = io::stdout().lock();
    if arguments.iter().any(|own| own == "--test") {
        for server in &mut servers {
            let round = round(server.address, 2, Until::Requests(20))?;
            writeln!(out, "orders: {} answered 20 requests", server.name)?;
            assert_eq!(round.report.responses(), 20);
        }
        return Ok(());
    }
    for server in &servers {
        round(server.address, 64, Until::Elapsed(ROUND / 3))?;
    }
    for (at, connections) in CONNECTIONS.into_iter().enumerate() {
        for _ in 0..ROUNDS {
            for server in &mut servers {
                let round = round(server.address, connections, Until::Elapsed(ROUND))?;
                server.rounds[at].push(round);
            }
        }
    }
    print(&mut out, &servers)
}

fn start_echo() -> io::Result<Server> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        let order = |order: web::Json<Order>| async move { HttpResponse::Created().json(order) };
        let server =
            HttpServer::new(move || actix_web::App::new().route(PATH, web::post().to(order)))
                .workers(WORKERS)
                .listen(listener)
                .expect("a listener of our own can be used");
        actix_web::rt::System::new().block_on(server.run())
    });
    Ok(Server::new("echo", address))
}

/// The whole of Jumun with the shipped storefronts, on a directory of its own. Requests and events are
/// counted for `/metrics`, as they always are, or they are not.
fn start_jumun(name: &'static str, counts: bool) -> io::Result<Server> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let directory = tempfile::tempdir()?;
    let mut config = Config::read(None).map_err(io::Error::other)?;
    config.data = directory.path().join("data");
    config.limits.workers = WORKERS;
    let (ready, started) = mpsc::channel();
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = Options::new(&config)
                .map(|options| Options { counts, ..options })
                .map_err(app::Error::from)
                .and_then(|options| app::App::start(config, options));
            let app = match app {
                Ok(app) => app,
                Err(error) => return drop(ready.send(Err(io::Error::other(error)))),
            };
            drop(ready.send(Ok(())));
            let served = app.serve(listener, future::pending()).await;
            served.expect("the disk of the benchmark is well");
        });
    });
    started.recv().map_err(io::Error::other)??;
    Ok(Server {
        directory: Some(directory),
        ..Server::new(name, address)
    })
}

impl Server {
    fn new(name: &'static str, address: SocketAddr) -> Self {
        let rounds = CONNECTIONS.map(|_| Vec::new());
        Self {
            name,
            address,
            rounds,
            directory: None,
        }
    }
}

fn round(address: SocketAddr, connections: usize, until: Until) -> io::Result<Round> {
    let order = Order {
        phone_number: "010-1234-5678".into(),
        address: "1, Sejong-daero, Jung-gu, Seoul".into(),
        customer_name: "Hong Gildong".into(),
        flower_type: "rose".into(),
        price: 30_000,
    };
    let body = serde_json::to_string(&order)?;
    let head = format!("POST {PATH} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json");
    let request = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let before = cpu::used(THREAD_NAME);
    let report = drive(address, connections, until, move |_, buffer| {
        buffer.extend_from_slice(request.as_bytes());
    })?;
    let used = cpu::used(THREAD_NAME).zip(before);
    let used_us = used.map(|(after, before)| after.saturating_sub(before).as_micros());
    let created = report.statuses.get(&201).copied().unwrap_or(0);
    if report.broken > 0 || created != report.responses() || created == 0 {
        let what = format!("not every order was created: {:?}", report.statuses);
        return Err(io::Error::other(what));
    }
    let cpu_us = used_us.and_then(|used| u64::try_from(used / u128::from(created)).ok());
    Ok(Round { report, cpu_us })
}

fn print(out: &mut impl Write, servers: &[Server]) -> io::Result<()> {
    writeln!(
        out,
        "{:>11}  {:<6} {:>8} {:>17} {:>6} {:>8} {:>8} {:>8}",
        "connections", "server", "orders/s", "spread", "ratio", "p50 us", "p99 us", "cpu us"
    )?;
    for (at, connections) in CONNECTIONS.into_iter().enumerate() {
        let echo = median(&servers[0].rounds[at], |round| round.report.per_second());
        for server in servers {
            let rounds = &server.rounds[at];
            let rate = median(rounds, |round| round.report.per_second());
            let rates = || rounds.iter().map(|round| round.report.per_second());
            let spread = rates().min().zip(rates().max()).unwrap_or_default();
            let ratio = rate * 100 / echo.max(1);
            let cpu = median(rounds, |round| round.cpu_us.unwrap_or(0));
            writeln!(
                out,
                "{connections:>11}  {:<6} {rate:>8} {:>8}-{:<8} {:>3}.{:02} {:>8} {:>8} {cpu:>8}",
                server.name,
                spread.0,
                spread.1,
                ratio / 100,
                ratio % 100,
                median(rounds, |round| round.report.percentile_us(50).into()),
                median(rounds, |round| round.report.percentile_us(99).into()),
            )?;
        }
    }
    if let [_, counting, bare] = servers {
        for (at, connections) in CONNECTIONS.into_iter().enumerate() {
            let cpu = |own: &Server| median(&own.rounds[at], |round| round.cpu_us.unwrap_or(0));
            let rate = |own: &Server| median(&own.rounds[at], |round| round.report.per_second());
            let per_mille =
                |more: u64, less: u64| (more * 1_000 / less.max(1)).saturating_sub(1_000);
            writeln!(
                out,
                "{connections:>11}  counting costs {} of 1000 orders/s, and {} of 1000 of the CPU",
                per_mille(rate(bare), rate(counting)),
                per_mille(cpu(counting), cpu(bare)),
            )?;
        }
    }
    let note = "cpu: of the server's threads, each order; the load generator's are not counted";
    writeln!(
        out,
        "{note}, {ROUNDS} rounds of {} s, medians",
        ROUND.as_secs()
    )
}

fn median(rounds: &[Round], of: impl Fn(&Round) -> u64) -> u64 {
    let mut values: Vec<u64> = rounds.iter().map(of).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}
