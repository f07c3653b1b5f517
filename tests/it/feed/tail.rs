//! `jumun tail`, as a person or a script uses it.

use std::{
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStdout, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    ORDER, Process,
    process::{jumun, run},
};

fn tail(server: &str, more: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut command = jumun(&["tail", "--server", server]);
    command
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

#[test]
fn it_misses_nothing_while_the_server_is_killed_and_comes_back() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let mut process = Process::serve(&data, &[]);
    let address = process.address().to_string();
    let server = format!("http://{address}");
    // All shops: one that does not know this name is left out.
    let ordered = ["--type", "Ordered", "--from", "beginning"];
    let (mut all, mut lines) = tail(&server, &ordered);
    let (mut json, mut texts) = tail(&server, &["flowers", "--json", "--from", "0"]);
    let mut ids = Vec::new();
    for round in 1..=3 {
        for order in 1..=5 {
            let number = process.client().post("/flowers/orders", ORDER).number();
            let line = lines.next().unwrap().unwrap();
            let subject = format!("orders/{number} ");
            let has = ["Ordered ", &subject, "customerName=KIM", "price=10000"];
            assert!(has.iter().all(|has| line.contains(has)), "{line}");
            assert!(!line.contains('\x1b'), "no colours into a pipe: {line}");
            for kind in ["Ordered", "PaymentConfirmed"] {
                let event: Value = serde_json::from_str(&texts.next().unwrap().unwrap()).unwrap();
                assert_eq!(event["type"], kind, "{round}, {order}");
                ids.push(event["id"].as_str().unwrap().parse::<u64>().unwrap());
            }
        }
        process.kill();
        let mut command = jumun(&["serve", "--listen", &address, "--data"]);
        process = Process::start(command.arg(&data));
    }
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");

    // Ctrl-C, and a reader that has seen enough.
    kill_process(Pid::from_child(&all), Signal::INT).unwrap();
    assert!(all.wait().unwrap().success());
    drop(texts);
    let client = process.client();
    while json.try_wait().unwrap().is_none() {
        client.post("/flowers/orders", ORDER);
    }
    assert!(json.wait().unwrap().success());
}

#[test]
fn it_says_what_is_wrong_and_ends() {
    let dir = TempDir::new().unwrap();
    let process = Process::serve(&dir.path().join("data"), &[]);
    let server = format!("http://{}", process.address());
    let check = |server: &str, more: &[&str], words: &str| {
        let output = run(&[&["tail", "--server", server], more].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(words), "{said}");
    };
    check(
        &server,
        &["flowers", "--type", "Orderd"],
        "it has: Ordered, OrderCancelled",
    );
    check(&server, &["--type", "Orderd"], "no event `Orderd`");
    check(&server, &["nowhere"], "nothing is at");
    check(
        &server,
        &["flowers", "--from", "soon"],
        "`beginning` or `now`",
    );
    process.kill();
    check(&server, &["flowers"], "is it running?");
}
