//! What is written down: the events of one turn, each stamped with its entity and version.
//!
//! A batch is the unit of atomicity. Either all of it is durable or none of it is.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{EntityKey, Event, Kind, Timestamp, ids::OrderId, listing, storefront::CommandAction};

/// Ties together everything that one request from outside led to. A UUID's 128 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Correlation(pub [u8; 16]);

impl Correlation {
    /// As a UUID is written, in ASCII.
    pub fn text(&self) -> [u8; 36] {
        let mut digits = [0; 32];
        let (fours, _) = self.0.as_chunks();
        for (to, four) in digits.chunks_exact_mut(8).zip(fours) {
            to.copy_from_slice(&hex_at_once(*four));
        }
        let mut text = [b'-'; 36];
        text[..8].copy_from_slice(&digits[..8]);
        text[9..13].copy_from_slice(&digits[8..12]);
        text[14..18].copy_from_slice(&digits[12..16]);
        text[19..23].copy_from_slice(&digits[16..20]);
        text[24..].copy_from_slice(&digits[20..]);
        text
    }
}

impl fmt::Display for Correlation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.text()).expect("digits and hyphens"))
    }
}

const fn hex(byte: u8) -> [u8; 2] {
    const fn digit(half: u8) -> u8 {
        match half {
            0..=9 => b'0' | half,
            _ => b'a'.wrapping_add(half.wrapping_sub(10)),
        }
    }
    [digit(byte >> 4), digit(byte & 0xF)]
}

/// Every answer says a correlation: its digits are made eight at once.
fn hex_at_once(bytes: [u8; 4]) -> [u8; 8] {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let apart = |halves: u64, by: u32, mask: u64| (halves | halves << by) & mask;
    // Each half byte gets a byte of its own.
    let halves = u64::from(u32::from_be_bytes(bytes));
    let halves = apart(halves, 16, 0x0000_FFFF_0000_FFFF);
    let halves = apart(halves, 8, 0x00FF_00FF_00FF_00FF);
    let halves = apart(halves, 4, 0x0F0F_0F0F_0F0F_0F0F);
    // None of these reaches into the next byte: a digit is `0` and more, `a` 39 behind what follows `9`.
    let letters = (halves.wrapping_add(ONES * 6) >> 4) & ONES;
    let digits = halves.wrapping_add(ONES * 0x30);
    digits.wrapping_add(letters.wrapping_mul(39)).to_be_bytes()
}

/// The place of a request in a trace that began elsewhere (W3C Trace Context). Its text is what
/// `traceparent` carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Which trace; not all zero.
    pub id: [u8; 16],
    /// Our own span in it: what the request led to hangs below that; not all zero.
    pub span: [u8; 8],
    /// As the caller sent them; the lowest bit says that the trace is recorded.
    pub flags: u8,
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [b'-'; 55];
        text[..2].copy_from_slice(b"00");
        let mut put = |from: usize, bytes: &[u8]| {
            for (pair, byte) in text[from..].chunks_exact_mut(2).zip(bytes) {
                pair.copy_from_slice(&hex(*byte));
            }
        };
        put(3, &self.id);
        put(36, &self.span);
        put(53, &[self.flags]);
        f.write_str(str::from_utf8(&text).expect("digits and hyphens"))
    }
}

/// The request that something goes back to, however many turns ago.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Its id.
    pub correlation: Correlation,
    /// The caller's own text for it, where that is no UUID and so was not taken as the id.
    pub named: Option<Arc<str>>,
    /// Where it stands in its caller's trace, if it came with one.
    pub trace: Option<Trace>,
}

/// As its caller knows it.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.named {
            Some(named) => f.write_str(named),
            None => self.correlation.fmt(f),
        }
    }
}

/// What opened a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cause {
    /// Written before this was recorded.
    #[default]
    Unknown,
    /// A request from outside that asked for this.
    Command(CommandAction),
    /// The order's timer rang.
    Timer,
    /// The payment provider answered a call that nobody waited for, or did not answer it.
    ProviderAnswered,
    /// An operator has what was given up tried again.
    Operator,
    /// The storefront begins with it.
    Opening,
    /// A subscriber took or settled what it follows.
    Subscriber,
    /// What was promised to the order could not be had, so it is called off.
    Unmet,
}

impl Cause {
    /// What the request asked for, if a request opened the turn.
    pub const fn command(self) -> Option<CommandAction> {
        match self {
            Self::Command(action) => Some(action),
            Self::Unknown
            | Self::Timer
            | Self::ProviderAnswered
            | Self::Operator
            | Self::Opening
            | Self::Subscriber
            | Self::Unmet => None,
        }
    }

    /// The name that logs and answers use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Command(_) => "command",
            Self::Timer => "timer",
            Self::ProviderAnswered => "provider-answered",
            Self::Operator => "operator",
            Self::Opening => "opening",
            Self::Subscriber => "subscriber",
            Self::Unmet => "unmet",
        }
    }
}

/// An event with the entity it happened to and that entity's version after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamped {
    /// Whose event it is.
    pub entity: EntityKey,
    /// The entity's version after it: its first event makes version 1, each further one adds 1.
    pub version: u64,
    /// What happened.
    pub event: Event,
}

impl Stamped {
    /// The order that it is about, if it is about one: a listing's reservation is about its order.
    pub const fn order(&self) -> Option<OrderId> {
        match &self.event {
            Event::Listing(
                listing::Event::Reserved { order, .. }
                | listing::Event::Released { order, .. }
                | listing::Event::Handed { order, .. },
            ) => Some(*order),
            Event::Listing(_) | Event::Subscriber(_) => None,
            Event::Approval(event) => {
                let subject = event.subject();
                match subject.kind {
                    Kind::Order => Some(OrderId(subject.number)),
                    Kind::Listing
                    | Kind::Payment
                    | Kind::Delivery
                    | Kind::Saga
                    | Kind::Approval
                    | Kind::Payout
                    | Kind::Subscriber => None,
                }
            }
            Event::Order(_)
            | Event::Payment(_)
            | Event::Delivery(_)
            | Event::Payout(_)
            | Event::Saga(_) => Some(OrderId(self.entity.number)),
        }
    }
}

/// A command that its caller named with a key of its own, and what was answered.
///
/// Kept with the events that the command made, so that a repeated key finds the same answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The caller's key (`Idempotency-Key`), as sent.
    pub key: String,
    /// A checksum of the request, to tell a repetition from another request under the same key.
    pub fingerprint: u64,
    /// The entity that the command made or changed.
    pub entity: EntityKey,
    /// The entity's version as it was answered; events of the same batch may follow it.
    pub version: u64,
}

/// The events of one turn, in the order they happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The storefront they belong to, by name.
    pub storefront: Arc<str>,
    /// When they were decided.
    pub at: Timestamp,
    /// The request they all go back to.
    pub correlation: Correlation,
    /// That request's own text for it, as [`Origin::named`].
    pub named: Option<Arc<str>>,
    /// That request's place in its caller's trace.
    pub trace: Option<Trace>,
    /// What opened the turn.
    pub cause: Cause,
    /// The keyed command that this batch answers, if it was one.
    pub answered: Option<Answered>,
    /// At least one.
    pub events: Vec<Stamped>,
}

impl Batch {
    /// The request that it goes back to.
    pub fn origin(&self) -> Origin {
        Origin {
            correlation: self.correlation,
            named: self.named.clone(),
            trace: self.trace,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_others_read_them() {
        let id = std::array::from_fn(|place| [0x0A, 0xF7, 0x65, 0x19][place % 4]);
        let text = "0af76519-0af7-6519-0af7-65190af76519";
        assert_eq!(Correlation(id).to_string(), text);
        let span = [0x9B; 8];
        let trace = Trace { id, span, flags: 1 };
        let text = "00-0af765190af765190af765190af76519-9b9b9b9b9b9b9b9b-01";
        assert_eq!(trace.to_string(), text);
    }
}
