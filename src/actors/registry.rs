//! From an identity to its live actor: started on demand, forgotten when idle.
//!
//! A supervised actor cannot end itself while an address of it exists, so the registry owns the
//! only one; forgetting it ends the actor. One that has come to rest in order is not ended but serves
//! the next entity of its kind: to start an actor and end it again costs twenty allocations and a task
//! of the runtime, about a seventh (callgrind) of what a shard does for a placed order.

use std::{collections::HashMap, rc::Rc};

use actix::Addr;
use foldhash::fast::FixedState;

use super::{
    coordinator::Withdrawn,
    entity::{Entity, Visit},
    handles::Failure,
    local::Local,
    mailbox,
    memory::Hosted,
    shelf::{self, InUse, Shelf},
    turn::{Subject, Turn},
};
use crate::domain::{
    EntityKey, Kind, approval::Approval, delivery::Delivery, listing, order::Order,
    payment::Payment, payout::Payout, saga::Command, subscriber::Subscriber,
};

/// Room in an entity's mailbox: an order has one open turn at a time, so no more than one visit ever
/// waits.
const VISITS_MAX: usize = 4;

/// A map whose keys are numbers that we gave out ourselves.
pub(super) type Numbered<K, V> = HashMap<K, V, FixedState>;

/// The live entities of one kind.
struct Live<A: Hosted> {
    by_key: Numbered<(usize, u64), Addr<Entity<A>>>,
    /// Actors that wait for an entity.
    resting: Vec<Addr<Entity<A>>>,
    resting_max: usize,
}

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
        let resting_max = local.settings.worked_on_per_shard_max;
        Self {
            local,
            orders: Live::new(resting_max),
            payments: Live::new(resting_max),
            deliveries: Live::new(resting_max),
            approvals: Live::new(resting_max),
            payouts: Live::new(resting_max),
            subscribers: Live::new(resting_max),
            listings: Numbered::default(),
        }
    }

    /// How many entities are live, of each kind.
    pub(super) fn by_kind(&self) -> Vec<(Kind, usize)> {
        vec![
            (Kind::Order, self.orders.by_key.len()),
            (Kind::Payment, self.payments.by_key.len()),
            (Kind::Delivery, self.deliveries.by_key.len()),
            (Kind::Approval, self.approvals.by_key.len()),
            (Kind::Payout, self.payouts.by_key.len()),
            (Kind::Subscriber, self.subscribers.by_key.len()),
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
            Command::Order(command) => self.orders.send(local, command, turn),
            Command::Payment(command) => self.payments.send(local, command, turn),
            Command::Delivery(command) => self.deliveries.send(local, command, turn),
            Command::Approval(command) => self.approvals.send(local, command, turn),
            Command::Payout(command) => self.payouts.send(local, command, turn),
            Command::Subscriber(command) => self.subscribers.send(local, *command, turn),
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
                let room = local.settings.turns_per_listing_max;
                let address = mailbox::start(room, move |_| Shelf::new(local, storefront, number));
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
        self.let_go(subject, Leaving::Ends);
    }

    /// The same for a subject that is done, whose actors are well and have nothing to do: they may serve
    /// others.
    pub(super) fn rest_all(&mut self, subject: Subject) {
        self.let_go(subject, Leaving::Rests);
    }

    fn let_go(&mut self, subject: Subject, leaving: Leaving) {
        let key = (subject.storefront, subject.number);
        if subject.kind == Kind::Subscriber {
            self.subscribers.let_go(key, leaving);
            return;
        }
        if subject.is_order() {
            self.orders.let_go(key, leaving);
            self.payments.let_go(key, leaving);
            self.deliveries.let_go(key, leaving);
            self.payouts.let_go(key, leaving);
        }
        let storefront = &self.local.storefronts[subject.storefront];
        let approves = if subject.is_order() {
            !storefront.listing.approval || storefront.shares_numbers
        } else {
            storefront.listing.approval
        };
        // Where orders and listings have the same numbers, only one of them has approvals.
        if approves {
            self.approvals.let_go(key, leaving);
        }
    }

    /// Forgets an entity: its actor ends, and the next command loads it from the store.
    pub(super) fn forget(&mut self, storefront: usize, entity: EntityKey) {
        let key = (storefront, entity.number);
        match entity.kind {
            Kind::Order => self.orders.let_go(key, Leaving::Ends),
            Kind::Payment => self.payments.let_go(key, Leaving::Ends),
            Kind::Delivery => self.deliveries.let_go(key, Leaving::Ends),
            Kind::Approval => self.approvals.let_go(key, Leaving::Ends),
            Kind::Payout => self.payouts.let_go(key, Leaving::Ends),
            Kind::Subscriber => self.subscribers.let_go(key, Leaving::Ends),
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

/// What becomes of an actor whose entity is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    /// It ends: what it has in memory, or in its mailbox, must not be met again.
    Ends,
    /// It is well, and waits for another entity.
    Rests,
}

impl<A: Hosted> Live<A>
where
    A::Command: Send + 'static,
{
    fn new(resting_max: usize) -> Self {
        Self {
            by_key: Numbered::default(),
            resting: Vec::new(),
            resting_max,
        }
    }

    /// Sends a command, with its turn, to the entity's own actor, one that rests, or a new one. Gives the
    /// turn back if the actor cannot take it.
    fn send(
        &mut self,
        local: &Rc<Local>,
        command: A::Command,
        turn: Box<Turn>,
    ) -> Result<(), (Box<Turn>, Failure)> {
        let key = (turn.key.storefront, turn.key.number);
        let mut moves_in = false;
        let address = self.by_key.entry(key).or_insert_with(|| {
            let start = || {
                let local = Rc::clone(local);
                mailbox::start(VISITS_MAX, move |_| Entity::new(local, key.0, key.1))
            };
            moves_in = true;
            self.resting.pop().unwrap_or_else(start)
        });
        let visit = Visit {
            command,
            turn,
            moves_in,
        };
        address.try_send(visit).map_err(|error| {
            let visit = error.into_inner();
            (visit.turn, Failure::Crashed)
        })
    }

    fn let_go(&mut self, key: (usize, u64), leaving: Leaving) {
        let Some(actor) = self.by_key.remove(&key) else {
            return;
        };
        if leaving == Leaving::Rests && self.resting.len() < self.resting_max {
            self.resting.push(actor);
        }
    }

    fn clear(&mut self) {
        self.by_key.clear();
        self.resting.clear();
    }
}

fn tell(listing: &Addr<Shelf>, release: shelf::Release) {
    if let Err(full_or_closed) = listing.try_send(release) {
        tracing::warn!(%full_or_closed, "a listing does not hear that a turn was given up");
    }
}
