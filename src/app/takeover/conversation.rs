//! What two processes say to each other: a line each, one of which comes with a socket.

use std::{
    fmt, io,
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use tokio::{io::Interest, net::UnixStream};

/// The longest line, in bytes. What is told of a failure is cut to fit.
const LINE_BYTES_MAX: usize = 8 * 1024;

/// What is said. See the [module](super).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Which protocol the one who says it speaks, and its version.
    Hello(u32, String),
    /// Why it cannot be taken over.
    Refused(String),
    /// Give me the directory.
    Take,
    /// Here is the socket.
    Listener,
    /// The directory is yours.
    Released,
    /// I serve.
    Serving,
    /// I cannot; take it back.
    Failed(String),
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What somebody is told is one line here, and as it was there.
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('\n', "\\n");
        match self {
            Self::Hello(protocol, version) => write!(f, "hello {protocol} {version}"),
            Self::Refused(why) => write!(f, "refused {}", escaped(why)),
            Self::Take => f.write_str("take"),
            Self::Listener => f.write_str("listener"),
            Self::Released => f.write_str("released"),
            Self::Serving => f.write_str("serving"),
            Self::Failed(why) => write!(f, "failed {}", escaped(why)),
        }
    }
}

impl Word {
    /// It is not what is said at this point.
    pub(super) fn means_nothing(&self) -> io::Error {
        let what = format!("it said `{self}`, which means nothing now");
        io::Error::new(io::ErrorKind::InvalidData, what)
    }

    fn read(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        Some(match word {
            "hello" => {
                let (protocol, version) = rest.split_once(' ').unwrap_or((rest, ""));
                Self::Hello(protocol.parse().ok()?, version.to_owned())
            }
            "refused" => Self::Refused(unescaped(rest)),
            "take" => Self::Take,
            "listener" => Self::Listener,
            "released" => Self::Released,
            "serving" => Self::Serving,
            "failed" => Self::Failed(unescaped(rest)),
            _ => return None,
        })
    }
}

fn unescaped(text: &str) -> String {
    let parts = text.split("\\\\").map(|part| part.replace("\\n", "\n"));
    parts.collect::<Vec<_>>().join("\\")
}

/// One side of it.
#[derive(Debug)]
pub(super) struct Conversation {
    stream: UnixStream,
    heard: Vec<u8>,
    passed: Vec<OwnedFd>,
}

impl Conversation {
    pub(super) const fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            heard: Vec::new(),
            passed: Vec::new(),
        }
    }

    /// Says a word.
    pub(super) async fn say(&self, word: &Word) -> io::Result<()> {
        self.send(word, &[]).await
    }

    /// Says a word, and passes a descriptor.
    pub(super) async fn say_with(&self, word: &Word, passed: BorrowedFd<'_>) -> io::Result<()> {
        self.send(word, &[passed]).await
    }

    async fn send(&self, word: &Word, passed: &[BorrowedFd<'_>]) -> io::Result<()> {
        let mut line = word.to_string();
        while line.len() >= LINE_BYTES_MAX {
            line.pop();
        }
        line.push('\n');
        let send = || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut with = SendAncillaryBuffer::new(&mut space);
            if !passed.is_empty() && !with.push(SendAncillaryMessage::ScmRights(passed)) {
                return Err(io::Error::other("there is no room for a descriptor"));
            }
            let text = [io::IoSlice::new(line.as_bytes())];
            Ok(sendmsg(
                &self.stream,
                &text,
                &mut with,
                SendFlags::NOSIGNAL,
            )?)
        };
        // A socket of its own takes so short a line whole, or the other does not listen.
        if self.stream.async_io(Interest::WRITABLE, send).await? == line.len() {
            Ok(())
        } else {
            Err(io::ErrorKind::WriteZero.into())
        }
    }

    /// The next word. An error if the other one has gone, or says none.
    pub(super) async fn hear(&mut self) -> io::Result<Word> {
        loop {
            if let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.heard.drain(..=end).collect();
                let line = str::from_utf8(&line[..end]).ok();
                return line.and_then(Word::read).ok_or_else(|| {
                    io::Error::new(io::ErrorKind::InvalidData, "what it says means nothing")
                });
            }
            if self.heard.len() > LINE_BYTES_MAX {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "it says too much",
                ));
            }
            if self.receive().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// The next word, which must come within so long.
    pub(super) async fn hear_within(&mut self, wait: Duration) -> io::Result<Word> {
        let heard = tokio::time::timeout(wait, self.hear()).await;
        heard.unwrap_or_else(|_late| Err(io::ErrorKind::TimedOut.into()))
    }

    /// What was passed with a word that was heard.
    pub(super) fn passed(&mut self) -> Option<OwnedFd> {
        self.passed.pop()
    }

    async fn receive(&mut self) -> io::Result<usize> {
        let Self {
            stream,
            heard,
            passed,
        } = self;
        let receive = || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut with = RecvAncillaryBuffer::new(&mut space);
            let mut bytes = [0; 1024];
            let mut text = [io::IoSliceMut::new(&mut bytes)];
            let flags = RecvFlags::CMSG_CLOEXEC;
            let received = recvmsg(stream.as_fd(), &mut text, &mut with, flags)?;
            for message in with.drain() {
                if let RecvAncillaryMessage::ScmRights(all) = message {
                    passed.extend(all);
                }
            }
            heard.extend_from_slice(&bytes[..received.bytes]);
            Ok(received.bytes)
        };
        stream.async_io(Interest::READABLE, receive).await
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, net::TcpListener};

    use super::*;

    fn pair() -> (Conversation, Conversation) {
        let (one, other) = UnixStream::pair().unwrap();
        (Conversation::new(one), Conversation::new(other))
    }

    #[tokio::test]
    async fn words_come_as_they_were_said_and_a_socket_with_its_word() {
        let (one, mut other) = pair();
        let words = [
            Word::Hello(7, "1.2.3 or so".into()),
            Word::Refused("two lines:\n a \\n that is none, \\".into()),
            Word::Take,
            Word::Released,
            Word::Serving,
            Word::Failed(String::new()),
        ];
        for word in &words {
            one.say(word).await.unwrap();
        }
        for word in words {
            assert_eq!(other.hear().await.unwrap(), word);
            assert!(other.passed().is_none());
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        one.say_with(&Word::Listener, listener.as_fd())
            .await
            .unwrap();
        assert_eq!(other.hear().await.unwrap(), Word::Listener);
        let passed = TcpListener::from(other.passed().unwrap());
        assert_eq!(passed.local_addr().unwrap(), listener.local_addr().unwrap());
    }

    #[tokio::test]
    async fn one_that_has_gone_or_talks_nonsense_is_an_error_and_never_waited_for() {
        let check = async |said: &[u8], expected: io::ErrorKind| {
            let (one, other) = std::os::unix::net::UnixStream::pair().unwrap();
            (&one).write_all(said).unwrap();
            drop(one);
            other.set_nonblocking(true).unwrap();
            let mut other = Conversation::new(UnixStream::from_std(other).unwrap());
            assert_eq!(other.hear().await.unwrap_err().kind(), expected);
        };
        check(b"", io::ErrorKind::UnexpectedEof).await;
        check(b"tak", io::ErrorKind::UnexpectedEof).await;
        check(b"dance\n", io::ErrorKind::InvalidData).await;
        check(b"hello you\n", io::ErrorKind::InvalidData).await;
        check(&[b'x'; 2 * LINE_BYTES_MAX], io::ErrorKind::InvalidData).await;
    }
}
