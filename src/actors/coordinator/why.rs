//! What an order waits for, as its shard sees it.

use tokio::sync::oneshot;

use super::{Coordinator, line::Line};
use crate::{
    actors::{
        handles::{Failure, Stopped, Wait, Why},
        turn::Subject,
    },
    domain::{
        Kind, order,
        saga::{Circumstances, Kept, Progress, Saga},
        storefront::{Action, Mode},
    },
};

/// A look from outside that changes nothing.
pub(in crate::actors) enum Look {
    /// What an order waits for.
    Why(Subject, oneshot::Sender<Result<Option<Why>, Failure>>),
    /// Which orders had stopped.
    Stuck(oneshot::Sender<Vec<Stopped>>),
}

impl Coordinator {
    pub(super) fn look(&self, look: Look) {
        match look {
            Look::Why(key, reply) => drop(reply.send(self.why(key))),
            Look::Stuck(reply) => drop(reply.send(self.watch.found())),
        }
    }

    fn why(&self, key: Subject) -> Result<Option<Why>, Failure> {
        let live = self.live.get(&key).map(|live| live.saga.clone());
        let stored = || {
            let kept = self.local.state(key.storefront, Kind::Saga, key.number);
            kept.map(|kept: Kept| kept.saga)
        };
        let saga: Saga = live.map_or_else(stored, Ok)?;
        if saga == Saga::default() {
            return Ok(None);
        }
        let at = self.circumstances(key, self.now());
        let steps = saga.steps(at.flow);
        let steps = steps.map(|step| (step.action, step.mode, saga.progress(step.action)));
        Ok(Some(Why {
            order: saga.order,
            steps: steps.collect(),
            waits: self.waits(key, &saga, &at),
            timer: self.timers.of(key),
            given_up: saga.given_up.clone(),
        }))
    }

    fn waits(&self, key: Subject, saga: &Saga, at: &Circumstances<'_>) -> Wait {
        if self.crashes.is_quarantined(key) {
            return Wait::Quarantine;
        }
        if saga.given_up.is_some() {
            return Wait::Letter;
        }
        let live = self.live.get(&key);
        if live.is_some_and(|live| live.busy || live.in_flight > 0) {
            return Wait::Turn;
        }
        let standing = self.local.lines.place_of(key);
        match standing {
            // Also where the payment is asked for: its provider cannot be.
            Some((Line::Part(Kind::Payment), place)) => {
                return Wait::Part(Action::Pay, Some(place));
            }
            _ if saga.is_asked() => {
                return Wait::Provider(saga.retry.map_or(1, |(_, attempt)| attempt));
            }
            _ => {}
        }
        let reaction = saga.react(at);
        match (standing, reaction.waits_for) {
            (Some((Line::Somebody, place)), _) => return Wait::Somebody(Some(place)),
            (Some((Line::Part(_), place)), Some(action)) => return Wait::Part(action, Some(place)),
            (_, Some(action)) => return Wait::Part(action, None),
            (_, None) if !reaction.commands.is_empty() => return Wait::Timer,
            (_, None) => {}
        }
        let is_over = matches!(saga.order, order::State::Absent | order::State::Cancelled);
        if let Some(step) = saga.current(at.flow).filter(|_| !is_over)
            && (step.is_by_person() || step.mode == Mode::Command)
        {
            let until = saga.awaiting.map(|(_, until)| until);
            return Wait::Person(step.action, until.filter(|_| step.is_by_person()));
        }
        let is_due = |action| matches!(action, Action::PayOut(_)) && saga.payout == Progress::Asked;
        match saga.payout_due {
            Some(due) if !is_over && at.flow.step(is_due).is_some() => Wait::Payout(due),
            _ => Wait::Nothing,
        }
    }
}
