//! Following one shop's feed, over as many connections as it takes.

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use awc::body::MessageBody;
use serde_json::Value;

use super::{
    Trouble,
    client::{Answer, Client},
    print::{self, Printer},
    sse::{Message, Parser},
};

/// After which pause a connection is tried again, at first and at most.
const PAUSE_FIRST: Duration = Duration::from_millis(200);
const PAUSE_LONGEST: Duration = Duration::from_secs(5);

/// How long nothing may come before a connection counts as dead. A server says more often that it is
/// alive.
const SILENCE_MAX: Duration = Duration::from_secs(90);

/// What is asked of each shop.
pub(super) struct Asked {
    pub(super) types: Vec<String>,
    pub(super) subjects: Vec<String>,
    pub(super) from: String,
    /// Whether a shop that has nothing of the kind is left out without a word.
    pub(super) lenient: bool,
}

/// Follows one shop.
pub(super) struct Follower<'a, 'o> {
    pub(super) client: &'a Client,
    pub(super) printer: &'a RefCell<Printer<'o>>,
    pub(super) asked: &'a Asked,
    pub(super) shop: String,
}

/// How one connection came to its end.
enum End {
    /// For this reason; it is worth another try.
    Broke(String),
    /// The shop has nothing of what is asked for.
    NotHere(String),
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<End, Trouble>> + 'a>>;

/// Follows all of them, until the first that cannot go on; or until none is left.
pub(super) async fn all(followers: Vec<Follower<'_, '_>>) -> Result<(), Trouble> {
    let lenient = followers.first().is_some_and(|first| first.asked.lenient);
    let running = followers
        .iter()
        .map(|follower| -> Running<'_> { Box::pin(follower.run()) });
    let mut running: Vec<Running<'_>> = running.collect();
    let mut left_out = None;
    while !running.is_empty() {
        let (place, end) = poll_fn(|context| {
            let mut polled = running.iter_mut().enumerate();
            let ready = polled.find_map(|(place, one)| match one.as_mut().poll(context) {
                Poll::Ready(end) => Some((place, end)),
                Poll::Pending => None,
            });
            ready.map_or(Poll::Pending, Poll::Ready)
        })
        .await;
        drop(running.swap_remove(place));
        match end? {
            End::NotHere(why) if lenient => left_out = Some(why),
            End::NotHere(why) | End::Broke(why) => return Err(Trouble::Refused(why)),
        }
    }
    left_out.map_or(Ok(()), |why| Err(Trouble::Refused(why)))
}

impl Follower<'_, '_> {
    /// Ends only where another try is of no use.
    async fn run(&self) -> Result<End, Trouble> {
        let (mut last_id, mut pause, mut has_begun) = (None, PAUSE_FIRST, false);
        let mut noted = None;
        loop {
            let before = last_id.clone();
            let end = match self.connect(&mut last_id).await {
                // A server that is not there at all is a mistake; one that was there comes back.
                Err(Trouble::Unreachable { why, .. }) if has_begun => End::Broke(why),
                ended => ended?,
            };
            let End::Broke(why) = end else {
                return Ok(end);
            };
            has_begun = true;
            if last_id != before {
                (pause, noted) = (PAUSE_FIRST, None);
            }
            // While it stays away, that is said once.
            if noted.as_ref() != Some(&why) {
                let from = last_id.as_deref().unwrap_or(&self.asked.from);
                print::note(&format!(
                    "{}: {why}; connecting again, from {from}",
                    self.shop
                ));
                noted = Some(why);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_LONGEST);
        }
    }

    async fn connect(&self, last_id: &mut Option<String>) -> Result<End, Trouble> {
        let path = self.path();
        let answer = self
            .client
            .get(&path, "text/event-stream", last_id.as_deref())
            .await?;
        if answer.status != 200 {
            return refused(answer).await;
        }
        let mut body = pin!(answer.body);
        let mut parser = Parser::default();
        let mut why = "the connection broke".to_owned();
        loop {
            let next = poll_fn(|context| body.as_mut().poll_next(context));
            let bytes = match tokio::time::timeout(SILENCE_MAX, next).await {
                Ok(Some(Ok(bytes))) => bytes,
                Ok(Some(Err(_)) | None) => return Ok(End::Broke(why)),
                Err(_silent) => return Ok(End::Broke("nothing comes any more".to_owned())),
            };
            let taken = parser.feed(&bytes, |message| self.take(&message, &mut why));
            last_id.clone_from(&parser.last_id);
            taken?;
        }
    }

    fn take(&self, message: &Message, why: &mut String) -> Result<(), Trouble> {
        if message.event == "dropped" {
            let last: Value = serde_json::from_str(&message.data).unwrap_or_default();
            last["detail"].as_str().unwrap_or_default().clone_into(why);
            return Ok(());
        }
        let mut printer = self.printer.borrow_mut();
        Ok(printer.event(&self.shop, &message.data)?)
    }

    fn path(&self) -> String {
        let mut path = format!("/{}/events?after={}", self.shop, escaped(&self.asked.from));
        let all = [
            ("type", &self.asked.types),
            ("subject", &self.asked.subjects),
        ];
        for (name, values) in all {
            for value in values {
                path.extend(["&", name, "=", &escaped(value)]);
            }
        }
        path
    }
}

/// What a server says that gives no stream.
async fn refused(answer: Answer) -> Result<End, Trouble> {
    let status = answer.status;
    let problem: Value = serde_json::from_slice(&answer.whole().await).unwrap_or_default();
    let detail = problem["detail"].as_str();
    let detail = detail.map_or_else(|| format!("it answered {status}"), str::to_owned);
    match status {
        503 | 502 | 504 | 429 => Ok(End::Broke(detail)),
        400 | 404 => Ok(End::NotHere(detail)),
        _ => Err(Trouble::Refused(detail)),
    }
}

/// A value as it stands in a query.
fn escaped(value: &str) -> String {
    let bytes = value.bytes();
    bytes
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
