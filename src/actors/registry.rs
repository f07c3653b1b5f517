//! From an identity to its live actor: started on demand, forgotten when idle.
//!
//! A supervised actor cannot end itself while an address of it exists, so the registry owns the
//! only one; forgetting it ends the actor.

use std::{collections::HashMap, rc::Rc};

use actix::{Addr, Supervisor};
use foldhash::fast::FixedState;

use super::{
    coordinator::Withdrawn,
    entity::{Entity, Visit},
    handles::Failure,
    local::Local,
    memory::Hosted,
    shelf::{self, InUse, Shelf},
    turn::{Subject, Turn},
};
use crate::domain::{
    EntityKey, Kind, approval::Approval, delivery::Delivery, listing, order::Order,
    payment::Payment, payout::Payout, saga::Command, subscriber::Subscriber,
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
    subscribers: Live<Subscriber>,
    listings: Numbered<(usize, u64), (Addr<Shelf>, InUse)>,
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
            subscribers: Numbered::default(),
            listings: Numbered::default(),
        }
    }

    /// How many entities are live, of each kind.
    pub(super) fn by_kind(&self) -> Vec<(Kind, usize)> {
        vec![
            (Kind::Order, self.orders.len()),
            (Kind::Payment, self.payments.len()),
            (Kind::Delivery, self.deliveries.len()),
            (Kind::Approval, self.approvals.len()),
            (Kind::Payout, self.payouts.len()),
            (Kind::Subscriber, self.subscribers.len()),
            (Kind::Listing, self.listings.len()),
        ]
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
            Command::Subscriber(command) => send(local, &mut self.subscribers, *command, turn),
            // Not for one of the subject's own entities.
            Command::Listing(..) | Command::Choose(_) => Err((turn, Failure::Crashed)),
        }
    }

    /// Sends a command, with its turn, to a listing of this shard. Gives the turn back if the
    /// listing cannot take it.
    pub(super) fn serve(
        &mut self,
        number: u64,
        command: listing::Command,
        turn: Box<Turn>,
    ) -> Result<(), (Box<Turn>, Failure)> {
        let storefront = turn.key.storefront;
        // A shard that is gone does not say any more what is not in the store yet.
        if self.listings.len() >= self.local.settings.listings_live_max
            && self.local.shards.next_gone().is_none()
        {
            // One is the registry's own.
            self.listings
                .retain(|_, (_, in_use)| InUse::strong_count(in_use) > 1);
        }
        let (address, in_use) = self
            .listings
            .entry((storefront, number))
            .or_insert_with(|| {
                let local = Rc::clone(&self.local);
                let address = Supervisor::start(move |_| Shelf::new(local, storefront, number));
                (address, InUse::default())
            });
        let visit = shelf::Visit {
            command,
            turn,
            in_use: InUse::clone(in_use),
        };
        address
            .try_send(visit)
            .map_err(|error| (error.into_inner().turn, Failure::Overloaded))
    }

    /// A turn that was given up elsewhere had a listing: the next may have it.
    pub(super) fn withdraw(&self, withdrawn: &Withdrawn) {
        let of = (withdrawn.storefront, withdrawn.listing);
        if let Some((address, _)) = self.listings.get(&of) {
            tell(address, shelf::Release::Of(withdrawn.key, withdrawn.serial));
        }
    }

    /// What turns of shards that were replaced had is free.
    pub(super) fn withdraw_fenced(&self) {
        let mut listings: Vec<_> = self.listings.iter().collect();
        listings.sort_unstable_by_key(|(of, _)| **of);
        for (_, (address, _)) in listings {
            tell(address, shelf::Release::Fenced);
        }
    }

    /// Forgets everything that belongs to a subject: the actors end, and the next command loads
    /// from the store.
    pub(super) fn forget_all(&mut self, subject: Subject) {
        let key = (subject.storefront, subject.number);
        if subject.kind == Kind::Subscriber {
            self.subscribers.remove(&key);
            return;
        }
        if subject.is_order() {
            self.orders.remove(&key);
            self.payments.remove(&key);
            self.deliveries.remove(&key);
            self.payouts.remove(&key);
        }
        let storefront = &self.local.storefronts[subject.storefront];
        let approves = if subject.is_order() {
            !storefront.listing.approval || storefront.shares_numbers
        } else {
            storefront.listing.approval
        };
        // Where orders and listings have the same numbers, only one of them has approvals.
        if approves {
            self.approvals.remove(&key);
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
            Kind::Subscriber => drop(self.subscribers.remove(&key)),
            // A listing goes back to what it was by itself, when its holder gives up.
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
        self.subscribers.clear();
        self.listings.clear();
    }
}

fn tell(listing: &Addr<Shelf>, release: shelf::Release) {
    if let Err(full_or_closed) = listing.try_send(release) {
        tracing::warn!(%full_or_closed, "a listing does not hear that a turn was given up");
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
