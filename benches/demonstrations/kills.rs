//! All five shops under load, with a payment provider that fails, and a server that is killed every
//! second or so: whatever was acknowledged is there afterwards, and nothing is paid twice.

use std::{io, sync::Arc, thread, time::Duration};

use tokio::time::Instant;

use super::{
    books::Books,
    crowd::{Crowd, Pace},
    server::{Server, Setup},
    shops::stock,
    stage::{Stage, wait_for},
    tally::Tally,
    visitor::{Visitor, remembered},
};

/// Clients of each shop.
const CLIENTS: usize = 8;
/// Their longest pause, in milliseconds.
const THINK_MS_MAX: u64 = 100;
/// How long a server lives, in milliseconds.
const LIFE_MS: std::ops::Range<u64> = 500..2_000;
/// Every tenth call fails, and none is quick.
const SETTINGS: &str =
    "[payment]\nlatency_ms_min = 1\nlatency_ms_max = 40\nfailures_per_mille = 100\n";
/// What goes wrong inside, beside that: panics wherever something is decided, a shard that dies, and
/// a disk that is slow at times.
const FAULTS: &str = r#"[
    {"at": "decide", "do": "panic", "per_mille": 2},
    {"at": "apply", "do": "panic", "per_mille": 2},
    {"at": "react", "do": "panic", "per_mille": 2},
    {"at": "serve", "do": "panic", "per_mille": 2},
    {"at": "provider", "do": "panic", "per_mille": 5},
    {"at": "shard", "do": "die", "times": 1, "per_mille": 100},
    {"at": "sync", "do": "stall", "ms": 30, "per_mille": 5}
]"#;
/// How long money may take to go back, once the provider is well.
const REFUNDS_MAX: Duration = Duration::from_mins(2);

pub(super) fn show(stage: &mut Stage<'_>) -> io::Result<()> {
    let folder = stage.setup("kills")?;
    let setup = folder.clone().with_settings(SETTINGS)?;
    let setup = setup.with("--fault-injection");
    let server = setup.serve()?;
    stock(setup.address)?;
    spoil(&server)?;
    let visitors = Visitor::of_each("k", CLIENTS);
    let pace = Pace::Thinking(THINK_MS_MAX);
    let crowd = Crowd::start(setup.address, pace, visitors)?;
    let (server, kills) = kill_again_and_again(stage, &setup, server)?;
    // Nothing is under way at the end: what is unknown by then is asked until it is answered.
    thread::sleep(Duration::from_secs(1));
    let (visitors, tallies) = crowd.stop()?;
    drop(server);
    stage.say(kills.row())?;
    stage.say(Tally::head())?;
    for (name, tally) in tallies.each() {
        stage.say(tally.row(name, CLIENTS))?;
    }
    compare(stage, &folder, visitors)?;
    settle(stage, &folder)
}

/// A server in which things go wrong.
fn faulty(setup: &Setup) -> io::Result<Server> {
    let server = setup.serve()?;
    spoil(&server)?;
    Ok(server)
}

/// From now on, things go wrong.
fn spoil(server: &Server) -> io::Result<()> {
    let (status, answer) = server.put("/ops/faults", FAULTS)?;
    if status == 200 {
        return Ok(());
    }
    let what = format!("PUT /ops/faults was answered {status}: {answer}");
    Err(io::Error::other(what))
}

/// How it went.
#[derive(Default)]
struct Kills {
    count: u64,
    starts: Duration,
    longest_start: Duration,
}

impl Kills {
    fn row(&self) -> String {
        let starts_ms = self.starts.as_millis() / u128::from(self.count.max(1));
        let longest_ms = self.longest_start.as_millis();
        format!(
            "killed {} times; starts took {starts_ms} ms, at most {longest_ms} ms",
            self.count
        )
    }
}

fn kill_again_and_again(
    stage: &mut Stage<'_>,
    setup: &Setup,
    mut server: Server,
) -> io::Result<(Server, Kills)> {
    let (mut kills, began) = (Kills::default(), Instant::now());
    while began.elapsed() < stage.length(300) {
        thread::sleep(Duration::from_millis(fastrand::u64(LIFE_MS)));
        stage.must_quietly("the server runs", server.runs()?)?;
        server.kill()?;
        let starts = Instant::now();
        server = faulty(setup)?;
        kills.count += 1;
        kills.starts += starts.elapsed();
        kills.longest_start = kills.longest_start.max(starts.elapsed());
    }
    Ok((server, kills))
}

/// What the clients were told, and what a server says that is started once more.
fn compare(stage: &mut Stage<'_>, setup: &Setup, visitors: Vec<Visitor>) -> io::Result<()> {
    let server = setup.serve()?;
    let (shops, mut faults) = remembered(visitors);
    let (mut orders, mut repeated) = (0, 0);
    for (shop, memory) in &shops {
        let found = memory.compare(shop, setup.address)?;
        faults.extend(
            found
                .into_iter()
                .map(|fault| format!("{}: {fault}", shop.name)),
        );
        orders += memory.orders();
        repeated += memory.repeated;
    }
    let what = format!(
        "{orders} acknowledged orders are there, once, and say what was acknowledged; {repeated} \
         requests had no answer and were sent again under their key"
    );
    stage.none(what, &faults)?;
    stage.must("it ends as asked", server.stop()?.success())
}

/// Money that is owed goes back by itself; then the books are read.
fn settle(stage: &mut Stage<'_>, setup: &Setup) -> io::Result<()> {
    let settled = wait_for(REFUNDS_MAX, || {
        if Books::read(&setup.data)?.owed().is_empty() {
            return Ok(true);
        }
        let server = setup.serve()?;
        thread::sleep(Duration::from_secs(2));
        server.stop()?;
        Ok(false)
    })?;
    let books = Books::read(&setup.data)?;
    say_why(stage, setup, &books.owed())?;
    stage.must(
        "every order that was called off has its money back",
        settled,
    )?;
    let (orders, paid) = (books.orders(), books.paid());
    let what = format!("{orders} orders in the journal, {paid} paid, none of them twice");
    stage.must(what, books.doubled() == 0 && paid > 0)?;
    let unpaid = books.confirmed_unpaid("repairs");
    stage.must("none was confirmed without being paid", unpaid == 0)?;
    stage.verify(setup)
}

/// What some orders wait for whose money is not back.
fn say_why(stage: &mut Stage<'_>, setup: &Setup, owed: &[(Arc<str>, u64)]) -> io::Result<()> {
    if owed.is_empty() {
        return Ok(());
    }
    stage.say(format_args!("  {} are not settled, such as:", owed.len()))?;
    let server = setup.serve()?;
    for (shop, number) in owed.iter().take(3) {
        let (_, why) = server.get(&format!("/ops/sagas/{shop}/{number}/why"))?;
        stage.say(format_args!("  {shop} {number}: {why}"))?;
    }
    server.stop()?;
    Ok(())
}
