//! A mail server on a free port, which keeps what it takes. `mailin` knows the protocol; here are the
//! sockets, and what goes wrong.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use mailin::{Action, AuthMechanism, Handler, Response, SessionBuilder, response};

/// Longer than any mail takes.
const MAIL_TIMEOUT: Duration = Duration::from_secs(30);

/// The only one whom the server knows.
pub(crate) const USER: (&str, &str) = ("shop", "a secret");

/// What becomes of a mail that has come whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is kept.
    Taken,
    /// 451: later, perhaps.
    Busy,
    /// 550: never.
    Refused,
    /// It is kept, and the connection ends without a word.
    TakenSilently,
    /// It is kept, and nothing is said for as long as somebody waits.
    Held,
}

/// A mail as it came.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// Who sent it had said who it was.
    pub(crate) is_known: bool,
    /// Header and body.
    pub(crate) text: String,
}

/// The server. It ends with the test.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox {
    address: SocketAddr,
    shared: Arc<(Mutex<Shared>, Condvar)>,
}

#[derive(Debug, Default)]
struct Shared {
    kept: Vec<Mail>,
    /// How many came whole, whatever became of them.
    came: usize,
    /// Of the mails to come; when it is empty they are taken.
    fates: VecDeque<Fate>,
}

impl Mailbox {
    /// Starts it.
    pub(crate) fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mailbox = Self {
            address: listener.local_addr().unwrap(),
            shared: Arc::default(),
        };
        let own = mailbox.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let own = own.clone();
                std::thread::spawn(move || drop(own.converse(&stream.unwrap())));
            }
        });
        mailbox
    }

    /// Its part of a configuration file.
    pub(crate) fn settings(&self) -> String {
        let (user, password) = USER;
        format!(
            "[channels.mail]\nserver = \"{}\"\nencryption = \"none\"\nuser = \"{user}\"\n\
             password = \"{password}\"\nfrom = \"점문 <shop@example.org>\"\n",
            self.address
        )
    }

    /// What becomes of the next mails.
    pub(crate) fn plan(&self, fates: &[Fate]) {
        self.shared.0.lock().unwrap().fates.extend(fates);
    }

    /// Waits until so many mails were kept, and hands all of them out.
    pub(crate) fn kept(&self, count: usize) -> Vec<Mail> {
        self.until(count, |shared| shared.kept.len());
        self.shared.0.lock().unwrap().kept.clone()
    }

    /// Waits until so many mails came whole.
    pub(crate) fn came(&self, count: usize) {
        self.until(count, |shared| shared.came);
    }

    fn until(&self, count: usize, so_far: impl Fn(&Shared) -> usize) {
        let (shared, changed) = &*self.shared;
        let guard = shared.lock().unwrap();
        let is_missing = |shared: &mut Shared| so_far(shared) < count;
        let waited = changed.wait_timeout_while(guard, MAIL_TIMEOUT, is_missing);
        let (shared, waited) = waited.unwrap();
        assert!(!waited.timed_out(), "{count} mails wanted: {shared:#?}");
    }

    fn converse(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut builder = SessionBuilder::new("mailbox");
        builder
            .insecure_enable_plaintext_auth()
            .enable_auth(AuthMechanism::Plain);
        let reader = Reader {
            mailbox: self.clone(),
            mail: None,
            is_known: false,
        };
        let mut session = builder.build(IpAddr::V4(Ipv4Addr::LOCALHOST), reader);
        let mut out = stream;
        out.write_all(&session.greeting().buffer()?)?;
        let mut lines = BufReader::new(stream);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            let answer = session.process(&line);
            line.clear();
            match answer.code {
                HANG_UP => return Ok(()),
                SILENCE => continue,
                _ => {}
            }
            if !matches!(answer.action, Action::NoReply) {
                out.write_all(&answer.buffer()?)?;
            }
            if matches!(answer.action, Action::Close) {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// No codes of SMTP: the connection ends, or nothing is answered.
const HANG_UP: u16 = 999;
const SILENCE: u16 = 998;

/// One conversation.
struct Reader {
    mailbox: Mailbox,
    mail: Option<(Mail, Vec<u8>)>,
    is_known: bool,
}

impl Handler for Reader {
    fn auth_plain(&mut self, _as: &str, user: &str, password: &str) -> Response {
        self.is_known = (user, password) == USER;
        if self.is_known {
            response::AUTH_OK
        } else {
            response::INVALID_CREDENTIALS
        }
    }

    fn data_start(&mut self, _domain: &str, from: &str, _8bit: bool, to: &[String]) -> Response {
        let mail = Mail {
            from: from.to_owned(),
            to: to.to_vec(),
            is_known: self.is_known,
            text: String::new(),
        };
        self.mail = Some((mail, Vec::new()));
        response::OK
    }

    fn data(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.mail.as_mut().unwrap().1.extend_from_slice(bytes);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let (mut mail, bytes) = self.mail.take().unwrap();
        mail.text = String::from_utf8(bytes).unwrap();
        let (shared, changed) = &*self.mailbox.shared;
        let mut shared = shared.lock().unwrap();
        shared.came += 1;
        let fate = shared.fates.pop_front().unwrap_or(Fate::Taken);
        if matches!(fate, Fate::Taken | Fate::TakenSilently | Fate::Held) {
            shared.kept.push(mail);
        }
        changed.notify_all();
        match fate {
            Fate::Taken => response::OK,
            Fate::Busy => response::INTERNAL_ERROR,
            Fate::Refused => response::NO_MAILBOX,
            Fate::TakenSilently => Response::custom(HANG_UP, String::new()),
            Fate::Held => Response::custom(SILENCE, String::new()),
        }
    }
}

impl Mail {
    /// A header, decoded.
    pub(crate) fn header(&self, name: &str) -> String {
        let (head, _) = self.text.split_once("\r\n\r\n").expect("a header");
        let head = head.replace("\r\n ", " ");
        let found = head.lines().find_map(|line| {
            let (own, value) = line.split_once(": ")?;
            own.eq_ignore_ascii_case(name).then(|| words(value))
        });
        found.unwrap_or_else(|| panic!("no {name} in {}", self.text))
    }

    /// The text, decoded.
    pub(crate) fn body(&self) -> String {
        let (_, body) = self.text.split_once("\r\n\r\n").expect("a body");
        let bytes = match &*self.header("Content-Transfer-Encoding") {
            "base64" => base64(body),
            "7bit" => body.into(),
            "quoted-printable" => quoted(&body.replace("=\r\n", "")),
            other => panic!("unknown encoding {other}"),
        };
        String::from_utf8(bytes).unwrap().trim_end().to_owned()
    }
}

/// Encoded words (RFC 2047); the blanks between two of them are not there.
fn words(value: &str) -> String {
    let mut decoded = String::new();
    let mut was_encoded = false;
    for word in value.split(' ') {
        let own = word
            .strip_prefix("=?utf-8?b?")
            .and_then(|own| own.strip_suffix("?="));
        if !(decoded.is_empty() || was_encoded && own.is_some()) {
            decoded.push(' ');
        }
        was_encoded = own.is_some();
        let text = own.map(|own| String::from_utf8(base64(own)).unwrap());
        decoded.push_str(text.as_deref().unwrap_or(word));
    }
    decoded
}

fn base64(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    let letters = text.bytes().filter_map(|byte| {
        let place = LETTERS.iter().position(|own| *own == byte)?;
        u32::try_from(place).ok()
    });
    for letter in letters {
        bits = (bits << 6) | letter;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).unwrap());
        }
    }
    bytes
}

fn quoted(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'=' {
            let hex = std::str::from_utf8(&after[..2]).unwrap();
            bytes.push(u8::from_str_radix(hex, 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(*first);
        }
    }
    bytes
}
