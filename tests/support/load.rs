//! A load generator for HTTP/1.1: keep-alive connections that each send, wait, and send again.
//!
//! It shares the machine's cores with the server it drives, so it does as little as it can: no
//! header is looked at but the two that say where a response ends.

use std::{
    collections::BTreeMap,
    io,
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout_at},
};

/// What the generator's threads are called, so that their CPU time can be told from the server's.
pub(crate) const THREAD_NAME: &str = "load";

/// How many threads it runs on; as many as a small server has cores.
const THREADS: usize = 2;

/// How long after the time is over answers are waited for.
const LATE_MAX: Duration = Duration::from_secs(10);

/// How long is waited where only the requests are counted.
const COUNTED_MAX: Duration = Duration::from_hours(1);

/// The longest response it reads, in bytes.
const RESPONSE_BYTES_MAX: usize = 1 << 20;

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// No request is begun after so long.
    Elapsed(Duration),
    /// So many requests were begun.
    Requests(u64),
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// How many responses had which status.
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// How many requests had no response: the connection ended, what came was not HTTP, or nothing
    /// came in time.
    pub(crate) broken: u64,
    /// From the first request to the last response.
    pub(crate) elapsed: Duration,
    /// Of each response, in microseconds, ascending.
    latencies_us: Vec<u32>,
}

impl Report {
    /// How many requests had a response.
    pub(crate) fn responses(&self) -> u64 {
        self.statuses.values().sum()
    }

    /// Responses in a second.
    pub(crate) fn per_second(&self) -> u64 {
        let elapsed_us = self.elapsed.as_micros().max(1);
        u64::try_from(u128::from(self.responses()) * 1_000_000 / elapsed_us).unwrap_or(u64::MAX)
    }

    /// The latency that so many in a hundred responses did not exceed; 0 if there were none.
    pub(crate) fn percentile_us(&self, percent: usize) -> u32 {
        let last = self.latencies_us.len().saturating_sub(1);
        let at = last * percent / 100;
        self.latencies_us.get(at).copied().unwrap_or(0)
    }

    fn add(&mut self, other: Self) {
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.broken += other.broken;
        self.latencies_us.extend(other.latencies_us);
    }
}

/// Drives the server at `address`. `write` appends the request with this number, counted from 0
/// over all connections, to the buffer.
///
/// Blocks until all responses are there. A connection that breaks is counted and not opened again.
/// An error means that not all could be opened.
pub(crate) fn drive(
    address: SocketAddr,
    connections: usize,
    until: Until,
    write: impl Fn(u64, &mut Vec<u8>) + Send + Sync + 'static,
) -> io::Result<Report> {
    let mut shares: [Vec<TcpStream>; THREADS] = Default::default();
    for at in 0..connections {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        shares[at % THREADS].push(stream);
    }
    let course = Arc::new(Course {
        write,
        until,
        next: AtomicU64::new(0),
        began: Instant::now(),
    });
    let start = |share| {
        let course = Arc::clone(&course);
        let thread = thread::Builder::new().name(THREAD_NAME.into());
        thread.spawn(move || drive_share(share, &course))
    };
    let threads = shares.map(start);
    let mut report = Report::default();
    for thread in threads {
        let share = thread?.join();
        report.add(share.map_err(|_| io::Error::other("a thread panicked"))??);
    }
    report.elapsed = course.began.elapsed();
    report.latencies_us.sort_unstable();
    Ok(report)
}

/// A runtime of its own for each thread: connections that move between threads cost a third more.
fn drive_share<W>(share: Vec<TcpStream>, course: &Arc<Course<W>>) -> io::Result<Report>
where
    W: Fn(u64, &mut Vec<u8>) + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let mut tasks = Vec::with_capacity(share.len());
        for stream in share {
            let stream = tokio::net::TcpStream::from_std(stream)?;
            let course = Arc::clone(course);
            tasks.push(tokio::task::spawn_local(connection(stream, course)));
        }
        let mut report = Report::default();
        for task in tasks {
            report.add(task.await.map_err(io::Error::other)?);
        }
        Ok(report)
    })
}

/// What all connections share.
struct Course<W> {
    write: W,
    until: Until,
    next: AtomicU64,
    began: Instant,
}

impl<W> Course<W> {
    /// The number of the next request, unless it is time to stop.
    fn next(&self, now: Instant) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let goes_on = match self.until {
            Until::Elapsed(length) => now - self.began < length,
            Until::Requests(count) => number < count,
        };
        goes_on.then_some(number)
    }

    /// When nothing is waited for any more.
    fn gives_up(&self) -> Instant {
        self.began
            + match self.until {
                Until::Elapsed(length) => length + LATE_MAX,
                Until::Requests(_) => COUNTED_MAX,
            }
    }
}

async fn connection<W: Fn(u64, &mut Vec<u8>)>(
    mut stream: tokio::net::TcpStream,
    course: Arc<Course<W>>,
) -> Report {
    let mut report = Report::default();
    // One timer for all requests: one for each would cost as much as the rest of what is done here.
    let whole = exchanges(&mut stream, &course, &mut report);
    let ended = timeout_at(course.gives_up(), whole).await;
    if !matches!(ended, Ok(Ok(()))) {
        report.broken += 1;
    }
    report
}

/// Sends and waits until it is time to stop. An error is a request without a response.
async fn exchanges<W: Fn(u64, &mut Vec<u8>)>(
    stream: &mut tokio::net::TcpStream,
    course: &Course<W>,
    report: &mut Report,
) -> io::Result<()> {
    let mut request = Vec::with_capacity(1024);
    let mut response = Vec::with_capacity(4096);
    let mut sent = Instant::now();
    while let Some(number) = course.next(sent) {
        request.clear();
        (course.write)(number, &mut request);
        let status = exchange(stream, &request, &mut response).await?;
        // One look at the clock ends this request and begins the next.
        let now = Instant::now();
        let latency = u32::try_from((now - sent).as_micros()).unwrap_or(u32::MAX);
        report.latencies_us.push(latency);
        *report.statuses.entry(status).or_default() += 1;
        sent = now;
    }
    Ok(())
}

/// Sends a request and reads its whole response into `response`; returns the status.
pub(crate) async fn exchange(
    stream: &mut tokio::net::TcpStream,
    request: &[u8],
    response: &mut Vec<u8>,
) -> io::Result<u16> {
    stream.write_all(request).await?;
    response.clear();
    loop {
        if stream.read_buf(response).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some((status, length)) = parse(response)? {
            // Nothing was asked for that could follow.
            let whole = length == response.len();
            return if whole { Ok(status) } else { Err(malformed()) };
        }
        if response.len() > RESPONSE_BYTES_MAX {
            return Err(malformed());
        }
    }
}

/// Status and length of the response that `bytes` begin with, once all of it is there.
pub(crate) fn parse(bytes: &[u8]) -> io::Result<Option<(u16, usize)>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| malformed())?;
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok())
        .ok_or_else(malformed)?;
    let mut length = Some(0);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.trim().parse().map_err(|_| malformed())?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            length = chunked_length(&bytes[end + 4..])?;
        }
    }
    let total = length.map(|length: usize| end + 4 + length);
    Ok(total
        .filter(|total| bytes.len() >= *total)
        .map(|total| (status, total)))
}

/// The length of a chunked body without trailers, once its last chunk is there.
fn chunked_length(body: &[u8]) -> io::Result<Option<usize>> {
    let mut at = 0;
    loop {
        let Some(rest) = body.get(at..) else {
            return Ok(None);
        };
        let Some(line) = rest.windows(2).position(|two| two == b"\r\n") else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&rest[..line]).map_err(|_| malformed())?;
        let size = usize::from_str_radix(size, 16).map_err(|_| malformed())?;
        // The size's line, the chunk, and the line end behind it.
        at += line + 2 + size + 2;
        if size > RESPONSE_BYTES_MAX {
            return Err(malformed());
        }
        if size == 0 {
            return Ok((at <= body.len()).then_some(at));
        }
    }
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not one HTTP/1.1 response")
}
