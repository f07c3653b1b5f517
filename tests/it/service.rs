//! Under a service manager: a socket that is passed, and what the manager is told.

use std::{
    fs,
    net::TcpListener,
    os::{fd::OwnedFd, unix::net::UnixDatagram},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::{Client, ORDER, Process, process::jumun, process::verify, wire::Clients};

/// The binary as systemd starts it with sockets: the third descriptor is the first of them.
fn with_socket(listener: TcpListener, count: &str, arguments: &[&str]) -> Command {
    let plain = jumun(arguments);
    let mut command = Command::new("sh");
    let script =
        format!("exec 3<&0 4<&0 </dev/null; LISTEN_FDS={count} LISTEN_PID=$$ exec \"$0\" \"$@\"");
    command
        .arg("-c")
        .arg(script)
        .arg(plain.get_program())
        .args(plain.get_args());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::from(OwnedFd::from(listener)));
    command
}

/// A service manager's ear.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Manager {
    fn listen(dir: &Path) -> Self {
        let path = dir.join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        Self { socket, path }
    }

    /// The next thing it is told, which begins like this; the lines of it.
    fn hears(&self, start: &str) -> Vec<String> {
        let mut bytes = [0; 4096];
        let count = self.socket.recv(&mut bytes).expect("it is told something");
        let text = str::from_utf8(&bytes[..count]).unwrap();
        assert!(text.starts_with(start), "{text} instead of {start}");
        text.lines().map(str::to_owned).collect()
    }
}

#[test]
fn a_socket_that_is_passed_is_used_and_a_second_one_or_an_exposed_one_refused() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // It was there before the server, and so may its clients have been.
    let early = std::thread::spawn(move || Client::new(address).post("/flowers/orders", ORDER));
    let serve = ["serve", "--data", data.to_str().unwrap()];
    let process = Process::start(&mut with_socket(listener, "1", &serve));
    assert_eq!(process.address(), address);
    early.join().unwrap();
    process.terminate();
    let (status, log) = process.wait();
    assert!(status.success(), "{log}");

    for (address, count, words) in [
        ("127.0.0.1:0", "2", "2 sockets were passed"),
        ("0.0.0.0:0", "1", "--allow-unauthenticated"),
    ] {
        let listener = TcpListener::bind(address).unwrap();
        let output = with_socket(listener, count, &serve).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(words), "{said}");
    }
    verify(&data);
}

#[test]
fn the_manager_is_told_and_a_reload_is_a_takeover_by_what_is_on_the_disk_by_then() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let manager = Manager::listen(dir.path());
    // Installed as a package does it: the file is replaced under the running process.
    let (installed, built) = (dir.path().join("jumun"), env!("CARGO_BIN_EXE_jumun"));
    fs::copy(built, &installed).unwrap();
    let mut command = Command::new(&installed);
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data",
        data.to_str().unwrap(),
    ];
    let mut process = Process::start(command.args(serve).env("NOTIFY_SOCKET", &manager.path));
    manager.hears("READY=1");
    let clients = Clients::start(process.address(), 2, 2);

    // What is there now cannot be run: the process goes on.
    fs::remove_file(&installed).unwrap();
    process.signal(Signal::HUP);
    let told = manager.hears("RELOADING=1");
    assert!(told[1].starts_with("MONOTONIC_USEC="), "{told:?}");
    let told = manager.hears("STATUS=Not taken over: ");
    assert_eq!(told[1], "READY=1");
    clients.wait_for(20);

    fs::copy(built, &installed).unwrap();
    process.signal(Signal::HUP);
    manager.hears("RELOADING=1");
    // Who serves, and that it does, come from both; from the old one first or last.
    let mut all = manager.hears("");
    all.extend(manager.hears(""));
    let pid = all.iter().find_map(|line| line.strip_prefix("MAINPID="));
    let pid = pid.unwrap_or_else(|| panic!("{all:?}"));
    let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
    assert_eq!(all.iter().filter(|line| *line == "READY=1").count(), 2);
    assert!(process.ended(), "the old one");
    clients.wait_for(20);
    clients.stop();

    kill_process(pid, Signal::TERM).unwrap();
    manager.hears("STOPPING=1");
    // They log to the same place, so that the log ends with the later one.
    let (_, log) = process.wait();
    assert!(log.contains("the other process serves now"), "{log}");
    verify(&data);
}
