//! Somebody's yes or no: a shop that takes an order, an administrator who admits a listing.
//!
//! What follows from it (the order goes on, the listing opens, the money goes back) is decided by
//! the [saga](super::saga), or by the command that granted it.

use serde::{Deserialize, Serialize};

use super::{Aggregate, EntityKey, Event as AnyEvent, Kind, Refusal};

/// Where an approval stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Never asked for.
    #[default]
    Absent,
    /// Asked for, not answered.
    Requested,
    /// Yes.
    Granted,
    /// No.
    Refused,
    /// No longer asked for: what it was about was called off.
    Withdrawn,
    /// Nobody answered in time.
    Expired,
}

impl State {
    /// The domain's word for it, which a storefront's file maps to its own.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Requested => "requested",
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        }
    }
}

/// What one may ask of an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Ask for it.
    Request {
        /// The order or the listing that it is about.
        subject: EntityKey,
    },
    /// Say yes.
    Grant,
    /// Say no, also after a yes.
    Refuse,
    /// Ask no longer.
    Withdraw,
    /// Take it as not given: the time for an answer is over.
    Expire,
}

/// What may have happened to an approval. Each says what it is about, for those who read only the
/// event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// It was asked for.
    Requested {
        /// What it is about.
        subject: EntityKey,
    },
    /// Yes.
    Granted {
        /// What it is about.
        subject: EntityKey,
    },
    /// No.
    Refused {
        /// What it is about.
        subject: EntityKey,
    },
    /// It is no longer asked for.
    Withdrawn {
        /// What it was about.
        subject: EntityKey,
    },
    /// Nobody answered in time.
    Expired {
        /// What it was about.
        subject: EntityKey,
    },
}

/// An approval's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Where it stands.
    pub state: State,
    /// What it is about.
    pub subject: Option<EntityKey>,
}

impl Aggregate for Approval {
    const KIND: Kind = Kind::Approval;
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: &Command) -> Result<Vec<Event>, Refusal> {
        let subject = match (self.subject, command) {
            (Some(subject), _) | (None, &Command::Request { subject }) => subject,
            // Nothing was asked for, so there is nothing to withdraw.
            (None, Command::Withdraw | Command::Expire) => return Ok(Vec::new()),
            (None, Command::Grant | Command::Refuse) => return Err(self.unfit()),
        };
        match (command, self.state) {
            (Command::Request { .. }, State::Absent) => Ok(vec![Event::Requested { subject }]),
            (Command::Grant, State::Requested) => Ok(vec![Event::Granted { subject }]),
            (Command::Refuse, State::Requested | State::Granted) => {
                Ok(vec![Event::Refused { subject }])
            }
            (Command::Withdraw, State::Requested | State::Granted) => {
                Ok(vec![Event::Withdrawn { subject }])
            }
            (Command::Expire, State::Requested) => Ok(vec![Event::Expired { subject }]),
            // Asked or answered before: no news. What was refused stays so when it is called off,
            // and an answer that came before the time was over counts.
            (Command::Request { .. } | Command::Expire, _)
            | (Command::Grant, State::Granted)
            | (Command::Refuse, State::Refused)
            | (
                Command::Withdraw,
                State::Absent | State::Refused | State::Withdrawn | State::Expired,
            ) => Ok(Vec::new()),
            (Command::Grant | Command::Refuse, _) => Err(self.unfit()),
        }
    }

    fn apply(&mut self, event: &Event) {
        let (Event::Requested { subject }
        | Event::Granted { subject }
        | Event::Refused { subject }
        | Event::Withdrawn { subject }
        | Event::Expired { subject }) = event;
        self.subject = Some(*subject);
        self.state = event.state_after();
    }

    fn event_of(event: &AnyEvent) -> Option<&Event> {
        event.as_approval()
    }

    fn exists(&self) -> bool {
        self.state != State::Absent
    }
}

impl Approval {
    const fn unfit(&self) -> Refusal {
        Refusal::ApprovalNotOpen {
            state: self.state.name(),
        }
    }
}

impl Event {
    /// The domain's word for it, which a storefront's file maps to its own.
    pub const fn name(&self) -> &'static str {
        self.state_after().name()
    }

    /// The state that an approval is in after it.
    pub const fn state_after(&self) -> State {
        match self {
            Self::Requested { .. } => State::Requested,
            Self::Granted { .. } => State::Granted,
            Self::Refused { .. } => State::Refused,
            Self::Withdrawn { .. } => State::Withdrawn,
            Self::Expired { .. } => State::Expired,
        }
    }

    /// What it is about.
    pub const fn subject(&self) -> EntityKey {
        match self {
            Self::Requested { subject }
            | Self::Granted { subject }
            | Self::Refused { subject }
            | Self::Withdrawn { subject }
            | Self::Expired { subject } => *subject,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBJECT: EntityKey = EntityKey::new(Kind::Order, 1);
    const REQUESTED: Event = Event::Requested { subject: SUBJECT };
    const GRANTED: Event = Event::Granted { subject: SUBJECT };
    const REFUSED: Event = Event::Refused { subject: SUBJECT };
    const WITHDRAWN: Event = Event::Withdrawn { subject: SUBJECT };
    const EXPIRED: Event = Event::Expired { subject: SUBJECT };

    fn check(given: &[Event], when: Command, then: Result<&[Event], &'static str>) {
        let mut approval = Approval::default();
        for event in given {
            approval.apply(event);
        }
        let decided = approval.decide(&when);
        let then = then
            .map(<[Event]>::to_vec)
            .map_err(|state| Refusal::ApprovalNotOpen { state });
        assert_eq!(decided, then, "given {given:?} when {when:?}");
    }

    #[test]
    fn what_was_asked_for_is_answered_once() {
        let request = Command::Request { subject: SUBJECT };
        check(&[], request, Ok(&[REQUESTED]));
        check(&[REQUESTED], request, Ok(&[]));
        check(&[], Command::Grant, Err("absent"));
        check(&[REQUESTED], Command::Grant, Ok(&[GRANTED]));
        check(&[REQUESTED, GRANTED], Command::Grant, Ok(&[]));
        check(&[REQUESTED, REFUSED], Command::Grant, Err("refused"));
    }

    #[test]
    fn what_nobody_answers_in_time_expires_and_is_answered_no_more() {
        check(&[REQUESTED], Command::Expire, Ok(&[EXPIRED]));
        check(&[REQUESTED, GRANTED], Command::Expire, Ok(&[]));
        check(&[REQUESTED, REFUSED], Command::Expire, Ok(&[]));
        check(&[], Command::Expire, Ok(&[]));
        check(&[REQUESTED, EXPIRED], Command::Grant, Err("expired"));
        check(&[REQUESTED, EXPIRED], Command::Withdraw, Ok(&[]));
    }

    #[test]
    fn a_yes_can_become_a_no_but_what_is_called_off_is_neither() {
        check(&[REQUESTED, GRANTED], Command::Refuse, Ok(&[REFUSED]));
        check(&[REQUESTED, WITHDRAWN], Command::Grant, Err("withdrawn"));
        check(&[REQUESTED, WITHDRAWN], Command::Refuse, Err("withdrawn"));
        check(&[REQUESTED, GRANTED], Command::Withdraw, Ok(&[WITHDRAWN]));
        check(&[REQUESTED, REFUSED], Command::Withdraw, Ok(&[]));
        check(&[], Command::Withdraw, Ok(&[]));
    }
}
