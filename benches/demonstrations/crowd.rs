//! Many clients at once, each with a memory of its own, and a tally of what they were answered.
//!
//! A client sends, waits for the answer, and sends again: after a random pause as `siege` makes
//! (closed loop), or whenever the crowd's rate says that another request is due (open loop). In the
//! open loop it is told how late requests were sent, since a client has one connection: a server
//! which makes its clients wait cannot look fast. A connection that ends is opened again.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    net::TcpStream,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    load::{THREAD_NAME, exchange},
    tally::{Tallies, Tally},
};

/// How many threads the clients share; as many as a small server has cores.
const THREADS: usize = 2;

/// The pause before a server that cannot be reached is tried again.
const UNREACHED_PAUSE: Duration = Duration::from_millis(5);

/// Longer than any answer takes, shorter than anyone waits for a demonstration.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// One of the crowd.
pub(crate) trait Client: Send + 'static {
    /// Appends the next request to the buffer, and says under which name it is counted; `None` if
    /// the client is done.
    fn asks(&mut self, request: &mut Vec<u8>) -> Option<&'static str>;

    /// The answer to it.
    fn hears(&mut self, answer: &Answer<'_>);

    /// There is none: the connection ended, so nobody knows what became of the request.
    fn hears_nothing(&mut self) {}
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    text: &'a str,
}

/// When a client sends its next request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// After the last answer and a pause of 0 to this many milliseconds.
    Thinking(u64),
    /// So many requests a second, over all clients together, whether answers come or not.
    PerSecond(u64),
}

/// A crowd at work. Dropping it lets it end by itself.
pub(crate) struct Crowd<C> {
    course: Arc<Course>,
    threads: Vec<JoinHandle<io::Result<Share<C>>>>,
}

/// The clients of one thread, and what they were answered.
type Share<C> = (Vec<C>, Tallies);

/// What all of them share.
struct Course {
    address: SocketAddr,
    pace: Pace,
    began: Instant,
    /// How many requests of the open loop were taken up.
    taken: AtomicU64,
    over: AtomicBool,
    /// When somebody had an answer last, and the longest time in which nobody had one, in
    /// microseconds since the crowd began.
    heard_us: AtomicU64,
    silence_us: AtomicU64,
}

impl<C: Client> Crowd<C> {
    /// Lets the clients loose on the server at `address`.
    pub(crate) fn start(address: SocketAddr, pace: Pace, clients: Vec<C>) -> io::Result<Self> {
        let course = Arc::new(Course {
            address,
            pace,
            began: Instant::now(),
            taken: AtomicU64::new(0),
            over: AtomicBool::new(false),
            heard_us: AtomicU64::new(0),
            silence_us: AtomicU64::new(0),
        });
        let mut shares: [Vec<C>; THREADS] = Default::default();
        for (at, client) in clients.into_iter().enumerate() {
            shares[at % THREADS].push(client);
        }
        let start = |share| {
            let course = Arc::clone(&course);
            let thread = thread::Builder::new().name(THREAD_NAME.into());
            thread.spawn(move || drive(share, &course))
        };
        let threads = shares.into_iter().map(start).collect::<io::Result<_>>()?;
        Ok(Self { course, threads })
    }

    /// Lets every client finish its request; gives the clients back, and what they were answered.
    pub(crate) fn stop(self) -> io::Result<(Vec<C>, Tallies)> {
        self.course.over.store(true, Ordering::Relaxed);
        self.finish()
    }

    /// Waits until every client is done by itself.
    pub(crate) fn finish(self) -> io::Result<(Vec<C>, Tallies)> {
        let (mut clients, mut tallies) = (Vec::new(), Tallies::default());
        for thread in self.threads {
            let joined = thread.join();
            let (own, told) = joined.map_err(|_| io::Error::other("a client panicked"))??;
            clients.extend(own);
            tallies.add(told);
        }
        tallies.settle(self.course.began.elapsed());
        let silence_us = self.course.silence_us.load(Ordering::Relaxed);
        tallies.silence = Duration::from_micros(silence_us);
        Ok((clients, tallies))
    }

    /// The same after so long.
    pub(crate) fn stop_after(self, length: Duration) -> io::Result<(Vec<C>, Tallies)> {
        thread::sleep(length);
        self.stop()
    }
}

fn drive<C: Client>(clients: Vec<C>, course: &Arc<Course>) -> io::Result<Share<C>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let visit = |client| tokio::task::spawn_local(visit(client, Arc::clone(course)));
        let tasks: Vec<_> = clients.into_iter().map(visit).collect();
        let (mut clients, mut tallies) = (Vec::new(), Tallies::default());
        for task in tasks {
            let (client, told) = task.await.map_err(io::Error::other)?;
            clients.push(client);
            tallies.add(told);
        }
        Ok((clients, tallies))
    })
}

/// One client's requests until the course is over.
async fn visit<C: Client>(mut client: C, course: Arc<Course>) -> (C, Tallies) {
    let mut tallies = Tallies::default();
    let mut connection = None;
    let (mut request, mut response) = (Vec::with_capacity(1024), Vec::with_capacity(4096));
    while let Some(due) = course.next().await {
        request.clear();
        let Some(name) = client.asks(&mut request) else {
            break;
        };
        let tally = tallies.of(name);
        let Some(stream) = connected(&mut connection, &course, tally).await else {
            client.hears_nothing();
            break;
        };
        let sent = Instant::now();
        if let Some(due) = due {
            tally.late.add(sent - due);
        }
        let exchanged = timeout(ANSWER_TIMEOUT, exchange(stream, &request, &mut response)).await;
        let text = std::str::from_utf8(&response).unwrap_or_default();
        let Ok(Ok(status)) = exchanged else {
            tally.lost += 1;
            connection = None;
            client.hears_nothing();
            continue;
        };
        let answer = Answer { status, text };
        let code = if status < 300 { "" } else { answer.code() };
        tally.count(status, code, sent.elapsed());
        course.hears();
        if answer.closes() {
            connection = None;
        }
        client.hears(&answer);
    }
    (client, tallies)
}

/// A connection, a new one if there is none; `None` if the course ends before there is one.
async fn connected<'a>(
    connection: &'a mut Option<TcpStream>,
    course: &Course,
    tally: &mut Tally,
) -> Option<&'a mut TcpStream> {
    while connection.is_none() {
        if course.is_over() {
            return None;
        }
        match TcpStream::connect(course.address).await {
            Ok(stream) => {
                drop(stream.set_nodelay(true));
                *connection = Some(stream);
            }
            Err(_unreached) => {
                tally.unreached += 1;
                sleep(UNREACHED_PAUSE).await;
            }
        }
    }
    connection.as_mut()
}

impl Course {
    /// Waits until the next request may begin. In the open loop, gives the time it was due.
    async fn next(&self) -> Option<Option<Instant>> {
        let due = match self.pace {
            Pace::Thinking(0) => None,
            Pace::Thinking(longest_ms) => {
                sleep(Duration::from_millis(fastrand::u64(..=longest_ms))).await;
                None
            }
            Pace::PerSecond(rate) => {
                let number = self.taken.fetch_add(1, Ordering::Relaxed);
                let due = self.began + Duration::from_nanos(number * 1_000_000_000 / rate.max(1));
                sleep_until(due).await;
                Some(due)
            }
        };
        (!self.is_over()).then_some(due)
    }

    /// Somebody had an answer.
    fn hears(&self) {
        let now_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let before_us = self.heard_us.swap(now_us, Ordering::Relaxed);
        let silence_us = now_us.saturating_sub(before_us);
        self.silence_us.fetch_max(silence_us, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

impl<'a> Answer<'a> {
    /// What stands behind `marker`, up to one of the `ends`.
    fn after(&self, marker: &str, ends: &[char]) -> Option<&'a str> {
        let (_, rest) = self.text.split_once(marker)?;
        rest.split(ends).next()
    }

    /// The stable code of a problem; nothing if there is none.
    pub(crate) fn code(&self) -> &'a str {
        self.after("\"code\" : \"", &['"']).unwrap_or_default()
    }

    /// The number of what was made, from `Location`.
    pub(crate) fn number(&self) -> Option<u64> {
        let location = self.after("ocation: ", &['\r'])?;
        location.rsplit('/').next()?.parse().ok()
    }

    /// Whether the server ends the connection behind this answer.
    fn closes(&self) -> bool {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default();
        head.lines().any(|line| {
            let (name, value) = line.split_once(':').unwrap_or_default();
            name.eq_ignore_ascii_case("connection") && value.trim().eq_ignore_ascii_case("close")
        })
    }
}

/// Appends a request with a JSON body.
pub(crate) fn write(request: &mut Vec<u8>, line: &str, key: Option<&str>, body: &str) {
    let mut add = |text: &str| request.extend_from_slice(text.as_bytes());
    add(line);
    add(" HTTP/1.1\r\nHost: jumun\r\nAccept: */*\r\nContent-Type: application/json\r\n");
    if let Some(key) = key {
        add("Idempotency-Key: ");
        add(key);
        add("\r\n");
    }
    add(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
}

/// How many had which answer, as `503 overloaded 12`.
pub(crate) type Answers = BTreeMap<u16, BTreeMap<String, u64>>;
