//! The `jumun` binary as a process of its own, on a directory that stays when it ends: for what a process
//! has to itself, its start and its memory.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use crate::contest::{self, Server};

/// A running `jumun serve`. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
    address: SocketAddr,
    /// From before it was started to its first answer.
    pub(crate) took: Duration,
}

/// Memory of a process, in KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) now_kib: u64,
    pub(crate) most_kib: u64,
}

/// Starts the binary on a data directory, and waits for its answer to a request for this path.
pub(crate) fn serve(data: &Path, path: &str) -> io::Result<Process> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_jumun"));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("JUMUN_")) {
            command.env_remove(name);
        }
    }
    // At `info` each delivered order is a line, which no one would read here.
    command.env("RUST_LOG", "warn");
    let began = Instant::now();
    let child = command
        .args(["serve", "--listen", &address.to_string(), "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut process = Process {
        child,
        address,
        took: Duration::ZERO,
    };
    let mut out = BufReader::new(process.child.stdout.take().expect("it is piped"));
    let mut greeting = String::new();
    while !greeting.contains("Ctrl-C") {
        if out.read_line(&mut greeting)? == 0 {
            let status = process.child.wait()?;
            let what = format!("jumun does not start ({status}): {greeting}");
            return Err(io::Error::other(what));
        }
    }
    // What it says when it ends must find a reader.
    process.child.stdout = Some(out.into_inner());
    let server = process.server("jumun");
    contest::ask(&server, &contest::get(&server, path), 200)?;
    process.took = began.elapsed();
    Ok(process)
}

impl Process {
    /// As one who takes part, while this lives.
    pub(crate) fn server(&self, name: &'static str) -> Server {
        Server {
            name,
            address: self.address,
            processes: vec![self.child.id()],
            keep: Box::new(()),
        }
    }

    /// What it has in memory now, and had at most since it was started or this was [forgotten]; zeros
    /// where the system does not tell.
    ///
    /// [forgotten]: Self::forget_most
    pub(crate) fn memory(&self) -> Memory {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let of = |name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line: &str| line.split_whitespace().next()?.parse().ok());
            number.unwrap_or(0)
        };
        Memory {
            now_kib: of("VmRSS:"),
            most_kib: of("VmHWM:"),
        }
    }

    /// Forgets what it had in memory at most. Where the system does not do so, the most since its start
    /// stays.
    pub(crate) fn forget_most(&self) {
        // See proc(5), `clear_refs`.
        drop(fs::write(
            format!("/proc/{}/clear_refs", self.child.id()),
            "5",
        ));
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) -> io::Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        if let Some(mut out) = self.child.stdout.take() {
            out.read_to_end(&mut Vec::new())?;
        }
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        Err(io::Error::other(format!("jumun ended badly: {status}")))
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
