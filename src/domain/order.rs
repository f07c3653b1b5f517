//! An order: what a customer asked for, from being placed to being completed or cancelled.
//!
//! Where "an order is cancelled" is decided: [`Order::decide`], [`Command::Cancel`]. What follows
//! from it (money back, delivery called off) is decided by the [saga](super::saga).

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Aggregate, Changes, Event as AnyEvent, Fields, Kind, Money, Refusal, ids::ListingId};

/// Where an order stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum State {
    /// Never placed.
    #[default]
    Absent,
    /// Placed; its flow has begun.
    Placed,
    /// Accepted, waiting for something outside (a payment that is held).
    Held,
    /// The storefront has what it needs to fulfil it.
    Confirmed,
    /// Fulfilled.
    Completed,
    /// Called off; what was done for it is undone.
    Cancelled,
}

impl State {
    /// The domain's word for it, which a storefront's file maps to its own.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Placed => "placed",
            Self::Held => "held",
            Self::Confirmed => "confirmed",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How many of one listing an order is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which.
    pub listing: ListingId,
    /// How many.
    pub quantity: u64,
}

/// What one may ask of an order.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Place it.
    Place {
        /// The storefront's own fields, checked against its definition.
        fields: Arc<Fields>,
        /// What it costs.
        amount: Money,
        /// Which listings it is for, as they were asked for; often none.
        lines: Vec<Line>,
    },
    /// Change what it costs: known only now, or agreed upon again.
    Price {
        /// What it costs from now on.
        amount: Money,
    },
    /// Change fields that are not the amount.
    Amend {
        /// Only what shall be different: two who change different fields do not undo each other.
        changes: Changes,
        /// The amount the request carries; `None` leaves it.
        amount: Option<Money>,
    },
    /// Mark that it waits for something outside.
    Hold,
    /// Mark that it can be fulfilled.
    Confirm,
    /// Mark that it was fulfilled.
    Complete,
    /// Call it off.
    Cancel,
    /// Call it off, and take it off the lists.
    Remove,
}

/// What may have happened to an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// It was placed.
    Placed {
        /// The storefront's own fields.
        fields: Arc<Fields>,
        /// What it costs.
        amount: Money,
    },
    /// Fields were changed.
    Amended {
        /// All fields as they are now.
        fields: Arc<Fields>,
    },
    /// It names listings. Follows `Placed` at once, where there are any.
    Itemised {
        /// Which, and how many of each, as they were asked for.
        lines: Vec<Line>,
    },
    /// It costs something else than before.
    Priced {
        /// What it costs from now on.
        amount: Money,
    },
    /// It waits for something outside.
    Held,
    /// It can be fulfilled.
    Confirmed,
    /// It was fulfilled.
    Completed,
    /// It was called off.
    Cancelled,
    /// It was taken off the lists.
    Removed,
}

/// An order's state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Where it stands.
    pub state: State,
    /// The storefront's own fields.
    pub fields: Arc<Fields>,
    /// What it costs; set when it is placed.
    pub amount: Option<Money>,
    /// Which listings it is for.
    pub lines: Vec<Line>,
    /// Taken off the lists.
    pub removed: bool,
}

impl Aggregate for Order {
    const KIND: Kind = Kind::Order;
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: &Command) -> Result<Vec<Event>, Refusal> {
        match command {
            Command::Place {
                fields,
                amount,
                lines,
            } => self.place(fields, *amount, lines),
            Command::Price { amount } => self.price(*amount),
            Command::Amend { changes, amount } => self.amend(changes, *amount),
            Command::Hold => self.advance(State::Held, Event::Held),
            Command::Confirm => self.advance(State::Confirmed, Event::Confirmed),
            Command::Complete => self.advance(State::Completed, Event::Completed),
            Command::Cancel => Ok(self.cancel()),
            Command::Remove => {
                let mut events = self.cancel();
                if !self.removed {
                    events.push(Event::Removed);
                }
                Ok(events)
            }
        }
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Placed { fields, amount } => {
                self.state = State::Placed;
                self.fields = Arc::clone(fields);
                self.amount = Some(*amount);
            }
            Event::Amended { fields } => self.fields = Arc::clone(fields),
            Event::Itemised { lines } => self.lines.clone_from(lines),
            Event::Priced { amount } => self.amount = Some(*amount),
            Event::Held => self.state = State::Held,
            Event::Confirmed => self.state = State::Confirmed,
            Event::Completed => self.state = State::Completed,
            Event::Cancelled => self.state = State::Cancelled,
            Event::Removed => self.removed = true,
        }
    }

    fn event_of(event: &AnyEvent) -> Option<&Event> {
        event.as_order()
    }

    fn exists(&self) -> bool {
        self.state != State::Absent
    }
}

/// The quantities summed for each listing, in the order of the listings' numbers: the order in
/// which they are reserved, so that two orders never wait for each other.
pub fn summed(lines: &[Line]) -> BTreeMap<ListingId, u64> {
    let mut sums: BTreeMap<ListingId, u64> = BTreeMap::new();
    for line in lines {
        let sum = sums.entry(line.listing).or_default();
        *sum = sum.saturating_add(line.quantity);
    }
    sums
}

impl Order {
    /// Whether it stands on the storefront's lists.
    pub fn is_listed(&self) -> bool {
        self.exists() && !self.removed
    }

    fn place(
        &self,
        fields: &Arc<Fields>,
        amount: Money,
        lines: &[Line],
    ) -> Result<Vec<Event>, Refusal> {
        if self.exists() {
            return Err(Refusal::OrderNotReady {
                state: self.state.name(),
            });
        }
        if amount.minor < 0 {
            return Err(Refusal::AmountNegative {
                amount: amount.minor,
            });
        }
        if lines.iter().any(|line| line.quantity == 0) {
            return Err(Refusal::QuantityZero);
        }
        let mut events = vec![Event::Placed {
            fields: Arc::clone(fields),
            amount,
        }];
        if !lines.is_empty() {
            let lines = lines.to_vec();
            events.push(Event::Itemised { lines });
        }
        Ok(events)
    }

    /// Whether it may still change is for the saga to say, which knows the payment.
    fn price(&self, amount: Money) -> Result<Vec<Event>, Refusal> {
        match self.state {
            State::Absent => Err(Refusal::OrderNotReady {
                state: self.state.name(),
            }),
            State::Cancelled => Err(Refusal::IsCancelled),
            State::Placed | State::Held | State::Confirmed | State::Completed => {
                if amount.minor < 0 {
                    return Err(Refusal::AmountNegative {
                        amount: amount.minor,
                    });
                }
                let is_news = self.amount != Some(amount);
                Ok(is_news
                    .then_some(Event::Priced { amount })
                    .into_iter()
                    .collect())
            }
        }
    }

    fn amend(&self, changes: &Changes, amount: Option<Money>) -> Result<Vec<Event>, Refusal> {
        if self.state == State::Cancelled {
            return Err(Refusal::IsCancelled);
        }
        if amount.is_some() && amount != self.amount {
            return Err(Refusal::AmountFixed);
        }
        let fields = self.fields.changed(changes);
        if fields == *self.fields {
            return Ok(Vec::new());
        }
        Ok(vec![Event::Amended {
            fields: Arc::new(fields),
        }])
    }

    /// Moves forward; being there or further already is no news.
    fn advance(&self, to: State, event: Event) -> Result<Vec<Event>, Refusal> {
        match self.state {
            State::Cancelled => Err(Refusal::IsCancelled),
            State::Absent => Err(Refusal::OrderNotReady {
                state: self.state.name(),
            }),
            from if from >= to => Ok(Vec::new()),
            State::Placed | State::Held | State::Confirmed | State::Completed => Ok(vec![event]),
        }
    }

    /// Allowed from every state, as the originals did; a second time is no news.
    fn cancel(&self) -> Vec<Event> {
        if self.state == State::Cancelled {
            Vec::new()
        } else {
            vec![Event::Cancelled]
        }
    }
}

impl Event {
    /// The domain's word for it, which a storefront's file maps to its own.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Placed { .. } => "placed",
            Self::Amended { .. } => "amended",
            Self::Itemised { .. } => "itemised",
            Self::Priced { .. } => "priced",
            Self::Held => "held",
            Self::Confirmed => "confirmed",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Removed => "removed",
        }
    }

    /// The state that an order is in after it, if it changes that.
    pub const fn state_after(&self) -> Option<State> {
        match self {
            Self::Placed { .. } => Some(State::Placed),
            Self::Held => Some(State::Held),
            Self::Confirmed => Some(State::Confirmed),
            Self::Completed => Some(State::Completed),
            Self::Cancelled => Some(State::Cancelled),
            Self::Amended { .. } | Self::Itemised { .. } | Self::Priced { .. } | Self::Removed => {
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Value, money::Currency};

    fn won(minor: i64) -> Money {
        Money::new(minor, Currency::KRW)
    }

    fn address(text: &str) -> Arc<Fields> {
        Arc::new(
            [("address".into(), Value::from(text))]
                .into_iter()
                .collect(),
        )
    }

    fn placed() -> Event {
        Event::Placed {
            fields: address("Seoul"),
            amount: won(10_000),
        }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "so that a case reads as a sentence"
    )]
    fn check(given: &[Event], when: Command, then: Result<Vec<Event>, Refusal>) {
        let mut order = Order::default();
        for event in given {
            order.apply(event);
        }
        assert_eq!(order.decide(&when), then, "given {given:?} when {when:?}");
    }

    #[test]
    fn an_order_goes_forward_only() {
        use Command::{Complete, Confirm, Hold};
        use Event::{Completed, Confirmed, Held};
        let not_ready = Err(Refusal::OrderNotReady { state: "absent" });
        check(&[], Confirm, not_ready);
        check(&[placed()], Hold, Ok(vec![Held]));
        check(&[placed()], Confirm, Ok(vec![Confirmed]));
        check(&[placed(), Held], Confirm, Ok(vec![Confirmed]));
        check(&[placed(), Confirmed], Confirm, Ok(vec![]));
        check(&[placed(), Confirmed], Hold, Ok(vec![]));
        check(&[placed(), Confirmed], Complete, Ok(vec![Completed]));
        check(&[placed(), Completed], Confirm, Ok(vec![]));
        check(
            &[placed(), Event::Cancelled],
            Complete,
            Err(Refusal::IsCancelled),
        );
    }

    #[test]
    fn an_order_is_cancelled_once_and_from_anywhere() {
        use Event::{Cancelled, Completed, Confirmed, Removed};
        for given in [
            vec![placed()],
            vec![placed(), Confirmed],
            vec![placed(), Completed],
        ] {
            check(&given, Command::Cancel, Ok(vec![Cancelled]));
        }
        check(&[placed(), Cancelled], Command::Cancel, Ok(vec![]));
        check(&[placed()], Command::Remove, Ok(vec![Cancelled, Removed]));
        check(&[placed(), Cancelled], Command::Remove, Ok(vec![Removed]));
        check(&[placed(), Cancelled, Removed], Command::Remove, Ok(vec![]));
    }

    #[test]
    fn the_amount_stays_and_the_address_may_change() {
        let amend = |text: &str, amount| Command::Amend {
            changes: vec![("address".into(), Some(Value::from(text)))],
            amount,
        };
        let moved = Event::Amended {
            fields: address("Busan"),
        };
        check(&[placed()], amend("Busan", None), Ok(vec![moved.clone()]));
        check(
            &[placed()],
            amend("Busan", Some(won(10_000))),
            Ok(vec![moved]),
        );
        check(&[placed()], amend("Seoul", None), Ok(vec![]));
        check(
            &[placed()],
            amend("Busan", Some(won(1))),
            Err(Refusal::AmountFixed),
        );
        check(
            &[placed(), Event::Cancelled],
            amend("Busan", None),
            Err(Refusal::IsCancelled),
        );
    }

    #[test]
    fn two_changes_of_different_fields_are_both_kept() {
        let fields: [(Arc<str>, Value); 2] = [
            ("address".into(), Value::from("Busan")),
            ("phone".into(), Value::from("1")),
        ];
        let change = |at: usize| Command::Amend {
            changes: vec![(Arc::clone(&fields[at].0), Some(fields[at].1.clone()))],
            amount: None,
        };
        let mut order = Order::default();
        order.apply(&placed());
        // Both were asked for when the order had neither.
        for command in [change(0), change(1)] {
            for event in order.decide(&command).unwrap() {
                order.apply(&event);
            }
        }
        assert_eq!(*order.fields, fields.into_iter().collect());
    }

    #[test]
    fn what_several_lines_ask_for_is_summed_for_each_listing() {
        let line = |listing, quantity| Line {
            listing: ListingId(listing),
            quantity,
        };
        let sums = summed(&[
            line(7, 2),
            line(3, 1),
            line(7, 3),
            line(9, u64::MAX),
            line(9, 1),
        ]);
        let expected = [(3, 1), (7, 5), (9, u64::MAX)];
        let expected = expected.map(|(listing, sum)| (ListingId(listing), sum));
        assert_eq!(sums, BTreeMap::from(expected));
        let nothing = Command::Place {
            fields: Arc::default(),
            amount: won(1),
            lines: vec![line(1, 0)],
        };
        check(&[], nothing, Err(Refusal::QuantityZero));
    }

    #[test]
    fn a_price_can_be_agreed_upon_again_until_the_order_is_called_off() {
        let price = |minor| Command::Price { amount: won(minor) };
        let priced = Event::Priced { amount: won(7) };
        check(&[placed()], price(7), Ok(vec![priced.clone()]));
        check(&[placed(), priced.clone()], price(7), Ok(vec![]));
        let below = Err(Refusal::AmountNegative { amount: -1 });
        check(&[placed(), priced], price(-1), below);
        let called_off = [placed(), Event::Cancelled];
        check(&called_off, price(7), Err(Refusal::IsCancelled));
    }

    #[test]
    fn nobody_is_paid_for_ordering() {
        let place = Command::Place {
            fields: Arc::default(),
            amount: won(-1),
            lines: Vec::new(),
        };
        check(&[], place, Err(Refusal::AmountNegative { amount: -1 }));
    }
}
