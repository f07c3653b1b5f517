//! A receiver of webhooks, as well or as badly behaved as a test wants it. Whatever it is sent must
//! be signed.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use serde_json::Value;
use standardwebhooks::Webhook;
use ureq::http::{HeaderMap, HeaderName, HeaderValue};

/// Longer than anything takes that a test waits for.
const PATIENCE: Duration = Duration::from_mins(2);

/// What it does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manners {
    /// Answers this status; below 300 it has taken what came.
    Answer(u16),
    /// Answers 429, and asks to be left alone for so many seconds.
    Busy(u64),
    /// Closes the connection without a word.
    Close,
    /// Says nothing for as long as the connection is open.
    Silence,
}

/// What came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) manners: Manners,
}

type Choose = dyn Fn(&Value) -> Manners + Send + Sync;

struct State {
    received: Mutex<Vec<Received>>,
    came: Condvar,
    secrets: Mutex<Vec<String>>,
    choose: Mutex<Arc<Choose>>,
}

/// A running receiver.
pub(crate) struct Receiver {
    address: SocketAddr,
    state: Arc<State>,
    is_stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Starts one that behaves like this.
    pub(crate) fn start(choose: impl Fn(&Value) -> Manners + Send + Sync + 'static) -> Self {
        let state = Arc::new(State {
            received: Mutex::default(),
            came: Condvar::new(),
            secrets: Mutex::default(),
            choose: Mutex::new(Arc::new(choose)),
        });
        Self::listen("127.0.0.1:0".parse().unwrap(), state)
    }

    fn listen(address: SocketAddr, state: Arc<State>) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let is_stopping = Arc::new(AtomicBool::new(false));
        let (own, stopping) = (Arc::clone(&state), Arc::clone(&is_stopping));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopping.load(Ordering::SeqCst) {
                    return;
                }
                let (own, stopping) = (Arc::clone(&own), Arc::clone(&stopping));
                std::thread::spawn(move || serve(stream.unwrap(), &own, &stopping));
            }
        });
        Self {
            address,
            state,
            is_stopping,
            thread: Some(thread),
        }
    }

    /// Ends it, and starts it again at the same address. What is under way is not answered.
    pub(crate) fn restart(mut self) -> Self {
        self.end();
        Self::listen(self.address, Arc::clone(&self.state))
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Requests must be signed with this secret, or one of those before.
    pub(crate) fn knows(&self, secret: &Value) {
        let secret = secret.as_str().unwrap().to_owned();
        self.state.secrets.lock().unwrap().push(secret);
    }

    /// Behaves like this from now on.
    pub(crate) fn behaves(&self, choose: impl Fn(&Value) -> Manners + Send + Sync + 'static) {
        *self.state.choose.lock().unwrap() = Arc::new(choose);
    }

    /// Waits until what came fits, and returns it.
    pub(crate) fn until(&self, fits: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let received = self.state.received.lock().unwrap();
        let waited = self
            .state
            .came
            .wait_timeout_while(received, PATIENCE, |received| !fits(received));
        let (received, waited) = waited.unwrap();
        let count = received.len();
        assert!(!waited.timed_out(), "it does not come; {count} came");
        received.clone()
    }

    fn end(&mut self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        // So that it looks.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.end();
    }
}

impl Received {
    /// Whether the receiver took it.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self.manners, Manners::Answer(..300))
    }

    /// The event's id.
    pub(crate) fn id(&self) -> u64 {
        self.body["id"].as_str().unwrap().parse().unwrap()
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

fn serve(stream: TcpStream, state: &State, is_stopping: &AtomicBool) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    while let Some((headers, body)) = request(&mut reader) {
        if is_stopping.load(Ordering::SeqCst) {
            return;
        }
        let secrets = state.secrets.lock().unwrap().clone();
        let verifies = |secret: &String| {
            let webhook = Webhook::new(secret).unwrap();
            webhook.verify(&body, &headers).is_ok()
        };
        assert!(
            secrets.is_empty() || secrets.iter().any(verifies),
            "not signed: {headers:?}"
        );
        let body: Value = serde_json::from_slice(&body).unwrap();
        let choose = Arc::clone(&state.choose.lock().unwrap());
        let manners = choose(&body);
        let received = Received {
            headers,
            body,
            manners,
        };
        state.received.lock().unwrap().push(received);
        state.came.notify_all();
        let answer = match manners {
            Manners::Answer(status) => {
                format!("HTTP/1.1 {status} So\r\ncontent-length: 5\r\n\r\nso be")
            }
            Manners::Busy(seconds) => {
                format!("HTTP/1.1 429 Busy\r\nretry-after: {seconds}\r\ncontent-length: 0\r\n\r\n")
            }
            Manners::Close => return,
            Manners::Silence => {
                drop(reader.read(&mut [0]));
                return;
            }
        };
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// The next request on a connection; `None` once it is closed.
fn request(reader: &mut BufReader<TcpStream>) -> Option<(HeaderMap, Vec<u8>)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    assert!(line.starts_with("POST /hook HTTP/1.1"), "{line}");
    let mut headers = HeaderMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    let length = headers.get("content-length")?.to_str().ok()?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((headers, body))
}
