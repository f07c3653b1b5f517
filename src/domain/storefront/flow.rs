//! The steps that an order goes through.

use std::sync::Arc;

use crate::domain::{
    Fields, Kind, Timestamp,
    order::{self, Line},
    payout::Terms,
};

/// What a step does. Each knows how it is undone (see the [saga](crate::domain::saga)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Reserve what the order's lines ask for, all or nothing. Undone by giving it back.
    Reserve,
    /// Choose a listing for the order and reserve it. Undone by giving it back.
    Assign(Choice),
    /// Ask somebody for a yes. Undone by asking no longer.
    Approve {
        /// Who says it.
        by: Granting,
    },
    /// Take the order's amount. Undone by giving it back.
    Pay,
    /// Promise the seller the amount less the commission, and pay it when it is due. Undone by
    /// taking the promise back; once paid, the order is not called off any more.
    PayOut(Terms),
    /// Fulfil the order. Undone by calling the delivery off.
    Deliver {
        /// How many named steps the storefront's deliveries have; at least 1.
        steps: u8,
    },
}

impl Action {
    /// The name that definition files use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reserve => "reserve",
            Self::Assign(_) => "assign",
            Self::Approve { .. } => "approve",
            Self::Pay => "pay",
            Self::PayOut(_) => "payout",
            Self::Deliver { .. } => "deliver",
        }
    }

    /// Whose part of the storefront does it; while that is paused, it waits.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Reserve => Kind::Listing,
            Self::Assign(_) | Self::Deliver { .. } => Kind::Delivery,
            Self::Approve { .. } => Kind::Approval,
            Self::Pay => Kind::Payment,
            Self::PayOut(_) => Kind::Payout,
        }
    }
}

/// Which listing an order without a choice of its own gets, among those that are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The nearest to the order's position; without a position, the first.
    Nearest,
    /// The one with the lowest number.
    First,
    /// Any; the order's number is the seed, so that a replay chooses alike.
    Random,
}

impl Choice {
    /// Every rule with the name that definition files use.
    pub const ALL: [(&'static str, Self); 3] = [
        ("nearest", Self::Nearest),
        ("first", Self::First),
        ("random", Self::Random),
    ];
}

/// Who says yes to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granting {
    /// A person, with a request; until then the flow waits.
    Person,
    /// The flow itself, as soon as the step after it is done.
    NextStep,
}

/// How a step is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The caller waits; if it fails, the order never existed.
    Sync,
    /// The order is accepted; the step is done, and tried again, by itself.
    Async,
    /// Like `Async`, and the order is `held` until it is done.
    Hold,
    /// A person's request does it.
    Command,
}

impl Mode {
    /// Every mode with the name that definition files use.
    pub const ALL: [(&'static str, Self); 4] = [
        ("sync", Self::Sync),
        ("async", Self::Async),
        ("hold", Self::Hold),
        ("command", Self::Command),
    ];
}

/// When a step is taken at all, decided once: when the order is placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnlyIf {
    /// The order's field.
    pub field: Arc<str>,
    /// Whether it must be given, or must not.
    pub given: bool,
    /// Whether it is the field with the listings that the order is for: they are not among its
    /// fields.
    pub of_lines: bool,
}

impl OnlyIf {
    /// Whether an order with these fields and listings is one.
    fn holds(&self, fields: &Fields, lines: &[Line]) -> bool {
        let is_there = if self.of_lines {
            !lines.is_empty()
        } else {
            fields.get(&self.field).is_some()
        };
        is_there == self.given
    }
}

/// How often something that did not answer is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "each with its unit")]
pub struct Retry {
    /// The first pause.
    pub first_ms: u64,
    /// The longest pause; each is twice the one before.
    pub longest_ms: u64,
    /// For how long it is asked again at all, in milliseconds.
    pub for_ms: u64,
}

impl Retry {
    /// The pause after the `attempt`th try, counted from 1.
    pub fn pause_ms(&self, attempt: u32) -> u64 {
        let doublings = attempt.saturating_sub(1).min(32);
        self.first_ms
            .saturating_mul(1_u64.wrapping_shl(doublings))
            .min(self.longest_ms)
    }

    /// Whether what has been asked again since `since` is given up by `now`. Only asked of what has
    /// just failed, so that nothing is given up that was never tried.
    pub fn is_over(&self, since: Timestamp, now: Timestamp) -> bool {
        now.ms_since(since) >= self.for_ms
    }
}

impl Default for Retry {
    /// The originals' message broker: first after 1 s, doubled up to 10 s (SEED API 1.8). It gave
    /// up after three tries; a provider may be away for a day.
    fn default() -> Self {
        Self {
            first_ms: 1_000,
            longest_ms: 10_000,
            for_ms: 86_400_000,
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
    /// Whether an order is accepted all the same while a `Sync` step's part of the storefront is
    /// paused; the step is then done later.
    pub is_deferrable: bool,
    /// When it is taken at all; always, if nothing is said.
    pub only_if: Option<OnlyIf>,
    /// What the order becomes when the step is done.
    pub then: Option<order::State>,
    /// How often it is tried again.
    pub retry: Retry,
    /// How long a person is awaited, in milliseconds, before the order is called off; for ever, if
    /// nothing is said. Only where a person is awaited.
    pub within_ms: Option<u64>,
}

impl Step {
    /// Whether the flow waits here until a person does something about it.
    pub fn is_by_person(&self) -> bool {
        match self.action {
            Action::Approve { by } => by == Granting::Person,
            Action::Pay => self.mode == Mode::Command,
            Action::Reserve | Action::Assign(_) | Action::PayOut(_) | Action::Deliver { .. } => {
                false
            }
        }
    }
}

impl Step {
    /// Whether an order is `held` while it waits for this step.
    pub fn holds(&self) -> bool {
        let is_accepted_unpaid = self.action == Action::Pay && self.is_deferrable;
        self.mode == Mode::Hold || is_accepted_unpaid
    }
}

/// All steps, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// At least one; each action at most once.
    pub steps: Vec<Step>,
    /// Whether what an order reserved comes back when the order is completed: a room, a person; not
    /// a parcel.
    pub returns: bool,
}

impl Flow {
    /// The steps that an order with these fields and listings does not go through, as a bit for
    /// each.
    pub fn skipped(&self, fields: &Fields, lines: &[Line]) -> u32 {
        let mut skipped = 0;
        for (at, step) in (0..u32::BITS).zip(&self.steps) {
            if let Some(only_if) = &step.only_if
                && !only_if.holds(fields, lines)
            {
                skipped |= 1_u32.wrapping_shl(at);
            }
        }
        skipped
    }

    /// The step that does this kind of thing.
    pub fn step(&self, does: impl Fn(Action) -> bool) -> Option<&Step> {
        self.steps.iter().find(|step| does(step.action))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ListingId;

    #[test]
    fn steps_are_left_out_by_a_field_or_by_the_listings_that_an_order_is_for() {
        let step = |field: &str, given, of_lines| Step {
            action: Action::Pay,
            mode: Mode::Sync,
            is_deferrable: false,
            only_if: Some(OnlyIf {
                field: field.into(),
                given,
                of_lines,
            }),
            then: None,
            retry: Retry::default(),
            within_ms: None,
        };
        let flow = Flow {
            steps: vec![step("tel", true, false), step("room", false, true)],
            returns: false,
        };
        let mut fields = Fields::new();
        let line = Line {
            listing: ListingId(1),
            quantity: 1,
        };
        assert_eq!(flow.skipped(&fields, &[]), 0b01);
        assert_eq!(flow.skipped(&fields, &[line]), 0b11);
        fields.set("tel".into(), Some("1".into()));
        assert_eq!(flow.skipped(&fields, &[line]), 0b10);
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let retry = Retry {
            first_ms: 100,
            longest_ms: 1_000,
            ..Retry::default()
        };
        let pauses: Vec<u64> = (1..=6).map(|attempt| retry.pause_ms(attempt)).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(retry.pause_ms(u32::MAX), 1_000);
    }

    #[test]
    fn what_is_asked_again_is_given_up_after_its_horizon_and_not_when_clocks_go_back() {
        let retry = Retry::default();
        let since = Timestamp(1_000);
        assert!(!retry.is_over(since, Timestamp(86_400_999)));
        assert!(retry.is_over(since, Timestamp(86_401_000)));
        assert!(!retry.is_over(since, Timestamp(0)));
    }
}
