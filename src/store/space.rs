//! How much room the disk of a data directory has, so that writing stops before there is none.

use std::{
    fmt,
    fs::{self, File},
    io,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::fs::fstatvfs;

use crate::metrics::Sheet;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Of the least room: the part that is kept from checkpoints too, since sled does not live through a
/// disk without any.
const RESERVE_PART: u64 = 4;

/// Of the least room: by how much more there must be room again, so that it does not come and go.
const AGAIN_PART: u64 = 8;

type Measure = dyn Fn() -> io::Result<u64> + Send + Sync;

/// The room on one disk, as it was seen last.
pub struct Room {
    measure: Box<Measure>,
    /// Bytes below which nothing new is begun.
    bytes_min: u64,
    bytes: AtomicU64,
    short: AtomicBool,
}

impl Room {
    /// On the disk of the directory `path`, or of where it would be made. It is short below
    /// `bytes_min`.
    pub fn of(path: &Path, bytes_min: u64) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let there = path.ancestors().find(|path| path.exists());
        let directory = File::open(there.unwrap_or(&path))?;
        let measure = move || {
            let found = fstatvfs(&directory)?;
            Ok(found.f_bavail.saturating_mul(found.f_frsize))
        };
        Ok(Self::measured(measure, bytes_min))
    }

    /// As `measure` says, in bytes.
    pub fn measured(
        measure: impl Fn() -> io::Result<u64> + Send + Sync + 'static,
        bytes_min: u64,
    ) -> Self {
        let room = Self {
            measure: Box::new(measure),
            bytes_min,
            bytes: AtomicU64::new(u64::MAX),
            short: AtomicBool::new(false),
        };
        room.look();
        room
    }

    /// Looks again. A disk that does not say is taken to be as before.
    pub fn look(&self) {
        let bytes = match (self.measure)() {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::debug!(%error, "the disk does not say how much room it has");
                return;
            }
        };
        self.bytes.store(bytes, Relaxed);
        let was_short = self.short.load(Relaxed);
        let more = self.bytes_min / AGAIN_PART;
        let needed = self.bytes_min + if was_short { more } else { 0 };
        let is_short = bytes < needed;
        if is_short == was_short {
            return;
        }
        self.short.store(is_short, Relaxed);
        let min = self.bytes_min;
        if is_short {
            tracing::error!(bytes, min, "the disk is nearly full: commands are refused");
        } else {
            tracing::info!(bytes, min, "the disk has room again: commands are taken");
        }
    }

    /// Whether nothing new should be begun, at the cost of a load.
    pub fn is_short(&self) -> bool {
        self.short.load(Relaxed)
    }

    /// The bytes that were free when it was looked last, and those that a start needs.
    pub fn for_a_start(&self) -> (u64, u64) {
        (self.bytes.load(Relaxed), self.bytes_min / RESERVE_PART)
    }

    /// Writes down how much room there is.
    pub fn write_figures(&self, sheet: &mut Sheet) {
        let family = sheet.gauge(
            "jumun_disk_free_bytes",
            "Room on the data directory's disk. Below jumun_disk_free_min_bytes commands are refused, \
             and reads go on.",
        );
        family.is(self.bytes.load(Relaxed));
        let family = sheet.gauge(
            "jumun_disk_free_min_bytes",
            "The setting limits.disk_free_bytes_min.",
        );
        family.is(self.bytes_min);
    }

    /// Whether there is room for a checkpoint.
    pub fn has_reserve(&self) -> bool {
        self.bytes.load(Relaxed) >= self.bytes_min / RESERVE_PART
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room")
            .field("bytes_min", &self.bytes_min)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// How many bytes the files below a directory have. What cannot be looked at counts for nothing:
/// files come and go meanwhile.
pub fn bytes_below(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes_below(&entry.path()),
        Ok(found) => found.len(),
        Err(_gone) => 0,
    });
    sizes.sum()
}

/// The thread that looks once a second. Dropping it ends it.
#[derive(Debug)]
pub struct Watch {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Stop {
    asked: Mutex<bool>,
    changed: Condvar,
}

impl Watch {
    /// Starts it. Fails where no thread can be started.
    pub fn start(room: Arc<Room>) -> io::Result<Self> {
        let stop = Arc::<Stop>::default();
        let waits = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("room".to_owned())
            .spawn(move || {
                while !waits.within(LOOK_EVERY) {
                    room.look();
                }
            })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        *self
            .stop
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.changed.notify_all();
        if self
            .thread
            .take()
            .is_some_and(|thread| thread.join().is_err())
        {
            tracing::error!("the thread that looks for room panicked");
        }
    }
}

impl Stop {
    /// Whether it was asked for within this time.
    fn within(&self, wait: Duration) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .changed
            .wait_timeout_while(asked, wait, |asked| !*asked);
        let (asked, _elapsed) = waited.unwrap_or_else(PoisonError::into_inner);
        *asked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_short_below_its_least_room_and_until_there_is_clearly_more() {
        let bytes = Arc::new(AtomicU64::new(1_000));
        let seen = Arc::clone(&bytes);
        let room = Room::measured(move || Ok(seen.load(Relaxed)), 800);
        for (now, is_short, has_reserve) in [
            (1_000, false, true),
            (800, false, true),
            (799, true, true),
            (199, true, false),
            (200, true, true),
            (899, true, true),
            (900, false, true),
            (850, false, true),
        ] {
            bytes.store(now, Relaxed);
            room.look();
            assert_eq!(
                (room.is_short(), room.has_reserve()),
                (is_short, has_reserve),
                "{now}"
            );
        }
    }
}
