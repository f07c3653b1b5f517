//! The steps that an order goes through.

use crate::domain::order;

/// What a step does. Each knows how it is undone (see the [saga](crate::domain::saga)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Take the order's amount. Undone by giving it back.
    Pay,
    /// Fulfil the order. Undone by calling the delivery off.
    Deliver {
        /// How many named steps the storefront's deliveries have; at least 1.
        steps: u8,
    },
}

/// How a step is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The caller waits; if it fails, the order never existed.
    Sync,
    /// The order is accepted; the step is done, and tried again, by itself.
    Async,
    /// A person's request does it.
    Command,
}

/// How often something that did not answer is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The first pause.
    pub first_ms: u64,
    /// The longest pause; each is twice the one before.
    pub longest_ms: u64,
}

impl Retry {
    /// The pause after the `attempt`th try, counted from 1.
    pub fn pause_ms(&self, attempt: u32) -> u64 {
        let doublings = attempt.saturating_sub(1).min(32);
        self.first_ms
            .saturating_mul(1_u64.wrapping_shl(doublings))
            .min(self.longest_ms)
    }
}

impl Default for Retry {
    /// The originals' message broker: first after 1 s, doubled up to 10 s (SEED API 1.8).
    fn default() -> Self {
        Self {
            first_ms: 1_000,
            longest_ms: 10_000,
        }
    }
}

/// One step of the flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it does.
    pub action: Action,
    /// How it is waited for.
    pub mode: Mode,
    /// What the order becomes when the step is done.
    pub then: Option<order::State>,
    /// How often it is tried again.
    pub retry: Retry,
}

/// All steps, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// At least one; each action at most once.
    pub steps: Vec<Step>,
}

impl Flow {
    /// The step that does this kind of thing.
    pub fn step(&self, does: impl Fn(Action) -> bool) -> Option<&Step> {
        self.steps.iter().find(|step| does(step.action))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let retry = Retry {
            first_ms: 100,
            longest_ms: 1_000,
        };
        let pauses: Vec<u64> = (1..=6).map(|attempt| retry.pause_ms(attempt)).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(retry.pause_ms(u32::MAX), 1_000);
    }
}
