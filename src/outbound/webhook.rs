//! Signed requests, as the Standard Webhooks specification (1.0) has them: `webhook-id`,
//! `webhook-timestamp`, `webhook-signature`. A receiver in any language can check them with its
//! library.

use std::{fmt, str::FromStr};

use rustls::crypto::ring;
use serde::{Deserialize, Serialize};
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook,
};

use super::{address::Address, http::Post};
use crate::domain::Timestamp;

/// The fewest bytes of a secret (Standard Webhooks, "Signature scheme").
pub const SECRET_BYTES_MIN: usize = 24;

/// The most bytes of a secret (the same).
pub const SECRET_BYTES_MAX: usize = 64;

/// What a secret begins with, so that it is found where it does not belong.
const PREFIX: &str = "whsec_";

/// The characters of base64.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What both sides know, and sign with: `whsec_` and base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Secret(String);

/// Why a text is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a secret is `whsec_` and {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes as base64; leave it out \
     and one is made"
)]
pub struct NoSecret;

/// What is signed and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The same for every attempt: a receiver takes what has the same id for the same.
    pub id: String,
    /// What the body is.
    pub content_type: &'static str,
    /// Text in UTF-8.
    pub body: String,
    /// Beside those that the signature needs.
    pub headers: Vec<(String, String)>,
}

impl Secret {
    /// A new one, of 33 bytes that nobody can guess. `None` if the machine has no randomness to give.
    pub fn generate() -> Option<Self> {
        let mut random = [0; 44];
        let source = ring::default_provider().secure_random;
        source.fill(&mut random).ok()?;
        let text = random.map(|byte| char::from(BASE64[usize::from(byte % 64)]));
        Some(Self(format!("{PREFIX}{}", String::from_iter(text))))
    }

    /// The text, for the one who is to know it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = NoSecret;

    fn from_str(text: &str) -> Result<Self, NoSecret> {
        let base64 = text.strip_prefix(PREFIX).ok_or(NoSecret)?;
        let padding = base64.bytes().rev().take_while(|b| *b == b'=').count();
        let bytes = base64.len() / 4 * 3 - padding.min(2);
        let is_long_enough = (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&bytes);
        if !is_long_enough || Webhook::new(text).is_err() {
            return Err(NoSecret);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Secret {
    type Error = NoSecret;

    fn try_from(text: String) -> Result<Self, NoSecret> {
        text.parse()
    }
}

impl From<Secret> for String {
    fn from(secret: Secret) -> Self {
        secret.0
    }
}

/// Nobody's secret stands in a log.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("whsec_…")
    }
}

impl Message {
    /// The request of one attempt, at this time, signed with each of these secrets: while one replaces
    /// another, both.
    pub fn signed<'a>(
        self,
        to: Address,
        at: Timestamp,
        secrets: impl IntoIterator<Item = &'a Secret>,
    ) -> Post {
        let seconds = at.0.div_euclid(1_000);
        let signatures = secrets.into_iter().map(|secret| {
            let webhook = Webhook::new(secret.expose()).expect("a Secret was read as one");
            let signature = webhook.sign(&self.id, seconds, self.body.as_bytes());
            signature.expect("a body is text")
        });
        let signatures = signatures.collect::<Vec<_>>().join(" ");
        let own = [
            (HEADER_WEBHOOK_ID, self.id),
            (HEADER_WEBHOOK_TIMESTAMP, seconds.to_string()),
            (HEADER_WEBHOOK_SIGNATURE, signatures),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value));
        Post {
            to,
            content_type: self.content_type,
            headers: own.into_iter().chain(self.headers).collect(),
            body: self.body.into_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_taken_only_if_both_sides_can_sign_with_it() {
        let check = |text: &str, is_good: bool| {
            assert_eq!(text.parse::<Secret>().is_ok(), is_good, "{text}");
        };
        check("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", true);
        check("C2FVsBQIhrscChlQIMV+b5sSYspob7oD", false);
        check("whsec_", false);
        check("whsec_C2FVsBQIhrscChlQIMV+b5sSYspo", false);
        check("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7o!", false);
        check(&format!("whsec_{}", "AAAA".repeat(22)), false);
        check(&format!("whsec_{}AA==", "AAAA".repeat(21)), true);
        let [one, other] = [(); 2].map(|()| Secret::generate().unwrap());
        assert_ne!(one, other);
        check(one.expose(), true);
        assert_eq!(format!("{one:?}"), "whsec_…");
    }

    /// The specification's own example, and one more signature while a secret is replaced.
    #[test]
    fn a_message_is_signed_as_the_specification_says() {
        let secret: Secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse().unwrap();
        let other = Secret::generate().unwrap();
        let message = Message {
            id: "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk".into(),
            content_type: "application/json",
            body: r#"{"email":"test@example.com","username":"test_user"}"#.into(),
            headers: vec![("x-more".into(), "1".into())],
        };
        let to: Address = "https://example.org/".parse().unwrap();
        let post = message.signed(to, Timestamp(1_649_367_553_999), [&secret, &other]);
        let header = |name: &str| {
            let found = post.headers.iter().find(|(own, _)| own == name);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(header("webhook-timestamp"), Some("1649367553"));
        assert_eq!(header("x-more"), Some("1"));
        let mut signatures = header("webhook-signature").unwrap().split(' ');
        let known = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";
        assert_eq!(signatures.next(), Some(known));
        assert!(signatures.next().unwrap().starts_with("v1,"));
        assert_eq!(signatures.next(), None);
    }
}
