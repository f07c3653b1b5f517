//! What happens to the saga itself.

use serde::{Deserialize, Serialize};

use crate::domain::{Kind, Timestamp};

/// What happens to the saga itself, beside what happens to its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Something outside has not answered; it is asked again at `due`.
    RetryScheduled {
        /// How many times it was asked.
        attempt: u32,
        /// When to ask again.
        due: Timestamp,
    },
    /// Nothing outside is outstanding any more.
    Settled,
    /// The order does not go through all steps of the flow.
    Routed {
        /// Which it leaves out, as a bit for each.
        skipped: u32,
    },
    /// A person is awaited from now on, but not for ever.
    Awaiting {
        /// Whose part of the storefront the step is: a payment or an approval.
        kind: Kind,
        /// The order is called off if nothing was done about it until then.
        until: Timestamp,
    },
    /// Something outside was asked for too long: it is not asked again before a person says so.
    GaveUp(GivenUp),
    /// A person said so: it is asked again.
    Resumed,
}

/// How it came that something outside is not asked any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenUp {
    /// How many times it was asked.
    pub attempt: u32,
    /// When it was given up.
    pub since: Timestamp,
    /// What was wrong the last time.
    pub reason: String,
}

impl Event {
    /// The domain's word for it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RetryScheduled { .. } => "retry_scheduled",
            Self::Settled => "settled",
            Self::Routed { .. } => "routed",
            Self::Awaiting { .. } => "awaiting",
            Self::GaveUp(_) => "gave_up",
            Self::Resumed => "resumed",
        }
    }
}
