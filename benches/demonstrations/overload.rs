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

/// What there is too little of.
struct Bound {
    name: &'static str,
    settings: &'static str,
    /// Clients that look for the peak.
    clients: &'static [usize],
    /// Connections that the orders of the open loop come on; each has one under way.
    connections: usize,
    /// What an operator says before there is too much.
    beforehand: Option<(&'static str, &'static str)>,
    /// How those are refused for whom there is no room.
    codes: &'static [&'static str],
    /// What is left of the peak at least, in per cent.
    goodput_percent_min: u64,
}

const BOUNDS: [Bound; 3] = [
    Bound {
        name: "the payment provider",
        settings: "[payment]\nlatency_ms_min = 20\nlatency_ms_max = 20\n",
        clients: &[10],
        connections: 64,
        // As in the originals, a call that finds no room is an error: at exactly twice the load half
        // of them are, and the breaker would be open half of the time.
        beforehand: Some(("/ops/breakers/flowers", r#"{"state": "closed"}"#)),
        codes: &["payment_overloaded"],
        goodput_percent_min: 90,
    },
    Bound {
        name: "the processor",
        settings: "",
        clients: &[64, 256],
        connections: 256,
        beforehand: None,
        codes: &["overloaded"],
        goodput_percent_min: 90,
    },
    // The sockets alone cost more here: bare answers come at 0.8 of the rate.
    Bound {
        name: "the processor, on many connections",
        settings: "",
        clients: &[64],
        connections: 1_024,
        beforehand: None,
        codes: &["overloaded"],
        goodput_percent_min: 60,
    },
];

/// The slowest refusal but one in a hundred, in microseconds.
const REFUSAL_P99_US_MAX: u32 = 50_000;
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
            format!("  the server has the cores {server}, the clients {clients}")
        }
        None => "  cores cannot be divided here: the clients take from the server".to_owned(),
    })?;
    for bound in &BOUNDS {
        stage.say(format_args!("\nbound by {}", bound.name))?;
        round(stage, bound, cores.as_ref())?;
    }
    Ok(())
}

fn round(stage: &mut Stage<'_>, bound: &Bound, cores: Option<&Cores>) -> io::Result<()> {
    let setup = stage.setup(bound.name)?.with_settings(bound.settings)?;
    let server = match cores {
        Some(cores) => setup.start(on(&cores.server, &jumun()))?,
        None => setup.serve()?,
    };
    let load = |pace, clients: usize, length| {
        let customers = (0..clients).map(|_| Customer).collect();
        let (_, tallies) = Crowd::start(setup.address, pace, customers)?.stop_after(length)?;
        io::Result::Ok(tallies.total())
    };
    stage.say(Tally::head())?;
    let mut peak = 0;
    for clients in bound.clients {
        let tally = load(Pace::Thinking(0), *clients, stage.length(5))?;
        stage.say(tally.row("closed loop", *clients))?;
        peak = peak.max(tally.goodput());
    }
    if let Some((path, body)) = bound.beforehand {
        server.put(path, body)?;
    }
    let memory = Memory::watch(server)?;
    let rate = Pace::PerSecond(peak * 2);
    let tally = load(rate, bound.connections, stage.length(20))?;
    stage.say(tally.row("at twice that", bound.connections))?;
    let (server, memory) = memory.end()?;
    check(stage, bound, peak, &tally)?;
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
fn on(cores: &str, command: &Command) -> Command {
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

fn check(stage: &mut Stage<'_>, bound: &Bound, peak: u64, tally: &Tally) -> io::Result<()> {
    let elapsed_ms = u64::try_from(tally.elapsed.as_millis()).unwrap_or(u64::MAX);
    let sent = tally.requests() * 1_000 / elapsed_ms.max(1);
    stage.say(format_args!(
        "  sent {sent}/s of the {}/s that were due, half of them up to {} ms late for want of a free \
         connection",
        peak * 2,
        tally.late.percentile_us(50) / 1_000
    ))?;
    let goodput = tally.goodput();
    let share = Share(goodput, peak);
    let what = format!("goodput {goodput}/s is {share} of the peak {peak}/s");
    stage.measured(what, goodput * 100 >= peak * bound.goodput_percent_min)?;
    let p99 = tally.refused.percentile_us(99);
    let refused = tally.refused.count();
    let what = format!(
        "99 of 100 of {refused} refusals took at most {} ms",
        p99 / 1_000
    );
    // The processor refuses nobody as long as each connection has one request, and the engine keeps
    // up with what HTTP reads.
    stage.measured(what, p99 <= REFUSAL_P99_US_MAX)?;
    let slowest = tally.longest_us();
    let what = format!(
        "nothing took longer than its deadline: {} ms",
        slowest / 1_000
    );
    stage.must(what, slowest <= ANSWER_US_MAX)?;
    let codes = bound.codes.iter();
    let expected: u64 = codes.map(|code| tally.answered(503, code)).sum();
    let what = format!(
        "all others were refused with 503 {}",
        bound.codes.join(" or ")
    );
    stage.must(what, tally.answered_from(300) == expected)?;
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
