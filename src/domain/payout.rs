//! The seller's share of one order's money: due, then paid, or taken back before that.
//!
//! What was paid to the seller cannot be given back to the customer, so an order whose payout is
//! paid is not called off any more.

use serde::{Deserialize, Serialize};

use super::{Aggregate, Event as AnyEvent, Kind, Money, Refusal, Timestamp, ids::OrderId};

/// Where a payout stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Never scheduled.
    #[default]
    Absent,
    /// The seller will have it.
    Due,
    /// The seller has it.
    Paid,
    /// The seller will not have it: the order was called off.
    TakenBack,
}

impl State {
    /// The domain's word for it, which a storefront's file maps to its own.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Due => "due",
            Self::Paid => "paid",
            Self::TakenBack => "taken_back",
        }
    }
}

/// What the storefront keeps of an order's money, and when the seller gets the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The commission, in hundredths of a per cent, at most 10,000.
    pub commission_bp: u16,
    /// How long after the payment the seller is paid, in milliseconds.
    pub after_ms: u64,
}

impl Terms {
    /// The seller's share of `captured` and the commission. Fractions of a minor unit stay with the
    /// seller.
    pub fn shares(self, captured: Money) -> (Money, Money) {
        let commission = i128::from(captured.minor)
            .saturating_mul(i128::from(self.commission_bp))
            .checked_div(10_000)
            .and_then(|minor| i64::try_from(minor).ok())
            .unwrap_or(0);
        let seller = captured.minor.saturating_sub(commission);
        let money = |minor| Money::new(minor, captured.currency);
        (money(seller), money(commission))
    }
}

/// What one may ask of a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Promise it to the seller.
    Schedule {
        /// Of which order.
        order: OrderId,
        /// The seller's share.
        amount: Money,
        /// The storefront's.
        commission: Money,
        /// When the seller is to have it.
        due: Timestamp,
    },
    /// Pay it.
    Pay,
    /// Take the promise back.
    TakeBack,
}

/// What may have happened to a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// It was promised to the seller.
    Scheduled {
        /// Of which order.
        order: OrderId,
        /// The seller's share.
        amount: Money,
        /// The storefront's.
        commission: Money,
        /// When the seller is to have it.
        due: Timestamp,
    },
    /// It was paid.
    Paid {
        /// The seller's share.
        amount: Money,
        /// The storefront's.
        commission: Money,
    },
    /// The promise was taken back.
    TakenBack {
        /// What would have been the seller's share.
        amount: Money,
        /// And the storefront's.
        commission: Money,
    },
}

/// A payout's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    /// Where it stands.
    pub state: State,
    /// Of which order.
    pub order: Option<OrderId>,
    /// The seller's share and the commission.
    pub shares: Option<(Money, Money)>,
    /// When the seller is to have it.
    pub due: Option<Timestamp>,
}

impl Aggregate for Payout {
    const KIND: Kind = Kind::Payout;
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: &Command) -> Result<Vec<Event>, Refusal> {
        match (command, self.state, self.shares) {
            (
                &Command::Schedule {
                    order,
                    amount,
                    commission,
                    due,
                },
                State::Absent,
                _,
            ) => Ok(vec![Event::Scheduled {
                order,
                amount,
                commission,
                due,
            }]),
            (Command::Pay, State::Due, Some((amount, commission))) => {
                Ok(vec![Event::Paid { amount, commission }])
            }
            (Command::TakeBack, State::Due, Some((amount, commission))) => {
                Ok(vec![Event::TakenBack { amount, commission }])
            }
            (Command::TakeBack, State::Paid, _) => Err(Refusal::PayoutPaid),
            (Command::Schedule { .. }, ..)
            | (Command::Pay, State::Paid, _)
            | (Command::TakeBack, State::Absent | State::Due | State::TakenBack, _) => {
                Ok(Vec::new())
            }
            (Command::Pay, State::Absent | State::Due | State::TakenBack, _) => {
                Err(Refusal::PayoutNotDue {
                    state: self.state.name(),
                })
            }
        }
    }

    fn apply(&mut self, event: &Event) {
        if let Event::Scheduled {
            order,
            amount,
            commission,
            due,
        } = event
        {
            self.order = Some(*order);
            self.shares = Some((*amount, *commission));
            self.due = Some(*due);
        }
        self.state = event.state_after();
    }

    fn event_of(event: &AnyEvent) -> Option<&Event> {
        event.as_payout()
    }

    fn exists(&self) -> bool {
        self.state != State::Absent
    }
}

impl Event {
    /// The domain's word for it, which a storefront's file maps to its own.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Scheduled { .. } => "scheduled",
            Self::Paid { .. } => "paid",
            Self::TakenBack { .. } => "taken_back",
        }
    }

    /// The state that a payout is in after it.
    pub const fn state_after(&self) -> State {
        match self {
            Self::Scheduled { .. } => State::Due,
            Self::Paid { .. } => State::Paid,
            Self::TakenBack { .. } => State::TakenBack,
        }
    }

    /// The seller's share and the commission.
    pub const fn shares(&self) -> (Money, Money) {
        match self {
            Self::Scheduled {
                amount, commission, ..
            }
            | Self::Paid { amount, commission }
            | Self::TakenBack { amount, commission } => (*amount, *commission),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Currency;

    fn won(minor: i64) -> Money {
        Money::new(minor, Currency::KRW)
    }

    fn share(commission_bp: u16, captured: i64, seller: i64, commission: i64) {
        let terms = Terms {
            commission_bp,
            after_ms: 0,
        };
        let shares = terms.shares(won(captured));
        assert_eq!(shares, (won(seller), won(commission)), "{captured}");
    }

    #[test]
    fn the_shares_are_the_whole_and_fractions_are_the_sellers() {
        share(1_000, 50_000, 45_000, 5_000);
        share(330, 10_001, 9_671, 330);
        share(0, 7, 7, 0);
        share(10_000, 7, 0, 7);
        let most = i64::MAX;
        share(1, most, most - most / 10_000, most / 10_000);
    }

    #[test]
    fn what_the_seller_has_is_not_taken_back() {
        let (amount, commission) = (won(9), won(1));
        let scheduled = Event::Scheduled {
            order: OrderId(1),
            amount,
            commission,
            due: Timestamp(5),
        };
        let mut payout = Payout::default();
        let not_due = Refusal::PayoutNotDue { state: "absent" };
        assert_eq!(payout.decide(&Command::Pay), Err(not_due));
        payout.apply(&scheduled);
        let mut called_off = payout.clone();
        let taken_back = Event::TakenBack { amount, commission };
        assert_eq!(payout.decide(&Command::TakeBack), Ok(vec![taken_back]));
        called_off.apply(&taken_back);
        assert!(called_off.decide(&Command::Pay).is_err());
        let paid = Event::Paid { amount, commission };
        assert_eq!(payout.decide(&Command::Pay), Ok(vec![paid]));
        payout.apply(&paid);
        assert_eq!(payout.decide(&Command::Pay), Ok(vec![]));
        assert_eq!(payout.decide(&Command::TakeBack), Err(Refusal::PayoutPaid));
    }
}
