//! Server-sent events, from bytes that come in any pieces.

/// What came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    /// Its name.
    pub(super) event: String,
    /// Its text, usually one line of JSON; empty where only the id moved.
    pub(super) data: String,
}

/// Reads a stream.
#[derive(Debug, Default)]
pub(super) struct Parser {
    bytes: Vec<u8>,
    message: Message,
    /// What to go on after.
    pub(super) last_id: Option<String>,
}

impl Parser {
    /// Takes bytes in, and hands whole messages to `take`, each once [`Parser::last_id`] is its own.
    pub(super) fn feed<E>(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(Message) -> Result<(), E>,
    ) -> Result<(), E> {
        self.bytes.extend_from_slice(bytes);
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            if let Some(message) = self.line(line.trim_end_matches(['\r', '\n'])) {
                take(message)?;
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> Option<Message> {
        if line.is_empty() {
            let message = std::mem::take(&mut self.message);
            return (!message.data.is_empty()).then_some(message);
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "id" => self.last_id = Some(value.to_owned()),
            "event" => value.clone_into(&mut self.message.event),
            "data" => {
                if !self.message.data.is_empty() {
                    self.message.data.push('\n');
                }
                self.message.data.push_str(value);
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_the_same_in_whatever_pieces_it_comes() {
        let stream = "retry: 1000\nid: 3\n\n: alive\nid: 7\n\nid: 9\r\nevent: 꽃\r\n\
                      data: {\"a\": 1}\r\n\r\ndata:one\ndata: two\n\n";
        for size in 1..stream.len() {
            let (mut parser, mut found) = (Parser::default(), Vec::new());
            for piece in stream.as_bytes().chunks(size) {
                let taken = parser.feed(piece, |message| {
                    found.push((message.event, message.data));
                    Ok::<(), ()>(())
                });
                assert_eq!(taken, Ok(()));
            }
            let expected = [("꽃", "{\"a\": 1}"), ("", "one\ntwo")];
            assert_eq!(
                found,
                expected.map(|(one, two)| (one.to_owned(), two.to_owned()))
            );
            assert_eq!(parser.last_id.as_deref(), Some("9"));
        }
    }
}
