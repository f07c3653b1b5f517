//! A listing: what can be ordered, how much of it there is, and who has reserved some.
//!
//! It is the only writer of its own stock, one message at a time, so that what is reserved never
//! exceeds what is on hand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Aggregate, Event as AnyEvent, Fields, Kind, Refusal, ids::OrderId};

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
    /// Put it on sale.
    Open,
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
    /// How many each order keeps.
    pub reserved: BTreeMap<OrderId, u64>,
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
            Command::Open => self.change(State::Open, Event::Opened),
            Command::Close => self.change(State::Closed, Event::Closed),
            Command::Reserve { order, quantity } => self.reserve(*order, *quantity),
            Command::Release { order } => Ok(self
                .reserved
                .get(order)
                .map(|&quantity| Event::Released {
                    order: *order,
                    quantity,
                })
                .into_iter()
                .collect()),
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
                self.reserved.insert(*order, *quantity);
            }
            Event::Released { order, .. } => {
                self.reserved.remove(order);
            }
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
    /// How many could still be reserved; `None` where they are not counted.
    pub fn available(&self) -> Option<u64> {
        let reserved = self
            .reserved
            .values()
            .fold(0, |sum: u64, each| sum.saturating_add(*each));
        self.on_hand.map(|on_hand| on_hand.saturating_sub(reserved))
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
            Some(_) | None => Ok(vec![Event::Reserved { order, quantity }]),
        }
    }
}

impl Event {
    /// The domain's word for it, which a storefront's file maps to its own.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Offered { .. } => "offered",
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::Reserved { .. } => "reserved",
            Self::Released { .. } => "released",
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
        check(&open, reserve(1, 2), Ok(vec![reserved(1, 2)]));
        check(&one_left, reserve(2, 1), Ok(vec![reserved(2, 1)]));
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
        check(
            &taken,
            Command::Release { order: OrderId(1) },
            Ok(vec![released.clone()]),
        );
        check(&taken, Command::Release { order: OrderId(2) }, Ok(vec![]));
        let again = [offered(Some(2)), Event::Opened, reserved(1, 2), released];
        check(&again, reserve(2, 2), Ok(vec![reserved(2, 2)]));
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
