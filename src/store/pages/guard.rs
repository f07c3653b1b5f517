//! Opening a store that may be damaged, without going down with it.

use std::{
    any::Any,
    fs,
    io::Read,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use super::{
    Error, Limits, disk,
    probe::{HEALTHY, probe_database},
    seal,
};
use crate::store::{directory, mark::Mark};

/// How often a child is asked whether it has ended.
const CHILD_LOOK_MS: u64 = 10;
/// The most that is kept of what a child says.
const SAID_BYTES_MAX: u64 = 4096;
const PROBE_MS_BASE: u64 = 20_000;
const PROBE_BYTES_PER_SECOND: u64 = 100 << 20;

/// Where a store that was not closed is opened for the first time.
#[derive(Clone, Debug)]
pub enum Guard {
    /// In a child process of this executable, started as `probe-store --data DIR`: whatever a
    /// damaged store does to it, it does not do to us.
    Child(PathBuf),
    /// In a thread of this process. A store that hangs keeps its thread and memory; one that
    /// aborts takes the process down, and is moved aside at the next start.
    InProcess,
}

/// A check of a store that was not closed, begun before anybody needs its outcome: the journal is read
/// meanwhile. Dropping it waits for it.
#[derive(Debug)]
pub struct Ahead {
    check: Option<thread::JoinHandle<Result<(), String>>>,
}

/// Why work in a thread has no result.
pub(super) struct Broken {
    pub(super) why: String,
    /// It may go on: what it opened, and under which path, is still in use.
    pub(super) runs_on: bool,
}

impl Guard {
    /// Reads the whole store. The error is why it must not be used.
    pub(super) fn probe(&self, dir: &Path, limit_ms: u64) -> Result<(), String> {
        match self {
            Self::Child(executable) => probe_in_child(executable, dir, limit_ms),
            Self::InProcess => probe_in_thread(dir, limit_ms),
        }
    }
}

impl Ahead {
    /// Begins it, where one is needed for sure, and where it runs in a process of its own. The caller
    /// holds the directory's lock, for longer than this lives.
    pub fn begin(dir: &Path, limits: Limits, guard: &Guard, mark: Mark) -> Self {
        let is_condemned = opening_at(dir).exists() || checked_at(dir).exists();
        let is_closed = seal::is_there(dir) || !dir.join("sled").is_dir();
        let is_needed = mark.complete_to > 0 && !is_condemned && !is_closed;
        let begin = || {
            let (dir, guard) = (dir.to_owned(), guard.clone());
            let limit_ms = limits.probe_ms_max.unwrap_or_else(|| limit_ms(&dir));
            let check = move || guard.probe(&dir, limit_ms);
            let named = thread::Builder::new().name("check-pages".into());
            // Without a thread it is done when it is needed.
            named.spawn(check).ok()
        };
        let is_apart = matches!(guard, Guard::Child(_));
        Self {
            check: (is_needed && is_apart).then(begin).flatten(),
        }
    }

    /// Nothing was begun.
    pub const fn nothing() -> Self {
        Self { check: None }
    }

    /// Its outcome, if it was begun.
    pub(super) fn outcome(&mut self) -> Option<Result<(), String>> {
        let checked = self.check.take()?.join();
        Some(checked.unwrap_or_else(|_panic| Err("checking it panicked".into())))
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        drop(self.outcome());
    }
}

/// Beside the database, while it is opened after it was checked.
pub(super) fn opening_at(dir: &Path) -> PathBuf {
    dir.join("opening")
}

/// Where a database is while it is checked in this process. A check that hangs may still write
/// below the path it was given, so the path in use must be another one.
pub(super) fn checked_at(dir: &Path) -> PathBuf {
    dir.join("sled.checking")
}

/// How long a store of this size may take.
pub(super) fn limit_ms(dir: &Path) -> u64 {
    PROBE_MS_BASE + disk::bytes(&dir.join("sled")) * 1000 / PROBE_BYTES_PER_SECOND
}

/// Does the work in a thread, and gives up on it after a time.
pub(super) fn in_thread<T: Send + 'static>(
    limit_ms: u64,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Broken> {
    let ended = |why| Broken {
        why,
        runs_on: false,
    };
    let (done, outcome) = mpsc::sync_channel(1);
    let run = move || {
        let worked = match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(value)) => Ok(value),
            // Its advice is for a store that stays.
            Ok(Err(Error::Damaged(what))) => Err(what.into()),
            Ok(Err(Error::Sled(error))) => {
                tracing::warn!(%error, "the stored trees cannot be read");
                Err("what is stored is damaged".into())
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(panic) => {
                tracing::warn!(said = message(&*panic), "opening the stored trees panicked");
                Err("what is stored is damaged".into())
            }
        };
        // Nobody waits any more if it took too long; then the value is dropped here.
        drop(done.send(worked));
    };
    thread::Builder::new()
        .name("open-pages".into())
        .spawn(run)
        .map_err(|error| ended(format!("no thread to open it in: {error}")))?;
    match outcome.recv_timeout(Duration::from_millis(limit_ms)) {
        Ok(worked) => worked.map_err(ended),
        Err(RecvTimeoutError::Timeout) => Err(Broken {
            why: too_long(limit_ms),
            runs_on: true,
        }),
        Err(RecvTimeoutError::Disconnected) => Err(ended("opening it ended silently".into())),
    }
}

fn probe_in_thread(dir: &Path, limit_ms: u64) -> Result<(), String> {
    let (usual, checked) = (dir.join("sled"), checked_at(dir));
    let rename = |from: &Path, to: &Path| {
        fs::rename(from, to)
            .and_then(|()| directory::sync_directory(dir))
            .map_err(|error| format!("{} cannot be renamed: {error}", from.display()))
    };
    rename(&usual, &checked)?;
    let path = checked.clone();
    in_thread(limit_ms, move || probe_database(&path)).map_err(|broken| broken.why)?;
    rename(&checked, &usual)
}

fn probe_in_child(executable: &Path, dir: &Path, limit_ms: u64) -> Result<(), String> {
    let mut child = Command::new(executable)
        .arg("probe-store")
        .arg("--data")
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{} cannot be started: {error}", executable.display()))?;
    let said = Said::listen(&mut child);
    for _ in 0..limit_ms.div_ceil(CHILD_LOOK_MS) {
        match child.try_wait() {
            Ok(None) => thread::sleep(Duration::from_millis(CHILD_LOOK_MS)),
            Ok(Some(status)) => {
                let (out, err) = said.text();
                if status.success() && out.starts_with(HEALTHY) {
                    return Ok(());
                }
                tracing::warn!(%status, said = err.trim(), "the stored trees are not healthy");
                return Err(ended(status));
            }
            Err(error) => return Err(format!("checking it cannot be followed: {error}")),
        }
    }
    let killed = child.kill().and_then(|()| child.wait());
    killed.map_err(|error| format!("checking it cannot be ended: {error}"))?;
    Err(too_long(limit_ms))
}

/// Why a store whose check ended like this must not be used, for people. What the check itself had
/// to say is in the log.
fn ended(status: ExitStatus) -> String {
    match (status.success(), status.code()) {
        (true, _) => "the check of what is stored said nothing".into(),
        (false, Some(_)) => "what is stored is damaged".into(),
        (false, None) => format!("the check of what is stored did not survive it ({status})"),
    }
}

/// What a child says, read while it runs so that it never waits for us.
struct Said {
    out: thread::JoinHandle<String>,
    err: thread::JoinHandle<String>,
}

impl Said {
    fn listen(child: &mut Child) -> Self {
        let out = child.stdout.take().expect("piped");
        let err = child.stderr.take().expect("piped");
        Self {
            out: thread::spawn(|| read(out)),
            err: thread::spawn(|| read(err)),
        }
    }

    fn text(self) -> (String, String) {
        let text = |thread: thread::JoinHandle<String>| thread.join().unwrap_or_default();
        (text(self.out), text(self.err))
    }
}

fn read(mut from: impl Read) -> String {
    let mut said = Vec::new();
    let kept = from.by_ref().take(SAID_BYTES_MAX).read_to_end(&mut said);
    if kept
        .and_then(|_| std::io::copy(&mut from, &mut std::io::sink()))
        .is_err()
    {
        said.extend(b" (cut short)");
    }
    String::from_utf8_lossy(&said).into_owned()
}

fn too_long(limit_ms: u64) -> String {
    format!("opening it took longer than {limit_ms} ms")
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
