//! The stored form of an entity's state: a format byte, then bincode.
//!
//! Only for what the journal can rebuild. bincode writes neither field names nor types, so a
//! changed state is not recognised by its bytes: the fingerprint given to
//! [`super::pages::Opening`] must change with it, and the store is then rebuilt.

use std::sync::Arc;

use bincode::config;
use serde::{Deserialize, Serialize};

use crate::domain::{Kind, entity::Entity};

/// The form written today. Raised when the encoding or a state changes: it is part of the pages'
/// fingerprint, so that a store with another one is rebuilt.
pub const FORMAT: u8 = 3;

/// What a snapshot seldom exceeds; an order has some 150 bytes.
const USUAL_BYTES_MAX: usize = 512;

/// A snapshot cannot be read or made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was written by another version of the program.
    #[error("a snapshot has format {found}, this program reads format {FORMAT}; run rebuild-views")]
    Format {
        /// What stands in its first byte; 0 for an empty snapshot.
        found: u8,
    },
    /// Its bytes do not stand for a state of the expected type.
    #[error("a snapshot cannot be read ({0}); run rebuild-views")]
    Damaged(#[from] bincode::error::DecodeError),
    /// It has more bytes than its state.
    #[error("a snapshot has {0} bytes too many; run rebuild-views")]
    TooLong(usize),
}

/// The bytes that stand for `state`.
///
/// # Panics
///
/// If the type's own `Serialize` refuses, which derived ones do not.
pub fn encode<T: Serialize>(state: &T) -> Arc<[u8]> {
    // Into a slice on the stack first: growing a Vec byte by byte took half of the time. What does
    // not fit is rare.
    let mut buffer = [0; USUAL_BYTES_MAX];
    buffer[0] = FORMAT;
    if let Ok(body) = bincode::serde::encode_into_slice(state, &mut buffer[1..], config::standard())
    {
        return Arc::from(&buffer[..=body]);
    }
    let mut bytes = vec![FORMAT];
    bincode::serde::encode_into_std_write(state, &mut bytes, config::standard())
        .expect("a derived Serialize does not refuse, and a Vec takes everything");
    bytes.into()
}

/// The state that `bytes` stand for, or one that refers to its texts where they stand.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Error> {
    let Some((&FORMAT, body)) = bytes.split_first() else {
        return Err(Error::Format {
            found: bytes.first().copied().unwrap_or(0),
        });
    };
    let (state, read) = bincode::serde::borrow_decode_from_slice(body, config::standard())?;
    match body.len() - read {
        0 => Ok(state),
        rest => Err(Error::TooLong(rest)),
    }
}

/// The entity of this kind that `bytes` stand for; `None` for a kind that is never shown.
pub fn entity(kind: Kind, bytes: &[u8]) -> Result<Option<Entity>, Error> {
    Ok(Some(match kind {
        Kind::Order => Entity::Order(decode(bytes)?),
        Kind::Payment => Entity::Payment(decode(bytes)?),
        Kind::Delivery => Entity::Delivery(decode(bytes)?),
        Kind::Listing => Entity::Listing(decode(bytes)?),
        Kind::Approval => Entity::Approval(decode(bytes)?),
        Kind::Payout => Entity::Payout(decode(bytes)?),
        Kind::Subscriber => Entity::Subscriber(Box::new(decode(bytes)?)),
        Kind::Saga => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            EntityKey, Fields, FieldsRef, Timestamp, Value, ValueRef,
            subscriber::{
                Endpoint, FILTER_MAX, Filter, Lease, NAME_BYTES_MAX, Open, PARKED_MAX, Parked,
                Settings, Standing, Subscriber, TYPE_BYTES_MAX, URL_BYTES_MAX, WHY_BYTES_MAX,
                WINDOW_MAX,
            },
        },
        store::pages::SLOT_BYTES_MAX,
    };

    #[test]
    fn a_snapshot_reads_back_and_nothing_else_does() {
        let state = (7_u64, String::from("rose"), vec![Some(1_i64), None]);
        let bytes = encode(&state);
        assert_eq!(
            decode::<(u64, String, Vec<Option<i64>>)>(&bytes).unwrap(),
            state
        );

        let mut newer = bytes.to_vec();
        newer[0] = FORMAT + 1;
        assert!(matches!(
            decode::<u64>(&newer),
            Err(Error::Format { found: 4 })
        ));
        assert!(matches!(
            decode::<u64>(&[]),
            Err(Error::Format { found: 0 })
        ));
        assert!(matches!(decode::<u64>(&bytes), Err(Error::TooLong(_))));
        assert!(matches!(
            decode::<(u64, String, Vec<Option<i64>>)>(&bytes[..5]),
            Err(Error::Damaged(_))
        ));
    }

    #[test]
    fn fields_are_read_where_they_stand_as_they_are_copied_out() {
        let values = [Value::from("꽃"), Value::Int(-7), Value::Bool(true)];
        let names = ["who", "price", "gift"].map(Arc::from);
        let fields: Fields = names.into_iter().zip(values).collect();
        let bytes = encode(&fields);
        assert_eq!(decode::<Fields>(&bytes).unwrap(), fields);
        let read: FieldsRef<'_> = decode(&bytes).unwrap();
        assert_eq!(read, FieldsRef::from(&fields));
        assert_eq!(read.get("price"), Some(ValueRef::Int(-7)));
        assert_eq!(read.get("pric"), None);
    }

    #[test]
    fn the_fullest_subscriber_fits_into_a_slot() {
        let (at, most) = (Timestamp(i64::MAX), u64::MAX);
        let subject = EntityKey::new(Kind::Order, most);
        let text = |bytes| "x".repeat(bytes);
        let why = || text(WHY_BYTES_MAX);
        let numbers = |count: usize| most - count as u64..most;
        let open = numbers(WINDOW_MAX).map(|item| {
            let standing = Standing::Leased { lease: item };
            let open = Open {
                subject,
                attempts: u32::MAX,
                since: at,
                standing,
            };
            (item, open)
        });
        let leases = numbers(WINDOW_MAX).map(|lease| {
            let lease_of = Lease {
                member: text(NAME_BYTES_MAX),
                since: at,
                until: at,
            };
            (lease, lease_of)
        });
        let parked = numbers(PARKED_MAX).map(|item| {
            let parked = Parked {
                subject,
                attempts: u32::MAX,
                why: why(),
                at,
            };
            (item, parked)
        });
        let settings = Settings {
            filter: Filter {
                types: vec![text(TYPE_BYTES_MAX); FILTER_MAX],
                subjects: vec![subject; FILTER_MAX],
            },
            endpoint: Some(Endpoint {
                url: text(URL_BYTES_MAX),
                description: text(URL_BYTES_MAX),
                ..Endpoint::default()
            }),
            ..Settings::default()
        };
        let fullest = Subscriber {
            settings,
            open: open.collect(),
            leases: leases.collect(),
            parked: parked.collect(),
            ..Subscriber::default()
        };
        // A thousand bytes for the few that there is one of.
        let bytes = encode(&fullest).len() + 1_000;
        assert!(bytes <= SLOT_BYTES_MAX, "{bytes} of {SLOT_BYTES_MAX}");
    }
}
