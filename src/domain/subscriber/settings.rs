//! What a subscriber wants, and how it is to have it.

use serde::{Deserialize, Serialize};

use crate::domain::{EntityKey, Refusal, Timestamp};

/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// The most types, and the most subjects, that a filter names.
pub const FILTER_MAX: usize = 64;

/// The longest name of a type in a filter, in bytes.
pub const TYPE_BYTES_MAX: usize = 128;

/// The longest address and the longest description of a webhook, in bytes.
pub const URL_BYTES_MAX: usize = 2_048;

/// The longest secret, in bytes as text: `whsec_` and 64 bytes in base64.
const SECRET_BYTES_MAX: usize = 128;

/// The shortest lease: 100 ms, so that tests need not wait.
pub const LEASE_MS_MIN: u64 = 100;

/// The longest lease: a day.
pub const LEASE_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

/// What of the stream is wanted; an empty list wants everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// The names of the types, as the storefront names them.
    pub types: Vec<String>,
    /// What they are about: orders and listings.
    pub subjects: Vec<EntityKey>,
}

/// What a subscriber wants, and how it is to have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// What of the stream is wanted.
    pub filter: Filter,
    /// How long a lease lasts if it does not say, in milliseconds.
    pub lease_ms: u64,
    /// After so many times of being given out, an item is parked. `None`: never.
    pub attempts_max: Option<u32>,
    /// Where a webhook's events are posted to.
    pub endpoint: Option<Endpoint>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            filter: Filter::default(),
            lease_ms: 30_000,
            attempts_max: None,
            endpoint: None,
        }
    }
}

/// Where a webhook's events are posted to, and what they are signed with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// An address with `http` or `https`; at most [`URL_BYTES_MAX`].
    pub url: String,
    /// What people call it; at most [`URL_BYTES_MAX`].
    pub description: String,
    /// What is signed with, as text (`whsec_…`).
    pub secret: String,
    /// The secret before that, while it is valid too.
    pub previous: Option<Retiring>,
}

/// A secret that is still valid for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retiring {
    /// As text (`whsec_…`).
    pub secret: String,
    /// From when on it is not signed with any more.
    pub until: Timestamp,
}

/// Whether this can be a subscriber's name.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let fits = (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain);
    invalid_unless(
        fits,
        "a name has 1 to 64 letters, digits, dots, hyphens and underscores",
    )
}

/// Whether this can be who takes a lease.
pub(super) fn check_member(member: &str) -> Result<(), Refusal> {
    let fits = (1..=NAME_BYTES_MAX).contains(&member.len());
    invalid_unless(fits, "a member's name has 1 to 64 bytes")
}

impl Settings {
    /// Whether these can be a subscriber's.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let Filter { types, subjects } = &self.filter;
        let is_short = |text: &String| (1..=TYPE_BYTES_MAX).contains(&text.len());
        invalid_unless(
            types.len().max(subjects.len()) <= FILTER_MAX && types.iter().all(is_short),
            "a filter names at most 64 types, each of 1 to 128 bytes, and 64 orders and listings",
        )?;
        invalid_unless(
            (LEASE_MS_MIN..=LEASE_MS_MAX).contains(&self.lease_ms),
            "a lease lasts from 100 ms to a day",
        )?;
        invalid_unless(
            self.attempts_max != Some(0),
            "an item is given out at least once",
        )?;
        let Some(endpoint) = &self.endpoint else {
            return Ok(());
        };
        let texts = [&endpoint.url, &endpoint.description];
        invalid_unless(
            texts.iter().all(|text| text.len() <= URL_BYTES_MAX),
            "an address and a description have at most 2,048 bytes",
        )?;
        let previous = endpoint.previous.as_ref().map(|previous| &previous.secret);
        let mut secrets = [Some(&endpoint.secret), previous].into_iter().flatten();
        invalid_unless(
            secrets.all(|secret| secret.len() <= SECRET_BYTES_MAX),
            "a secret has at most 128 bytes",
        )
    }
}

const fn invalid_unless(fits: bool, what: &'static str) -> Result<(), Refusal> {
    if fits {
        Ok(())
    } else {
        Err(Refusal::SubscriberInvalid { what })
    }
}
