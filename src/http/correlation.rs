//! Ties a request to everything that it leads to, by the id that the caller knows it under.

use std::sync::Arc;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::{Builder, Uuid};

use super::trace::{self, Parent};
use crate::domain::{Correlation, Origin, Timestamp};

const NAME: HeaderName = HeaderName::from_static("x-correlation-id");

/// The longest id that is taken from a caller, in bytes.
const TOKEN_BYTES_MAX: usize = 64;

/// Where a request comes from. Its id is the caller's `X-Correlation-Id`, else the trace of its
/// `traceparent`, else a fresh one.
pub(super) fn of(headers: &HeaderMap, now: Timestamp) -> Origin {
    let trace = Parent::of(headers).map(Parent::below);
    let origin = given(headers)
        .and_then(|value| value.to_str().ok())
        .map(named);
    let traced = || trace.map(|trace| Correlation(trace.id));
    Origin {
        trace,
        ..origin.unwrap_or_else(|| Origin {
            correlation: traced().unwrap_or_else(|| fresh(now)),
            ..Origin::default()
        })
    }
}

/// What a caller calls its request: a UUID is taken as it is. Any other text always gives the same id,
/// so that a caller can look for what it led to, and is kept.
pub(super) fn named(token: &str) -> Origin {
    match Uuid::try_parse(token) {
        Ok(uuid) => Origin {
            correlation: Correlation(uuid.into_bytes()),
            ..Origin::default()
        },
        Err(_no_uuid) => Origin {
            correlation: from_token(token),
            named: Some(Arc::from(token)),
            trace: None,
        },
    }
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

/// Tells the caller which id its request has, in its own words if it had any, and where it stands in
/// the caller's trace.
pub(super) fn echo(origin: &Origin, asked: &HeaderMap, answer: &mut HeaderMap) {
    let formatted = || match &origin.named {
        Some(named) => HeaderValue::from_str(named).ok(),
        None => HeaderValue::from_bytes(&origin.correlation.text()).ok(),
    };
    if let Some(value) = given(asked).cloned().or_else(formatted) {
        answer.insert(NAME, value);
    }
    if let Some(trace) = origin.trace
        && let Ok(value) = HeaderValue::from_str(&trace.to_string())
    {
        answer.insert(trace::NAME, value);
    }
}

/// The caller's own id, if it is one that can be taken.
fn given(headers: &HeaderMap) -> Option<&HeaderValue> {
    let value = headers.get(NAME)?;
    value.to_str().is_ok_and(is_token).then_some(value)
}

fn is_token(token: &str) -> bool {
    (1..=TOKEN_BYTES_MAX).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic())
}

fn from_token(token: &str) -> Correlation {
    let low = fnv1a(FNV_OFFSET, token.as_bytes());
    let high = fnv1a(low, token.as_bytes());
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&high.to_be_bytes());
    bytes[8..].copy_from_slice(&low.to_be_bytes());
    Correlation(bytes)
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

    fn asked(header: &str, value: &str) -> HeaderMap {
        let name = HeaderName::try_from(header).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        headers
    }

    fn check(header: &str, value: &str, expected: Option<&str>) {
        let headers = asked(header, value);
        let id = of(&headers, Timestamp(0)).to_string();
        match expected {
            Some(expected) => assert_eq!(id, expected, "{header}: {value}"),
            None => assert_ne!(
                id,
                of(&headers, Timestamp(0)).to_string(),
                "{header}: {value} is not taken"
            ),
        }
    }

    #[test]
    fn the_callers_id_is_kept() {
        let uuid = "0192f0c4-7b5a-7c3e-9d2f-1a2b3c4d5e6f";
        check("x-correlation-id", uuid, Some(uuid));
        check("x-correlation-id", "till-4/881", Some("till-4/881"));
        let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let traced = "0af76519-16cd-43dd-8448-eb211c80319c";
        check("traceparent", traceparent, Some(traced));
        check("traceparent", "00-0-0-00", None);
        check("x-correlation-id", &"x".repeat(65), None);
    }

    #[test]
    fn the_answer_says_it_as_the_caller_did() {
        let simple = "0AF7651916CD43DD8448EB211C80319C";
        for text in [simple, "till-4/881"] {
            let headers = asked("x-correlation-id", text);
            let mut answer = HeaderMap::new();
            echo(&of(&headers, Timestamp(0)), &headers, &mut answer);
            assert_eq!(answer.get(NAME).unwrap(), text);
            assert!(!answer.contains_key(trace::NAME));
        }
        let headers = asked("x-correlation-id", simple);
        let id = of(&headers, Timestamp(0)).to_string();
        assert_eq!(id, "0af76519-16cd-43dd-8448-eb211c80319c");
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
