//! The payment of one order: asked for, captured, given back.
//!
//! The rule that keeps a customer from being charged twice: an intent ([`Event::Requested`],
//! [`Event::RefundRequested`]) is recorded before the provider is called, and every call for the
//! same intent carries the same key. See [`Effect`].

use serde::{Deserialize, Serialize};

use super::{Aggregate, Event as AnyEvent, Kind, Money, Refusal, ids::OrderId};

/// Where a payment stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum State {
    /// Never asked for.
    #[default]
    Absent,
    /// The provider is being asked.
    Requested,
    /// The provider has said yes; the money is ours to account for.
    Captured,
    /// The money is to go back; the provider has not yet confirmed it.
    Refunding,
    /// The money went back.
    Refunded,
    /// Given up before an answer; the provider is being told to forget it.
    Voiding,
    /// No money was taken, and none will be.
    Failed,
}

impl State {
    /// The domain's word for it, which a storefront's file maps to its own.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Requested => "requested",
            Self::Captured => "captured",
            Self::Refunding => "refunding",
            Self::Refunded => "refunded",
            Self::Voiding => "voiding",
            Self::Failed => "failed",
        }
    }
}

/// What one may ask of a payment.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Ask the provider for the order's money.
    Request {
        /// Whose payment it is.
        order: OrderId,
        /// How much.
        amount: Money,
    },
    /// The provider took the money.
    Capture,
    /// The provider said no, for good.
    Fail {
        /// The provider's reason.
        reason: String,
    },
    /// Give up an unanswered request: whatever the provider did with it is to be undone.
    Void,
    /// Give everything back.
    Refund,
    /// The provider gave the money back.
    ConfirmRefund,
    /// The provider has forgotten the request.
    ConfirmVoid,
}

/// What may have happened to a payment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The provider is to be asked.
    Requested {
        /// Whose payment it is.
        order: OrderId,
        /// How much.
        amount: Money,
    },
    /// The money was taken.
    Captured {
        /// How much.
        amount: Money,
    },
    /// No money was taken.
    Failed {
        /// Why.
        reason: String,
    },
    /// The request was given up; the provider is to forget it.
    VoidRequested,
    /// The money is to go back.
    RefundRequested {
        /// How much.
        amount: Money,
    },
    /// The money went back.
    Refunded {
        /// How much.
        amount: Money,
    },
}

/// A call to the payment provider that an event asks for.
///
/// Made again with the same key for as long as its answer is unknown, so the provider must treat
/// a repeated key as the same call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Take the money.
    Charge {
        /// Whose.
        order: OrderId,
        /// How much.
        amount: Money,
        /// Which request of the same payment it is, from 1.
        attempt: u32,
    },
    /// Give the money of an earlier charge back.
    Refund {
        /// Whose.
        order: OrderId,
        /// How much.
        amount: Money,
        /// Which request's charge it gives back.
        attempt: u32,
    },
    /// Undo a charge whose outcome is unknown, and refuse it if it arrives later.
    Void {
        /// Whose.
        order: OrderId,
        /// Which request's charge it undoes.
        attempt: u32,
    },
}

impl Effect {
    /// The order it is for.
    pub const fn order(&self) -> OrderId {
        match self {
            Self::Charge { order, .. } | Self::Refund { order, .. } | Self::Void { order, .. } => {
                *order
            }
        }
    }

    /// Which request of the same payment it is about, from 1.
    pub const fn attempt(&self) -> u32 {
        match self {
            Self::Charge { attempt, .. }
            | Self::Refund { attempt, .. }
            | Self::Void { attempt, .. } => *attempt,
        }
    }
}

/// A payment's state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Payment {
    /// Where it stands.
    pub state: State,
    /// Whose payment it is.
    pub order: Option<OrderId>,
    /// How much was asked for.
    pub amount: Option<Money>,
    /// How often it was asked for, under another key each time.
    pub attempt: u32,
}

impl Aggregate for Payment {
    const KIND: Kind = Kind::Payment;
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: &Command) -> Result<Vec<Event>, Refusal> {
        let unfit = Err(Refusal::PaymentNotReady {
            state: self.state.name(),
        });
        match (command, self.state) {
            // One that failed may be asked for again, under another key.
            (Command::Request { order, amount }, State::Absent | State::Failed) => {
                if amount.minor < 0 {
                    return Err(Refusal::AmountNegative {
                        amount: amount.minor,
                    });
                }
                Ok(vec![Event::Requested {
                    order: *order,
                    amount: *amount,
                }])
            }
            // A repeated request, or an answer that arrived twice, is no news.
            (Command::Request { .. }, State::Requested | State::Captured)
            | (Command::Capture, State::Captured | State::Refunding | State::Refunded)
            | (Command::Fail { .. } | Command::Void | Command::ConfirmVoid, State::Failed)
            | (Command::Void, State::Voiding)
            | (Command::Refund, State::Refunding | State::Refunded)
            | (Command::ConfirmRefund, State::Refunded) => Ok(Vec::new()),

            (Command::Capture, State::Requested) => Ok(vec![Event::Captured {
                amount: self.asked(),
            }]),
            (Command::Fail { reason }, State::Requested) => Ok(vec![Event::Failed {
                reason: reason.clone(),
            }]),
            (Command::Void, State::Requested) => Ok(vec![Event::VoidRequested]),
            (Command::ConfirmVoid, State::Voiding) => Ok(vec![Event::Failed {
                reason: "voided".to_owned(),
            }]),
            (Command::Refund, State::Captured) => Ok(vec![Event::RefundRequested {
                amount: self.asked(),
            }]),
            (Command::ConfirmRefund, State::Refunding) => Ok(vec![Event::Refunded {
                amount: self.asked(),
            }]),
            (
                Command::Request { .. }
                | Command::Capture
                | Command::Fail { .. }
                | Command::Void
                | Command::Refund
                | Command::ConfirmRefund
                | Command::ConfirmVoid,
                _,
            ) => unfit,
        }
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Requested { order, amount } => {
                self.state = State::Requested;
                self.order = Some(*order);
                self.amount = Some(*amount);
                self.attempt = self.attempt.saturating_add(1);
            }
            Event::Captured { .. } => self.state = State::Captured,
            Event::Failed { .. } => self.state = State::Failed,
            Event::VoidRequested => self.state = State::Voiding,
            Event::RefundRequested { .. } => self.state = State::Refunding,
            Event::Refunded { .. } => self.state = State::Refunded,
        }
    }

    fn event_of(event: &AnyEvent) -> Option<&Event> {
        event.as_payment()
    }

    fn exists(&self) -> bool {
        self.state != State::Absent
    }
}

impl Payment {
    /// Whether it stands on the storefront's lists: money was taken for it at some time.
    pub fn is_listed(&self) -> bool {
        matches!(
            self.state,
            State::Captured | State::Refunding | State::Refunded
        )
    }

    /// The provider call whose answer is outstanding, if any.
    pub fn outstanding(&self) -> Option<Effect> {
        let (order, amount, attempt) = (self.order?, self.amount?, self.attempt);
        match self.state {
            State::Requested => Some(Effect::Charge {
                order,
                amount,
                attempt,
            }),
            State::Refunding => Some(Effect::Refund {
                order,
                amount,
                attempt,
            }),
            State::Voiding => Some(Effect::Void { order, attempt }),
            State::Absent | State::Captured | State::Refunded | State::Failed => None,
        }
    }

    fn asked(&self) -> Money {
        self.amount
            .expect("a payment that was requested has an amount")
    }
}

impl Event {
    /// The domain's word for it, which a storefront's file maps to its own.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Requested { .. } => "requested",
            Self::Captured { .. } => "captured",
            Self::Failed { .. } => "failed",
            Self::VoidRequested => "voiding",
            Self::RefundRequested { .. } => "refunding",
            Self::Refunded { .. } => "refunded",
        }
    }

    /// The state that a payment is in after it.
    pub const fn state_after(&self) -> State {
        match self {
            Self::Requested { .. } => State::Requested,
            Self::Captured { .. } => State::Captured,
            Self::Failed { .. } => State::Failed,
            Self::VoidRequested => State::Voiding,
            Self::RefundRequested { .. } => State::Refunding,
            Self::Refunded { .. } => State::Refunded,
        }
    }

    /// The amount it is about, if it is about one.
    pub const fn amount(&self) -> Option<Money> {
        match self {
            Self::Requested { amount, .. }
            | Self::Captured { amount }
            | Self::RefundRequested { amount }
            | Self::Refunded { amount } => Some(*amount),
            Self::Failed { .. } | Self::VoidRequested => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Currency;

    const AMOUNT: Money = Money::new(10_000, Currency::KRW);

    fn requested() -> Event {
        Event::Requested {
            order: OrderId(1),
            amount: AMOUNT,
        }
    }

    fn captured() -> Event {
        Event::Captured { amount: AMOUNT }
    }

    fn refunding() -> Event {
        Event::RefundRequested { amount: AMOUNT }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "so that a case reads as a sentence"
    )]
    fn check(given: &[Event], when: Command, then: Result<Vec<Event>, Refusal>) {
        let mut payment = Payment::default();
        for event in given {
            payment.apply(event);
        }
        assert_eq!(payment.decide(&when), then, "given {given:?} when {when:?}");
    }

    #[test]
    fn money_is_taken_once() {
        let request = Command::Request {
            order: OrderId(1),
            amount: AMOUNT,
        };
        check(&[], request.clone(), Ok(vec![requested()]));
        check(&[requested()], request.clone(), Ok(vec![]));
        check(&[requested(), captured()], request, Ok(vec![]));
        check(&[requested()], Command::Capture, Ok(vec![captured()]));
        check(&[requested(), captured()], Command::Capture, Ok(vec![]));
        check(
            &[],
            Command::Capture,
            Err(Refusal::PaymentNotReady { state: "absent" }),
        );
    }

    #[test]
    fn money_goes_back_once() {
        let refunded = Event::Refunded { amount: AMOUNT };
        let taken = [requested(), captured()];
        let going_back = [requested(), captured(), refunding()];
        let gone_back = [requested(), captured(), refunding(), refunded.clone()];
        check(&taken, Command::Refund, Ok(vec![refunding()]));
        check(&going_back, Command::Refund, Ok(vec![]));
        check(&gone_back, Command::Refund, Ok(vec![]));
        check(&going_back, Command::ConfirmRefund, Ok(vec![refunded]));
        check(&gone_back, Command::ConfirmRefund, Ok(vec![]));
        let not_taken = Err(Refusal::PaymentNotReady { state: "requested" });
        check(&[requested()], Command::Refund, not_taken);
    }

    #[test]
    fn a_request_that_was_given_up_is_never_captured() {
        let voiding = [requested(), Event::VoidRequested];
        check(
            &[requested()],
            Command::Void,
            Ok(vec![Event::VoidRequested]),
        );
        check(
            &voiding,
            Command::Capture,
            Err(Refusal::PaymentNotReady { state: "voiding" }),
        );
        let forgotten = Event::Failed {
            reason: "voided".to_owned(),
        };
        check(&voiding, Command::ConfirmVoid, Ok(vec![forgotten]));
    }

    #[test]
    fn a_payment_that_failed_is_asked_for_again_as_another_charge() {
        let request = Command::Request {
            order: OrderId(1),
            amount: AMOUNT,
        };
        let failed = Event::Failed {
            reason: "voided".to_owned(),
        };
        let given = [requested(), Event::VoidRequested, failed];
        check(&given, request, Ok(vec![requested()]));
        let mut payment = Payment::default();
        for event in &given {
            payment.apply(event);
        }
        payment.apply(&requested());
        assert_eq!(
            payment.outstanding().map(|effect| effect.attempt()),
            Some(2)
        );
    }

    #[test]
    fn what_is_outstanding_follows_from_the_state() {
        let mut payment = Payment::default();
        let mut outstanding = |event: &Event| {
            payment.apply(event);
            payment.outstanding()
        };
        let order = OrderId(1);
        assert_eq!(
            outstanding(&requested()),
            Some(Effect::Charge {
                order,
                amount: AMOUNT,
                attempt: 1,
            })
        );
        assert_eq!(outstanding(&captured()), None);
        assert_eq!(
            outstanding(&refunding()),
            Some(Effect::Refund {
                order,
                amount: AMOUNT,
                attempt: 1,
            })
        );
        assert_eq!(outstanding(&Event::Refunded { amount: AMOUNT }), None);
    }
}
