//! What a request means for an order: the commands that carry it out, given how far it has come.

use std::{collections::VecDeque, sync::Arc};

use super::Coordinator;
use crate::{
    actors::{
        handles::{Error, Failure, Request},
        turn::Subject,
    },
    domain::{
        Changes, Kind, Money, Refusal, Value, approval, delivery,
        ids::OrderId,
        order::{self, Line, Order},
        payment, payout,
        saga::{Circumstances, Command, Progress, Saga},
        storefront::{Action, CommandAction, FieldType, Parties, Step, Storefront},
    },
    store::keys,
};

/// The commands that a request means, and how it is answered.
pub(super) struct Meaning {
    pub(super) commands: VecDeque<Command>,
    /// The kind of the entity that it is answered with.
    pub(super) answer_with: Kind,
    /// Whether the answer is what the whole turn makes of the entity.
    pub(super) answers_last: bool,
    /// The steps of the flow that a new order leaves out.
    pub(super) skipped: u32,
}

impl Meaning {
    pub(super) fn new(
        commands: impl IntoIterator<Item = Command>,
        answer_with: Kind,
        answers_last: bool,
    ) -> Self {
        Self {
            commands: commands.into_iter().collect(),
            answer_with,
            answers_last,
            skipped: 0,
        }
    }
}

/// An order that a request is about: its saga, and what surrounds it.
struct About<'a> {
    saga: &'a Saga,
    at: Circumstances<'a>,
}

impl Coordinator {
    /// What a request means for its subject.
    pub(super) fn meaning(&mut self, key: Subject, request: Request) -> Result<Meaning, Error> {
        if !key.is_order() {
            return self.meaning_for_listing(key, request);
        }
        let storefront = Arc::clone(&self.local.storefronts[key.storefront]);
        if request.action == CommandAction::PlaceOrder {
            return self.place(key, &storefront, request);
        }
        let (now, closed) = (self.now(), self.local.closed(key.storefront));
        let live = self
            .live
            .get(&key)
            .expect("an order is live when a turn is opened");
        let order = key.order();
        let about = About {
            saga: &live.saga,
            at: Circumstances {
                order,
                flow: &storefront.flow,
                now,
                closed,
            },
        };
        if let Some(step) = request.until {
            about.in_time(step, &storefront)?;
        }
        let parties = storefront.parties.as_ref();
        let parties = parties.filter(|_| request.action == CommandAction::AdvanceDelivery);
        let notes = match parties {
            Some(parties) => self.party(key, parties, request.asked_by.as_deref())?,
            None => Changes::new(),
        };
        about.meaning(request, notes)
    }

    fn place(
        &mut self,
        key: Subject,
        storefront: &Storefront,
        mut request: Request,
    ) -> Result<Meaning, Error> {
        let skipped = storefront.flow.skipped(&request.fields, &request.lines);
        let lines = self.known(key, storefront, &mut request)?;
        let amount = self.priced(key.storefront, &lines, request.amount)?;
        if let Some(claim) = request.key {
            self.claim(key, storefront, claim)?;
        }
        let place = order::Command::Place {
            fields: Arc::new(request.fields),
            amount: amount.unwrap_or_else(|| Money::zero(storefront.currency)),
            lines,
        };
        Ok(Meaning {
            skipped,
            ..Meaning::new([Command::Order(place)], Kind::Order, false)
        })
    }

    /// The lines that the order is for. All of their listings must exist; only an order for a single
    /// one is taken without it, if the storefront says so. It then shows what was asked for, which
    /// is kept among its fields.
    fn known(
        &self,
        key: Subject,
        storefront: &Storefront,
        request: &mut Request,
    ) -> Result<Vec<Line>, Error> {
        let lines = std::mem::take(&mut request.lines);
        for line in &lines {
            let number = line.listing.0;
            let listing = self.local.slot(key.storefront, line.listing.key())?;
            if listing.is_some() {
                continue;
            }
            if !storefront.listing.unknown_accepted || lines.len() > 1 {
                return Err(Refusal::UnknownListing { number }.into());
            }
            keep_asked_for(storefront, *line, request);
            return Ok(Vec::new());
        }
        Ok(lines)
    }

    /// Takes a client's key for a new order. It is released when the order rests.
    fn claim(&mut self, key: Subject, storefront: &Storefront, claim: String) -> Result<(), Error> {
        if !self
            .local
            .claims
            .take(key.storefront, &claim, self.outside.lane_number)
        {
            return Err(Refusal::KeyTaken { key: claim }.into());
        }
        if let Some(live) = self.live.get_mut(&key) {
            live.claim = Some(claim.clone());
        }
        let found = keys::find(&self.local.pages, &storefront.name, &claim).map_err(|error| {
            tracing::error!(%error, "clients' keys cannot be read");
            Failure::Store
        })?;
        found.map_or(Ok(()), |_number| {
            Err(Refusal::KeyTaken { key: claim }.into())
        })
    }

    /// Who asks, as a note on the delivery: only those who have a part in the order may.
    fn party(
        &self,
        key: Subject,
        parties: &Parties,
        asked_by: Option<&str>,
    ) -> Result<Changes, Error> {
        let order: Order = self.local.state(key.storefront, Kind::Order, key.number)?;
        let who = asked_by.unwrap_or_default();
        let is = |value: Option<&Value>| value.and_then(Value::as_text) == Some(who);
        let role = if is(order.fields.get(&parties.customer.0)) {
            Some(&parties.customer.1)
        } else {
            self.seller(key, parties, &order, is)?
        };
        let Some(role) = role.filter(|_| !who.is_empty()) else {
            let who = who.to_owned();
            return Err(Refusal::NotAParty { who }.into());
        };
        let storefront = &self.local.storefronts[key.storefront];
        let shown = storefront
            .resource(Kind::Delivery)
            .and_then(|delivery| delivery.field_holding(FieldType::Role));
        let mut notes = vec![(Arc::clone(&parties.field), Some(Value::from(who)))];
        notes.extend(shown.map(|field| (Arc::clone(&field.name), Some(Value::from(&**role)))));
        Ok(notes)
    }

    fn seller<'p>(
        &self,
        key: Subject,
        parties: &'p Parties,
        order: &Order,
        is: impl Fn(Option<&Value>) -> bool,
    ) -> Result<Option<&'p Arc<str>>, Error> {
        let (Some((field, role)), Some(line)) = (&parties.seller, order.lines.first()) else {
            return Ok(None);
        };
        let number = line.listing.0;
        let listing: crate::domain::listing::Listing =
            self.local.state(key.storefront, Kind::Listing, number)?;
        Ok(is(listing.fields.get(field)).then_some(role))
    }
}

/// Keeps what an order asked for that does not exist, under the names of the order's own fields.
fn keep_asked_for(storefront: &Storefront, line: Line, request: &mut Request) {
    let order = storefront.resource(Kind::Order);
    for field in order.iter().flat_map(|order| &order.fields) {
        let number = if field.holds == FieldType::Listing {
            line.listing.0
        } else if matches!(field.holds, FieldType::Quantity { .. }) {
            line.quantity
        } else {
            continue;
        };
        let number = i64::try_from(number).ok().map(Value::Int);
        request.fields.set(Arc::clone(&field.name), number);
    }
}

impl About<'_> {
    fn meaning(&self, request: Request, notes: Changes) -> Result<Meaning, Error> {
        use CommandAction as Asked;
        let answer_with = request.answer_with;
        self.exists(request.action)?;
        let commands = match request.action {
            Asked::AmendOrder => vec![Command::Order(order::Command::Amend {
                changes: request.changes,
                amount: request.amount,
            })],
            Asked::CancelOrder => self.call_off(order::Command::Cancel)?,
            Asked::RemoveOrder => self.call_off(order::Command::Remove)?,
            Asked::PayOrder => self.pay(request.amount)?,
            Asked::AdvanceDelivery => {
                self.is_for(&request.lines)?;
                let mut changes = request.changes;
                changes.extend(notes);
                self.advance_delivery(request.step, changes)?
            }
            Asked::GrantApproval => self.answer_approval(approval::Command::Grant)?,
            Asked::RefuseApproval => {
                let mut commands = self.answer_approval(approval::Command::Refuse)?;
                // Also where the flow does not wait for the approval.
                commands.push(Command::Order(order::Command::Cancel));
                commands
            }
            // What is still to be taken back, since payouts are paused, is not paid meanwhile.
            Asked::PayPayout
                if self.saga.order == order::State::Cancelled
                    && self.saga.payout == Progress::Asked =>
            {
                return Err(Refusal::IsCancelled.into());
            }
            Asked::PayPayout => vec![Command::Payout(payout::Command::Pay)],
            Asked::PlaceOrder
            | Asked::OfferListing
            | Asked::AmendListing
            | Asked::OpenListing
            | Asked::CloseListing
            | Asked::RemoveListing => return Err(self.not_ready()),
        };
        Ok(Meaning::new(commands, answer_with, true))
    }

    fn exists(&self, action: CommandAction) -> Result<(), Error> {
        use CommandAction::{AmendOrder, CancelOrder, RemoveOrder};
        if self.saga.order != order::State::Absent {
            return Ok(());
        }
        let number = self.order().0;
        let refusal = if matches!(action, AmendOrder | CancelOrder | RemoveOrder) {
            let kind = Kind::Order;
            Refusal::NotFound { kind, number }
        } else {
            Refusal::UnknownOrder { number }
        };
        Err(refusal.into())
    }

    /// A request about the order that names listings must name some of the order's.
    fn is_for(&self, named: &[Line]) -> Result<(), Error> {
        let own = || self.saga.wanted.iter().chain(&self.saga.reserved);
        let is_own = |named: &&Line| own().any(|own| own.listing == named.listing);
        match named.iter().find(|named| !is_own(named)) {
            Some(other) if own().next().is_some() => {
                let number = other.listing.0;
                Err(Refusal::ListingNotOrdered { number }.into())
            }
            _ => Ok(()),
        }
    }

    const fn order(&self) -> OrderId {
        self.at.order
    }

    fn not_ready(&self) -> Error {
        let state = self.saga.order.name();
        Refusal::OrderNotReady { state }.into()
    }

    /// The step that does this, if the order goes through it and was not called off.
    fn step(&self, does: impl Fn(Action) -> bool) -> Result<&Step, Error> {
        if self.saga.order == order::State::Cancelled {
            return Err(Refusal::IsCancelled.into());
        }
        let step = self.saga.steps(self.at.flow).find(|step| does(step.action));
        step.ok_or_else(|| self.not_ready())
    }

    /// Whether all that has to come before the step is done.
    fn is_next(&self, step: &Step) -> bool {
        let current = self.saga.current(self.at.flow);
        current.is_none_or(|current| current == step)
    }

    /// What is called off already is past any time.
    fn in_time(&self, until: u8, storefront: &Storefront) -> Result<(), Error> {
        let is_over = self.saga.order == order::State::Cancelled;
        if is_over || self.saga.steps_taken <= until {
            return Ok(());
        }
        let delivery = storefront.resource(Kind::Delivery);
        let step = delivery.and_then(|delivery| delivery.words.of_step(until));
        let step = step.map_or_else(String::new, ToString::to_string);
        Err(Refusal::TooLate { step }.into())
    }

    /// What the seller has been paid cannot go back.
    fn call_off(&self, command: order::Command) -> Result<Vec<Command>, Error> {
        if self.saga.payout == Progress::Done && self.saga.order != order::State::Cancelled {
            return Err(Refusal::PayoutPaid.into());
        }
        Ok(vec![Command::Order(command)])
    }

    /// Pays, at the price that is named now if it is another one. What is paid is paid.
    fn pay(&self, amount: Option<Money>) -> Result<Vec<Command>, Error> {
        let step = self.step(|action| action == Action::Pay)?;
        let order = self.order();
        let mut request = self.saga.begin(step, &self.at);
        if request.is_empty() {
            let changes = Changes::new();
            let amount = None;
            return Ok(vec![Command::Order(order::Command::Amend {
                changes,
                amount,
            })]);
        }
        if !self.is_next(step) {
            return Err(self.not_ready());
        }
        if self.at.closed.has(Kind::Payment) {
            return Err(Failure::Paused.into());
        }
        let price = amount.filter(|amount| Some(*amount) != self.saga.amount);
        if let Some(amount) = price {
            let again = payment::Command::Request { order, amount };
            let price = order::Command::Price { amount };
            request = vec![Command::Order(price), Command::Payment(again)];
        }
        Ok(request)
    }

    fn advance_delivery(&self, to: Option<u8>, changes: Changes) -> Result<Vec<Command>, Error> {
        let step = self.step(|action| matches!(action, Action::Deliver { .. }))?;
        if !self.is_next(step) && self.saga.deliver != Progress::Done {
            return Err(self.not_ready());
        }
        let mut commands = self.saga.begin(step, &self.at);
        if !changes.is_empty() {
            commands.push(Command::Delivery(delivery::Command::Note { changes }));
        }
        commands.push(Command::Delivery(match to {
            Some(step) => delivery::Command::AdvanceTo { step },
            None => delivery::Command::Advance,
        }));
        Ok(commands)
    }

    /// Somebody may answer before they are asked, and where the flow would not ask.
    fn answer_approval(&self, answer: approval::Command) -> Result<Vec<Command>, Error> {
        if self.saga.order == order::State::Cancelled {
            return Err(Refusal::IsCancelled.into());
        }
        if answer == approval::Command::Refuse && self.saga.payout == Progress::Done {
            return Err(Refusal::PayoutPaid.into());
        }
        let subject = self.order().key();
        let ask = Command::Approval(approval::Command::Request { subject });
        Ok(vec![ask, Command::Approval(answer)])
    }
}
