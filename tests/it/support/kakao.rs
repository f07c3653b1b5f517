//! One of the companies that send KakaoTalk messages, as far as a shop sees it: it keeps what it is
//! asked to send.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use serde_json::Value;

/// Longer than any message takes.
const MESSAGE_TIMEOUT: Duration = Duration::from_mins(1);

/// What it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Header lines in small letters.
    pub(crate) head: String,
    pub(crate) body: Value,
    /// What it answered.
    pub(crate) status: u16,
}

/// The company. It ends with the test.
#[derive(Clone, Debug)]
pub(crate) struct Kakao {
    address: SocketAddr,
    shared: Arc<(Mutex<Shared>, Condvar)>,
}

#[derive(Debug, Default)]
struct Shared {
    asked: Vec<Asked>,
    /// The next answers' statuses; when there are none, 200.
    statuses: VecDeque<u16>,
}

impl Kakao {
    /// Opens it.
    pub(crate) fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let kakao = Self {
            address: listener.local_addr().unwrap(),
            shared: Arc::default(),
        };
        let own = kakao.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let own = own.clone();
                std::thread::spawn(move || drop(own.serve(&stream.unwrap())));
            }
        });
        kakao
    }

    /// Its part of a configuration file.
    pub(crate) fn settings(&self) -> String {
        format!(
            "[channels.kakao]\nurl = \"http://{}/send\"\nsender_key = \"the shop's key\"\n\
             headers = {{ X-Secret-Key = \"of the shop\" }}\n",
            self.address
        )
    }

    /// Answers the next requests so.
    pub(crate) fn plan(&self, statuses: &[u16]) {
        self.shared.0.lock().unwrap().statuses.extend(statuses);
    }

    /// Waits until it was asked so often, and says what.
    pub(crate) fn asked(&self, count: usize) -> Vec<Asked> {
        let (shared, changed) = &*self.shared;
        let is_missing = |shared: &mut Shared| shared.asked.len() < count;
        let guard = shared.lock().unwrap();
        let waited = changed.wait_timeout_while(guard, MESSAGE_TIMEOUT, is_missing);
        let (shared, waited) = waited.unwrap();
        assert!(!waited.timed_out(), "{count} wanted: {shared:#?}");
        shared.asked.clone()
    }

    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream);
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if lines.read_line(&mut head)? == 0 {
                    return Ok(());
                }
            }
            let head = head.to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.unwrap().parse().unwrap()];
            lines.read_exact(&mut body)?;
            let status = self.note(head, serde_json::from_slice(&body).unwrap());
            let body = r#"{"header": {"isSuccessful": true}}"#;
            let length = body.len();
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n{body}");
            let mut out = stream;
            out.write_all(answer.as_bytes())?;
        }
    }

    fn note(&self, head: String, body: Value) -> u16 {
        let (shared, changed) = &*self.shared;
        let mut shared = shared.lock().unwrap();
        let status = shared.statuses.pop_front().unwrap_or(200);
        shared.asked.push(Asked { head, body, status });
        changed.notify_all();
        status
    }
}
