//! A feed as it happens: server-sent events (WHATWG HTML, "Server-sent events").
//!
//! A task follows the feed, and the connection's body takes what it has from a small channel. So a
//! reader that does not read holds up its own task and nothing else, and is let go after a while. The
//! task holds the open store and ends at once when that is to close.

use std::{
    convert::Infallible,
    fmt::{self, Write},
    pin::{Pin, pin},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    HttpResponse,
    body::{BodySize, MessageBody},
    http::header::CACHE_CONTROL,
    rt,
    web::Bytes,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::Instant,
};

use super::query::{After, Asked};
use crate::{
    config,
    feed::{Event, Feed, Filter},
    http::{call::Call, error::ApiError, gate::Open},
    metrics::Sheet,
};

/// Chunks that wait for a reader.
const CHUNKS_MAX: usize = 16;

/// How soon after the last time a reader is not woken again: with many readers and many events, most of
/// the work would be waking them.
const GATHER: Duration = Duration::from_millis(5);

/// Events in a chunk.
const CHUNK_EVENTS: usize = 64;

/// After how long a browser whose stream ended connects again, in milliseconds.
const RETRY_MS: u64 = 1_000;

/// In how many seconds somebody may try again who found no room.
const FULL_RETRY_S: u32 = 5;

/// Those who follow the feeds.
#[derive(Clone, Debug)]
pub struct Readers {
    settings: config::Feed,
    permits: Arc<Semaphore>,
    dropped: Arc<AtomicU64>,
}

impl Readers {
    /// Nobody yet.
    pub fn new(settings: config::Feed) -> Self {
        Self {
            settings,
            permits: Arc::new(Semaphore::new(settings.readers_max)),
            dropped: Arc::default(),
        }
    }

    /// Writes down who follows.
    pub(in crate::http) fn write_figures(&self, sheet: &mut Sheet) {
        let family = sheet.gauge(
            "jumun_feed_readers",
            "Streams of events that are open. At jumun_feed_readers_max further ones are refused: 503 \
             too_many_readers.",
        );
        family.is(self.count());
        let family = sheet.gauge("jumun_feed_readers_max", "The setting feed.readers_max.");
        family.is(self.settings.readers_max);
        let family = sheet.counter(
            "jumun_feed_readers_dropped",
            "Streams that were ended because their reader did not read. Each was told from where to go \
             on.",
        );
        family.is(self.dropped());
    }

    /// How many streams there are.
    pub fn count(&self) -> usize {
        self.settings.readers_max - self.permits.available_permits()
    }

    /// How many were let go since the start because they did not read.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// `GET /events`, as a stream that does not end by itself.
pub(super) fn stream(call: &Call<'_>, asked: Asked) -> Result<HttpResponse, ApiError> {
    let readers = &call.state.readers;
    let permit = Arc::clone(&readers.permits).try_acquire_owned();
    let permit = permit.map_err(|_none_left| {
        let most = readers.settings.readers_max;
        let detail = format!("{most} streams are open, which is the most; try again shortly");
        ApiError::new("too_many_readers", detail).again_in(FULL_RETRY_S)
    })?;
    let feed = call.engine().feed().clone();
    let seen_to = asked.position(feed.horizon(), After::Now)?;
    let (chunks, taken) = mpsc::channel(CHUNKS_MAX);
    let last = Arc::<OnceLock<Bytes>>::default();
    let follows = Follows {
        feed,
        storefront: call.front.at,
        filter: asked.filter,
        seen_to,
        chunks,
        readers: readers.clone(),
        last: Arc::clone(&last),
        _permit: permit,
        _open: Arc::clone(call.open),
    };
    rt::spawn(follows.run());
    let body = Body {
        chunks: taken,
        last: Some(last),
    };
    Ok(started().body(body))
}

/// A stream that ends at once: whoever asked connects again, and comes to another process.
pub(in crate::http) fn elsewhere() -> HttpResponse {
    started().body(format!("retry: {RETRY_MS}\n\n"))
}

fn started() -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        // A proxy that collects an answer before it passes it on would wait for ever.
        .insert_header(("X-Accel-Buffering", "no"))
        .force_close();
    response
}

/// Follows a feed for one reader.
struct Follows {
    feed: Feed,
    storefront: usize,
    filter: Filter,
    seen_to: u64,
    chunks: mpsc::Sender<Bytes>,
    readers: Readers,
    /// What the reader gets when it has read everything else.
    last: Arc<OnceLock<Bytes>>,
    _permit: OwnedSemaphorePermit,
    /// The store does not close before this is gone.
    _open: Arc<Open>,
}

/// Why a stream ends.
enum End {
    /// The reader went away.
    Gone,
    /// The reader does not read.
    Stalled,
    /// This process stops, or another takes over.
    Stopping,
    /// The journal cannot be read.
    Unreadable,
}

impl Follows {
    async fn run(mut self) {
        let mut sent_to = self.seen_to;
        let end = self.follow(&mut sent_to).await;
        let stall_ms = self.readers.settings.stall_ms_max;
        let (code, what) = match end {
            End::Gone => return,
            End::Stalled => {
                self.readers.dropped.fetch_add(1, Ordering::Relaxed);
                let path = &self.feed.storefronts()[self.storefront].name;
                tracing::info!(storefront = %path, after = sent_to, "a reader of the feed was dropped");
                let what = format!("nothing was read for {stall_ms} ms; connect again to go on");
                ("stalled", what)
            }
            End::Stopping => {
                let what = "the server is shutting down; connect again to go on";
                ("stopping", what.to_owned())
            }
            End::Unreadable => {
                let what = "the journal cannot be read; see the server's log";
                ("store_unavailable", what.to_owned())
            }
        };
        let data =
            serde_json::json!({ "code": code, "detail": what, "after": sent_to.to_string() });
        drop(
            self.last
                .set(format!("event: dropped\ndata: {data}\n\n").into()),
        );
    }

    /// Sends what comes. `sent_to` is how far the reader will have come with it.
    async fn follow(&mut self, sent_to: &mut u64) -> End {
        let heartbeat = Duration::from_millis(self.readers.settings.heartbeat_ms);
        let hello = format!("retry: {RETRY_MS}\nid: {}\n\n", self.seen_to);
        if let Err(end) = self.send(hello.into()).await {
            return end;
        }
        let mut woken = Instant::now();
        let mut quiet = pin!(tokio::time::sleep(heartbeat));
        loop {
            let slice = self
                .feed
                .next(self.storefront, self.seen_to, &self.filter, CHUNK_EVENTS)
                .await;
            let slice = match slice {
                Ok(slice) => slice,
                Err(error) => {
                    tracing::error!(%error, "the feed cannot be read");
                    return End::Unreadable;
                }
            };
            self.seen_to = slice.seen_to;
            let is_full = slice.events.len() >= CHUNK_EVENTS;
            if let Some(last) = slice.events.last() {
                if let Err(end) = self.send(chunk(&slice.events)).await {
                    return end;
                }
                *sent_to = last.position;
                quiet.as_mut().reset(Instant::now() + heartbeat);
            }
            tokio::select! {
                biased;
                () = self.chunks.closed() => return End::Gone,
                () = &mut quiet => {
                    // What it did not want need not be looked through again.
                    let alive = format!(": alive\nid: {}\n\n", self.seen_to);
                    if let Err(end) = self.send(alive.into()).await {
                        return end;
                    }
                    *sent_to = self.seen_to;
                    quiet.as_mut().reset(Instant::now() + heartbeat);
                }
                comes = self.feed.wait(self.seen_to) => {
                    if comes.is_none() {
                        return End::Stopping;
                    }
                    // While much happens, it is taken in larger pieces. Who is behind has them already.
                    if !is_full && woken.elapsed() < GATHER {
                        tokio::time::sleep(GATHER).await;
                    }
                    woken = Instant::now();
                }
            }
        }
    }

    async fn send(&self, chunk: Bytes) -> Result<(), End> {
        let stall = Duration::from_millis(self.readers.settings.stall_ms_max);
        tokio::select! {
            biased;
            room = self.chunks.reserve() => {
                room.map_err(|_gone| End::Gone)?.send(chunk);
                Ok(())
            }
            () = self.feed.closed() => Err(End::Stopping),
            () = tokio::time::sleep(stall) => Err(End::Stalled),
        }
    }
}

fn chunk(events: &[Event]) -> Bytes {
    let bytes: usize = events.iter().map(|event| event.json.len() + 64).sum();
    let mut chunk = Vec::with_capacity(bytes);
    for event in events {
        let head = format!(
            "id: {}\nevent: {}\ndata: ",
            event.position,
            Line(&event.kind)
        );
        chunk.extend_from_slice(head.as_bytes());
        // JSON as it is printed has no line breaks.
        chunk.extend_from_slice(&event.json);
        chunk.extend_from_slice(b"\n\n");
    }
    chunk.into()
}

/// A text of a definition, on one line.
struct Line<'a>(&'a str);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = self.0.chars();
        letters.try_for_each(|letter| f.write_char(if letter.is_control() { ' ' } else { letter }))
    }
}

/// What a connection takes from its channel, and then the last word.
struct Body {
    chunks: mpsc::Receiver<Bytes>,
    last: Option<Arc<OnceLock<Bytes>>>,
}

impl MessageBody for Body {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.chunks.poll_recv(context).map(|chunk| {
            let last = || self.last.take()?.get().cloned();
            chunk.or_else(last).map(Ok)
        })
    }
}
