//! One process takes over from another while clients are served: none of them may notice.

#![expect(
    clippy::print_stdout,
    reason = "what happened is to be seen in the test's output"
)]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::Path,
};

use jumun::store::mark::Mark;
use tempfile::TempDir;

use crate::support::{
    Client, ORDER, Process, Recorded,
    process::{jumun, run, verify},
    wire::{Clients, Wire},
};

/// A process that takes over what serves this directory.
fn take_over(data: &Path, more: &[&str]) -> Process {
    let mut command = jumun(&["serve", "--takeover", "--data"]);
    Process::start(command.arg(data).args(more))
}

/// One that must not succeed; what it said.
fn refused(data: &Path, more: &[&str]) -> String {
    let arguments = ["serve", "--takeover", "--data", data.to_str().unwrap()];
    let output = run(&[&arguments, more].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    said
}

/// What `check-upgrade` says about a directory, whoever serves it.
fn could_serve(data: &Path, more: &[&str], expected: bool, words: &str) {
    let arguments = ["check-upgrade", "--data", data.to_str().unwrap()];
    let output = run(&[&arguments, more].concat());
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(i32::from(!expected)), "{said}");
    assert!(said.contains(words), "`{words}` is not in: {said}");
}

/// Waits until there are snapshots on the disk that another form would make useless.
fn until_checkpointed(data: &Path) {
    let is_there = || Mark::read(&data.join("mark")).unwrap().complete_to > 0;
    let mut looks = std::iter::repeat_with(is_there).take(1_000_000);
    assert!(looks.any(|is_there| is_there), "there is no checkpoint");
}

/// It must end well and by itself.
fn ended(process: Process) -> String {
    let (status, log) = process.wait();
    assert!(status.success(), "{status}: {log}");
    log
}

fn stop(process: Process) {
    process.terminate();
    ended(process);
}

/// All of these are there, and only they.
fn has_all(data: &Path, mut numbers: Vec<u64>) {
    let count = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), count, "a number was given twice");
    verify(data);
    let recorded = Recorded::read(data);
    assert_eq!(recorded.count("order.placed"), count);
    assert_eq!(recorded.count("payment.captured"), count);
}

#[test]
fn two_takeovers_under_load_are_not_noticed_by_any_client() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    // So that some payments are under way at any moment.
    let slow = dir.path().join("slow.toml");
    fs::write(
        &slow,
        "[payment]\nlatency_ms_min = 1\nlatency_ms_max = 30\n",
    )
    .unwrap();
    let slow = ["--config", slow.to_str().unwrap()];
    let mut process = Process::serve(&data, &slow);
    let address = process.address();
    // Ten payments may be under way at once.
    let clients = Clients::start(address, 6, 4);
    for round in 1..=2 {
        clients.wait_for(100);
        let next = take_over(&data, &slow);
        assert_eq!(next.address(), address, "it is the same socket");
        ended(std::mem::replace(&mut process, next));
        println!("round {round}: the one before has ended, and nobody noticed");
    }
    clients.wait_for(100);
    let numbers = clients.stop();
    println!("{} orders", numbers.len());
    stop(process);
    has_all(&data, numbers);
}

#[test]
fn a_connection_that_slept_through_a_takeover_is_answered_by_the_new_process_and_then_closed() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let before = Process::serve(&data, &[]);
    let mut client = Wire::new(before.address(), true);
    let first = client.place();
    assert!(client.is_kept());
    let after = take_over(&data, &[]);
    let second = client.place();
    assert!(
        !client.is_kept(),
        "its next request goes to the new process"
    );
    assert_ne!(first, second);
    let log = ended(before);
    assert!(log.contains("the other process serves now"), "{log}");
    client.ask("GET", &format!("/flowers/orders/{first}"), "", 200);
    assert!(client.is_kept());
    stop(after);
    has_all(&data, vec![first, second]);
}

#[test]
fn where_nothing_runs_a_takeover_is_a_start() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let killed = take_over(&data, &["--listen", "127.0.0.1:0"]);
    Client::new(killed.address()).get("/readyz");
    killed.kill();
    let process = take_over(&data, &["--listen", "127.0.0.1:0"]);
    stop(process);
    assert!(!data.join("control.sock").exists());
    could_serve(
        &dir.path().join("none"),
        &[],
        true,
        "nothing is stored there yet",
    );
}

#[test]
fn a_definition_that_fits_is_taken_over_with_and_one_that_does_not_leaves_the_old_process_at_work()
{
    let dir = TempDir::new().unwrap();
    let (data, shops) = (dir.path().join("data"), dir.path().join("shops"));
    fs::create_dir(&shops).unwrap();
    let first = include_str!("../../storefronts/flowers.toml").replace("\"flowers\"", "\"tulips\"");
    let define = |text: &str| fs::write(shops.join("tulips.toml"), text).unwrap();
    define(&first);
    let served = ["--storefronts", shops.to_str().unwrap()];
    let before = Process::serve(&data, &served);
    let client = Client::new(before.address());
    client.post("/tulips/orders", ORDER);

    could_serve(&data, &served, true, "views stay as they are");
    let not_mounted = "`tulips`, which is not mounted";
    could_serve(&data, &[], false, not_mounted);
    let said = refused(&data, &[]);
    assert!(said.contains(not_mounted), "{said}");
    define(&first.replace("\"KRW\"", "\"EUR\""));
    let does_not_fit = "the currency was KRW and is EUR";
    could_serve(&data, &served, false, does_not_fit);
    let said = refused(&data, &served);
    assert!(said.contains(does_not_fit), "{said}");
    client
        .get("/tulips/orders/1")
        .has("/status", "PaymentConfirmed");

    define(&first.replace("\"PaymentConfirmed\"", "\"Paid\""));
    until_checkpointed(&data);
    could_serve(&data, &served, true, "makes snapshots and views again");
    // Something that no check foresees: a file cannot be written.
    fs::create_dir(data.join("sled.new")).unwrap();
    let said = refused(&data, &served);
    assert!(said.contains("sled.form"), "{said}");
    client
        .get("/tulips/orders/1")
        .has("/status", "PaymentConfirmed");
    fs::remove_dir(data.join("sled.new")).unwrap();
    let after = take_over(&data, &served);
    client.get("/tulips/orders/1").has("/status", "Paid");
    ended(before);
    could_serve(&data, &served, true, "views stay as they are");
    let client = Client::new(after.address());
    client.get("/tulips/orders/1").has("/status", "Paid");
    stop(after);
}

/// Takes what serves this directory over as far as it gets without one's own server: until the
/// directory is released.
fn until_released(data: &Path) -> UnixStream {
    let mut stream = UnixStream::connect(data.join("control.sock")).unwrap();
    stream.write_all(b"hello 1 0.0.0\n").unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut hears = |word: &str| {
        let line = lines.next().unwrap().unwrap();
        assert!(line.starts_with(word), "{line} instead of {word}");
    };
    hears("hello 1 ");
    stream.write_all(b"take\n").unwrap();
    hears("listener");
    hears("released");
    stream
}

#[test]
fn if_the_new_process_fails_or_dies_after_the_release_the_old_one_goes_on_and_nobody_noticed() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let process = Process::serve(&data, &[]);
    let clients = Clients::start(process.address(), 4, 4);
    for last_words in ["", "failed out of memory\n", "what?\n"] {
        clients.wait_for(50);
        let mut stream = until_released(&data);
        verify(&data);
        stream.write_all(last_words.as_bytes()).unwrap();
        drop(stream);
        clients.wait_for(50);
    }
    // Nor does it matter to it when somebody goes away before.
    for words in ["", "hello", "hello 1 0.0.0\n", "hello 1 0.0.0\ntake\n"] {
        let mut stream = UnixStream::connect(data.join("control.sock")).unwrap();
        stream.write_all(words.as_bytes()).unwrap();
        drop(stream);
        clients.wait_for(50);
    }
    let numbers = clients.stop();
    println!("{} orders", numbers.len());
    stop(process);
    has_all(&data, numbers);
}

#[test]
fn whoever_is_asked_to_stop_while_the_new_process_opens_does_so_at_once() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let process = Process::serve(&data, &[]);
    let number = Wire::new(process.address(), false).place();
    let successor = until_released(&data);
    process.terminate();
    ended(process);
    drop(successor);
    has_all(&data, vec![number]);
}

#[test]
fn another_protocol_and_a_second_taker_are_refused_with_a_sentence() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let process = Process::serve(&data, &[]);
    let comes = |words: &str| {
        let mut stream = UnixStream::connect(data.join("control.sock")).unwrap();
        stream.write_all(words.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream.try_clone().unwrap())
            .read_line(&mut line)
            .unwrap();
        (stream, line)
    };
    let (_, line) = comes("hello 2 9.9.9\n");
    assert!(line.contains("cannot hand over to version 9.9.9"), "{line}");
    let first = comes("hello 1 0.0.0\n");
    assert!(first.1.starts_with("hello 1 "), "{}", first.1);
    let said = refused(&data, &[]);
    assert!(
        said.contains("another process is taking over already"),
        "{said}"
    );
    Client::new(process.address()).get("/readyz");
    drop(first);
    stop(process);
}
