//! Until when it waits: for a person, for a retry, for the day on which the seller is paid.

use super::{Circumstances, Command, Event, Progress, Saga};
use crate::domain::{
    Kind, Timestamp, approval, order,
    storefront::{Action, Flow, Step},
};

impl Saga {
    /// When it is to be looked at again, if something of it waits for a time.
    pub fn due(&self) -> Option<Timestamp> {
        let retry = self.retry.map(|(due, _)| due);
        let payout = self
            .payout_due
            .filter(|_| self.payout == Progress::Asked && self.order != order::State::Cancelled);
        let awaiting = self.awaiting.map(|(_, until)| until);
        [retry, payout, awaiting].into_iter().flatten().min()
    }

    /// Whether it has something to do or to wait for without a person's help, so that somebody must
    /// look at it again.
    pub fn goes_on(&self, at: &Circumstances<'_>) -> bool {
        let is_owed = self.is_asked() && self.given_up.is_none();
        if is_owed || self.due().is_some() {
            return true;
        }
        let reaction = self.react(at);
        !reaction.commands.is_empty() || reaction.waits_for.is_some()
    }

    /// Notes until when the person is awaited whom the order waits for now, unless that is noted
    /// already or may take for ever.
    pub fn begins_to_await(&self, at: &Circumstances<'_>) -> Option<Event> {
        if at.flow.steps.iter().all(|step| step.within_ms.is_none()) {
            return None;
        }
        let step = self.awaited(at.flow)?;
        let (kind, within_ms) = (step.action.kind(), step.within_ms?);
        let until = at.now.plus_ms(within_ms);
        let is_noted = self.awaiting.is_some_and(|(noted, _)| noted == kind);
        (!is_noted).then_some(Event::Awaiting { kind, until })
    }

    /// The step that waits for a person now, if one does.
    pub fn awaited<'a>(&self, flow: &'a Flow) -> Option<&'a Step> {
        if matches!(self.order, order::State::Absent | order::State::Cancelled) {
            return None;
        }
        let step = self.current(flow)?;
        self.is_awaited(step).then_some(step)
    }

    /// Whether the payment provider owes an answer.
    pub fn is_asked(&self) -> bool {
        matches!(self.pay, Progress::Asked | Progress::Undoing)
    }

    /// What becomes of a step for which a person was awaited for too long. What is being paid when
    /// the time is up is not cut off, and a seller who was paid keeps the order.
    pub(super) fn expire(&self, step: &Step, at: &Circumstances<'_>) -> Option<Command> {
        let (kind, until) = self.awaiting?;
        let is_over = kind == step.action.kind() && until <= at.now;
        if !is_over || !self.is_awaited(step) || self.payout == Progress::Done {
            return None;
        }
        Some(match step.action {
            Action::Approve { .. } => Command::Approval(approval::Command::Expire),
            Action::Reserve
            | Action::Assign(_)
            | Action::Pay
            | Action::PayOut(_)
            | Action::Deliver { .. } => Command::Order(order::Command::Cancel),
        })
    }

    /// Whoever was awaited has come, or is not awaited any more.
    pub(super) fn await_no_longer(&mut self) {
        let is_over = match self.awaiting {
            Some((Kind::Approval, _)) => self.approve != Progress::Asked,
            Some(_) => self.pay == Progress::Done,
            None => return,
        };
        if is_over || self.order == order::State::Cancelled {
            self.awaiting = None;
        }
    }

    fn is_awaited(&self, step: &Step) -> bool {
        let progress = self.progress(step.action);
        step.is_by_person()
            && match step.action {
                Action::Approve { .. } => progress == Progress::Asked,
                Action::Reserve
                | Action::Assign(_)
                | Action::Pay
                | Action::PayOut(_)
                | Action::Deliver { .. } => !matches!(progress, Progress::Asked | Progress::Done),
            }
    }
}
