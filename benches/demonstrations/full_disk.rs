//! A disk that runs full under load: clear refusals and no crash; reads go on; and once there is
//! room again, orders do, and nothing that was acknowledged is lost.
//!
//! The disk is a small tmpfs in a mount namespace of its own, which needs no privileges where
//! `unshare -Urm` is allowed. Elsewhere the demonstration is passed over, and says so.

use std::{
    env,
    fs::{self, File},
    io::{self, Write as _},
    path::PathBuf,
    process::Command,
    thread,
    time::Duration,
};

use super::{
    crowd::{Crowd, Pace},
    server::{Server, Setup, ask},
    shops::stock,
    stage::{Stage, wait_for},
    tally::Tally,
    visitor::{Visitor, remembered},
};

/// Says that this program is the one in the namespace.
const INSIDE: &str = "DEMONSTRATION_MAY_MOUNT";
/// Two segments of the journal, the trees, and a little.
const DISK: &str = "size=200m";
/// How much is to stay free.
const SETTINGS: &str = "[limits]\ndisk_free_bytes_min = 16777216\n";
/// Clients of each shop.
const CLIENTS: usize = 4;
/// Their longest pause, in milliseconds.
const THINK_MS_MAX: u64 = 40;
/// How soon a server notices what became of its disk.
const NOTICES: Duration = Duration::from_secs(20);
/// A request that a server with room carries out.
const ORDER: &str = r#"{"customerName": "WATCH", "flowerType": "AAAA", "price": 1}"#;

pub(super) fn show(stage: &mut Stage<'_>) -> io::Result<()> {
    if env::var_os(INSIDE).is_some() {
        return inside(stage);
    }
    let allowed = Command::new("unshare").args(["-Urm", "true"]).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        return stage.say("  passed over: `unshare -Urm` is not allowed here");
    }
    let mut again = Command::new("unshare");
    again.arg("-Urm").arg(env::current_exe()?);
    let status = again
        .args(stage.flags())
        .arg("full-disk")
        .env(INSIDE, "1")
        .status()?;
    stage.must("all of it held in its namespace", status.success())
}

fn inside(stage: &mut Stage<'_>) -> io::Result<()> {
    let disk = stage.folder().join("disk");
    fs::create_dir(&disk)?;
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", DISK, "tmpfs"])
        .arg(&disk)
        .status()?;
    stage.must("a tmpfs is mounted", mounted.success())?;
    let mut setup = stage.setup("full-disk")?.with_settings(SETTINGS)?;
    setup.data = disk.join("data");
    let ballast = disk.join("ballast");

    let server = setup.serve()?;
    stock(setup.address)?;
    let pace = Pace::Thinking(THINK_MS_MAX);
    let crowd = Crowd::start(setup.address, pace, Visitor::of_each("d", CLIENTS))?;
    thread::sleep(stage.length(5));
    let server = runs_full(stage, &setup, server, &ballast)?;
    let server = has_room_again(stage, &setup, server, &ballast)?;
    thread::sleep(stage.length(5));
    let (visitors, tallies) = crowd.stop()?;
    stage.say(Tally::head())?;
    for (name, tally) in tallies.each() {
        stage.say(tally.row(name, CLIENTS))?;
    }
    stage.must("it ends as asked", server.stop()?.success())?;
    nothing_is_lost(stage, &setup, visitors)
}

/// Fills the disk to the last byte, and starts once more on it. Returns the server, if it serves.
fn runs_full(
    stage: &mut Stage<'_>,
    setup: &Setup,
    mut server: Server,
    ballast: &PathBuf,
) -> io::Result<Option<Server>> {
    let bytes = fill(ballast)?;
    stage.say(format_args!("  full: {} MiB of ballast", bytes >> 20))?;
    let refused = wait_for(NOTICES, || Ok(order(setup)? == (503, "store_full".into())))?;
    stage.must("orders are refused with 503 store_full", refused)?;
    let (status, _) = server.get("/flowers/orders/1")?;
    stage.must("orders are read", status == 200)?;
    let unready = wait_for(NOTICES, || Ok(server.get("/readyz")?.0 == 503))?;
    stage.must("it says that it is not ready", unready)?;
    stage.must("and that it lives", server.get("/livez")?.0 == 200)?;
    thread::sleep(stage.length(5));
    stage.must("it is still up", server.runs()?)?;

    server.kill()?;
    match setup.serve() {
        Ok(mut server) => {
            let (status, _) = server.get("/flowers/orders/1")?;
            let what = "killed and started on the full disk, it serves reads";
            stage.must(what, status == 200 && server.runs()?)?;
            Ok(Some(server))
        }
        Err(error) => {
            let said = error.to_string();
            let sentence = said.lines().find(|line| line.contains("jumun: "));
            let what = format!(
                "killed and started on the full disk, it says why it cannot: {}",
                sentence.unwrap_or(&said)
            );
            stage.must(what, sentence.is_some())?;
            Ok(None)
        }
    }
}

/// Gives the room back; orders go on without anybody doing anything more.
fn has_room_again(
    stage: &mut Stage<'_>,
    setup: &Setup,
    server: Option<Server>,
    ballast: &PathBuf,
) -> io::Result<Server> {
    fs::remove_file(ballast)?;
    let server = match server {
        Some(server) => server,
        None => setup.serve()?,
    };
    let goes_on = wait_for(NOTICES, || Ok(order(setup)?.0 == 201))?;
    stage.must("with room again, orders go on", goes_on)?;
    stage.must("and it is ready", server.get("/readyz")?.0 == 200)?;
    Ok(server)
}

fn nothing_is_lost(stage: &mut Stage<'_>, setup: &Setup, visitors: Vec<Visitor>) -> io::Result<()> {
    let server = setup.serve()?;
    let (shops, mut faults) = remembered(visitors);
    let mut orders = 0;
    for (shop, memory) in &shops {
        let found = memory.compare(shop, setup.address)?;
        // The watch's own orders are nobody's.
        let others = found.into_iter().filter(|fault| !fault.contains("WATCH"));
        faults.extend(others.map(|fault| format!("{}: {fault}", shop.name)));
        orders += memory.orders();
    }
    let what = format!("{orders} acknowledged orders are there, once, as acknowledged");
    stage.none(what, &faults)?;
    stage.must("it ends as asked", server.stop()?.success())?;
    stage.verify(setup)
}

/// Status and code of the answer to an order.
fn order(setup: &Setup) -> io::Result<(u16, String)> {
    let (status, body) = ask(setup.address, "POST", "/flowers/orders", ORDER)?;
    let code = body["code"].as_str().unwrap_or_default();
    Ok((status, code.to_owned()))
}

/// Takes all the room that is left. Returns how much that was, in bytes.
fn fill(ballast: &PathBuf) -> io::Result<u64> {
    let mut file = File::create(ballast)?;
    let mut bytes = 0;
    // The last pages one by one.
    for piece in [1 << 20, 4_096] {
        let zeros = vec![0; piece];
        while file.write_all(&zeros).is_ok() {
            bytes += piece as u64;
        }
    }
    Ok(bytes)
}
