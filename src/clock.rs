//! The clock handle: the one place that reads the time of day.

use std::time::{Duration, UNIX_EPOCH};

use crate::domain::Timestamp;

/// Where instants come from. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// The runtime's clock, counted from a fixed instant: stands still or jumps when a test pauses
    /// or advances the runtime.
    Runtime {
        /// What the runtime's clock read at `epoch`.
        start: tokio::time::Instant,
        /// The instant that `start` stands for.
        epoch: Timestamp,
    },
}

impl Clock {
    /// The runtime's clock, with `epoch` as its present instant.
    pub fn runtime(epoch: Timestamp) -> Self {
        Self::Runtime {
            start: tokio::time::Instant::now(),
            epoch,
        }
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp(system_ms()),
            Self::Runtime { start, epoch } => {
                epoch.plus_ms(u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX))
            }
        }
    }
}

/// Microseconds since 1970 by the machine's clock: for measuring what takes less than a millisecond,
/// never for what is decided or recorded.
pub fn system_us() -> u64 {
    u64::try_from(since_1970().as_micros()).unwrap_or(u64::MAX)
}

fn system_ms() -> i64 {
    i64::try_from(since_1970().as_millis()).unwrap_or(i64::MAX)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the machine's clock"
)]
fn since_1970() -> Duration {
    std::time::SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
}
