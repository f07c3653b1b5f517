//! Ties a request to everything that it leads to, by the id that the caller knows it under.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::{Builder, Uuid};

use crate::domain::{Correlation, Timestamp};

const NAME: HeaderName = HeaderName::from_static("x-correlation-id");

/// The longest id that is taken from a caller, in bytes.
const TOKEN_BYTES_MAX: usize = 64;

/// The caller's `X-Correlation-Id`, else the trace of its `traceparent`, else a fresh one.
pub(super) fn of(headers: &HeaderMap, now: Timestamp) -> Correlation {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let given = text("x-correlation-id")
        .filter(|token| is_token(token))
        .map(from_token);
    let traced = || text("traceparent").and_then(trace);
    given.or_else(traced).unwrap_or_else(|| fresh(now))
}

/// A UUID of version 7. It must be unlike others, not unguessable, so no system call is spent on
/// its random part.
fn fresh(now: Timestamp) -> Correlation {
    let millis = u64::try_from(now.0).unwrap_or(0);
    let random = fastrand::u128(..).to_be_bytes();
    let random = random.first_chunk().expect("ten of sixteen bytes");
    Correlation(
        Builder::from_unix_timestamp_millis(millis, random)
            .into_uuid()
            .into_bytes(),
    )
}

/// Tells the caller which id its request has.
pub(super) fn echo(correlation: Correlation, headers: &mut HeaderMap) {
    let text = hyphenated(correlation);
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(NAME, value);
    }
}

/// As UUIDs are written.
pub(super) fn hyphenated(correlation: Correlation) -> String {
    Uuid::from_bytes(correlation.0).to_string()
}

fn is_token(token: &str) -> bool {
    (1..=TOKEN_BYTES_MAX).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic())
}

/// A UUID is taken as it is. Any other token always gives the same id, so that a caller can look
/// for what it led to.
fn from_token(token: &str) -> Correlation {
    let uuid = Uuid::try_parse(token).map(Uuid::into_bytes);
    Correlation(uuid.unwrap_or_else(|_| {
        let low = fnv1a(FNV_OFFSET, token.as_bytes());
        let high = fnv1a(low, token.as_bytes());
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&high.to_be_bytes());
        bytes[8..].copy_from_slice(&low.to_be_bytes());
        bytes
    }))
}

/// The trace id of a `traceparent`: `00-` 32 hex digits `-` 16 `-` 2 (W3C Trace Context).
fn trace(header: &str) -> Option<Correlation> {
    let id = header.split('-').nth(1).filter(|id| id.len() == 32)?;
    let uuid = Uuid::try_parse(id).ok().filter(|uuid| !uuid.is_nil())?;
    Some(Correlation(uuid.into_bytes()))
}

/// Where [`fnv1a`] begins.
pub(super) const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, 64 bits: a checksum whose value is the same in every release, since it is stored.
pub(super) fn fnv1a(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, value: &str, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(
            HeaderName::try_from(header).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
        let id = hyphenated(of(&headers, Timestamp(0)));
        match expected {
            Some(expected) => assert_eq!(id, expected, "{header}: {value}"),
            None => assert_ne!(
                of(&headers, Timestamp(0)),
                of(&headers, Timestamp(0)),
                "{header}: {value} is not taken"
            ),
        }
    }

    #[test]
    fn the_callers_id_is_kept() {
        let uuid = "0192f0c4-7b5a-7c3e-9d2f-1a2b3c4d5e6f";
        check("x-correlation-id", uuid, Some(uuid));
        let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let traced = "0af76519-16cd-43dd-8448-eb211c80319c";
        check("traceparent", traceparent, Some(traced));
        check("traceparent", "00-0-0-00", None);
        check("x-correlation-id", &"x".repeat(65), None);
    }

    #[test]
    fn a_token_always_gives_the_same_id() {
        assert_eq!(from_token("till-4/881"), from_token("till-4/881"));
        assert_ne!(from_token("till-4/881"), from_token("till-4/882"));
        assert_eq!(
            fnv1a(FNV_OFFSET, b"a"),
            0xaf63_dc4c_8601_ec8c,
            "the published test value"
        );
    }
}
