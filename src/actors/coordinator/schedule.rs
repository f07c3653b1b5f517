//! When an order is to be looked at again: what a turn notes before it is submitted.

use super::Coordinator;
use crate::{
    actors::turn::{Later, Subject, Turn},
    domain::{
        Timestamp,
        saga::{self, Circumstances},
        storefront::{Action, Retry},
    },
};

impl Coordinator {
    /// Notes when the order is to be looked at again, or that it need not be.
    pub(super) fn schedule(&mut self, turn: &mut Turn) {
        let key = turn.key;
        if !key.is_order() {
            return;
        }
        let awaiting = {
            let at = self.circumstances(key, turn.at);
            self.live[&key].saga.begins_to_await(&at)
        };
        if let Some(awaiting) = awaiting {
            self.saga_happened(turn, awaiting);
        }
        let saga = &self.live[&key].saga;
        let is_asked = saga.given_up.is_none() && saga.is_asked();
        let waits = turn.waits_for.is_some();
        let asks_again = !turn.effects.is_empty() || turn.later == Some(Later::Failed);
        if asks_again || (waits && saga.retry.is_none()) {
            let attempt = turn.attempt + 1;
            let due = turn.at.plus_ms(self.retry_pause_ms(key, attempt));
            self.saga_happened(turn, saga::Event::RetryScheduled { attempt, due });
        } else if saga.retry.is_some() && !is_asked && !waits {
            self.saga_happened(turn, saga::Event::Settled);
        }
    }

    /// What surrounds an order's saga.
    pub(super) fn circumstances(&self, key: Subject, now: Timestamp) -> Circumstances<'_> {
        Circumstances {
            order: key.order(),
            flow: &self.local.storefronts[key.storefront].flow,
            now,
            closed: self.local.closed(key.storefront),
        }
    }

    /// The pause after the `attempt`th try of what is outstanding for the order, in milliseconds.
    pub(super) fn retry_pause_ms(&self, key: Subject, attempt: u32) -> u64 {
        self.retry(key).pause_ms(attempt)
    }

    /// How often, and for how long, what is outstanding for the order is asked again.
    pub(super) fn retry(&self, key: Subject) -> Retry {
        let flow = &self.local.storefronts[key.storefront].flow;
        flow.step(|action| action == Action::Pay)
            .or_else(|| flow.steps.first())
            .map_or_else(Default::default, |step| step.retry)
    }
}
