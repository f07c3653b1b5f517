//! What is durable, told independently of the engine: its own fold over the journal's events.
//!
//! Nothing here calls `decide`, `apply` or `react`, so that a mistake in one of them shows.

use std::{collections::BTreeMap, sync::Arc};

use jumun::{
    actors::handles::Entity,
    domain::{
        Batch, Event, Kind, Stamped,
        delivery::{self, Delivery},
        order::{self, Order},
        payment::{self, Payment},
        saga,
    },
    store::commit::Position,
};

/// An order's storefront (by place) and number.
pub(crate) type Name = (usize, u64);

/// Every state that an order and what belongs to it has been in, by version.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Life {
    pub(crate) orders: Vec<Order>,
    pub(crate) payments: Vec<Payment>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) saga_version: u64,
    /// Whether something outside is awaited, as the saga says.
    pub(crate) awaits: bool,
}

/// The durable lives of all orders.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Book {
    pub(crate) end: Position,
    pub(crate) lives: BTreeMap<Name, Life>,
    pub(crate) complaints: Vec<String>,
}

impl Life {
    pub(crate) fn order(&self) -> order::State {
        self.orders
            .last()
            .map_or(order::State::Absent, |order| order.state)
    }

    pub(crate) fn payment(&self) -> payment::State {
        self.payments
            .last()
            .map_or(payment::State::Absent, |payment| payment.state)
    }

    pub(crate) fn delivery(&self) -> delivery::State {
        self.deliveries
            .last()
            .map_or(delivery::State::Absent, |delivery| delivery.state)
    }

    /// Takes an event in; says what is wrong with it.
    fn take(&mut self, stamped: &Stamped) -> Result<(), String> {
        let due = match stamped.entity.kind {
            Kind::Order => self.orders.len() as u64,
            Kind::Payment => self.payments.len() as u64,
            Kind::Delivery => self.deliveries.len() as u64,
            Kind::Saga | Kind::Listing | Kind::Approval | Kind::Payout | Kind::Subscriber => {
                self.saga_version
            }
        } + 1;
        if stamped.version != due {
            return Err(format!("version {} where {due} was due", stamped.version));
        }
        match &stamped.event {
            Event::Order(event) => {
                let next = ordered(self.orders.last(), event)?;
                self.orders.push(next);
            }
            Event::Payment(event) => {
                let next = paid(self.payments.last(), event)?;
                self.payments.push(next);
            }
            Event::Delivery(event) => {
                let next = delivered(self.deliveries.last(), event)?;
                self.deliveries.push(next);
            }
            Event::Saga(event) => {
                self.saga_version = stamped.version;
                self.awaits = matches!(event, saga::Event::RetryScheduled { .. });
            }
            Event::Listing(_) | Event::Approval(_) | Event::Payout(_) | Event::Subscriber(_) => {
                return Err("nobody asked for that here".into());
            }
        }
        Ok(())
    }

    /// What must hold after each batch.
    fn check(&self, pays_later: bool) -> Result<(), &'static str> {
        use order::State::{Absent, Cancelled, Completed, Confirmed, Held, Placed};
        use payment::State as Pay;
        let (order, payment, delivery) = (self.order(), self.payment(), self.delivery());
        let no_money = [Pay::Absent, Pay::Requested, Pay::Voiding, Pay::Failed];
        let undone = [Pay::Refunding, Pay::Refunded, Pay::Voiding, Pay::Failed];
        match order {
            Absent if !no_money.contains(&payment) => Err("money without an order"),
            Absent if delivery != delivery::State::Absent => Err("a delivery without an order"),
            // Called off while it stood in line.
            Cancelled if pays_later && payment == Pay::Absent => Ok(()),
            Cancelled if !undone.contains(&payment) => Err("cancelled, and the money is kept"),
            Cancelled
                if !matches!(
                    delivery,
                    delivery::State::Absent | delivery::State::Cancelled
                ) =>
            {
                Err("cancelled, and delivered all the same")
            }
            Absent | Cancelled => Ok(()),
            Placed | Held | Confirmed | Completed => {
                let is_done = delivery == delivery::State::Done;
                match payment {
                    Pay::Requested if pays_later => Ok(()),
                    Pay::Absent if pays_later && self.awaits => Ok(()),
                    Pay::Captured if (order == Completed) == is_done => Ok(()),
                    Pay::Captured => Err("completed and delivered are not the same"),
                    Pay::Absent
                    | Pay::Requested
                    | Pay::Refunding
                    | Pay::Refunded
                    | Pay::Voiding
                    | Pay::Failed => Err("an order that is not paid"),
                }
            }
        }
    }

    fn version(&self, kind: Kind, version: u64) -> Option<Entity> {
        let at = usize::try_from(version).ok()?.checked_sub(1)?;
        match kind {
            Kind::Order => self.orders.get(at).cloned().map(Entity::Order),
            Kind::Payment => self.payments.get(at).cloned().map(Entity::Payment),
            Kind::Delivery => self.deliveries.get(at).cloned().map(Entity::Delivery),
            Kind::Saga | Kind::Listing | Kind::Approval | Kind::Payout | Kind::Subscriber => None,
        }
    }
}

impl Book {
    /// Takes a durable batch in.
    pub(crate) fn take(&mut self, first: Position, batch: &Batch, names: &[&str]) {
        let storefront = names.iter().position(|name| **name == *batch.storefront);
        let storefront = storefront.expect("only mounted storefronts have events");
        if first != self.end + 1 {
            self.complaints
                .push(format!("event {first} follows event {}", self.end));
        }
        self.end = first + batch.events.len() as u64 - 1;
        for stamped in &batch.events {
            let life = self
                .lives
                .entry((storefront, stamped.entity.number))
                .or_default();
            if let Err(wrong) = life.take(stamped) {
                let what = format!("{} {:?}: {wrong}", stamped.entity, stamped.event);
                self.complaints.push(what);
            }
        }
        let number = batch.events[0].entity.number;
        let life = &self.lives[&(storefront, number)];
        if let Err(wrong) = life.check(super::PAYS_LATER.contains(&names[storefront])) {
            self.complaints
                .push(format!("{} order {number}: {wrong}", names[storefront]));
        }
    }

    /// The state of an entity at a version, if that is durable.
    pub(crate) fn at(&self, name: Name, kind: Kind, version: u64) -> Option<Entity> {
        self.lives.get(&name)?.version(kind, version)
    }

    /// Whether a payment has ever been in this state.
    pub(crate) fn was(&self, name: Name, state: payment::State) -> bool {
        let life = self.lives.get(&name);
        life.is_some_and(|life| life.payments.iter().any(|payment| payment.state == state))
    }
}

fn ordered(before: Option<&Order>, event: &order::Event) -> Result<Order, String> {
    use order::{Event, State};
    let mut next = before.cloned().unwrap_or_default();
    let from = next.state;
    let (fits, to) = match event {
        Event::Placed { fields, amount } => {
            next.fields = Arc::clone(fields);
            next.amount = Some(*amount);
            (from == State::Absent, State::Placed)
        }
        Event::Amended { fields } => {
            next.fields = Arc::clone(fields);
            (from != State::Absent && from != State::Cancelled, from)
        }
        Event::Itemised { .. } | Event::Priced { .. } => {
            return Err("nobody asked for that here".to_owned());
        }
        Event::Held => (from == State::Placed, State::Held),
        Event::Confirmed => (
            matches!(from, State::Placed | State::Held),
            State::Confirmed,
        ),
        Event::Completed => (from == State::Confirmed, State::Completed),
        Event::Cancelled => (
            from != State::Absent && from != State::Cancelled,
            State::Cancelled,
        ),
        Event::Removed => {
            let fits = from == State::Cancelled && !next.removed;
            next.removed = true;
            (fits, from)
        }
    };
    next.state = to;
    if fits {
        Ok(next)
    } else {
        Err(format!("an order that was {from:?}"))
    }
}

fn paid(before: Option<&Payment>, event: &payment::Event) -> Result<Payment, String> {
    use payment::{Event, State};
    let mut next = before.cloned().unwrap_or_default();
    let from = next.state;
    let (fits, to) = match event {
        Event::Requested { order, amount } => {
            next.order = Some(*order);
            next.amount = Some(*amount);
            next.attempt += 1;
            (from == State::Absent, State::Requested)
        }
        Event::Captured { .. } => (from == State::Requested, State::Captured),
        Event::Failed { .. } => (
            matches!(from, State::Requested | State::Voiding),
            State::Failed,
        ),
        Event::VoidRequested => (from == State::Requested, State::Voiding),
        Event::RefundRequested { .. } => (from == State::Captured, State::Refunding),
        Event::Refunded { .. } => (from == State::Refunding, State::Refunded),
    };
    let amount_fits = event
        .amount()
        .is_none_or(|amount| Some(amount) == next.amount);
    next.state = to;
    if fits && amount_fits {
        Ok(next)
    } else {
        Err(format!("a payment that was {from:?}"))
    }
}

fn delivered(before: Option<&Delivery>, event: &delivery::Event) -> Result<Delivery, String> {
    use delivery::{Event, State};
    let mut next = before.cloned().unwrap_or_default();
    let from = next.state;
    let (fits, to) = match event {
        Event::Planned { order, steps } => {
            next.order = Some(*order);
            next.steps = *steps;
            (from == State::Absent, State::Planned)
        }
        Event::Noted { .. } => return Err("a note that nobody made".to_owned()),
        Event::Stepped { step } => (false, State::Step(*step)),
        Event::Done => (from == State::Planned, State::Done),
        Event::Cancelled => (
            matches!(from, State::Planned | State::Done),
            State::Cancelled,
        ),
    };
    next.state = to;
    if fits {
        Ok(next)
    } else {
        Err(format!("a delivery that was {from:?}"))
    }
}
