//! The saga of one order: what has been done for it, and what to do next or undo.
//!
//! A saga's state is a fold over the events of its order and of what is done for it, so it cannot
//! disagree with them. [`Saga::react`] looks at that state, not at the last event: asked twice, or
//! after a crash, it asks for the same things again, and entities answer what they have done
//! already with no news. Going forward it works through the storefront's
//! [flow](super::storefront::Flow) (`forward.rs`); once the order is cancelled it undoes what was
//! done, the last step first (`undo.rs`). Who or what it waits for meanwhile, and until when, is in
//! `waiting.rs`.

mod dossier;
mod event;
mod forward;
mod progress;
#[cfg(test)]
mod tests;
mod undo;
mod waiting;

use serde::{Deserialize, Serialize};

pub use self::{
    dossier::{Dossier, Gap, Kept, Trail},
    event::{Event, GivenUp},
    progress::Progress,
};
use super::{
    EntityKey, Event as AnyEvent, Kind, Money, Timestamp, approval, delivery,
    ids::{ListingId, OrderId},
    ledger::Ledger,
    listing, order, payment, payout,
    storefront::{Action, Choice, Flow},
    subscriber,
};

/// A command to one of the order's entities, or to a listing that it is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// To the order.
    Order(order::Command),
    /// To its payment.
    Payment(payment::Command),
    /// To its delivery.
    Delivery(delivery::Command),
    /// To its approval.
    Approval(approval::Command),
    /// To its payout.
    Payout(payout::Command),
    /// To a listing.
    Listing(ListingId, listing::Command),
    /// Choose a free listing by this rule, and reserve one of it.
    Choose(Choice),
    /// To a subscriber, from whoever it serves: no saga asks for it.
    Subscriber(Box<subscriber::Command>),
}

/// Parts of the storefront that are paused: what they do has to wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closed(u16);

impl Closed {
    /// This part too.
    #[must_use]
    pub fn with(self, kind: Kind) -> Self {
        Self(self.0 | Self::bit(kind))
    }

    /// Whether this part is paused.
    pub fn has(self, kind: Kind) -> bool {
        self.0 & Self::bit(kind) != 0
    }

    fn bit(kind: Kind) -> u16 {
        1_u16.wrapping_shl(u32::from(kind.number()))
    }
}

/// What surrounds a saga when it reacts.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// Whose saga it is.
    pub order: OrderId,
    /// What is done for an order.
    pub flow: &'a Flow,
    /// The present instant.
    pub now: Timestamp,
    /// What is paused.
    pub closed: Closed,
}

/// What a saga asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reaction {
    /// To be carried out in this order. Empty while something is awaited, or at the end.
    pub commands: Vec<Command>,
    /// Something that is to be done, but whose part of the storefront is paused.
    pub waits_for: Option<Action>,
}

/// The coordinator's memory of one order's flow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Saga {
    /// Where the order stands.
    pub order: order::State,
    /// What the order costs.
    pub amount: Option<Money>,
    /// What it asks for of each listing, in the order of their numbers.
    pub wanted: Vec<order::Line>,
    /// What is reserved for it of each listing.
    pub reserved: Vec<order::Line>,
    /// Whether something that was reserved came back, or was handed over.
    pub returned: bool,
    /// How far the approval has come.
    pub approve: Progress,
    /// How far the payment has come.
    pub pay: Progress,
    /// How often the provider was asked for the money under another name.
    pub charges: u32,
    /// How far the delivery has come.
    pub deliver: Progress,
    /// How many of the delivery's steps were taken, also if it was called off since.
    pub steps_taken: u8,
    /// How far the payout has come.
    pub payout: Progress,
    /// When the seller is to be paid.
    pub payout_due: Option<Timestamp>,
    /// The steps of the flow that it leaves out, as a bit for each.
    pub skipped: u32,
    /// When something outside is to be asked again, and how often it was asked.
    pub retry: Option<(Timestamp, u32)>,
    /// Since when what is outstanding now is asked again.
    pub tried_since: Option<Timestamp>,
    /// What is outstanding was given up: it waits for an operator.
    pub given_up: Option<GivenUp>,
    /// Which person's step is awaited, by whose part of the storefront it is, and until when.
    pub awaiting: Option<(Kind, Timestamp)>,
    /// Where the order's money is. Checked before each commit and on each load.
    pub ledger: Ledger,
}

impl Saga {
    /// Takes in what happened to `entity`: the order, what is done for it, a listing that it is
    /// for, or the saga.
    pub fn apply(&mut self, entity: EntityKey, event: &AnyEvent) {
        self.ledger.post(event);
        match event {
            AnyEvent::Order(event) => self.order_happened(event),
            AnyEvent::Payment(event) => {
                if matches!(event, payment::Event::Requested { .. }) {
                    self.charges = self.charges.saturating_add(1);
                }
                self.pay = event.state_after().into();
                // Whatever is outstanding from now on is something else.
                self.tried_since = None;
                self.given_up = None;
            }
            AnyEvent::Delivery(event) => {
                if event.is_step() {
                    self.steps_taken = self.steps_taken.saturating_add(1);
                }
                if let Some(state) = event.state_after() {
                    self.deliver = state.into();
                }
            }
            AnyEvent::Approval(event) => self.approve = event.state_after().into(),
            AnyEvent::Payout(event) => {
                if let payout::Event::Scheduled { due, .. } = event {
                    self.payout_due = Some(*due);
                }
                self.payout = event.state_after().into();
            }
            AnyEvent::Listing(event) => self.listing_happened(ListingId(entity.number), event),
            AnyEvent::Saga(event) => self.happened(event),
            AnyEvent::Subscriber(_) => {}
        }
        self.await_no_longer();
    }

    /// What to do next for the order.
    pub fn react(&self, at: &Circumstances<'_>) -> Reaction {
        match self.order {
            order::State::Absent | order::State::Cancelled => self.undo(at),
            order::State::Placed
            | order::State::Held
            | order::State::Confirmed
            | order::State::Completed => self.advance(at),
        }
    }

    fn happened(&mut self, event: &Event) {
        match event {
            Event::RetryScheduled { attempt, due } => {
                self.retry = Some((*due, *attempt));
                self.tried_since.get_or_insert(*due);
            }
            Event::Settled => (self.retry, self.tried_since) = (None, None),
            Event::Routed { skipped } => self.skipped = *skipped,
            Event::Awaiting { kind, until } => self.awaiting = Some((*kind, *until)),
            Event::GaveUp(given_up) => {
                self.given_up = Some(given_up.clone());
                (self.retry, self.tried_since) = (None, None);
            }
            Event::Resumed => (self.given_up, self.tried_since) = (None, None),
        }
    }

    fn order_happened(&mut self, event: &order::Event) {
        match event {
            order::Event::Placed { amount, .. } | order::Event::Priced { amount } => {
                self.amount = Some(*amount);
            }
            order::Event::Itemised { lines } => {
                let sums = order::summed(lines).into_iter();
                self.wanted = sums
                    .map(|(listing, quantity)| order::Line { listing, quantity })
                    .collect();
            }
            order::Event::Amended { .. }
            | order::Event::Held
            | order::Event::Confirmed
            | order::Event::Completed
            | order::Event::Cancelled
            | order::Event::Removed => {}
        }
        if let Some(state) = event.state_after() {
            self.order = state;
        }
    }

    fn listing_happened(&mut self, listing: ListingId, event: &listing::Event) {
        match *event {
            listing::Event::Reserved { quantity, .. } => {
                self.reserved.push(order::Line { listing, quantity });
            }
            listing::Event::Released { .. } | listing::Event::Handed { .. } => {
                self.reserved.retain(|line| line.listing != listing);
                self.returned = true;
            }
            listing::Event::Offered { .. }
            | listing::Event::Amended { .. }
            | listing::Event::Opened
            | listing::Event::Closed
            | listing::Event::SoldOut
            | listing::Event::Freed
            | listing::Event::Removed => {}
        }
    }
}
