//! `[feed]`: those who follow what happens.

use serde::Deserialize;

use super::Range;

/// Those who follow what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// Streams at once, over all storefronts.
    pub readers_max: usize,
    /// After how long without an event a stream says that it is alive.
    pub heartbeat_ms: u64,
    /// How long a reader may leave unread what is there for it.
    pub stall_ms_max: u64,
}

impl Feed {
    pub(super) fn ranges(&self) -> Vec<Range> {
        vec![
            ("feed.readers_max", self.readers_max as u64, 0, 20_000),
            ("feed.heartbeat_ms", self.heartbeat_ms, 10, 600_000),
            ("feed.stall_ms_max", self.stall_ms_max, 10, 600_000),
        ]
    }
}
