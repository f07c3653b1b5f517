//! One command with all that follows from it at once: decided and applied, until the saga asks for
//! nothing more.

use std::{collections::VecDeque, sync::Arc};

use jumun::{
    domain::{
        Aggregate, EntityKey, Event, Refusal, Stamped, Timestamp,
        ids::OrderId,
        order::{self, Order},
        payment::{self, Payment},
        saga::{Circumstances, Closed, Command, Saga},
        storefront::Storefront,
    },
    store::snapshot,
};

/// Everything of one order that the rules look at.
#[derive(Debug, Default)]
pub(super) struct States {
    pub(super) order: (Order, u64),
    pub(super) payment: (Payment, u64),
    pub(super) saga: Saga,
}

/// Why an order is not placed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// A rule says so.
    #[error(transparent)]
    Rule(#[from] Refusal),
    /// The money would not add up.
    #[error("the books would not balance")]
    Books,
    /// The shop's file asks for something that there is nobody here to do.
    #[error("the flow asks for {0}, which this contestant does not do")]
    Unknown(String),
}

impl States {
    /// Places a new order and does what its flow asks for; answers with what happened.
    pub(super) fn place(
        &mut self,
        storefront: &Storefront,
        number: u64,
        now: Timestamp,
        command: order::Command,
    ) -> Result<Vec<Stamped>, Refused> {
        let at = Circumstances {
            order: OrderId(number),
            flow: &storefront.flow,
            now,
            closed: Closed::default(),
        };
        let mut events = Vec::with_capacity(8);
        let mut todo = VecDeque::from([Command::Order(command)]);
        let mut seen = 0;
        loop {
            if let Some(command) = todo.pop_front() {
                let before = events.len();
                self.carry_out(number, command, &mut events)?;
                if requests(&events[before..]) {
                    todo.push_front(Command::Payment(payment::Command::Capture));
                }
                continue;
            }
            // What was asked for led to nothing: nothing else would come of asking again.
            if events.len() == seen {
                break;
            }
            seen = events.len();
            todo.extend(self.saga.react(&at).commands);
        }
        self.saga.ledger.check().map_err(|_| Refused::Books)?;
        Ok(events)
    }

    fn carry_out(
        &mut self,
        number: u64,
        command: Command,
        events: &mut Vec<Stamped>,
    ) -> Result<(), Refused> {
        match command {
            Command::Order(command) => {
                visit(&mut self.order, &mut self.saga, number, &command, events)?;
            }
            Command::Payment(command) => {
                visit(&mut self.payment, &mut self.saga, number, &command, events)?;
            }
            other @ (Command::Delivery(_)
            | Command::Approval(_)
            | Command::Payout(_)
            | Command::Listing(..)
            | Command::Choose(_)
            | Command::Subscriber(_)) => return Err(Refused::Unknown(format!("{other:?}"))),
        }
        Ok(())
    }

    /// The order as a repeated key is answered.
    pub(super) fn answer(&self) -> Arc<[u8]> {
        snapshot::encode(&self.order.0)
    }
}

fn visit<A: Aggregate>(
    (state, version): &mut (A, u64),
    saga: &mut Saga,
    number: u64,
    command: &A::Command,
    events: &mut Vec<Stamped>,
) -> Result<(), Refusal> {
    let entity = EntityKey::new(A::KIND, number);
    for event in state.decide(command)? {
        state.apply(&event);
        *version += 1;
        let event: Event = event.into();
        saga.apply(entity, &event);
        events.push(Stamped {
            entity,
            version: *version,
            event,
        });
    }
    Ok(())
}

/// Whether a provider is asked for money.
fn requests(events: &[Stamped]) -> bool {
    let mut payments = events.iter().filter_map(|own| own.event.as_payment());
    payments.any(|event| matches!(event, payment::Event::Requested { .. }))
}
