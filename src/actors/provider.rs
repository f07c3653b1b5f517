//! What the engine asks of a payment provider, whoever that is.

use std::{pin::Pin, sync::Arc};

use crate::domain::{Origin, payment::Effect};

/// One call to the provider.
#[derive(Clone, Debug)]
pub struct Call {
    /// Whose customer pays.
    pub storefront: Arc<str>,
    /// What is to be done.
    pub effect: Effect,
    /// The request that the order began with, or that pays for it now. Whoever calls somebody else
    /// passes it on: its text as `X-Correlation-Id`, its trace as `traceparent`.
    pub origin: Origin,
}

impl Call {
    /// The key that makes a repeated call the same call (`{storefront}/pay_7/charge`). A refund and a
    /// void name the charge they undo by the part before the last slash.
    pub fn key(&self) -> String {
        let verb = match self.effect {
            Effect::Charge { .. } => "charge",
            Effect::Refund { .. } => "refund",
            Effect::Void { .. } => "void",
        };
        let payment = self.effect.order().payment();
        // A payment that failed and is asked for again is another charge.
        match self.effect.attempt() {
            0 | 1 => format!("{}/{payment}/{verb}", self.storefront),
            attempt => format!("{}/{payment}.{attempt}/{verb}", self.storefront),
        }
    }
}

/// Why the provider did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It said no, and will say no again.
    #[error("declined: {0}")]
    Declined(String),
    /// It could not be reached, or could not say. Worth asking again.
    #[error("the provider is unavailable")]
    Unavailable,
    /// It did not answer in time. It may have done what was asked.
    #[error("the provider did not answer in time")]
    TimedOut,
}

/// When a call's effect exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settles {
    /// The effect is nothing but the event in our own journal; if that is not written, it never
    /// happened. So the call may be made before anything is durable.
    InJournal,
    /// The effect happens elsewhere. The intent must be durable before the call is made.
    Elsewhere,
}

/// A provider's answer, at once or later.
pub enum Answer {
    /// Known already.
    Now(Result<(), Trouble>),
    /// Awaited; dropped if the deadline passes first.
    Later(Pin<Box<dyn Future<Output = Result<(), Trouble>> + Send>>),
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Now(result) => f.debug_tuple("Now").field(result).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}

/// A payment provider. A repeated [`Call::key`] must be treated as the same call; a void must also
/// refuse the charge it names if that arrives later.
pub trait Provider: Send + Sync + 'static {
    /// When a call's effect exists.
    fn settles(&self) -> Settles;

    /// Whether every answer is [`Answer::Now`], so that no call is ever under way and their number
    /// need not be bounded.
    fn answers_at_once(&self) -> bool {
        false
    }

    /// Makes the call.
    fn call(&self, call: Call) -> Answer;
}
