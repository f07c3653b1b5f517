//! Undoing: what was done for an order that was called off, the last step first.

use super::{Circumstances, Command, Progress, Reaction, Saga};
use crate::domain::{approval, delivery, listing, order, payment, payout, storefront::Action};

impl Saga {
    /// What is to be undone: of an order that was cancelled, or of one that never came to be.
    pub(super) fn undo(&self, at: &Circumstances<'_>) -> Reaction {
        let mut reaction = Reaction::default();
        for step in self.steps(at.flow).rev() {
            let lends = matches!(step.action, Action::Reserve | Action::Assign(_));
            if lends && !self.reserved.is_empty() {
                let released = self.release(at, reaction.waits_for);
                reaction.commands.extend(released.commands);
                reaction.waits_for = released.waits_for;
            } else if let Some(command) = self.undo_step(step.action) {
                if at.closed.has(step.action.kind()) {
                    reaction.waits_for = reaction.waits_for.or(Some(step.action));
                } else {
                    reaction.commands.push(command);
                }
            }
        }
        reaction
    }

    /// Gives back whatever is reserved.
    pub(super) fn release(&self, at: &Circumstances<'_>, waits_for: Option<Action>) -> Reaction {
        let lends = |action: &Action| matches!(action, Action::Reserve | Action::Assign(_));
        let lender = self.steps(at.flow).map(|step| step.action).find(lends);
        if lender.is_some_and(|action| at.closed.has(action.kind())) {
            return Reaction {
                commands: Vec::new(),
                waits_for: waits_for.or(lender),
            };
        }
        let order = at.order;
        let release = |line: &order::Line| {
            Command::Listing(line.listing, listing::Command::Release { order })
        };
        Reaction {
            commands: self.reserved.iter().map(release).collect(),
            waits_for,
        }
    }

    fn undo_step(&self, action: Action) -> Option<Command> {
        let existed = self.order != order::State::Absent;
        match (action, self.progress(action)) {
            (Action::Approve { .. }, Progress::Asked | Progress::Done) if existed => {
                Some(Command::Approval(approval::Command::Withdraw))
            }
            (Action::Pay, Progress::Done) if existed => {
                Some(Command::Payment(payment::Command::Refund))
            }
            (Action::Pay, Progress::Asked) => Some(Command::Payment(payment::Command::Void)),
            (Action::PayOut(_), Progress::Asked) if existed => {
                Some(Command::Payout(payout::Command::TakeBack))
            }
            (Action::Deliver { .. }, Progress::Asked | Progress::Done) if existed => {
                Some(Command::Delivery(delivery::Command::Cancel))
            }
            _ => None,
        }
    }
}
