//! The customers: what they ask, what they were answered, and what they may rely on since.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use jumun::{
    actors::handles::{CommandKey, Context, Entity, Error, Failure, Item, Request, Target},
    domain::{
        Fields, Kind, Money, Refusal, Value, delivery, money::Currency, order,
        storefront::CommandAction,
    },
};

use super::{
    PAYS_LATER, STOREFRONTS,
    book::{Book, Name},
    chance,
    disk::Disk,
    strikes::Strikes,
};

/// What became of a command, as far as its caller knows.
#[derive(Clone, Debug, PartialEq)]
enum Fate {
    UnderWay,
    Done(Item),
    /// The answer said that nothing was done.
    Nothing,
    Unknown,
}

/// A command as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) storefront: usize,
    pub(crate) request: Request,
    pub(crate) key: Option<CommandKey>,
    /// Whether the order was durable when the command was sent.
    existed: bool,
    fate: Fate,
}

#[derive(Debug)]
pub(crate) struct Desk {
    random: fastrand::Rng,
    commands: Vec<Command>,
    /// The least version that a reader must see from now on.
    acknowledged: BTreeMap<(Name, Kind), u64>,
    /// The order that was asked for last; often several ask for the same one at once.
    last: Option<Name>,
    strikes: Strikes,
    book: Arc<Mutex<Book>>,
    pub(crate) complaints: Vec<String>,
}

impl Desk {
    pub(crate) fn new(random: fastrand::Rng, strikes: Strikes, book: Arc<Mutex<Book>>) -> Self {
        let (commands, acknowledged) = (Vec::new(), BTreeMap::new());
        Self {
            random,
            commands,
            acknowledged,
            last: None,
            strikes,
            book,
            complaints: Vec::new(),
        }
    }

    /// Something that a customer wants: its place in the list, and the command.
    pub(crate) fn next(&mut self) -> (usize, Command) {
        let command = match self.random.u32(0..100) {
            0..10 => self.again(),
            10..45 => self.place(),
            _ => self.change(),
        };
        self.commands.push(command.clone());
        (self.commands.len() - 1, command)
    }

    pub(crate) fn context(&self, id: usize) -> Context {
        Context {
            key: self.commands[id].key.clone(),
            ..Context::default()
        }
    }

    /// The engine went down: who was not answered never will be.
    pub(crate) fn hung_up(&mut self) {
        for command in &mut self.commands {
            if command.fate == Fate::UnderWay {
                command.fate = Fate::Unknown;
            }
        }
    }

    /// Nobody may be left waiting.
    pub(crate) fn waiting(&self) -> usize {
        self.commands
            .iter()
            .filter(|command| command.fate == Fate::UnderWay)
            .count()
    }

    /// The least version of an entity that a reader must see.
    pub(crate) fn acknowledged(&self, name: Name, kind: Kind) -> u64 {
        self.acknowledged.get(&(name, kind)).copied().unwrap_or(0)
    }

    /// The same command again, under the same key or with its key for something else.
    fn again(&mut self) -> Command {
        let keyed: Vec<_> = self
            .commands
            .iter()
            .filter(|sent| sent.key.is_some())
            .collect();
        let Some(sent) = self.random.choice(keyed).cloned() else {
            return self.place();
        };
        if sent.request.action == CommandAction::PlaceOrder && chance(&mut self.random, 25) {
            let mut other = self.place();
            let fingerprint = self.random.u64(..);
            other.storefront = sent.storefront;
            other.key = sent.key.map(|named| CommandKey {
                fingerprint,
                ..named
            });
            return other;
        }
        let existed = self.exists(sent.storefront, sent.request.order());
        Command {
            existed,
            fate: Fate::UnderWay,
            ..sent
        }
    }

    fn place(&mut self) -> Command {
        let amount = Money::new(self.random.i64(0..100), Currency::KRW);
        let fields = fields(self.commands.len(), self.random.u32(..));
        let request = Request::place(fields, Some(amount));
        self.command(request, 30)
    }

    fn change(&mut self) -> Command {
        let known: Vec<Name> = self.book.lock().unwrap().lives.keys().copied().collect();
        let recent = known.len().saturating_sub(6);
        let order = match self.random.u32(0..10) {
            0 => Some((
                self.random.usize(..STOREFRONTS.len()),
                self.random.u64(1..80),
            )),
            1..3 => self.random.choice(known),
            3..7 if self.last.is_some() => self.last,
            _ => self.random.choice(&known[recent..]).copied(),
        };
        let Some((storefront, number)) = order else {
            return self.place();
        };
        self.last = order;
        let (action, amount) = match self.random.u32(0..10) {
            0..3 => (CommandAction::CancelOrder, None),
            3 => (CommandAction::RemoveOrder, None),
            4..6 => (CommandAction::AmendOrder, None),
            6 => {
                let amount = Money::new(self.random.i64(0..100), Currency::KRW);
                (CommandAction::AmendOrder, Some(amount))
            }
            _ => (CommandAction::AdvanceDelivery, None),
        };
        let fields = if action == CommandAction::AmendOrder {
            fields(self.commands.len(), self.random.u32(..))
        } else {
            Fields::new()
        };
        let changes = fields.iter();
        let changes = changes.map(|(name, value)| (Arc::clone(name), Some(value.clone())));
        let delivers = action == CommandAction::AdvanceDelivery;
        let kind = if delivers {
            Kind::Delivery
        } else {
            Kind::Order
        };
        let request = Request {
            changes: changes.collect(),
            fields,
            amount,
            ..Request::new(action, Target::Order(number), kind)
        };
        let mut command = self.command(request, 15);
        command.storefront = storefront;
        command.existed = self.exists(storefront, Some(number));
        command
    }

    fn command(&mut self, request: Request, keyed: u32) -> Command {
        let key = chance(&mut self.random, keyed).then(|| CommandKey {
            key: format!("key {}", self.commands.len()),
            fingerprint: self.random.u64(..),
        });
        let storefront = self.random.usize(..STOREFRONTS.len());
        Command {
            storefront,
            request,
            key,
            existed: false,
            fate: Fate::UnderWay,
        }
    }

    fn exists(&self, storefront: usize, order: Option<u64>) -> bool {
        let book = self.book.lock().unwrap();
        let life = order.and_then(|number| book.lives.get(&(storefront, number)));
        life.is_some_and(|life| life.order() != order::State::Absent)
    }

    /// Takes an answer in, at the moment it arrives.
    pub(crate) fn answered(&mut self, id: usize, outcome: Result<Item, Error>, disk: &Disk) {
        let command = self.commands[id].clone();
        let (fate, wrong) = match outcome {
            Ok(item) => {
                let wrong = self.wrong(&command, &item).err();
                (Fate::Done(item), wrong)
            }
            Err(Error::Refused(refusal)) => {
                let wrong = (!may_be_refused(&command, &refusal)).then(|| format!("{refusal:?}"));
                (Fate::Nothing, wrong)
            }
            Err(Error::Failed(failure)) => {
                let order = command.request.order();
                let places = command.request.action == CommandAction::PlaceOrder;
                let (fate, fits) = match failure {
                    Failure::Overloaded => (Fate::Nothing, true),
                    Failure::PaymentUnavailable
                    | Failure::PaymentTimedOut
                    | Failure::PaymentSuspended { .. }
                    | Failure::PaymentOverloaded => (Fate::Nothing, places),
                    Failure::OutcomeUnknown => (Fate::Unknown, true),
                    Failure::Crashed => (Fate::Nothing, self.strikes.any()),
                    Failure::Restarting => (Fate::Nothing, self.strikes.died() > 0),
                    Failure::Quarantined => {
                        let hit = order.is_some_and(|number| self.strikes.hit(number));
                        (Fate::Nothing, hit)
                    }
                    Failure::Store => (Fate::Unknown, disk.failed()),
                    Failure::Stopping
                    | Failure::StoreFull
                    | Failure::Paused
                    | Failure::ViewBehind => (Fate::Nothing, false),
                };
                (fate, (!fits).then(|| format!("{failure:?}")))
            }
        };
        if let Some(wrong) = wrong {
            self.complaints
                .push(format!("command {id} {:?}: {wrong}", command.request));
        }
        self.commands[id].fate = fate;
    }

    fn wrong(&mut self, command: &Command, item: &Item) -> Result<(), String> {
        let (name, request) = ((command.storefront, item.number), &command.request);
        let (kind, fits) = match &item.entity {
            Entity::Order(order) => {
                let fits = match request.action {
                    CommandAction::PlaceOrder => {
                        *order.fields == request.fields && order.amount == request.amount
                    }
                    CommandAction::AmendOrder => *order.fields == request.fields,
                    CommandAction::CancelOrder => order.state == order::State::Cancelled,
                    CommandAction::RemoveOrder => {
                        order.state == order::State::Cancelled && order.removed
                    }
                    CommandAction::PayOrder
                    | CommandAction::AdvanceDelivery
                    | CommandAction::GrantApproval
                    | CommandAction::RefuseApproval
                    | CommandAction::PayPayout
                    | CommandAction::OfferListing
                    | CommandAction::AmendListing
                    | CommandAction::OpenListing
                    | CommandAction::CloseListing
                    | CommandAction::RemoveListing => false,
                };
                (Kind::Order, fits)
            }
            Entity::Delivery(delivery) => {
                let advanced = request.action == CommandAction::AdvanceDelivery;
                (
                    Kind::Delivery,
                    advanced && delivery.state == delivery::State::Done,
                )
            }
            other @ (Entity::Payment(_)
            | Entity::Listing(_)
            | Entity::Approval(_)
            | Entity::Payout(_)
            | Entity::Subscriber(_)) => (other.kind(), false),
        };
        if !fits || request.order().is_some_and(|number| number != item.number) {
            return Err(format!("is answered with {item:?}"));
        }
        let durable = self.book.lock().unwrap().at(name, kind, item.version);
        if durable.as_ref() != Some(&item.entity) {
            return Err(format!("{item:?} was answered, and durable is {durable:?}"));
        }
        if let Some(other) = self.answered_before(command)
            && (request.action == CommandAction::PlaceOrder && *other != *item)
        {
            return Err(format!(
                "the same key was answered with {other:?} and {item:?}"
            ));
        }
        let seen = self.acknowledged.entry((name, kind)).or_default();
        *seen = item.version.max(*seen);
        Ok(())
    }

    fn answered_before(&self, command: &Command) -> Option<&Item> {
        let same =
            |sent: &&Command| sent.key == command.key && sent.storefront == command.storefront;
        command.key.as_ref()?;
        self.commands
            .iter()
            .filter(same)
            .find_map(|sent| match &sent.fate {
                Fate::Done(item) => Some(item),
                Fate::UnderWay | Fate::Nothing | Fate::Unknown => None,
            })
    }

    /// At the end: every order is somebody's, nobody has two, and nobody has one who was told that
    /// there is none.
    pub(crate) fn check(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let book = self.book.lock().unwrap();
        let mut placed: BTreeMap<String, Vec<Name>> = BTreeMap::new();
        let mut by_key: BTreeMap<(usize, &str), BTreeSet<&str>> = BTreeMap::new();
        for (name, life) in &book.lives {
            if let Some(order) = life.orders.first() {
                placed
                    .entry(tag(&order.fields).to_owned())
                    .or_default()
                    .push(*name);
            }
            let cancelled = life.order() == order::State::Cancelled;
            if cancelled
                && !PAYS_LATER.contains(&STOREFRONTS[name.0])
                && !self.may_be_cancelled(*name)
            {
                complaints.push(format!("order {name:?} is cancelled, and nobody did that"));
            }
        }
        let is_place = |sent: &&Command| sent.request.action == CommandAction::PlaceOrder;
        let mut limits: BTreeMap<&str, (BTreeSet<Name>, usize)> = BTreeMap::new();
        for sent in self.commands.iter().filter(is_place) {
            let tag = tag(&sent.request.fields);
            let (done, unknown) = limits.entry(tag).or_default();
            match &sent.fate {
                Fate::Done(item) => drop(done.insert((sent.storefront, item.number))),
                Fate::Unknown | Fate::UnderWay => *unknown += 1,
                Fate::Nothing => {}
            }
            if let Some(named) = &sent.key {
                by_key
                    .entry((sent.storefront, &named.key))
                    .or_default()
                    .insert(tag);
            }
        }
        for (tag, (done, unknown)) in &limits {
            let names = placed.remove(*tag).unwrap_or_default();
            let all = done.iter().all(|name| names.contains(name));
            if !all || names.len() > done.len() + unknown {
                let more = format!("{tag}: there are {names:?}, answered {done:?}");
                complaints.push(format!("{more}, unknown {unknown}"));
            }
            placed.insert((*tag).to_owned(), names);
        }
        for (key, tags) in by_key {
            let count: usize = tags.iter().map(|tag| placed[*tag].len()).sum();
            if count > 1 {
                complaints.push(format!("{key:?} made {count} orders"));
            }
        }
        complaints
    }

    fn may_be_cancelled(&self, (storefront, number): Name) -> bool {
        self.commands.iter().any(|sent| {
            let cancels = matches!(
                sent.request.action,
                CommandAction::CancelOrder | CommandAction::RemoveOrder
            );
            let own = sent.storefront == storefront && sent.request.order() == Some(number);
            cancels && own && sent.fate != Fate::Nothing
        })
    }
}

fn may_be_refused(command: &Command, refusal: &Refusal) -> bool {
    use CommandAction::{AdvanceDelivery, AmendOrder, CancelOrder, PlaceOrder, RemoveOrder};
    let action = command.request.action;
    match refusal {
        Refusal::KeyReused => command.key.is_some(),
        Refusal::PaymentDeclined { .. } => action == PlaceOrder,
        Refusal::NotFound { .. } => {
            matches!(action, CancelOrder | RemoveOrder | AmendOrder) && !command.existed
        }
        Refusal::UnknownOrder { .. } => action == AdvanceDelivery && !command.existed,
        Refusal::AmountFixed => action == AmendOrder && command.request.amount.is_some(),
        Refusal::IsCancelled => matches!(action, AmendOrder | AdvanceDelivery),
        Refusal::OrderNotReady { .. } | Refusal::DeliveryCancelled => action == AdvanceDelivery,
        Refusal::AlreadyExists { .. }
        | Refusal::AmountNegative { .. }
        | Refusal::AmountTooLarge
        | Refusal::StatusNotSettable { .. }
        | Refusal::PaymentNotReady { .. }
        | Refusal::RefundTooLarge { .. }
        | Refusal::UnknownStep { .. }
        | Refusal::ListingNotOpen { .. }
        | Refusal::SoldOut { .. }
        | Refusal::VersionMismatch { .. }
        | Refusal::ListingNotOrdered { .. }
        | Refusal::PriceChanged { .. }
        | Refusal::QuantityZero
        | Refusal::ApprovalNotOpen { .. }
        | Refusal::PayoutNotDue { .. }
        | Refusal::PayoutPaid
        | Refusal::NotAParty { .. }
        | Refusal::KeyTaken { .. }
        | Refusal::UnknownKey { .. }
        | Refusal::UnknownListing { .. }
        | Refusal::SubscriberInvalid { .. }
        | Refusal::NotSubscribed
        | Refusal::NameTaken { .. }
        | Refusal::TooManySubscribers { .. }
        | Refusal::SubscriberPaused { .. }
        | Refusal::LeaseStale
        | Refusal::LeaseLost
        | Refusal::NotParked { .. }
        | Refusal::TooLate { .. } => false,
    }
}

fn fields(tag: usize, noise: u32) -> Fields {
    let address = format!("{noise} Street");
    let values = [
        (
            "customerName".into(),
            Value::Text(format!("customer {tag}")),
        ),
        ("address".into(), Value::Text(address)),
    ];
    values.into_iter().collect()
}

fn tag(fields: &Fields) -> &str {
    fields
        .get("customerName")
        .and_then(Value::as_text)
        .unwrap_or("")
}
