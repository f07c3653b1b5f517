//! The real binary.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread::JoinHandle,
};

use rustix::process::{Pid, Signal, kill_process};

use super::Client;

/// A running `jumun serve`. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    address: SocketAddr,
    /// What it printed when it started.
    pub(crate) greeting: String,
    log: Option<JoinHandle<String>>,
}

/// The binary with these arguments and nothing from our environment that it would read.
pub(crate) fn jumun(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jumun"));
    for name in [
        "LISTEN",
        "DATA",
        "ROOT",
        "STOREFRONTS",
        "CONFIG",
        "LOG",
        "LOG_FORMAT",
        "LOG_JSON",
    ] {
        command.env_remove(format!("JUMUN_{name}"));
    }
    command.env_remove("RUST_LOG").args(arguments);
    command
}

/// Runs the binary to its end. It must not begin to serve.
pub(crate) fn run(arguments: &[&str]) -> Output {
    let mut command = jumun(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    while out.read_line(&mut said).unwrap() > 0 {
        if said.contains("listens on") {
            child.kill().unwrap();
            panic!("{arguments:?} began to serve: {said}");
        }
    }
    Output {
        stdout: said.into_bytes(),
        ..child.wait_with_output().unwrap()
    }
}

/// Runs `jumun verify` on a directory that nobody is writing; it must find nothing wrong. Returns
/// what it said.
pub(crate) fn verify(data: &Path) -> String {
    verify_with(data, &[])
}

/// The same with further arguments.
pub(crate) fn verify_with(data: &Path, more: &[&str]) -> String {
    let arguments = ["verify", "--data", data.to_str().unwrap()];
    let output = run(&[&arguments, more].concat());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "verify: {}\n{said}{errors}",
        output.status
    );
    said
}

impl Process {
    /// Serves `data` on a free port; it must start.
    pub(crate) fn serve(data: &Path, more: &[&str]) -> Self {
        let mut command = jumun(&["serve", "--listen", "127.0.0.1:0", "--data"]);
        Self::start(command.arg(data).args(more))
    }

    /// Starts it, and kills it wherever it has come to after so many looks.
    pub(crate) fn kill_starting(data: &Path, looks: usize) {
        let mut command = jumun(&["serve", "--listen", "127.0.0.1:0", "--data"]);
        command
            .arg(data)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        for _ in 0..looks {
            assert_eq!(child.try_wait().unwrap(), None, "it does not start");
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts this command, and waits for its greeting.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            errors.read_to_string(&mut log).unwrap();
            log
        });
        let mut greeting = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        while !greeting.contains("Ctrl-C") && out.read_line(&mut greeting).unwrap() > 0 {}
        let address = greeting
            .split_once("http://")
            .and_then(|(_, rest)| rest.lines().next());
        let Some(address) = address.and_then(|address| address.parse().ok()) else {
            let status = child.wait().unwrap();
            panic!(
                "it does not start ({status}): {greeting}{}",
                log.join().unwrap()
            );
        };
        // What it says when it ends must find a reader.
        child.stdout = Some(out.into_inner());
        Self {
            child,
            address,
            greeting,
            log: Some(log),
        }
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client of it.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Kills it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.kill_now();
    }

    /// The same, where another takes its place.
    pub(crate) fn kill_now(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, without waiting.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends it this signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end, though others may still log to where it did; true if it ended well.
    pub(crate) fn ended(&mut self) -> bool {
        self.child.wait().unwrap().success()
    }

    /// Waits for its end, and gives back how it ended and what it logged.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        let log = self.log.take().map(|log| log.join().unwrap());
        (status, log.unwrap_or_default())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The binary must not start on `data`, and say why in a sentence with these words.
pub(crate) fn does_not_start(data: &Path, words: &[&str]) {
    for command in ["serve", "verify"] {
        let mut arguments = vec![command, "--data", data.to_str().unwrap()];
        if command == "serve" {
            arguments.extend(["--listen", "127.0.0.1:0"]);
        }
        let output = run(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command}: {said}");
        for word in words {
            assert!(said.contains(word), "{command}: `{word}` is not in: {said}");
        }
    }
}
