//! Backing up under load: what was acknowledged before is in the backup, which is the source as it
//! was at that position, and goes on where it ended.

use std::{fs, io, path::Path, thread};

use jumun::store::journal;
use serde_json::json;
use tokio::time::Instant;

use super::{
    books::Books,
    crowd::{Crowd, Pace},
    server::{Server, Setup, ask, jumun},
    shops::{SHOPS, stock},
    stage::Stage,
    tally::Tally,
    visitor::{Visitor, listed, remembered},
};

/// Clients of each shop.
const CLIENTS: usize = 10;
/// Their longest pause, in milliseconds.
const THINK_MS_MAX: u64 = 20;

pub(super) fn show(stage: &mut Stage<'_>) -> io::Result<()> {
    let source = stage.setup("source")?;
    let server = source.serve()?;
    stock(source.address)?;
    let pace = Pace::Thinking(THINK_MS_MAX);
    stage.say(Tally::head())?;
    // What is acknowledged to these is acknowledged before any backup is asked for.
    let before = Crowd::start(source.address, pace, Visitor::of_each("b", CLIENTS))?;
    let (before, tallies) = before.stop_after(stage.length(10) / 2)?;
    stage.say(tallies.total().row("before", CLIENTS * SHOPS.len()))?;
    let meanwhile = Crowd::start(source.address, pace, Visitor::of_each("m", CLIENTS))?;
    thread::sleep(stage.length(10) / 2);
    let asked = stage.folder().join("asked.tar");
    let beside = stage.folder().join("beside.tar");
    let position = over_http(stage, &server, &asked)?;
    by_command(stage, &source, &beside)?;
    let (_, tallies) = meanwhile.stop_after(stage.length(10) / 2)?;
    let tally = tallies.total();
    stage.say(tally.row("meanwhile", CLIENTS * SHOPS.len()))?;
    stage.must("every request had an answer", tally.lost == 0)?;
    stage.must("it ends as asked", server.stop()?.success())?;

    for (name, file) in [("asked", &asked), ("beside", &beside)] {
        let setup = restored(stage, name, file)?;
        let held = same_as(stage, &source, &setup)?;
        if name == "asked" {
            stage.must(
                "it ends at the position that was answered",
                held == position,
            )?;
        }
    }
    let setup = Setup {
        data: stage.folder().join("asked/data"),
        ..source.clone()
    };
    goes_on(stage, &setup, before)?;
    refuses_damage(stage, &beside)
}

/// `POST /ops/backup`; returns the position.
fn over_http(stage: &mut Stage<'_>, server: &Server, to: &Path) -> io::Result<u64> {
    let began = Instant::now();
    let (status, made) = server.post("/ops/backup", &json!({ "to": to }).to_string())?;
    let what = format!(
        "POST /ops/backup is answered {status} after {} ms: {} bytes, to event {}",
        began.elapsed().as_millis(),
        made["bytes"],
        made["position"]
    );
    stage.must(what, status == 201)?;
    Ok(made["position"].as_u64().unwrap_or(0))
}

/// `jumun backup`, beside the server.
fn by_command(stage: &mut Stage<'_>, source: &Setup, to: &Path) -> io::Result<()> {
    let began = Instant::now();
    let output = source.run("backup", &["--to", &to.to_string_lossy()])?;
    let said = String::from_utf8_lossy(&output.stdout);
    let took_ms = began.elapsed().as_millis();
    let what = format!("jumun backup takes {took_ms} ms: {}", said.trim());
    stage.must(what, output.status.success())
}

/// `jumun restore` into a new folder, which verifies it too.
fn restored(stage: &mut Stage<'_>, name: &str, file: &Path) -> io::Result<Setup> {
    let setup = stage.setup(name)?;
    let output = setup.run("restore", &["--from", &file.to_string_lossy()])?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = said.lines().next().unwrap_or_default();
    stage.must(
        format_args!("jumun restore: {said}"),
        output.status.success(),
    )?;
    stage.verify(&setup)?;
    Ok(setup)
}

/// The restored journal must be how the source's begins. Returns its last position.
fn same_as(stage: &mut Stage<'_>, source: &Setup, restored: &Setup) -> io::Result<u64> {
    let (original, _) = batches(source)?;
    let (copy, end) = batches(restored)?;
    let same = original.get(..copy.len()) == Some(&copy[..]);
    let what = format!(
        "its {} batches are the first of the source's {}, to event {end}",
        copy.len(),
        original.len()
    );
    stage.must(what, same && !copy.is_empty())?;
    Ok(end)
}

/// The position and the checksum of each batch of a journal, and its last position.
fn batches(setup: &Setup) -> io::Result<(Vec<(u64, u32)>, u64)> {
    let mut batches = Vec::new();
    let files = journal::Files::new(setup.data.join("journal"));
    let scanned = journal::scan(&files, |position, body, _| {
        batches.push((position, crc32c::crc32c(body)));
    });
    let scanned = scanned.map_err(io::Error::other)?;
    Ok((batches, scanned.end))
}

/// What was acknowledged before is there, and more can be ordered.
fn goes_on(stage: &mut Stage<'_>, setup: &Setup, before: Vec<Visitor>) -> io::Result<()> {
    let server = setup.serve()?;
    let (shops, mut faults) = remembered(before);
    let mut orders = 0;
    for (shop, memory) in &shops {
        let found = listed(shop, setup.address)?;
        faults.extend(memory.missing(&found));
        orders += memory.orders();
    }
    let what = format!("{orders} orders that were acknowledged before are as acknowledged");
    stage.none(what, &faults)?;
    for shop in &SHOPS {
        let (line, body) = shop.order("after");
        let path = line.trim_start_matches("POST ");
        let (status, answer) = ask(setup.address, "POST", path, &body)?;
        let what = format!("{} goes on: {status} {}", shop.name, answer["code"]);
        stage.must_quietly(what, status == 201)?;
    }
    stage.must("it ends as asked", server.stop()?.success())?;
    let doubled = Books::read(&setup.data)?.doubled();
    stage.must("its books are right", doubled == 0)?;
    stage.verify(setup)
}

/// A backup in which one byte is another.
fn refuses_damage(stage: &mut Stage<'_>, file: &Path) -> io::Result<()> {
    let mut bytes = fs::read(file)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let damaged = stage.folder().join("damaged.tar");
    fs::write(&damaged, bytes)?;
    let mut verify = jumun();
    let output = verify
        .arg("verify")
        .arg("--backup")
        .arg(&damaged)
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let what = format!("one byte of it changed is refused: {}", errors.trim());
    stage.must(what, !output.status.success())
}
