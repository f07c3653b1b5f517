//! Those who follow a feed: they read all that comes, and count events.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::LocalSet,
    time::Instant,
};

use crate::{contest::Server, load::THREAD_NAME};

/// How long it may take until all are connected.
const CONNECT_MAX: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(1);

/// Connected until they are told to [`end`](Self::end).
#[derive(Debug)]
pub(super) struct Readers {
    /// How many they are.
    pub(super) count: u64,
    began: Instant,
    came: Arc<Came>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<io::Result<()>>,
}

/// What came to all of them.
#[derive(Debug)]
struct Came {
    events: AtomicU64,
    /// When the last came, in microseconds after `since`.
    last_us: AtomicU64,
    since: Instant,
}

impl Readers {
    /// Returns when all are connected; what happens then comes to them.
    pub(super) fn connect(server: &Server, count: u64) -> io::Result<Self> {
        let began = Instant::now();
        let came = Arc::new(Came {
            events: AtomicU64::new(0),
            last_us: AtomicU64::new(0),
            since: began,
        });
        let (stop, stopped) = oneshot::channel();
        let counted = Arc::clone(&came);
        let address = server.address;
        // Named as the load generator's threads: it is not the server that works here.
        let thread = thread::Builder::new().name(THREAD_NAME.into());
        let thread = thread.spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build()?;
            LocalSet::new().block_on(&runtime, async move {
                for _ in 0..count {
                    let mut stream = TcpStream::connect(address).await?;
                    let request = format!(
                        "GET /flowers/events HTTP/1.1\r\nhost: {address}\r\n\
                         accept: text/event-stream\r\n\r\n"
                    );
                    stream.write_all(request.as_bytes()).await?;
                    tokio::task::spawn_local(follow(stream, Arc::clone(&counted)));
                }
                // Whichever way the other side goes, it is the end.
                drop(stopped.await);
                Ok(())
            })
        })?;
        // Each is greeted with something that looks like an event.
        while came.events.load(Relaxed) < count {
            if began.elapsed() > CONNECT_MAX {
                let greeted = came.events.load(Relaxed);
                let what = format!("{greeted} of {count} readers of the feed were greeted");
                return Err(io::Error::other(what));
            }
            thread::sleep(LOOK);
        }
        came.events.store(0, Relaxed);
        Ok(Self {
            count,
            began: Instant::now(),
            came,
            stop,
            thread,
        })
    }

    /// How many events came since, to all together, and how long it took until the last of them.
    pub(super) fn end(self) -> io::Result<(u64, Duration)> {
        let events = self.came.events.load(Relaxed);
        let last = self.came.since + Duration::from_micros(self.came.last_us.load(Relaxed));
        drop(self.stop);
        let ended = self.thread.join();
        ended.map_err(|_| io::Error::other("a thread panicked"))??;
        Ok((events, last.saturating_duration_since(self.began)))
    }
}

/// An event ends with an empty line, and nothing else has one: lines around chunks end with "\r\n", and
/// so does the head.
async fn follow(mut stream: TcpStream, came: Arc<Came>) {
    let mut buffer = vec![0; 64 << 10];
    let mut before = 0;
    while let Ok(bytes @ 1..) = stream.read(&mut buffer).await {
        let read = &buffer[..bytes];
        let is_end = |(one, other): (&u8, &u8)| *one == b'\n' && *other == b'\n';
        let within = read.iter().zip(&read[1..]).filter(|pair| is_end(*pair));
        let ends = within.count() + usize::from(is_end((&before, &read[0])));
        before = read[bytes - 1];
        if ends > 0 {
            came.events.fetch_add(ends as u64, Relaxed);
            let now = came.since.elapsed().as_micros();
            came.last_us
                .store(u64::try_from(now).unwrap_or(u64::MAX), Relaxed);
        }
    }
}
