//! `/ops/backup`: backing the data directory up into a file on the server's machine.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::answer;
use crate::http::{error::ApiError, json};

/// The body that is asked for.
const EXPECTED: &str = "expected {\"to\": \"/path/of/the/file\"}";

/// A backup that was made.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct BackedUp {
    /// The last event that it holds: all that was acknowledged before it was asked for.
    pub position: u64,
    /// How large the file is.
    pub bytes: u64,
    /// The checksum of the whole file.
    #[serde(serialize_with = "hex")]
    pub crc32c: u32,
}

/// Why there is no backup, in a sentence.
#[derive(Clone, Debug)]
pub enum NotBackedUp {
    /// The file is there already.
    Exists(String),
    /// Anything else.
    Failed(String),
}

type Make = dyn Fn(&Path) -> Result<BackedUp, NotBackedUp> + Send + Sync;

/// Makes backups, one at a time. Cheap to clone.
#[derive(Clone)]
pub struct Backups {
    make: Arc<Make>,
    turn: Arc<Semaphore>,
    last: Arc<Mutex<Option<Last>>>,
}

/// The last backup that was made.
#[derive(Clone, Debug, Serialize)]
struct Last {
    to: PathBuf,
    #[serde(flatten)]
    made: BackedUp,
}

impl Backups {
    /// With what backs up into a file; called where it may block.
    pub fn new(
        make: impl Fn(&Path) -> Result<BackedUp, NotBackedUp> + Send + Sync + 'static,
    ) -> Self {
        Self {
            make: Arc::new(make),
            turn: Arc::new(Semaphore::new(1)),
            last: Arc::default(),
        }
    }
}

impl fmt::Debug for Backups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backups").finish_non_exhaustive()
    }
}

/// Refuses whoever may not write files here: other machines.
pub(super) fn admit(request: &HttpRequest) -> Result<(), ApiError> {
    let is_local = request
        .peer_addr()
        .is_some_and(|own| own.ip().is_loopback());
    if is_local {
        return Ok(());
    }
    let detail =
        "a backup is a file on the server's machine: ask for it there, or use `jumun backup`";
    Err(ApiError::new("local_only", detail))
}

/// The last backup that this process made, if it made one.
pub(super) fn get(backups: &Backups) -> HttpResponse {
    let last = backups.last.lock().unwrap_or_else(PoisonError::into_inner);
    answer(&json!({ "last": *last }))
}

/// Answers once the backup is made, read back and checked.
pub(super) async fn post(backups: &Backups, body: &[u8]) -> Result<HttpResponse, ApiError> {
    let to = wanted(body)?;
    let permit = Arc::clone(&backups.turn).try_acquire_owned();
    let permit = permit.map_err(|_none_left| {
        ApiError::new("overloaded", "another backup is being made; wait for it")
    })?;
    let backups = backups.clone();
    let backing = web::block(move || {
        let made = (backups.make)(&to)?;
        let last = Some(Last { to, made });
        *backups.last.lock().unwrap_or_else(PoisonError::into_inner) = last;
        drop(permit);
        Ok(made)
    });
    let made = backing
        .await
        .map_err(|_panicked| ApiError::new("crashed", "the backup failed inside"))?;
    let made = made.map_err(|error| match error {
        NotBackedUp::Exists(detail) => ApiError::new("file_exists", detail),
        NotBackedUp::Failed(detail) => ApiError::new("backup_failed", detail),
    })?;
    Ok(HttpResponse::Created()
        .content_type("application/json")
        .body(json::print(&made)))
}

/// The file that a body names.
fn wanted(body: &[u8]) -> Result<PathBuf, ApiError> {
    let wrong = |code, what: &str| ApiError::new(code, format!("{what}: {EXPECTED}"));
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(wrong("body_missing", "the request needs a body"));
    }
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| wrong("body_invalid", &format!("the body is not JSON ({error})")))?;
    let to = match body.get("to") {
        None | Some(Value::Null) => return Err(wrong("field_required", "`to` is missing")),
        Some(to) => to.as_str().map(PathBuf::from),
    };
    to.filter(|to| to.is_absolute())
        .ok_or_else(|| wrong("field_invalid", "`to` is not a path from / on"))
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands fields over by reference"
)]
fn hex<S: serde::Serializer>(sum: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{sum:08x}"))
}
