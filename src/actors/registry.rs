//! From an identity to its live actor: started on demand, forgotten when idle.
//!
//! A supervised actor cannot end itself while an address of it exists, so the registry owns the
//! only one; forgetting it ends the actor.

use std::{collections::HashMap, rc::Rc};

use actix::{Addr, Supervisor};
use foldhash::fast::FixedState;

use super::{
    entity::{Entity, Hosted, Visit},
    handles::Failure,
    local::Local,
    turn::Turn,
};
use crate::domain::{
    EntityKey, Kind, approval::Approval, delivery::Delivery, order::Order, payment::Payment,
    payout::Payout, saga::Command,
};

/// A map whose keys are numbers that we gave out ourselves.
pub(super) type Numbered<K, V> = HashMap<K, V, FixedState>;

type Live<A> = Numbered<(usize, u64), Addr<Entity<A>>>;

/// The live entities of one shard.
pub(super) struct Registry {
    local: Rc<Local>,
    orders: Live<Order>,
    payments: Live<Payment>,
    deliveries: Live<Delivery>,
    approvals: Live<Approval>,
    payouts: Live<Payout>,
}

impl Registry {
    pub(super) fn new(local: Rc<Local>) -> Self {
        Self {
            local,
            orders: Numbered::default(),
            payments: Numbered::default(),
            deliveries: Numbered::default(),
            approvals: Numbered::default(),
            payouts: Numbered::default(),
        }
    }

    /// How many entities are live.
    pub(super) fn len(&self) -> usize {
        self.orders.len()
            + self.payments.len()
            + self.deliveries.len()
            + self.approvals.len()
            + self.payouts.len()
    }

    /// Sends a command, with its turn, to the entity it is for. Gives the turn back if the entity
    /// cannot take it.
    pub(super) fn visit(
        &mut self,
        command: Command,
        turn: Box<Turn>,
    ) -> Result<(), (Box<Turn>, Failure)> {
        let local = &self.local;
        match command {
            Command::Order(command) => send(local, &mut self.orders, command, turn),
            Command::Payment(command) => send(local, &mut self.payments, command, turn),
            Command::Delivery(command) => send(local, &mut self.deliveries, command, turn),
            Command::Approval(command) => send(local, &mut self.approvals, command, turn),
            Command::Payout(command) => send(local, &mut self.payouts, command, turn),
            Command::Listing(..) | Command::Choose(_) => Err((turn, Failure::Crashed)),
        }
    }

    /// Forgets an entity: its actor ends, and the next command loads it from the store.
    pub(super) fn forget(&mut self, storefront: usize, entity: EntityKey) {
        let key = (storefront, entity.number);
        match entity.kind {
            Kind::Order => drop(self.orders.remove(&key)),
            Kind::Payment => drop(self.payments.remove(&key)),
            Kind::Delivery => drop(self.deliveries.remove(&key)),
            Kind::Approval => drop(self.approvals.remove(&key)),
            Kind::Payout => drop(self.payouts.remove(&key)),
            Kind::Listing | Kind::Saga => {}
        }
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.orders.clear();
        self.payments.clear();
        self.deliveries.clear();
        self.approvals.clear();
        self.payouts.clear();
    }
}

fn send<A: Hosted>(
    local: &Rc<Local>,
    live: &mut Live<A>,
    command: A::Command,
    turn: Box<Turn>,
) -> Result<(), (Box<Turn>, Failure)>
where
    A::Command: Send + 'static,
{
    let (storefront, number) = (turn.key.storefront, turn.key.number);
    let address = live.entry((storefront, number)).or_insert_with(|| {
        let local = Rc::clone(local);
        Supervisor::start(move |_| Entity::new(local, storefront, number))
    });
    address.try_send(Visit { command, turn }).map_err(|error| {
        let visit = error.into_inner();
        (visit.turn, Failure::Crashed)
    })
}
