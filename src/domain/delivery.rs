//! What fulfils an order, in the storefront's named steps: a parcel, a stay, a visit, a lecture.

use serde::{Deserialize, Serialize};

use super::{Aggregate, Changes, Event as AnyEvent, Fields, Kind, Refusal, ids::OrderId};

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Not planned.
    #[default]
    Absent,
    /// Planned, no step taken.
    Planned,
    /// A step before the last was taken; counted from 0.
    Step(u8),
    /// The last step was taken.
    Done,
    /// Called off.
    Cancelled,
}

impl State {
    /// The domain's word for it; a storefront's file maps it, and each step, to its own.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Planned => "planned",
            Self::Step(_) => "step",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What one may ask of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Plan it.
    Plan {
        /// Which order it fulfils.
        order: OrderId,
        /// How many steps it has; at least 1, of which the last completes it.
        steps: u8,
    },
    /// Note something about it: who does it, a photo's reference.
    Note {
        /// Only what is new.
        changes: Changes,
    },
    /// Take the next step.
    Advance,
    /// Take all steps up to this one, counted from 0.
    AdvanceTo {
        /// The step to have been taken.
        step: u8,
    },
    /// Call it off.
    Cancel,
}

/// What may have happened to a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// It was planned.
    Planned {
        /// Which order it fulfils.
        order: OrderId,
        /// How many steps it has.
        steps: u8,
    },
    /// Something was noted about it.
    Noted {
        /// All that is noted by now.
        fields: Fields,
    },
    /// A step before the last was taken.
    Stepped {
        /// Counted from 0.
        step: u8,
    },
    /// The last step was taken.
    Done,
    /// It was called off.
    Cancelled,
}

/// A delivery's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Where it stands.
    pub state: State,
    /// Which order it fulfils.
    pub order: Option<OrderId>,
    /// How many steps it has.
    pub steps: u8,
    /// What was noted about it.
    pub fields: Fields,
}

impl Aggregate for Delivery {
    const KIND: Kind = Kind::Delivery;
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: &Command) -> Result<Vec<Event>, Refusal> {
        match command {
            &Command::Plan { order, steps } => {
                if self.exists() {
                    return Ok(Vec::new());
                }
                if steps == 0 {
                    return Err(Refusal::UnknownStep { step: 0 });
                }
                Ok(vec![Event::Planned { order, steps }])
            }
            Command::Note { changes } => {
                if !self.exists() {
                    return Err(Refusal::OrderNotReady {
                        state: "without a delivery",
                    });
                }
                let fields = self.fields.changed(changes);
                let is_news = fields != self.fields;
                Ok(is_news
                    .then_some(Event::Noted { fields })
                    .into_iter()
                    .collect())
            }
            Command::Advance => self.advance_to(self.next_step()),
            &Command::AdvanceTo { step } => self.advance_to(step),
            Command::Cancel => Ok(match self.state {
                State::Absent | State::Cancelled => Vec::new(),
                State::Planned | State::Step(_) | State::Done => vec![Event::Cancelled],
            }),
        }
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Planned { order, steps } => {
                self.state = State::Planned;
                self.order = Some(*order);
                self.steps = *steps;
            }
            Event::Noted { fields } => self.fields = fields.clone(),
            Event::Stepped { step } => self.state = State::Step(*step),
            Event::Done => self.state = State::Done,
            Event::Cancelled => self.state = State::Cancelled,
        }
    }

    fn event_of(event: &AnyEvent) -> Option<&Event> {
        event.as_delivery()
    }

    fn exists(&self) -> bool {
        self.state != State::Absent
    }
}

impl Delivery {
    /// The step that would be taken next, counted from 0; the last one if all are taken.
    pub fn next_step(&self) -> u8 {
        let last = self.steps.saturating_sub(1);
        match self.state {
            State::Absent | State::Planned => 0,
            State::Step(step) => step.saturating_add(1).min(last),
            State::Done | State::Cancelled => last,
        }
    }

    /// Steps that were taken already are no news, so a repeated report counts once.
    fn advance_to(&self, step: u8) -> Result<Vec<Event>, Refusal> {
        match self.state {
            State::Absent => Err(Refusal::OrderNotReady {
                state: "without a delivery",
            }),
            State::Cancelled => Err(Refusal::DeliveryCancelled),
            State::Done => Ok(Vec::new()),
            State::Planned | State::Step(_) if step >= self.steps => {
                Err(Refusal::UnknownStep { step })
            }
            State::Planned | State::Step(_) => Ok((self.next_step()..=step)
                .map(|taken| match taken.checked_add(1) {
                    Some(count) if count < self.steps => Event::Stepped { step: taken },
                    _ => Event::Done,
                })
                .collect()),
        }
    }
}

impl Event {
    /// The domain's word for it, which a storefront's file maps to its own.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Planned { .. } => "planned",
            Self::Noted { .. } => "noted",
            Self::Stepped { .. } => "step",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it is a step that was taken, the last one or one before.
    pub const fn is_step(&self) -> bool {
        matches!(self, Self::Stepped { .. } | Self::Done)
    }

    /// The state that a delivery is in after it, if it changes that.
    pub const fn state_after(&self) -> Option<State> {
        match self {
            Self::Planned { .. } => Some(State::Planned),
            Self::Noted { .. } => None,
            Self::Stepped { step } => Some(State::Step(*step)),
            Self::Done => Some(State::Done),
            Self::Cancelled => Some(State::Cancelled),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(steps: u8) -> Event {
        Event::Planned {
            order: OrderId(1),
            steps,
        }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "so that a case reads as a sentence"
    )]
    fn check(given: &[Event], when: Command, then: Result<Vec<Event>, Refusal>) {
        let mut delivery = Delivery::default();
        for event in given {
            delivery.apply(event);
        }
        assert_eq!(
            delivery.decide(&when),
            then,
            "given {given:?} when {when:?}"
        );
    }

    #[test]
    fn a_delivery_of_one_step_is_done_by_it_and_counts_once() {
        check(&[planned(1)], Command::Advance, Ok(vec![Event::Done]));
        check(&[planned(1), Event::Done], Command::Advance, Ok(vec![]));
        check(
            &[planned(1)],
            Command::Plan {
                order: OrderId(1),
                steps: 1,
            },
            Ok(vec![]),
        );
    }

    #[test]
    fn steps_are_taken_in_order_and_none_is_left_out() {
        let step = |step| Event::Stepped { step };
        check(&[planned(3)], Command::Advance, Ok(vec![step(0)]));
        check(&[planned(3), step(0)], Command::Advance, Ok(vec![step(1)]));
        check(
            &[planned(3), step(0), step(1)],
            Command::Advance,
            Ok(vec![Event::Done]),
        );
        let all = Ok(vec![step(0), step(1), Event::Done]);
        check(&[planned(3)], Command::AdvanceTo { step: 2 }, all);
        check(
            &[planned(3), step(1)],
            Command::AdvanceTo { step: 0 },
            Ok(vec![]),
        );
        let unknown = Err(Refusal::UnknownStep { step: 3 });
        check(&[planned(3)], Command::AdvanceTo { step: 3 }, unknown);
    }

    #[test]
    fn a_cancelled_delivery_stays_cancelled() {
        let cancelled = [planned(1), Event::Cancelled];
        check(
            &[planned(1), Event::Done],
            Command::Cancel,
            Ok(vec![Event::Cancelled]),
        );
        check(&cancelled, Command::Cancel, Ok(vec![]));
        check(
            &cancelled,
            Command::Advance,
            Err(Refusal::DeliveryCancelled),
        );
        check(&[], Command::Cancel, Ok(vec![]));
    }
}
