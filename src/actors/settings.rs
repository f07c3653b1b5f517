//! The limits of the engine, each with its unit in its name.

/// How much the engine takes on at once, and how long it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Shards, each a thread with its own actors. One by default: who knows the machine says more.
    pub shards: usize,
    /// Requests under way at once on one shard; more are answered "overloaded".
    pub requests_per_shard_max: usize,
    /// Requests worked on at once, for each shard; others wait to be let in (`handles/admission.rs`).
    pub worked_on_per_shard_max: usize,
    /// How long a request waits to be let in before it is answered "overloaded".
    pub admission_ms_max: u64,
    /// Requests waiting for the same order; more are answered "overloaded".
    pub requests_per_order_max: usize,
    /// Turns waiting for the same listing; more are answered "overloaded".
    pub turns_per_listing_max: usize,
    /// Listings in memory on one shard; more than these are forgotten as soon as nobody uses them.
    pub listings_live_max: usize,
    /// Listings that are looked at to assign one of them.
    pub candidates_max: usize,
    /// How long a caller waits before its outcome is unknown.
    pub request_ms_max: u64,
    /// How long a reader of a view waits for it to catch up.
    pub view_wait_ms_max: u64,
    /// Timers of one shard that are looked at before anything else has its turn.
    pub timers_per_look_max: usize,
    /// Panics of one entity within [`Settings::crash_window_ms`] before it is quarantined.
    pub crashes_max: usize,
    /// The window in which panics are counted.
    pub crash_window_ms: u64,
    /// The pause before an entity that panicked serves again; doubled for each further panic.
    pub restart_pause_ms: u64,
    /// How long a shard may take to answer before it is replaced.
    pub stuck_ms_max: u64,
    /// How many threads may not come back before the program ends.
    pub stuck_max: usize,
    /// How long the answer to a keyed command is remembered.
    pub answers_kept_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            shards: 1,
            requests_per_shard_max: 2_048,
            worked_on_per_shard_max: 128,
            admission_ms_max: 1_000,
            requests_per_order_max: 16,
            turns_per_listing_max: 2_048,
            listings_live_max: 10_000,
            candidates_max: 10_000,
            request_ms_max: 10_000,
            view_wait_ms_max: 1_000,
            timers_per_look_max: 256,
            crashes_max: 5,
            crash_window_ms: 60_000,
            restart_pause_ms: 10,
            stuck_ms_max: 5_000,
            stuck_max: 3,
            answers_kept_ms: 24 * 60 * 60 * 1_000,
        }
    }
}
