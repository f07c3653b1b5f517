//! The main paths: what each does, and how often while it is counted.

mod parts;
mod requests;
mod stored;

/// A path that is counted.
pub(crate) struct Path {
    /// What one time does.
    pub(crate) name: &'static str,
    /// How often it is done while it is counted, so that what happens once in a while has its share.
    pub(crate) times: u64,
    /// Prepares, warms up, and does it so often within [`counted`](super::counted::part).
    pub(crate) run: fn(u64),
}

/// All of them, in the order in which they are printed.
pub(crate) const PATHS: [Path; 19] = [
    path("place an order", 512, requests::place),
    path("place an order with a key", 512, requests::place_with_key),
    path(
        "place an order that reserves from a listing",
        128,
        requests::reserve,
    ),
    path(
        "an order's life: placed, amended twice, delivered",
        256,
        requests::live,
    ),
    path("read an order", 1_024, requests::read),
    path("read a view's row", 1_024, requests::read_row),
    path("read 20 rows of a view", 256, requests::read_rows),
    path("read a page of 20 orders", 256, requests::read_page),
    path("wake a resting order, which refuses", 512, requests::wake),
    path(
        "decide and apply: an order placed and confirmed",
        4_096,
        parts::decide,
    ),
    path("saga: an order paid for", 4_096, parts::react),
    path("encode a batch of six events", 4_096, parts::encode),
    path("decode a batch of six events", 4_096, parts::decode),
    path("append and sync a group of 16 batches", 256, parts::append),
    path("encode an order's snapshot", 8_192, parts::snapshot),
    path("decode an order's snapshot", 8_192, parts::restore),
    path("checkpoint a placed order", 1_024, stored::checkpoint),
    path("replay a finished order", 512, stored::replay),
    path(
        "render a placed order's events for the feed",
        1_024,
        stored::feed,
    ),
];

const fn path(name: &'static str, times: u64, run: fn(u64)) -> Path {
    Path { name, times, run }
}
