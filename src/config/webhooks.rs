//! `[webhooks]`: what is sent to other machines, and how often.

use serde::Deserialize;

use super::Range;

/// The most pauses between attempts.
const PAUSES_MAX: u64 = 64;

/// What is sent to other machines, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// The pauses between the attempts to deliver one event. After the last of them it is attempted
    /// once more, and then given up.
    pub pauses_ms: Vec<u64>,
    /// How long a connection may take.
    pub connect_ms_max: u64,
    /// How long a receiver may take to answer, with everything.
    pub timeout_ms_max: u64,
    /// Requests to one receiver that are under way at once.
    pub concurrent_max: usize,
    /// Webhooks of one storefront.
    pub endpoints_max: usize,
    /// For how long every attempt must have failed for a webhook to be paused.
    pub dead_after_s: u64,
    /// How many attempts these must have been.
    pub dead_attempts_min: u32,
    /// How long requests are signed with the previous secret too, once there is a new one.
    pub rotation_s: u64,
}

impl Webhooks {
    pub(super) fn ranges(&self) -> Vec<Range> {
        let dead_attempts = u64::from(self.dead_attempts_min);
        let week_ms = 7 * 24 * 60 * 60 * 1_000;
        let pauses = self.pauses_ms.iter();
        let pauses = pauses.map(|pause| ("webhooks.pauses_ms", *pause, 1, week_ms));
        let count = self.pauses_ms.len() as u64;
        let month_s = 31 * 24 * 60 * 60;
        let ranges = [
            ("the number of webhooks.pauses_ms", count, 0, PAUSES_MAX),
            ("webhooks.connect_ms_max", self.connect_ms_max, 1, 60_000),
            ("webhooks.timeout_ms_max", self.timeout_ms_max, 1, 60_000),
            (
                "webhooks.concurrent_max",
                self.concurrent_max as u64,
                1,
                256,
            ),
            ("webhooks.endpoints_max", self.endpoints_max as u64, 0, 64),
            ("webhooks.dead_after_s", self.dead_after_s, 0, month_s),
            (
                "webhooks.dead_attempts_min",
                dead_attempts,
                1,
                u64::from(u32::MAX),
            ),
            ("webhooks.rotation_s", self.rotation_s, 0, month_s),
        ];
        ranges.into_iter().chain(pauses).collect()
    }
}
