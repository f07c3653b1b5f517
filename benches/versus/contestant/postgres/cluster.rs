//! A PostgreSQL cluster of its own: made in a directory that is removed at the end, reached over a Unix
//! socket, and stopped when this is dropped, also by a panic.
//!
//! What is durable is what a user gets who changes nothing: `fsync`, `synchronous_commit` and
//! `full_page_writes` are on (and said so again). Changed is what anybody would change who has read how
//! to tune it: memory for pages, and enough room in the log that checkpoints do not dominate. Left as
//! they are: the method of syncing (`fdatasync` on Linux), `commit_delay` (none), autovacuum.
//!
//! Dropping it is not all that a bench may end by, so a shell waits beside it for the end of its input,
//! which it has from the bench alone, and stops and removes what is left.
//!
//! PostgreSQL refuses to run as root. It then runs as `postgres` or `nobody`.

use std::{
    env,
    ffi::OsStr,
    fs, io,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;
use tokio_postgres::{Config, NoTls, SimpleQueryMessage};

use super::{
    Skipped,
    installed::{self, User},
};
use crate::contestant::peer::{self, Counts};

/// As a line of `postgresql.conf` each. PostgreSQL's own values, where it has some that matter here,
/// stand behind them.
const SETTINGS: [&str; 11] = [
    // Durable: these are the defaults.
    "fsync = on",
    "synchronous_commit = on",
    "full_page_writes = on",
    // Memory (128MB). The whole of what is touched stays in it.
    "shared_buffers = 256MB",
    // So that a checkpoint comes by time, and seldom (1GB, 80MB, 5min).
    "max_wal_size = 4GB",
    "min_wal_size = 1GB",
    "checkpoint_timeout = 15min",
    "wal_buffers = 16MB",
    // Two pools, and some (100).
    "max_connections = 200",
    // Only by the socket.
    "listen_addresses = ''",
    "logging_collector = off",
];

/// How often it is looked whether it takes connections, and with which pause.
const LOOKS: u32 = 300;
const LOOK_PAUSE: Duration = Duration::from_millis(100);

/// What the guard runs, with the process and the two directories.
const AFTERWARDS: &str = r#"cat > /dev/null; kill -QUIT "$1"; sleep 1; rm -rf "$2" "$3""#;

/// The role that owns everything.
const ROLE: &str = "shop";

const TABLES: &str = include_str!("tables.sql");

/// A cluster that runs until this is dropped.
pub(super) struct Cluster {
    process: Child,
    /// Stops it and removes its files when this process has ended by a signal.
    guard: Option<Child>,
    /// Removed when it has ended.
    home: TempDir,
    /// Where its socket is: apart, because the path of one has 107 bytes at most.
    socket: TempDir,
}

impl Cluster {
    /// Makes one and starts it.
    pub(super) fn start() -> io::Result<Result<Self, Skipped>> {
        let Some(programs) = installed::find() else {
            return Ok(Err(Skipped(
                "PostgreSQL is not installed, so it does not take part; install its server \
                 (`apt-get install postgresql`, `brew install postgresql`) to compare with it",
            )));
        };
        let user = if geteuid().is_root() {
            let Some(user) = installed::user() else {
                return Ok(Err(Skipped(
                    "PostgreSQL does not run as root, and there is no user `postgres` or `nobody` \
                     to run it as, so it does not take part",
                )));
            };
            Some(user)
        } else {
            None
        };
        Self::make(&programs, user).map(Ok)
    }

    fn make(programs: &Path, user: Option<User>) -> io::Result<Self> {
        let home = tempfile::tempdir_in(place(user))?;
        let socket = tempfile::tempdir()?;
        if let Some(User { uid, gid }) = user {
            chown(home.path(), Some(uid), Some(gid))?;
            chown(socket.path(), Some(uid), Some(gid))?;
        }
        let data = home.path().join("data");
        let made = command(&programs.join("initdb"), home.path(), user)
            .args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"])
            .args([OsStr::new("--username"), OsStr::new(ROLE)])
            .args([OsStr::new("--pgdata"), data.as_os_str()])
            .output()
            .map_err(failed("run initdb"))?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr);
            return Err(failed("make a cluster with initdb")(said));
        }
        let log = fs::File::create(home.path().join("log"))?;
        let settings = SETTINGS.join("\n");
        let socket_path = socket.path().display();
        let settings = format!("{settings}\nunix_socket_directories = '{socket_path}'\n");
        fs::write(data.join("postgresql.auto.conf"), settings)?;
        let process = command(&programs.join("postgres"), home.path(), user)
            .args([OsStr::new("-D"), data.as_os_str()])
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(failed("start it"))?;
        let mut cluster = Self {
            process,
            guard: None,
            home,
            socket,
        };
        cluster.guard = Some(cluster.guarded()?);
        cluster.wait()?;
        Ok(cluster)
    }

    /// In a process group of its own, so that what interrupts the bench does not end it.
    fn guarded(&self) -> io::Result<Child> {
        Command::new("sh")
            .args(["-c", AFTERWARDS, "sh"])
            .arg(self.process.id().to_string())
            .args([self.home.path(), self.socket.path()])
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(failed("start a shell to clean up behind it"))
    }

    /// The process whose children serve the connections.
    pub(super) fn process(&self) -> u32 {
        self.process.id()
    }

    /// Makes a database with the shop's tables.
    pub(super) fn create(&self, database: &str) -> io::Result<Config> {
        self.run("postgres", &format!("CREATE DATABASE {database}"))?;
        self.run(database, TABLES)?;
        Ok(self.config(database))
    }

    fn config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config
            .host_path(self.socket.path())
            .user(ROLE)
            .dbname(database);
        config
    }

    /// Of each table of a database, its rows.
    pub(super) fn count(&self, database: &str) -> io::Result<Counts> {
        let count = |table: &str| format!("(SELECT count(*) FROM {table})");
        let statement = format!("SELECT {}", peer::TABLES.map(count).join(", "));
        let rows = self.run(database, &statement)?;
        let mut counts = Counts::default();
        for (at, count) in counts.iter_mut().enumerate() {
            let value = rows.iter().find_map(|message| {
                if let SimpleQueryMessage::Row(row) = message {
                    row.get(at)?.parse().ok()
                } else {
                    None
                }
            });
            *count = value.ok_or_else(|| failed("count what is kept")("no number"))?;
        }
        Ok(counts)
    }

    fn run(&self, database: &str, statements: &str) -> io::Result<Vec<SimpleQueryMessage>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let config = self.config(database);
        let done = runtime.block_on(async {
            let (client, connection) = config.connect(NoTls).await?;
            // Ends with the client.
            tokio::spawn(connection);
            client.simple_query(statements).await
        });
        done.map_err(failed("run statements"))
    }

    /// Waits until it takes connections.
    fn wait(&mut self) -> io::Result<()> {
        let mut last = String::new();
        for _ in 0..LOOKS {
            if self.process.try_wait()?.is_some() {
                break;
            }
            match self.run("postgres", "") {
                Ok(_) => return Ok(()),
                Err(error) => last = error.to_string(),
            }
            thread::sleep(LOOK_PAUSE);
        }
        let log = fs::read_to_string(self.home.path().join("log")).unwrap_or_default();
        Err(failed("start it")(format!("{last}; its log says: {log}")))
    }
}

impl Drop for Cluster {
    /// At once, without writing what it has in memory: all of it is removed.
    fn drop(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            guard.kill().ok();
            guard.wait().ok();
        }
        let id = i32::try_from(self.process.id()).ok();
        if let Some(id) = id.and_then(Pid::from_raw) {
            // An error says that it has ended already.
            kill_process(id, Signal::QUIT).ok();
        }
        drop(self.process.wait());
    }
}

/// What went wrong, in a sentence.
pub(super) fn failed<E: ToString>(doing: &'static str) -> impl Fn(E) -> io::Error {
    move |error| {
        let error = error.to_string();
        io::Error::other(format!("PostgreSQL: could not {doing}: {error}"))
    }
}

/// A program of PostgreSQL's, as the user that it may run as. It inherits nothing of the terminal's
/// input, and is in a place that it may read.
fn command(program: &Path, home: &Path, user: Option<User>) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(home)
        .stdin(Stdio::null())
        .env_remove("PGDATA");
    if let Some(User { uid, gid }) = user {
        command.uid(uid).gid(gid);
    }
    command
}

/// Where the cluster's directory is made: beside those of the others, unless its user cannot get there.
fn place(user: Option<User>) -> PathBuf {
    let beside = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let is_open = |path: &Path| {
        let mode = fs::metadata(path).map(|own| own.permissions().mode());
        mode.is_ok_and(|mode| mode & 0o001 != 0)
    };
    if user.is_none() || beside.ancestors().all(is_open) {
        beside
    } else {
        env::temp_dir()
    }
}
