//! The real binary, and what can be asked of it from outside.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Longer than any answer takes.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How a server is started.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// Holds the settings and the log.
    pub(crate) folder: PathBuf,
    /// The data directory.
    pub(crate) data: PathBuf,
    /// The same for each start, so that clients find it again.
    pub(crate) address: SocketAddr,
    /// Further arguments of `serve`.
    pub(crate) arguments: Vec<String>,
}

/// A running `jumun serve`. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    setup: Setup,
}

/// The binary with these arguments, and nothing from our environment that it would read.
pub(crate) fn jumun() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jumun"));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("JUMUN_")) {
            command.env_remove(name);
        }
    }
    command.env_remove("RUST_LOG");
    command
}

impl Setup {
    /// In `folder`, on a port that is free now.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        Ok(Self {
            folder: folder.to_owned(),
            data: folder.join("data"),
            address: TcpListener::bind("127.0.0.1:0")?.local_addr()?,
            arguments: vec![],
        })
    }

    /// With these settings, as the text of a file.
    pub(crate) fn with_settings(mut self, text: &str) -> io::Result<Self> {
        let path = self.folder.join("jumun.toml");
        fs::write(&path, text)?;
        let path = path.to_string_lossy().into_owned();
        self.arguments.extend(["--config".into(), path]);
        Ok(self)
    }

    /// With one more argument of `serve`.
    pub(crate) fn with(mut self, argument: &str) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Runs another command of the binary on the data directory to its end.
    pub(crate) fn run(&self, command: &str, more: &[&str]) -> io::Result<Output> {
        let mut run = jumun();
        run.arg(command).arg("--data").arg(&self.data).args(more);
        run.output()
    }

    /// What the servers have logged, its last lines.
    pub(crate) fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Starts the binary, and waits until it listens.
    pub(crate) fn serve(&self) -> io::Result<Server> {
        self.start(jumun())
    }

    /// The same with a command of the caller's own, such as one of another version.
    pub(crate) fn start(&self, mut command: Command) -> io::Result<Server> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))?;
        let child = command
            .arg("serve")
            .args(["--listen", &self.address.to_string(), "--data"])
            .arg(&self.data)
            .args(&self.arguments)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let mut server = Server {
            child,
            setup: self.clone(),
        };
        let mut out = BufReader::new(server.child.stdout.take().expect("it is piped"));
        let mut greeting = String::new();
        while !greeting.contains("Ctrl-C") {
            if out.read_line(&mut greeting)? == 0 {
                let log = self.log_tail();
                let status = server.child.wait()?;
                let what = format!("it does not start ({status}): {greeting}{log}");
                return Err(io::Error::other(what));
            }
        }
        // What it says when it ends must find a reader.
        server.child.stdout = Some(out.into_inner());
        Ok(server)
    }
}

impl Server {
    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.setup.address
    }

    /// `GET`, with the status and the body, null if that is no JSON.
    pub(crate) fn get(&self, path: &str) -> io::Result<(u16, Value)> {
        ask(self.setup.address, "GET", path, "")
    }

    /// `PUT` of a JSON body.
    pub(crate) fn put(&self, path: &str, body: &str) -> io::Result<(u16, Value)> {
        ask(self.setup.address, "PUT", path, body)
    }

    /// `POST` of a JSON body.
    pub(crate) fn post(&self, path: &str, body: &str) -> io::Result<(u16, Value)> {
        ask(self.setup.address, "POST", path, body)
    }

    /// Memory that is resident, in KiB; 0 where the system does not tell.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.unwrap_or(0)
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Kills it as `kill -9` does.
    pub(crate) fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(self) -> io::Result<ExitStatus> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        self.wait()
    }

    /// Waits until it has ended.
    pub(crate) fn wait(mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One request on a connection of its own.
pub(crate) fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
) -> io::Result<(u16, Value)> {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .proxy(None)
        .timeout_global(Some(ANSWER_TIMEOUT));
    let agent: ureq::Agent = config.build().into();
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("http://{address}{path}"))
        .header("content-type", "application/json")
        .header("accept", "*/*");
    let answered = if body.is_empty() {
        request.body(()).map(|request| agent.run(request))
    } else {
        request
            .body(body.to_owned())
            .map(|request| agent.run(request))
    };
    let mut response = answered
        .map_err(io::Error::other)?
        .map_err(io::Error::other)?;
    let status = response.status().as_u16();
    let text = response
        .body_mut()
        .with_config()
        .limit(64 << 20)
        .read_to_string();
    let text = text.map_err(io::Error::other)?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
}
