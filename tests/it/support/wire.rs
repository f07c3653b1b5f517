//! Clients that notice everything that happens to their connections.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::ORDER;

/// Longer than any answer takes, shorter than anyone waits for a test.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Clients that place orders and read them, without a pause.
#[derive(Debug)]
pub(crate) struct Clients {
    stop: Arc<AtomicBool>,
    answers: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<Vec<u64>>>,
}

impl Clients {
    /// Starts so many that keep their connections, and so many that use each for one request.
    pub(crate) fn start(address: SocketAddr, keeping: usize, fresh: usize) -> Self {
        let (stop, answers) = <(Arc<AtomicBool>, Arc<AtomicUsize>)>::default();
        let threads = (0..keeping + fresh).map(|at| {
            let (stop, answers) = (Arc::clone(&stop), Arc::clone(&answers));
            std::thread::spawn(move || {
                let mut client = Wire::new(address, at < keeping);
                let mut numbers = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let number = client.place();
                    client.ask("GET", &format!("/flowers/orders/{number}"), "", 200);
                    numbers.push(number);
                    answers.fetch_add(1, Ordering::Relaxed);
                }
                numbers
            })
        });
        Self {
            threads: threads.collect(),
            stop,
            answers,
        }
    }

    /// Waits until so many more orders were placed and read, unless a client has failed.
    pub(crate) fn wait_for(&self, orders: usize) {
        let wanted = self.answers.load(Ordering::Relaxed) + orders;
        while self.answers.load(Ordering::Relaxed) < wanted {
            let all_run = self.threads.iter().all(|thread| !thread.is_finished());
            assert!(all_run, "a client has failed, see above");
            std::thread::yield_now();
        }
    }

    /// Stops them; the numbers of the orders that were answered. None of them may have failed.
    pub(crate) fn stop(self) -> Vec<u64> {
        self.stop.store(true, Ordering::Relaxed);
        let numbers = self.threads.into_iter().map(JoinHandle::join);
        let numbers = numbers.map(|numbers| numbers.expect("every answer came as it should"));
        numbers.flatten().collect()
    }
}

/// One client with one connection at a time.
#[derive(Debug)]
pub(crate) struct Wire {
    address: SocketAddr,
    keeps: bool,
    stream: Option<TcpStream>,
}

impl Wire {
    /// A client of the server at `address`, that keeps its connection or does not.
    pub(crate) const fn new(address: SocketAddr, keeps: bool) -> Self {
        Self {
            address,
            keeps,
            stream: None,
        }
    }

    /// Places an order; its number.
    pub(crate) fn place(&mut self) -> u64 {
        let text = self.ask("POST", "/flowers/orders", ORDER, 201);
        let location = text
            .lines()
            .find_map(|line| line.strip_prefix("location: "));
        let number = location.and_then(|own| own.rsplit('/').next()?.parse().ok());
        number.unwrap_or_else(|| panic!("an order has a place: {text}"))
    }

    /// Sends a request, which must be answered with this status, and gives the answer back. A
    /// connection that was to be kept is never opened anew, but after an answer that says so.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &str, status: u16) -> String {
        let answer = self.try_ask(method, path, body);
        let text = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let expected = format!("HTTP/1.1 {status} ");
        assert!(text.starts_with(&expected), "{method} {path}: {text}");
        text
    }

    /// Whether the last answer said that its connection is kept.
    pub(crate) const fn is_kept(&self) -> bool {
        self.stream.is_some()
    }

    fn try_ask(&mut self, method: &str, path: &str, body: &str) -> io::Result<String> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => TcpStream::connect(self.address)?,
        };
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        let connection = if self.keeps { "keep-alive" } else { "close" };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: {connection}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes())?;
        let text = read(&mut stream)?;
        let says_close = text.to_lowercase().contains("\r\nconnection: close\r\n");
        if self.keeps && !says_close {
            self.stream = Some(stream);
        } else if stream.read(&mut [0])? > 0 {
            return Err(io::Error::other("more came after the answer"));
        }
        Ok(text)
    }
}

/// One answer, of the length that it says.
fn read(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return Ok(text.into_owned());
            }
        }
        match stream.read(&mut piece)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => bytes.extend_from_slice(&piece[..count]),
        }
    }
}
