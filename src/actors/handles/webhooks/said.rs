//! What is asked of webhooks, and what is said about them.

use crate::{
    actors::handles::{Error, Failure},
    domain::{EntityKey, Timestamp},
    outbound::{address::NoAddress, webhook::NoSecret},
};

/// What a webhook is to be, or to be from now on; `None` leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Where events are posted to.
    pub url: Option<String>,
    /// The types of those that are wanted; every type if it is empty.
    pub types: Option<Vec<String>>,
    /// What they are about, which are orders and listings; anything if it is empty.
    pub subjects: Option<Vec<EntityKey>>,
    /// What people call it.
    pub description: Option<String>,
}

/// What a webhook does not have yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// How many events.
    pub events: usize,
    /// Whether there are more than were counted.
    pub or_more: bool,
    /// When the oldest of them happened.
    pub oldest: Option<Timestamp>,
}

/// Why something was not done about a webhook.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// The engine says no, or cannot.
    #[error(transparent)]
    Engine(#[from] Error),
    /// The address.
    #[error("`url`: {0}")]
    Address(#[from] NoAddress),
    /// The secret.
    #[error("`secret`: {0}")]
    Secret(#[from] NoSecret),
    /// There is no such webhook.
    #[error("there is no webhook `{0}`; GET /{{storefront}}/webhooks lists those there are")]
    NotFound(String),
    /// There is one by this name.
    #[error("there is a webhook `{0}` already; PATCH it, or choose another name")]
    Exists(String),
    /// There are enough.
    #[error("there are {0} webhooks already, which is the most: DELETE one first")]
    TooMany(usize),
}

impl From<Failure> for NotDone {
    fn from(failure: Failure) -> Self {
        Self::Engine(failure.into())
    }
}
