//! What happens under overload, failure and repair, shown with the real binary on a disk and a
//! network of its own.
//!
//! `cargo bench --bench demonstrations` shows all of it in full length, `-- NAME` one of them,
//! `-- --seconds N` with so many seconds of load each; with `-- --test` each takes a few seconds and
//! measures nothing. Each prints its tables and what had to hold; the program fails if something did
//! not.

mod backup;
mod books;
mod breaker;
mod crowd;
mod full_disk;
mod kills;
mod overload;
mod panics;
mod redeploy;
mod server;
mod shops;
mod stage;
mod tally;
mod visitor;

#[path = "../../tests/support/load.rs"]
#[expect(dead_code, reason = "of the generator, only its requests are used")]
mod load;

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

use stage::{Length, Stage};
use tokio::time::Instant;

/// A demonstration, with its name and what it shows.
type Demonstration = (
    &'static str,
    &'static str,
    fn(&mut Stage<'_>) -> io::Result<()>,
);

/// All of them, the shortest first.
const ALL: [Demonstration; 7] = [
    (
        "breaker",
        "payment providers that take about as long as anyone waits for them",
        breaker::show,
    ),
    (
        "overload",
        "twice as many orders as can be carried out",
        overload::show,
    ),
    ("redeploy", "three takeovers under load", redeploy::show),
    (
        "panics",
        "a listing, a saga and a view that panic beside ten thousand others",
        panics::show,
    ),
    (
        "full-disk",
        "a disk that runs full under load, and has room again",
        full_disk::show,
    ),
    (
        "backup",
        "a backup under load, restored beside it",
        backup::show,
    ),
    (
        "kills",
        "kill -9 again and again, under load on five shops with a provider that fails",
        kills::show,
    ),
];

fn main() -> io::Result<ExitCode> {
    let (length, names) = arguments()?;
    let wanted = |own: &&Demonstration| {
        names.is_empty() || names.iter().any(|name| own.0.contains(name.as_str()))
    };
    let mut out = io::stdout().lock();
    let mut failed = Vec::new();
    for (name, what, show) in ALL.iter().filter(wanted) {
        let began = Instant::now();
        writeln!(out, "\n== {name}: {what}")?;
        let mut stage = Stage::new(&mut out, length)?;
        if let Err(error) = show(&mut stage) {
            stage.must(format_args!("it could be shown: {error}"), false)?;
        }
        let faults = stage.end();
        writeln!(out, "== {name}: {} s", began.elapsed().as_secs())?;
        failed.extend(faults.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "\nDid not hold:\n{}", failed.join("\n"))?;
    Ok(ExitCode::FAILURE)
}

/// How long, and which; cargo's own flags are passed over.
fn arguments() -> io::Result<(Length, Vec<String>)> {
    let (mut length, mut names) = (Length::Full, Vec::new());
    let mut given = env::args().skip(1);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--test" => length = Length::Test,
            "--seconds" => {
                let seconds = given.next().and_then(|seconds| seconds.parse().ok());
                let missing = || io::Error::other("--seconds takes a number");
                length = Length::Seconds(seconds.ok_or_else(missing)?);
            }
            flag if flag.starts_with('-') => {}
            name => names.push(name.to_owned()),
        }
    }
    Ok((length, names))
}
