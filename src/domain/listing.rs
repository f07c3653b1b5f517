//! A listing: what can be ordered, how much of it there is, and who has reserved some.
//!
//! It is the only writer of its own stock, one message at a time, so that what is reserved never
//! exceeds what is on hand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Aggregate, Changes, Event as AnyEvent, Fields, Kind, Refusal, ids::OrderId};

/// Where a listing stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Never offered.
    #[default]
    Absent,
    /// Offered, not yet on sale.
    Draft,
    /// On sale.
    Open,
    /// Taken off sale.
    Closed,
}

impl State {
    /// The domain's word for it, which a storefront's file maps to its own.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Draft => "draft",
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// What one may ask of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Offer it, as a draft.
    Offer {
        /// The storefront's own fields.
        fields: Fields,
        /// How many there are; `None` where it is not counted.
        on_hand: Option<u64>,
    },
    /// Change it.
    Amend {
        /// Only what shall be different.
        changes: Changes,
        /// How many there are from now on; `None` leaves it.
        on_hand: Option<u64>,
    },
    /// Put it on sale.
    Open,
    /// Take it off sale and off the lists; what is reserved stays reserved.
    Remove,
    /// Take it off sale; what is reserved stays reserved.
    Close,
    /// Keep some for an order.
    Reserve {
        /// For whom.
        order: OrderId,
        /// How many, summed over the order's lines.
        quantity: u64,
    },
    /// Give an order's reservation up.
    Release {
        /// Whose.
        order: OrderId,
        /// How many it had; a listing that is not counted does not keep that.
        quantity: u64,
    },
    /// Hand what is reserved for an order over, for good.
    Hand {
        /// To whom.
        order: OrderId,
        /// How many it had; a listing that is not counted does not keep that.
        quantity: u64,
    },
}

/// What may have happened to a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// It was offered.
    Offered {
        /// The storefront's own fields.
        fields: Fields,
        /// How many there are; `None` where it is not counted.
        on_hand: Option<u64>,
    },
    /// It was changed.
    Amended {
        /// All fields as they are now.
        fields: Fields,
        /// How many there are now; `None` where it is not counted.
        on_hand: Option<u64>,
    },
    /// It went on sale.
    Opened,
    /// It went off sale.
    Closed,
    /// Some were kept for an order.
    Reserved {
        /// For whom.
        order: OrderId,
        /// How many.
        quantity: u64,
    },
    /// An order's reservation was given up.
    Released {
        /// Whose.
        order: OrderId,
        /// How many came back.
        quantity: u64,
    },
    /// What was reserved for an order was handed over, for good.
    Handed {
        /// To whom.
        order: OrderId,
        /// How many there are fewer.
        quantity: u64,
    },
    /// The last one was reserved: there is nothing left to reserve.
    SoldOut,
    /// Something can be reserved again.
    Freed,
    /// It was taken off the lists.
    Removed,
}

/// A listing's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Where it stands.
    pub state: State,
    /// The storefront's own fields.
    pub fields: Fields,
    /// How many there are; `None` where it is not counted.
    pub on_hand: Option<u64>,
    /// How many each order keeps, where they are counted.
    pub reserved: BTreeMap<OrderId, u64>,
    /// What its stock has been through.
    pub stock: Stock,
    /// Taken off the lists.
    pub removed: bool,
}

/// What a listing's stock has been through; a storefront may have a word for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stock {
    /// It never ran out.
    #[default]
    Untouched,
    /// Nothing is left to reserve.
    SoldOut,
    /// It had run out, or something came back; now there is something.
    Freed,
}

impl Aggregate for Listing {
    const KIND: Kind = Kind::Listing;
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: &Command) -> Result<Vec<Event>, Refusal> {
        match command {
            Command::Offer { fields, on_hand } => match self.state {
                State::Absent => Ok(vec![Event::Offered {
                    fields: fields.clone(),
                    on_hand: *on_hand,
                }]),
                State::Draft | State::Open | State::Closed => Err(Refusal::ListingNotOpen {
                    state: self.state.name(),
                }),
            },
            Command::Amend { changes, on_hand } => self.amend(changes, *on_hand),
            Command::Open => self.change(State::Open, Event::Opened),
            Command::Remove => {
                let mut events = self.change(State::Closed, Event::Closed)?;
                events.extend((!self.removed).then_some(Event::Removed));
                Ok(events)
            }
            Command::Close => self.change(State::Closed, Event::Closed),
            Command::Reserve { order, quantity } => self.reserve(*order, *quantity),
            Command::Release { order, quantity } => Ok(self.release(*order, *quantity)),
            Command::Hand { order, quantity } => {
                let quantity = self.kept_for(*order, *quantity);
                let order = *order;
                Ok(quantity
                    .map(|quantity| Event::Handed { order, quantity })
                    .into_iter()
                    .collect())
            }
        }
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Offered { fields, on_hand } => {
                self.state = State::Draft;
                self.fields = fields.clone();
                self.on_hand = *on_hand;
            }
            Event::Opened => self.state = State::Open,
            Event::Closed => self.state = State::Closed,
            Event::Reserved { order, quantity } => {
                if self.on_hand.is_some() {
                    self.reserved.insert(*order, *quantity);
                }
            }
            Event::Handed { order, quantity } => {
                self.reserved.remove(order);
                self.on_hand = self
                    .on_hand
                    .map(|on_hand| on_hand.saturating_sub(*quantity));
            }
            Event::Released { order, .. } => {
                self.reserved.remove(order);
            }
            Event::Amended { fields, on_hand } => {
                self.fields = fields.clone();
                self.on_hand = *on_hand;
            }
            Event::SoldOut => self.stock = Stock::SoldOut,
            Event::Freed => self.stock = Stock::Freed,
            Event::Removed => self.removed = true,
        }
    }

    fn event_of(event: &AnyEvent) -> Option<&Event> {
        event.as_listing()
    }

    fn exists(&self) -> bool {
        self.state != State::Absent
    }
}

impl Listing {
    /// Whether it stands on the storefront's lists.
    pub fn is_listed(&self) -> bool {
        self.exists() && !self.removed
    }

    /// The domain's words for where it stands, the most telling first; a storefront has a word for
    /// some of them.
    pub fn standings(&self) -> &'static [&'static str] {
        match (self.state, self.stock) {
            (State::Absent, _) => &["absent"],
            (State::Draft, _) => &["draft"],
            (State::Closed, _) => &["closed"],
            (State::Open, Stock::SoldOut) => &["sold_out", "open"],
            (State::Open, Stock::Freed) => &["freed", "open"],
            (State::Open, Stock::Untouched) => &["open"],
        }
    }

    /// How many could still be reserved; `None` where they are not counted.
    pub fn available(&self) -> Option<u64> {
        let reserved = self.reserved_in_all();
        self.on_hand.map(|on_hand| on_hand.saturating_sub(reserved))
    }

    /// Whether more is reserved than there is. Never so right after a reservation.
    pub fn is_oversold(&self) -> bool {
        let reserved = self.reserved_in_all();
        self.on_hand.is_some_and(|on_hand| reserved > on_hand)
    }

    fn reserved_in_all(&self) -> u64 {
        let each = self.reserved.values();
        each.fold(0, |sum, each| sum.saturating_add(*each))
    }

    fn change(&self, to: State, event: Event) -> Result<Vec<Event>, Refusal> {
        match self.state {
            State::Absent => Err(Refusal::ListingNotOpen {
                state: self.state.name(),
            }),
            from if from == to => Ok(Vec::new()),
            State::Draft | State::Open | State::Closed => Ok(vec![event]),
        }
    }

    fn reserve(&self, order: OrderId, quantity: u64) -> Result<Vec<Event>, Refusal> {
        if self.reserved.contains_key(&order) {
            return Ok(Vec::new());
        }
        if self.state != State::Open {
            return Err(Refusal::ListingNotOpen {
                state: self.state.name(),
            });
        }
        if quantity == 0 {
            return Err(Refusal::QuantityZero);
        }
        match self.available() {
            Some(available) if available < quantity => Err(Refusal::SoldOut {
                available,
                asked: quantity,
            }),
            available => {
                let mut events = vec![Event::Reserved { order, quantity }];
                if available == Some(quantity) {
                    events.push(Event::SoldOut);
                }
                Ok(events)
            }
        }
    }

    /// How many an order keeps: what is noted, or what it says itself where nothing is counted.
    fn kept_for(&self, order: OrderId, said: u64) -> Option<u64> {
        match self.on_hand {
            Some(_) => self.reserved.get(&order).copied(),
            None => Some(said),
        }
    }

    fn release(&self, order: OrderId, said: u64) -> Vec<Event> {
        let Some(quantity) = self.kept_for(order, said) else {
            return Vec::new();
        };
        let released = Event::Released { order, quantity };
        // Where less is on hand than was reserved meanwhile, what comes back is not for sale.
        let mut after = self.clone();
        after.apply(&released);
        match after.available() {
            Some(left) if left > 0 => vec![released, Event::Freed],
            Some(_) | None => vec![released],
        }
    }

    fn amend(&self, changes: &Changes, on_hand: Option<u64>) -> Result<Vec<Event>, Refusal> {
        if !self.exists() {
            return Err(Refusal::ListingNotOpen {
                state: self.state.name(),
            });
        }
        let fields = self.fields.changed(changes);
        let on_hand = on_hand.or(self.on_hand);
        if fields == self.fields && on_hand == self.on_hand {
            return Ok(Vec::new());
        }
        let mut after = self.clone();
        let amended = Event::Amended { fields, on_hand };
        after.apply(&amended);
        let stock = match (self.available(), after.available()) {
            (Some(1..), Some(0)) => Some(Event::SoldOut),
            (Some(0), Some(1..)) => Some(Event::Freed),
            _ => None,
        };
        Ok([amended].into_iter().chain(stock).collect())
    }
}

impl Event {
    /// The domain's words for where a listing stands after it, the most telling first; empty if it
    /// says nothing about that.
    pub const fn standings_after(&self) -> &'static [&'static str] {
        match self {
            Self::Offered { .. } => &["draft"],
            Self::Opened => &["open"],
            Self::Closed => &["closed"],
            Self::SoldOut => &["sold_out"],
            Self::Freed => &["freed", "open"],
            Self::Amended { .. }
            | Self::Reserved { .. }
            | Self::Released { .. }
            | Self::Handed { .. }
            | Self::Removed => &[],
        }
    }

    /// The domain's word for it, which a storefront's file maps to its own.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Offered { .. } => "offered",
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::Reserved { .. } => "reserved",
            Self::Released { .. } => "released",
            Self::Amended { .. } => "amended",
            Self::Handed { .. } => "handed",
            Self::SoldOut => "sold_out",
            Self::Freed => "freed",
            Self::Removed => "removed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(on_hand: Option<u64>) -> Event {
        Event::Offered {
            fields: Fields::new(),
            on_hand,
        }
    }

    fn reserved(order: u64, quantity: u64) -> Event {
        Event::Reserved {
            order: OrderId(order),
            quantity,
        }
    }

    fn release(order: u64) -> Command {
        Command::Release {
            order: OrderId(order),
            quantity: 2,
        }
    }

    fn reserve(order: u64, quantity: u64) -> Command {
        Command::Reserve {
            order: OrderId(order),
            quantity,
        }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "so that a case reads as a sentence"
    )]
    fn check(given: &[Event], when: Command, then: Result<Vec<Event>, Refusal>) {
        let mut listing = Listing::default();
        for event in given {
            listing.apply(event);
        }
        assert_eq!(listing.decide(&when), then, "given {given:?} when {when:?}");
    }

    #[test]
    fn the_last_one_is_sold_once() {
        let open = [offered(Some(2)), Event::Opened];
        let one_left = [offered(Some(2)), Event::Opened, reserved(1, 1)];
        let sold_out = |event| Ok(vec![event, Event::SoldOut]);
        check(&open, reserve(1, 1), Ok(vec![reserved(1, 1)]));
        check(&open, reserve(1, 2), sold_out(reserved(1, 2)));
        check(&one_left, reserve(2, 1), sold_out(reserved(2, 1)));
        check(
            &one_left,
            reserve(2, 2),
            Err(Refusal::SoldOut {
                available: 1,
                asked: 2,
            }),
        );
        check(&one_left, reserve(1, 1), Ok(vec![]));
    }

    #[test]
    fn what_is_released_can_be_had_again() {
        let released = Event::Released {
            order: OrderId(1),
            quantity: 2,
        };
        let taken = [offered(Some(2)), Event::Opened, reserved(1, 2)];
        check(&taken, release(1), Ok(vec![released.clone(), Event::Freed]));
        check(&taken, release(2), Ok(vec![]));
        let again = [offered(Some(2)), Event::Opened, reserved(1, 2), released];
        let taken_again = Ok(vec![reserved(2, 2), Event::SoldOut]);
        check(&again, reserve(2, 2), taken_again);
    }

    #[test]
    fn fewer_on_hand_than_reserved_sells_nothing_until_enough_is_there_again() {
        let amend = |on_hand| Command::Amend {
            changes: Changes::new(),
            on_hand: Some(on_hand),
        };
        let amended = |on_hand| Event::Amended {
            fields: Fields::new(),
            on_hand: Some(on_hand),
        };
        let taken = [offered(Some(3)), Event::Opened, reserved(1, 2)];
        check(&taken, amend(1), Ok(vec![amended(1), Event::SoldOut]));
        let short = [&taken[..], &[amended(1), Event::SoldOut]].concat();
        let none = Refusal::SoldOut {
            available: 0,
            asked: 1,
        };
        check(&short, reserve(2, 1), Err(none));
        check(&short, amend(4), Ok(vec![amended(4), Event::Freed]));
        check(&short, amend(1), Ok(vec![]));
    }

    #[test]
    fn what_is_handed_over_does_not_come_back() {
        let order = OrderId(1);
        let handed = Event::Handed { order, quantity: 2 };
        let hand = Command::Hand { order, quantity: 2 };
        let taken = [offered(Some(3)), Event::Opened, reserved(1, 2)];
        check(&taken, hand.clone(), Ok(vec![handed.clone()]));
        let gone = [&taken[..], std::slice::from_ref(&handed)].concat();
        check(&gone, release(1), Ok(vec![]));
        check(&gone, hand.clone(), Ok(vec![]));
        let none = Refusal::SoldOut {
            available: 1,
            asked: 2,
        };
        check(&gone, reserve(2, 2), Err(none));
        check(&[offered(None), Event::Opened], hand, Ok(vec![handed]));
    }

    #[test]
    fn only_an_open_listing_is_ordered() {
        let not_open = |state| Err(Refusal::ListingNotOpen { state });
        check(&[], reserve(1, 1), not_open("absent"));
        check(&[offered(None)], reserve(1, 1), not_open("draft"));
        check(
            &[offered(None), Event::Opened],
            reserve(1, 0),
            Err(Refusal::QuantityZero),
        );
        check(
            &[offered(None), Event::Opened],
            reserve(1, 99),
            Ok(vec![reserved(1, 99)]),
        );
        check(
            &[offered(None), Event::Opened, Event::Closed],
            reserve(1, 1),
            not_open("closed"),
        );
        check(&[offered(None), Event::Opened], Command::Open, Ok(vec![]));
    }
}
