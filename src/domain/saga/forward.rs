//! Going forward: the next thing to do for an order, step by step through the flow.

use super::{Circumstances, Command, Progress, Reaction, Saga};
use crate::domain::{
    approval, delivery, listing, order, payment, payout,
    storefront::{Action, Flow, Granting, Mode, Step},
};

/// What a step that is not done asks for.
enum Next {
    /// This, now.
    Do(Vec<Command>),
    /// Nothing: somebody is awaited.
    Await,
    /// Its part of the storefront is paused.
    Closed,
    /// Nothing that later steps wait for.
    Pass,
}

impl Saga {
    pub(super) fn advance(&self, at: &Circumstances<'_>) -> Reaction {
        let mut waits_for = None;
        let mut to_grant = false;
        for step in self.steps(at.flow) {
            if self.progress(step.action) == Progress::Done {
                if to_grant {
                    return only(Command::Approval(approval::Command::Grant));
                }
                if let Some(command) = self.then(step) {
                    return only(command);
                }
                continue;
            }
            match self.next(step, at) {
                Next::Do(commands) => {
                    return Reaction {
                        commands,
                        waits_for,
                    };
                }
                Next::Await => {
                    let commands = Vec::new();
                    return Reaction {
                        commands,
                        waits_for,
                    };
                }
                Next::Closed => {
                    waits_for = waits_for.or(Some(step.action));
                    if !self.is_passed(step) {
                        return self.hold(step, waits_for);
                    }
                }
                Next::Pass => {
                    let by_flow = Action::Approve {
                        by: Granting::NextStep,
                    };
                    to_grant |= step.action == by_flow;
                }
            }
        }
        self.give_back(at, waits_for)
    }

    /// Begins the step by hand: a person asked for it. Nothing, where it was begun before.
    pub fn begin(&self, step: &Step, at: &Circumstances<'_>) -> Vec<Command> {
        let order = at.order;
        let command = match (step.action, self.progress(step.action)) {
            (Action::Reserve, Progress::Waiting) => return self.reserve(at),
            (Action::Assign(choice), Progress::Waiting) => Command::Choose(choice),
            (Action::Approve { .. }, Progress::Waiting) => {
                let subject = order.key();
                Command::Approval(approval::Command::Request { subject })
            }
            // A payment that failed may be asked for again, by the person who pays.
            (Action::Pay, progress) if self.is_payable(step, progress) => {
                let amount = self.amount.expect("an order that was placed has an amount");
                Command::Payment(payment::Command::Request { order, amount })
            }
            (Action::PayOut(terms), Progress::Waiting) => {
                let captured = self.amount.expect("an order that was placed has an amount");
                let (amount, commission) = terms.shares(captured);
                let due = at.now.plus_ms(terms.after_ms);
                Command::Payout(payout::Command::Schedule {
                    order,
                    amount,
                    commission,
                    due,
                })
            }
            (Action::Deliver { steps }, Progress::Waiting) => {
                Command::Delivery(delivery::Command::Plan { order, steps })
            }
            _ => return Vec::new(),
        };
        vec![command]
    }

    fn next(&self, step: &Step, at: &Circumstances<'_>) -> Next {
        let progress = self.progress(step.action);
        let closed = at.closed.has(step.action.kind());
        if let Some(command) = self.expire(step, at) {
            return Next::Do(vec![command]);
        }
        match (step.action, progress) {
            // Refused: there is nothing to go on with.
            (Action::Approve { .. }, Progress::Undone) => {
                Next::Do(vec![Command::Order(order::Command::Cancel)])
            }
            (
                Action::Approve {
                    by: Granting::NextStep,
                },
                Progress::Asked,
            ) => Next::Pass,
            // What would come back at once is not taken.
            (Action::Reserve | Action::Assign(_), Progress::Waiting)
                if self.order == order::State::Completed && at.flow.returns =>
            {
                Next::Pass
            }
            (Action::Reserve | Action::Assign(_) | Action::PayOut(_), Progress::Undone) => {
                Next::Pass
            }
            // Nobody is paid for what the order was accepted without and may not get.
            (Action::PayOut(_), Progress::Waiting) if self.is_still_to_lend(at.flow) => Next::Pass,
            (Action::PayOut(_), Progress::Asked) if self.payout_due > Some(at.now) => Next::Pass,
            (Action::PayOut(_), Progress::Asked) if closed => Next::Closed,
            (Action::PayOut(_), Progress::Asked) => {
                Next::Do(vec![Command::Payout(payout::Command::Pay)])
            }
            (_, Progress::Waiting) if step.mode == Mode::Command => Next::Await,
            (_, Progress::Waiting) if closed => Next::Closed,
            (_, Progress::Waiting) => Next::Do(self.begin(step, at)),
            // Nobody outside is awaited for a delivery that starts by itself.
            (Action::Deliver { .. }, Progress::Asked) if step.mode == Mode::Async => {
                if closed {
                    return Next::Closed;
                }
                Next::Do(vec![Command::Delivery(delivery::Command::Advance)])
            }
            _ => Next::Await,
        }
    }

    /// What a finished step means for the order, unless the order knows already.
    fn then(&self, step: &Step) -> Option<Command> {
        let reached = step.then.filter(|then| *then > self.order)?;
        let command = match reached {
            order::State::Held => order::Command::Hold,
            order::State::Confirmed => order::Command::Confirm,
            order::State::Completed => order::Command::Complete,
            order::State::Absent | order::State::Placed | order::State::Cancelled => return None,
        };
        Some(Command::Order(command))
    }

    /// A step whose part is paused: the order is held meanwhile, if the step's mode says so.
    fn hold(&self, step: &Step, waits_for: Option<Action>) -> Reaction {
        let holds = step.holds() && self.order < order::State::Held;
        let commands = holds.then_some(Command::Order(order::Command::Hold));
        Reaction {
            commands: commands.into_iter().collect(),
            waits_for,
        }
    }

    /// At the end: what was only lent is given back, what was sold is handed over.
    fn give_back(&self, at: &Circumstances<'_>, waits_for: Option<Action>) -> Reaction {
        if self.order != order::State::Completed || self.reserved.is_empty() {
            let commands = Vec::new();
            return Reaction {
                commands,
                waits_for,
            };
        }
        let order = at.order;
        self.settle_stock(at, waits_for, |quantity| {
            if at.flow.returns {
                listing::Command::Release { order, quantity }
            } else {
                listing::Command::Hand { order, quantity }
            }
        })
    }

    fn reserve(&self, at: &Circumstances<'_>) -> Vec<Command> {
        let order = at.order;
        let missing = self
            .wanted
            .iter()
            .filter(|wanted| !self.reserved.contains(wanted));
        missing
            .map(|line| {
                let quantity = line.quantity;
                Command::Listing(line.listing, listing::Command::Reserve { order, quantity })
            })
            .collect()
    }

    fn is_still_to_lend(&self, flow: &Flow) -> bool {
        let is_over = self.order == order::State::Completed && flow.returns;
        let mut steps = self.steps(flow).map(|step| step.action);
        !is_over
            && steps.any(|action| {
                let lends = matches!(action, Action::Reserve | Action::Assign(_));
                lends && self.progress(action) == Progress::Waiting
            })
    }

    fn is_payable(&self, step: &Step, progress: Progress) -> bool {
        match progress {
            Progress::Waiting => true,
            Progress::Undone => step.mode == Mode::Command && self.ledger.captures == 0,
            Progress::Asked | Progress::Done | Progress::Undoing => false,
        }
    }
}

fn only(command: Command) -> Reaction {
    Reaction {
        commands: vec![command],
        waits_for: None,
    }
}
