//! How far each action of the flow has come, as the states of what does it say.

use serde::{Deserialize, Serialize};

use super::Saga;
use crate::domain::{
    approval, delivery, order, payment, payout,
    storefront::{Action, Flow, Step},
};

/// How far one action of the flow has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// Not begun.
    #[default]
    Waiting,
    /// Asked for, not answered.
    Asked,
    /// Done.
    Done,
    /// To be undone, not confirmed.
    Undoing,
    /// Undone, or never to be done.
    Undone,
}

impl Progress {
    /// The domain's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Asked => "asked",
            Self::Done => "done",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
        }
    }
}

impl Saga {
    /// How far an action has come.
    pub fn progress(&self, action: Action) -> Progress {
        match action {
            Action::Reserve => self.reservation(),
            Action::Assign(_) => self.assignment(),
            Action::Approve { .. } => self.approve,
            Action::Pay => self.pay,
            Action::PayOut(_) => self.payout,
            Action::Deliver { .. } => self.deliver,
        }
    }

    /// The steps that the order goes through.
    pub fn steps<'a>(&self, flow: &'a Flow) -> impl DoubleEndedIterator<Item = &'a Step> {
        let skipped = self.skipped;
        let steps = flow.steps.iter().enumerate();
        steps.filter_map(move |(at, step)| {
            let bit = u32::try_from(at)
                .ok()
                .and_then(|at| skipped.checked_shr(at));
            (bit.unwrap_or(0) & 1 == 0).then_some(step)
        })
    }

    /// The first step that is not done and that later ones wait for, if there is one.
    pub fn current<'a>(&self, flow: &'a Flow) -> Option<&'a Step> {
        self.steps(flow)
            .find(|step| self.progress(step.action) != Progress::Done && !self.is_passed(step))
    }

    /// Whether what comes after the step may go on although the step is not done.
    pub(super) fn is_passed(&self, step: &Step) -> bool {
        match step.action {
            // What was given back was done, and what an order was accepted without comes later.
            Action::Reserve | Action::Assign(_) => self.returned || step.is_deferrable,
            // The seller's money is nobody else's concern.
            Action::PayOut(_) => true,
            Action::Approve { .. } | Action::Pay | Action::Deliver { .. } => false,
        }
    }

    fn reservation(&self) -> Progress {
        if self.returned {
            return Progress::Undone;
        }
        let has = |wanted: &order::Line| self.reserved.contains(wanted);
        if self.wanted.iter().all(has) {
            Progress::Done
        } else {
            Progress::Waiting
        }
    }

    fn assignment(&self) -> Progress {
        match (self.returned, self.reserved.is_empty()) {
            (true, _) => Progress::Undone,
            (false, true) => Progress::Waiting,
            (false, false) => Progress::Done,
        }
    }
}

impl From<payment::State> for Progress {
    fn from(state: payment::State) -> Self {
        match state {
            payment::State::Absent => Self::Waiting,
            payment::State::Requested => Self::Asked,
            payment::State::Captured => Self::Done,
            payment::State::Refunding | payment::State::Voiding => Self::Undoing,
            payment::State::Refunded | payment::State::Failed => Self::Undone,
        }
    }
}

impl From<delivery::State> for Progress {
    fn from(state: delivery::State) -> Self {
        match state {
            delivery::State::Absent => Self::Waiting,
            delivery::State::Planned | delivery::State::Step(_) => Self::Asked,
            delivery::State::Done => Self::Done,
            delivery::State::Cancelled => Self::Undone,
        }
    }
}

impl From<approval::State> for Progress {
    fn from(state: approval::State) -> Self {
        match state {
            approval::State::Absent => Self::Waiting,
            approval::State::Requested => Self::Asked,
            approval::State::Granted => Self::Done,
            approval::State::Refused | approval::State::Withdrawn | approval::State::Expired => {
                Self::Undone
            }
        }
    }
}

impl From<payout::State> for Progress {
    fn from(state: payout::State) -> Self {
        match state {
            payout::State::Absent => Self::Waiting,
            payout::State::Due => Self::Asked,
            payout::State::Paid => Self::Done,
            payout::State::TakenBack => Self::Undone,
        }
    }
}
