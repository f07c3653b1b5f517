//! The stored form of a batch: an envelope of our own, and in it each event's self-describing body.
//!
//! What stands on disk depends on nothing that may be renamed or reordered in the code: events go
//! by the numbers of [`TYPES`], bodies by the field names of private stored structs. All numbers
//! are little-endian:
//!
//! | field | bytes |
//! |---|---|
//! | envelope version | 1 |
//! | storefront: length, name | 4, n |
//! | at: milliseconds since 1970 | 8 |
//! | correlation | 16 |
//! | the caller's own text for it: 0, or 1 and the text (length, text); from version 2 on | 1 (+ 4 + n) |
//! | trace: 0, or 1 and its id, span and flags; from version 2 on | 1 (+ 16 + 8 + 1) |
//! | cause: its number, and that of the command or 0; from version 2 on | 1, 1 |
//! | answered: 0, or 1 and key (length, text), fingerprint, version, entity kind, entity number | 1 (+ 4 + n + 8 + 8 + 1 + 8) |
//! | number of events | 4 |
//! | each: entity kind, entity number, version, type, schema version, length, body | 1, 8, 8, 2, 2, 4, n |

mod body;
mod cause;
mod registry;
mod stored;
mod subscriber;
mod upcast;
mod write;

use std::sync::Arc;

pub use registry::{TYPES, Type, registered};
pub use upcast::{STEPS, Step, upcast};
pub use write::number_of;

use crate::domain::{
    Batch, Cause, Correlation, EntityKey, Kind, Stamped, Timestamp, Trace, recorded::Answered,
};

/// The envelope that is written today.
const ENVELOPE_VERSION: u8 = 2;
/// The first one that says what opened the turn, and where its request came from.
const ENVELOPE_WITH_CAUSE: u8 = 2;
/// An event's bytes beside its body.
const EVENT_BYTES_MIN: usize = 25;
/// An envelope with a storefront's name, and what a typical event takes; only a guess for space.
const ENVELOPE_BYTES_TYPICAL: usize = 64;
const EVENT_BYTES_TYPICAL: usize = 96;

/// Why bytes are no batch that this version understands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An envelope version from the future.
    #[error(
        "a record has envelope version {version} and was written by a newer version of jumun: \
         start that version, or restore a backup that this one wrote"
    )]
    NewerEnvelope {
        /// The version found.
        version: u8,
    },
    /// An event type from the future.
    #[error(
        "a record has event type {number} and was written by a newer version of jumun: start that \
         version, or restore a backup that this one wrote"
    )]
    NewerType {
        /// The number found.
        number: u16,
    },
    /// A schema version from the future.
    #[error(
        "a record has schema version {schema} of event type {number} and was written by a newer \
         version of jumun: start that version, or restore a backup that this one wrote"
    )]
    NewerSchema {
        /// Which event type.
        number: u16,
        /// The version found.
        schema: u16,
    },
    /// An old schema version that nothing leads on from.
    #[error("event type {number} has no step from schema version {schema} to the next")]
    NoStep {
        /// Which event type.
        number: u16,
        /// From which version.
        schema: u16,
    },
    /// An old body that is not what its schema version says.
    #[error("event type {number}, schema version {schema} could not be brought up to date: {what}")]
    Upcast {
        /// Which event type.
        number: u16,
        /// From which version.
        schema: u16,
        /// What was not as expected.
        what: &'static str,
    },
    /// A body that is not what its type says.
    #[error("the body of event type {number} cannot be read: {what}; restore a backup")]
    Body {
        /// Which event type.
        number: u16,
        /// What was not as expected.
        what: String,
    },
    /// An envelope that is not one.
    #[error("a record cannot be read: {0}; restore a backup")]
    Envelope(&'static str),
}

/// The stored form of `batch`. The same batch always gives the same bytes.
pub fn encode(batch: &Batch) -> Vec<u8> {
    let guess = ENVELOPE_BYTES_TYPICAL + batch.events.len() * EVENT_BYTES_TYPICAL;
    let mut to = Vec::with_capacity(guess);
    to.push(ENVELOPE_VERSION);
    write_text(&mut to, &batch.storefront);
    to.extend_from_slice(&batch.at.0.to_le_bytes());
    to.extend_from_slice(&batch.correlation.0);
    write_origin(&mut to, batch);
    match &batch.answered {
        None => to.push(0),
        Some(answered) => {
            to.push(1);
            write_text(&mut to, &answered.key);
            to.extend_from_slice(&answered.fingerprint.to_le_bytes());
            to.extend_from_slice(&answered.version.to_le_bytes());
            write_entity(&mut to, answered.entity);
        }
    }
    to.extend_from_slice(&length(batch.events.len()).to_le_bytes());
    for event in &batch.events {
        write_event(&mut to, event);
    }
    to
}

/// The batch that [`encode`], in this or an older version, made `bytes` from.
pub fn decode(bytes: &[u8]) -> Result<Batch, Error> {
    let mut from = Bytes(bytes);
    let version = from.u8()?;
    if version > ENVELOPE_VERSION {
        return Err(Error::NewerEnvelope { version });
    }
    if version == 0 {
        return Err(Error::Envelope("envelope versions begin at 1"));
    }
    let storefront = Arc::from(from.text()?);
    let at = Timestamp(i64::from_le_bytes(from.array()?));
    let correlation = Correlation(from.array()?);
    let (named, trace, cause) = if version >= ENVELOPE_WITH_CAUSE {
        (from.named()?, from.trace()?, from.cause()?)
    } else {
        (None, None, Cause::Unknown)
    };
    let answered = match from.u8()? {
        0 => None,
        1 => Some(Answered {
            key: from.text()?.to_owned(),
            fingerprint: from.u64()?,
            version: from.u64()?,
            entity: from.entity()?,
        }),
        _ => return Err(Error::Envelope("the mark of an answered command is wrong")),
    };
    let count = from.length()?;
    if count == 0 || count > from.0.len() / EVENT_BYTES_MIN {
        return Err(Error::Envelope("the number of events is wrong"));
    }
    let events = (0..count).map(|_| from.event()).collect::<Result<_, _>>()?;
    if !from.0.is_empty() {
        return Err(Error::Envelope("there is more than the events"));
    }
    Ok(Batch {
        storefront,
        at,
        correlation,
        named,
        trace,
        cause,
        answered,
        events,
    })
}

/// The storefront of a batch, without looking at the rest of it.
pub fn storefront(bytes: &[u8]) -> Result<&str, Error> {
    let mut from = Bytes(bytes);
    from.u8()?;
    from.text()
}

fn write_origin(to: &mut Vec<u8>, batch: &Batch) {
    match &batch.named {
        None => to.push(0),
        Some(named) => {
            to.push(1);
            write_text(to, named);
        }
    }
    match &batch.trace {
        None => to.push(0),
        Some(trace) => {
            to.push(1);
            to.extend_from_slice(&trace.id);
            to.extend_from_slice(&trace.span);
            to.push(trace.flags);
        }
    }
    to.extend_from_slice(&cause::numbers(batch.cause));
}

fn write_event(to: &mut Vec<u8>, stamped: &Stamped) {
    let number = number_of(&stamped.event);
    let known = registered(number).expect("every number that an event has is in the table");
    write_entity(to, stamped.entity);
    to.extend_from_slice(&stamped.version.to_le_bytes());
    to.extend_from_slice(&number.to_le_bytes());
    to.extend_from_slice(&known.schema.to_le_bytes());
    let place = to.len();
    to.extend_from_slice(&[0; 4]);
    write::write(&stamped.event, to);
    let written = length(to.len() - place - 4);
    to[place..place + 4].copy_from_slice(&written.to_le_bytes());
}

fn write_entity(to: &mut Vec<u8>, entity: EntityKey) {
    to.push(entity.kind.number());
    to.extend_from_slice(&entity.number.to_le_bytes());
}

fn write_text(to: &mut Vec<u8>, text: &str) {
    to.extend_from_slice(&length(text.len()).to_le_bytes());
    to.extend_from_slice(text.as_bytes());
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("what one request carries is far smaller than 4 GiB")
}

/// What is left to read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(Error::Envelope("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (taken, rest) = self
            .0
            .split_first_chunk()
            .ok_or(Error::Envelope("it ends too early"))?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, Error> {
        self.array().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_le_bytes)
    }

    fn length(&mut self) -> Result<usize, Error> {
        let length = self.array().map(u32::from_le_bytes)?;
        usize::try_from(length).map_err(|_| Error::Envelope("a length is too large"))
    }

    fn text(&mut self) -> Result<&'a str, Error> {
        let length = self.length()?;
        std::str::from_utf8(self.take(length)?).map_err(|_| Error::Envelope("a text is not UTF-8"))
    }

    fn entity(&mut self) -> Result<EntityKey, Error> {
        let kind = Kind::from_number(self.u8()?)
            .ok_or(Error::Envelope("an entity is of no kind known here"))?;
        Ok(EntityKey::new(kind, self.u64()?))
    }

    fn named(&mut self) -> Result<Option<Arc<str>>, Error> {
        match self.u8()? {
            0 => Ok(None),
            1 => Ok(Some(Arc::from(self.text()?))),
            _ => Err(Error::Envelope("the mark of a caller's own text is wrong")),
        }
    }

    fn trace(&mut self) -> Result<Option<Trace>, Error> {
        match self.u8()? {
            0 => Ok(None),
            1 => Ok(Some(Trace {
                id: self.array()?,
                span: self.array()?,
                flags: self.u8()?,
            })),
            _ => Err(Error::Envelope("the mark of a trace is wrong")),
        }
    }

    fn cause(&mut self) -> Result<Cause, Error> {
        cause::read(self.array()?).ok_or(Error::Envelope(
            "what opened the turn is unknown here; was it written by a newer version of jumun?",
        ))
    }

    fn event(&mut self) -> Result<Stamped, Error> {
        let entity = self.entity()?;
        let version = self.u64()?;
        let (number, schema) = (self.u16()?, self.u16()?);
        let length = self.length()?;
        let event = body::read(STEPS, number, schema, self.take(length)?)?;
        Ok(Stamped {
            entity,
            version,
            event,
        })
    }
}
