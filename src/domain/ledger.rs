//! The double-entry ledger that the events imply: where one order's money is.
//!
//! `captured = refunded + commission + paid out + held`, for every order, always. Each event moves
//! an amount from one account to another, so the books balance by construction; what can go wrong,
//! and is checked, is an account going below zero (money given back that was never taken).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Event, Money, payment, payout};

/// Where money can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// With the customer: negative is what was captured, less what went back.
    Customer,
    /// With the store, for this order.
    Held,
    /// With the store, for its trouble.
    Commission,
    /// With the seller.
    Seller,
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

impl Posting {
    const fn new(from: Account, to: Account, amount: Money) -> Self {
        Self { from, to, amount }
    }
}

/// What an event does to the ledger: at most two movements.
pub const fn postings(event: &Event) -> [Option<Posting>; 2] {
    match event {
        Event::Payment(payment::Event::Captured { amount }) => {
            let captured = Posting::new(Account::Customer, Account::Held, *amount);
            [Some(captured), None]
        }
        Event::Payment(payment::Event::Refunded { amount }) => {
            let refunded = Posting::new(Account::Held, Account::Customer, *amount);
            [Some(refunded), None]
        }
        Event::Payout(payout::Event::Paid { amount, commission }) => {
            let kept = Posting::new(Account::Held, Account::Commission, *commission);
            let paid = Posting::new(Account::Held, Account::Seller, *amount);
            [Some(kept), Some(paid)]
        }
        Event::Payment(
            payment::Event::Requested { .. }
            | payment::Event::Failed { .. }
            | payment::Event::VoidRequested
            | payment::Event::RefundRequested { .. },
        )
        | Event::Payout(payout::Event::Scheduled { .. } | payout::Event::TakenBack { .. })
        | Event::Listing(_)
        | Event::Order(_)
        | Event::Delivery(_)
        | Event::Approval(_)
        | Event::Saga(_)
        | Event::Subscriber(_) => [None, None],
    }
}

/// One order's account balances, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// All that was ever taken from the customer.
    pub captured: i64,
    /// All that went back.
    pub refunded: i64,
    /// What the store holds for the order.
    pub held: i64,
    /// What the store keeps for its trouble.
    pub commission: i64,
    /// What the seller has.
    pub paid_out: i64,
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
            commission,
            paid_out,
            captures,
        } = self.0;
        write!(
            f,
            "captured {captured} (in {captures} captures) is not refunded {refunded} + commission \
             {commission} + paid out {paid_out} + held {held}, or one of them is below zero"
        )
    }
}

impl Ledger {
    /// Takes an event in. Whether the books then balance is for [`Ledger::check`] to say.
    pub fn post(&mut self, event: &Event) {
        for posting in postings(event).into_iter().flatten() {
            let minor = posting.amount.minor;
            self.balance(posting.from, minor.saturating_neg());
            self.balance(posting.to, minor);
            if posting.from == Account::Customer {
                self.captures = self.captures.saturating_add(1);
            }
        }
    }

    /// Whether `captured = refunded + commission + paid out + held`, nothing is below zero, and
    /// money was taken once.
    pub fn check(&self) -> Result<(), Imbalance> {
        let parts = [self.refunded, self.commission, self.paid_out, self.held];
        let sum = parts
            .iter()
            .try_fold(0_i64, |sum, part| sum.checked_add(*part));
        let balanced =
            sum == Some(self.captured) && parts.iter().all(|part| *part >= 0) && self.captures <= 1;
        if balanced {
            Ok(())
        } else {
            Err(Imbalance(*self))
        }
    }

    fn balance(&mut self, account: Account, minor: i64) {
        let balance = match account {
            Account::Customer if minor < 0 => {
                self.captured = self.captured.saturating_sub(minor);
                return;
            }
            Account::Customer => &mut self.refunded,
            Account::Held => &mut self.held,
            Account::Commission => &mut self.commission,
            Account::Seller => &mut self.paid_out,
        };
        *balance = balance.saturating_add(minor);
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

    #[test]
    fn what_the_seller_was_paid_cannot_go_back_to_the_customer() {
        let won = |minor| Money::new(minor, Currency::KRW);
        let mut ledger = Ledger::default();
        let captured = payment::Event::Captured { amount: won(10) };
        ledger.post(&payment(captured));
        let paid = payout::Event::Paid {
            amount: won(9),
            commission: won(1),
        };
        ledger.post(&Event::Payout(paid));
        assert_eq!(ledger.check(), Ok(()));
        let books = (ledger.held, ledger.commission, ledger.paid_out);
        assert_eq!(books, (0, 1, 9));
        let refunded = payment::Event::Refunded { amount: won(10) };
        ledger.post(&payment(refunded));
        assert!(ledger.check().is_err());
    }
}
