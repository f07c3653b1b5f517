//! Twice as many orders as can be carried out: what is too much is refused at once, the rest is
//! served as if nothing were.
//!
//! Clients that wait for their answers find the highest goodput. Then orders come at twice that
//! rate, whether answers come or not.

use std::{
    io,
    process::{self, Command},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use super::{
    crowd::{Answer, Client, Crowd, Pace, write},
    server::{Server, jumun},
    stage::Stage,
    tally::{Share, Tally},
};

/// Clients that look for the peak.
const CLIENTS: [usize; 3] = [64, 256, 1024];
/// Connections that the orders of the open loop come on; each has one under way.
const CONNECTIONS: usize = 4_096;
/// The slowest refusal but one in a hundred, in microseconds.
const REFUSAL_P99_US_MAX: u32 = 50_000;
/// What is left of the peak at least, in per cent.
const GOODPUT_PERCENT_MIN: u64 = 90;
/// `request_ms_max` of the default settings, and a moment to be answered.
const ANSWER_US_MAX: u32 = 10_500_000;
/// How much more memory there may be in the second half than in the first, in per cent: what is
/// stored grows, the page cache fills.
const GROWTH_PERCENT_MAX: u64 = 10;

/// Orders flowers.
struct Customer;

impl Client for Customer {
    fn asks(&mut self, request: &mut Vec<u8>) -> Option<&'static str> {
        let body = r#"{"phoneNumber":"01012341234","address":"SEOUL","customerName":"KIM","flowerType":"AAAA","price":10000}"#;
        write(request, "POST /flowers/orders", None, body);
        Some("orders")
    }

    fn hears(&mut self, _answer: &Answer<'_>) {}
}

pub(super) fn show(stage: &mut Stage<'_>) -> io::Result<()> {
    let cores = Cores::divide();
    stage.say(match &cores {
        Some(Cores { server, clients }) => {
            format!("the server has the cores {server}, the clients {clients}")
        }
        None => "cores cannot be divided here: the clients take from the server".to_owned(),
    })?;
    let setup = stage.setup("overload")?;
    let setup = match std::env::var("X") {
        Ok(x) => setup.with_settings(&x)?,
        _ => setup,
    };
    let server = match &cores {
        Some(cores) => setup.start(on(&cores.server, jumun()))?,
        None => setup.serve()?,
    };
    let load = |pace, clients: usize, length| {
        let customers = (0..clients).map(|_| Customer).collect();
        let (_, tallies) = Crowd::start(setup.address, pace, customers)?.stop_after(length)?;
        io::Result::Ok(tallies.total())
    };
    stage.say(Tally::head())?;
    let mut peak = 0;
    for clients in CLIENTS {
        let tally = load(Pace::Thinking(0), clients, stage.length(5))?;
        stage.say(tally.row("closed loop", clients))?;
        peak = peak.max(tally.goodput());
    }
    let memory = Memory::watch(server)?;
    let tally = load(Pace::PerSecond(peak * 2), CONNECTIONS, stage.length(20))?;
    stage.say(tally.row("at twice that", CONNECTIONS))?;
    let (server, memory) = memory.end()?;
    check(stage, peak, &tally)?;
    let [first, second] = memory.halves();
    let what = format!(
        "memory is flat: at most {} MiB in the first half, {} MiB in the second",
        first >> 10,
        second >> 10
    );
    stage.measured(what, second * 100 <= first * (100 + GROWTH_PERCENT_MAX))?;
    stage.must("it ends as asked", server.stop()?.success())?;
    stage.verify(&setup)
}

/// The machine's cores in two halves, so that clients who send more do not take from the server.
struct Cores {
    server: String,
    clients: String,
}

impl Cores {
    /// Keeps this program to its half; `None` where there is but one core, or no `taskset`.
    fn divide() -> Option<Self> {
        let cores = thread::available_parallelism().ok()?.get();
        let half = (cores >= 2).then_some(cores / 2)?;
        let divided = Self {
            server: format!("0-{}", half - 1),
            clients: format!("{half}-{}", cores - 1),
        };
        let own = process::id().to_string();
        let mut keep = Command::new("taskset");
        keep.args(["-a", "-c", "-p", &divided.clients, &own]);
        keep.output().ok()?.status.success().then_some(divided)
    }
}

/// The same command on these cores only.
fn on(cores: &str, command: Command) -> Command {
    let mut kept = Command::new("taskset");
    kept.args(["-c", cores]).arg(command.get_program());
    kept.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => kept.env(name, value),
            None => kept.env_remove(name),
        };
    }
    kept
}

fn check(stage: &mut Stage<'_>, peak: u64, tally: &Tally) -> io::Result<()> {
    let goodput = tally.goodput();
    let offered = tally.requests() * 1_000 / u64::try_from(tally.elapsed.as_millis()).unwrap_or(1);
    stage.say(format_args!("  offered: {offered}/s of {}/s", peak * 2))?;
    let what = format!(
        "goodput {goodput}/s is {} of the peak {peak}/s",
        Share(goodput, peak)
    );
    stage.measured(what, goodput * 100 >= peak * GOODPUT_PERCENT_MIN)?;
    let p99 = tally.refused.percentile_us(99);
    let what = format!("99 of 100 refusals took at most {} ms", p99 / 1_000);
    stage.measured(what, p99 <= REFUSAL_P99_US_MAX)?;
    let slowest = tally
        .served
        .percentile_us(100)
        .max(tally.refused.percentile_us(100));
    let what = format!(
        "nothing took longer than its deadline: {} ms",
        slowest / 1_000
    );
    stage.must(what, slowest <= ANSWER_US_MAX)?;
    let others = tally.from_status(300) - tally.answered(503, "overloaded");
    stage.must("all others were refused with 503 overloaded", others == 0)?;
    stage.must("no request was without an answer", tally.lost == 0)
}

/// Samples of a server's memory, four a second.
struct Memory {
    over: Arc<AtomicBool>,
    thread: thread::JoinHandle<(Server, Vec<u64>)>,
}

/// In KiB.
struct Samples(Vec<u64>);

impl Memory {
    fn watch(server: Server) -> io::Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        let thread = thread::Builder::new().spawn(move || {
            let mut samples = Vec::new();
            while !ends.load(Ordering::Relaxed) {
                samples.push(server.resident_kib());
                thread::sleep(Duration::from_millis(250));
            }
            (server, samples)
        })?;
        Ok(Self { over, thread })
    }

    fn end(self) -> io::Result<(Server, Samples)> {
        self.over.store(true, Ordering::Relaxed);
        let joined = self.thread.join();
        let (server, samples) = joined.map_err(|_| io::Error::other("the watch panicked"))?;
        Ok((server, Samples(samples)))
    }
}

impl Samples {
    /// The most of each half.
    fn halves(&self) -> [u64; 2] {
        let (first, second) = self.0.split_at(self.0.len() / 2);
        [first, second].map(|half| half.iter().copied().max().unwrap_or(0))
    }
}
