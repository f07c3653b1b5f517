//! The double-entry ledger that the events imply: where one order's money is.
//!
//! `captured = refunded + commission + paid out + held`, for every order, always. Each event moves
//! an amount from one account to another, so the books balance by construction; what can go wrong,
//! and is checked, is an account going below zero (money given back that was never taken).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Event, Money, payment};

/// Where money can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// With the customer: negative is what was captured, less what went back.
    Customer,
    /// With the store, for this order.
    Held,
}

/// A movement of `amount` from one account to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Where it was.
    pub from: Account,
    /// Where it is now.
    pub to: Account,
    /// How much.
    pub amount: Money,
}

/// What an event does to the ledger, if it moves money.
pub const fn posting(event: &Event) -> Option<Posting> {
    match event {
        Event::Payment(payment::Event::Captured { amount }) => Some(Posting {
            from: Account::Customer,
            to: Account::Held,
            amount: *amount,
        }),
        Event::Payment(payment::Event::Refunded { amount }) => Some(Posting {
            from: Account::Held,
            to: Account::Customer,
            amount: *amount,
        }),
        Event::Listing(_)
        | Event::Order(_)
        | Event::Payment(
            payment::Event::Requested { .. }
            | payment::Event::Failed { .. }
            | payment::Event::VoidRequested
            | payment::Event::RefundRequested { .. },
        )
        | Event::Delivery(_)
        | Event::Saga(_) => None,
    }
}

/// One order's account balances, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// All that was ever taken from the customer.
    pub captured: i64,
    /// All that went back.
    pub refunded: i64,
    /// What the store holds.
    pub held: i64,
    /// How often money was taken; more than once is a fault.
    pub captures: u32,
}

/// A ledger that does not balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imbalance(pub Ledger);

impl fmt::Display for Imbalance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ledger {
            captured,
            refunded,
            held,
            captures,
        } = self.0;
        write!(
            f,
            "captured {captured} (in {captures} captures) is not refunded {refunded} + held {held}, \
             or one of them is below zero"
        )
    }
}

impl Ledger {
    /// Takes an event in. Whether the books then balance is for [`Ledger::check`] to say.
    pub fn post(&mut self, event: &Event) {
        let Some(Posting {
            from,
            to: _,
            amount,
        }) = posting(event)
        else {
            return;
        };
        match from {
            Account::Customer => {
                self.captured = self.captured.saturating_add(amount.minor);
                self.held = self.held.saturating_add(amount.minor);
                self.captures = self.captures.saturating_add(1);
            }
            Account::Held => {
                self.refunded = self.refunded.saturating_add(amount.minor);
                self.held = self.held.saturating_sub(amount.minor);
            }
        }
    }

    /// Whether `captured = refunded + held`, nothing is below zero, and money was taken once.
    pub fn check(&self) -> Result<(), Imbalance> {
        let balanced = self.refunded.checked_add(self.held) == Some(self.captured)
            && self.held >= 0
            && self.refunded >= 0
            && self.captures <= 1;
        if balanced {
            Ok(())
        } else {
            Err(Imbalance(*self))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Currency;

    fn payment(event: payment::Event) -> Event {
        Event::Payment(event)
    }

    #[test]
    fn the_books_balance_and_money_is_taken_once() {
        let amount = Money::new(10, Currency::KRW);
        let mut ledger = Ledger::default();
        ledger.post(&payment(payment::Event::Captured { amount }));
        assert_eq!(ledger.check(), Ok(()));
        assert_eq!(ledger.held, 10);
        ledger.post(&payment(payment::Event::Refunded { amount }));
        assert_eq!(ledger.check(), Ok(()));
        assert_eq!((ledger.captured, ledger.refunded, ledger.held), (10, 10, 0));
        ledger.post(&payment(payment::Event::Captured { amount }));
        assert!(ledger.check().is_err(), "a second capture");
    }

    #[test]
    fn nothing_goes_back_that_was_not_taken() {
        let amount = Money::new(10, Currency::KRW);
        let mut ledger = Ledger::default();
        ledger.post(&payment(payment::Event::Refunded { amount }));
        assert!(ledger.check().is_err());
    }
}
