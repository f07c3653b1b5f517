//! A disk without room: clear refusals, reads that go on, no end of the program, and nothing
//! acknowledged is lost.

#![expect(
    clippy::print_stdout,
    reason = "a test that cannot be run says so in its output"
)]

use std::{
    fs, io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jumun::store::{
    commit::Position,
    journal::{Directory, Medium, Source},
};

use crate::support::{
    Client, ORDER, Process, Recorded, Server, Setup, client::Reply, tmpfs::Tmpfs,
};

/// Looks at what is only promised to happen within a second or so.
const LOOKS_MAX: usize = 200_000;

/// The journal's files on a disk that takes nothing more while the test says so.
#[derive(Debug)]
struct Stubborn {
    files: Directory,
    kind: io::ErrorKind,
    takes_nothing: Arc<AtomicBool>,
}

impl Medium for Stubborn {
    fn source(&self) -> Arc<dyn Source> {
        self.files.source()
    }
    fn create(&mut self, segment: Position, bytes: u64) -> io::Result<()> {
        self.files.create(segment, bytes)
    }
    fn resume(&mut self, segment: Position, tail: u64) -> io::Result<()> {
        self.files.resume(segment, tail)
    }
    fn cut(&mut self, segment: Position, tail: u64, bytes: u64) -> io::Result<()> {
        self.files.cut(segment, tail, bytes)
    }
    fn remove(&mut self, segment: Position) -> io::Result<()> {
        self.files.remove(segment)
    }
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.takes_nothing.load(Ordering::SeqCst) {
            return Err(self.kind.into());
        }
        self.files.append(bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.files.sync()
    }
}

fn stubborn(kind: io::ErrorKind, settings: &str) -> (Server, Arc<AtomicBool>) {
    let takes_nothing = Arc::<AtomicBool>::default();
    let own = Arc::clone(&takes_nothing);
    let setup = Setup::new().config(settings).with(move |options| {
        options.before_journal = Box::new(move |files| {
            Box::new(Stubborn {
                files,
                kind,
                takes_nothing: own,
            })
        });
    });
    let server = setup.start();
    server.client().get("/readyz");
    (server, takes_nothing)
}

/// An order that must be refused as there is no room.
fn refused(client: &Client, code: &str) -> Reply {
    let refused = client.request("POST", "/orders").json(ORDER).expect(503);
    refused.has("/code", code);
    refused
}

#[test]
fn a_commit_that_finds_no_room_waits_for_it_and_nothing_new_is_taken_meanwhile() {
    let (server, takes_nothing) = stubborn(
        io::ErrorKind::StorageFull,
        "[limits]\nrequest_ms_max = 500\n",
    );
    let client = server.client();
    client.post("/orders", ORDER);
    takes_nothing.store(true, Ordering::SeqCst);
    // It is written once there is room, so nobody is told that it was not.
    let unknown = client.request("POST", "/orders").json(ORDER).expect(504);
    unknown.has("/code", "outcome_unknown");
    assert_eq!(refused(&client, "store_full").header("retry-after"), "10");
    client.request("GET", "/readyz").expect(503);
    client.get("/livez");
    client.get("/orders/1").has("/status", "PaymentConfirmed");
    client.get("/orders").has("/page/totalElements", 1);
    takes_nothing.store(false, Ordering::SeqCst);
    client.until("/orders/2", "/status", "PaymentConfirmed");
    client.until("/readyz", "/status", "UP");
    client.post("/orders", ORDER);
    let data = server.stop();
    let recorded = Recorded::read(&data.path().join("data"));
    recorded.has(&[("order.placed", 3), ("payment.captured", 3)]);
}

#[test]
fn a_disk_that_takes_nothing_more_is_read_until_the_next_start() {
    let (server, takes_nothing) = stubborn(io::ErrorKind::ReadOnlyFilesystem, "");
    let client = server.client();
    client.post("/orders", ORDER);
    takes_nothing.store(true, Ordering::SeqCst);
    client.request("POST", "/orders").json(ORDER).expect(504);
    // Not even if it took something again: what is in memory is not what is on the disk.
    takes_nothing.store(false, Ordering::SeqCst);
    refused(&client, "store_unavailable");
    client.request("GET", "/readyz").expect(503);
    client.get("/orders/1").has("/status", "PaymentConfirmed");
}

/// Settings for the small disks.
const SETTINGS: &str = "[limits]\ndisk_free_bytes_min = 67108864\nrequest_ms_max = 1000\n";

/// Answers to orders until one has this status and code; returns how many were accepted.
fn until(client: &Client, status: u16, code: &str) -> usize {
    let mut accepted = 0;
    for _ in 0..LOOKS_MAX {
        let (found, reply) = client
            .request("POST", "/orders")
            .json(ORDER)
            .send()
            .unwrap();
        accepted += usize::from(found == 201);
        let is_known = match found {
            201 | 504 => true,
            503 => {
                ["store_full", "store_unavailable"].contains(&reply.at("/code").as_str().unwrap())
            }
            _ => false,
        };
        assert!(is_known, "{found}: {}", reply.text);
        if found == status && (code.is_empty() || reply.at("/code") == code) {
            return accepted;
        }
    }
    panic!("no answer {status} {code}");
}

fn orders(process: &Process) -> usize {
    let page = process.client().get("/orders").at("/page/totalElements");
    usize::try_from(page.as_u64().unwrap()).unwrap()
}

#[test]
fn a_disk_that_fills_up_is_refused_in_time_and_goes_on_by_itself() {
    let Some(disk) = Tmpfs::new(192) else {
        println!("skipped: this system allows no mount namespace");
        return;
    };
    let process = disk.serve(SETTINGS);
    let client = process.client();
    let mut accepted = until(&client, 201, "");
    disk.fill(40 << 20);
    accepted += until(&client, 503, "store_full");
    client.request("GET", "/readyz").expect(503);
    client.get("/orders/1").has("/status", "PaymentConfirmed");
    disk.free();
    accepted += until(&client, 201, "");
    assert_eq!(
        orders(&process),
        accepted,
        "no answer was another than it was"
    );
    process.terminate();
    let (status, log) = process.wait();
    assert!(status.success(), "{log}");
}

#[test]
fn a_disk_that_is_full_at_once_ends_nothing_and_loses_nothing() {
    let Some(disk) = Tmpfs::new(192) else {
        println!("skipped: this system allows no mount namespace");
        return;
    };
    let process = disk.serve(SETTINGS);
    let client = process.client();
    let mut accepted = until(&client, 201, "");
    for _ in 0..200 {
        accepted += until(&client, 201, "");
    }
    disk.fill(0);
    accepted += until(&client, 503, "store_full");
    for _ in 0..100 {
        refused(&client, "store_full");
        client.get("/orders/1").has("/status", "PaymentConfirmed");
    }
    let (data, to) = (disk.on_it("data"), disk.on_it("backup.tar"));
    let (data, to) = (data.to_str().unwrap(), to.to_str().unwrap());
    let backup = disk.jumun(&["backup", "--data", data, "--to", to]).output();
    let said = String::from_utf8(backup.unwrap().stderr).unwrap();
    assert!(said.contains("No space left"), "{said}");
    let left = fs::read_dir(disk.seen_from_here("")).unwrap();
    assert_eq!(left.count(), 2, "the directory and what fills the disk");
    process.kill();

    // Refused before anything is touched, however often it is tried.
    for _ in 0..2 {
        let output = disk.serving(SETTINGS).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("free some, then start again"), "{said}");
    }
    disk.free();
    let process = disk.serve(SETTINGS);
    let greeting = &process.greeting;
    assert!(!greeting.contains("made again"), "{greeting}");
    let found = orders(&process);
    assert!(found >= accepted, "{found} of {accepted}");
    process.terminate();
    assert!(process.wait().0.success());
    let verify = disk.jumun(&["verify", "--data", data]).output();
    let verify = verify.unwrap();
    assert!(verify.status.success(), "{verify:?}");
}
