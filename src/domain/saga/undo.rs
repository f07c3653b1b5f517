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
                let order = at.order;
                let released = self.settle_stock(at, reaction.waits_for, |quantity| {
                    listing::Command::Release { order, quantity }
                });
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

    /// Tells every listing that something is reserved of what becomes of it.
    pub(super) fn settle_stock(
        &self,
        at: &Circumstances<'_>,
        waits_for: Option<Action>,
        command: impl Fn(u64) -> listing::Command,
    ) -> Reaction {
        let lends = |action: &Action| matches!(action, Action::Reserve | Action::Assign(_));
        let lender = self.steps(at.flow).map(|step| step.action).find(lends);
        if lender.is_some_and(|action| at.closed.has(action.kind())) {
            return Reaction {
                commands: Vec::new(),
                waits_for: waits_for.or(lender),
            };
        }
        let lines = self.reserved.iter();
        let commands = lines.map(|line| Command::Listing(line.listing, command(line.quantity)));
        Reaction {
            commands: commands.collect(),
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
