//! A client of a stream, as a browser's `EventSource` is one.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// Longer than anything takes, shorter than anyone waits for a test.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A stream that is being read.
pub(super) struct Reader {
    lines: BufReader<TcpStream>,
    /// Bytes of the chunk that are not read yet; `None` in the head.
    in_chunk: Option<usize>,
    /// What it would say when it connects again.
    pub(super) last_id: String,
}

/// What came.
#[derive(Debug, PartialEq)]
pub(super) struct Came {
    /// Its name; empty where it is none, but only moves the id.
    pub(super) event: String,
    pub(super) data: Value,
}

impl Reader {
    /// Begins to read what comes after `last_id`, or from now on.
    pub(super) fn open(address: SocketAddr, path: &str, last_id: &str) -> io::Result<Self> {
        let reader = Self::try_open(address, path, last_id)?;
        let (status, reader) = reader;
        assert!(status.contains(" 200 "), "{status}");
        Ok(reader)
    }

    /// The same, whatever the answer's status.
    pub(super) fn try_open(
        address: SocketAddr,
        path: &str,
        last_id: &str,
    ) -> io::Result<(String, Self)> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: text/event-stream\r\n\
             last-event-id: {last_id}\r\n\r\n"
        );
        stream.write_all(head.as_bytes())?;
        let mut reader = Self {
            lines: BufReader::new(stream),
            in_chunk: None,
            last_id: last_id.to_owned(),
        };
        let status = reader.line()?;
        while !reader.line()?.is_empty() {}
        reader.in_chunk = Some(0);
        Ok((status, reader))
    }

    /// The next event; an error at the end of the stream.
    pub(super) fn next(&mut self) -> io::Result<Came> {
        loop {
            let came = self.next_or_id()?;
            if !came.event.is_empty() {
                return Ok(came);
            }
        }
    }

    /// The same, or what only moves the id.
    pub(super) fn next_or_id(&mut self) -> io::Result<Came> {
        let (mut event, mut data) = (String::new(), Value::Null);
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(Came { event, data });
            }
            let (name, value) = line.split_once(": ").unwrap_or((&line, ""));
            match name {
                "id" => value.clone_into(&mut self.last_id),
                "event" => value.clone_into(&mut event),
                "data" => data = serde_json::from_str(value).unwrap(),
                "" | "retry" => {}
                _ => panic!("no line of a stream: {line}"),
            }
        }
    }

    /// What is left of it, at its end.
    pub(super) fn rest(mut self) -> Vec<Came> {
        std::iter::from_fn(|| self.next().ok()).collect()
    }

    /// A line of the head, or of the stream, which comes in chunks that end anywhere.
    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            if self.in_chunk == Some(0) {
                let size = self.raw_line()?;
                let size = if size.is_empty() {
                    self.raw_line()?
                } else {
                    size
                };
                let size = usize::from_str_radix(&size, 16).unwrap();
                if size == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.in_chunk = Some(size);
            }
            let most = self.in_chunk.unwrap_or(usize::MAX) as u64;
            let read = self
                .lines
                .by_ref()
                .take(most)
                .read_until(b'\n', &mut line)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.in_chunk = self.in_chunk.map(|left| left - read);
        }
        Ok(String::from_utf8(line).unwrap().trim_end().to_owned())
    }

    fn raw_line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}
