//! Assigning a listing: who is free is looked up, who is nearest is asked first.
//!
//! What the store shows may be out of date; the listing itself decides. One that was taken
//! meanwhile refuses, and the next is asked. If nobody is free, the order stands in
//! [line](super::line).

use std::{collections::VecDeque, sync::Arc};

use super::Coordinator;
use crate::{
    actors::{
        handles::Failure,
        local::decode,
        turn::{Candidate, Turn},
    },
    domain::{
        Event, Fields, Kind,
        assignment::{self, Position},
        delivery,
        ids::ListingId,
        listing::{self, Listing},
        order::{self, Order},
        saga::Command,
        storefront::{Action, Choice, FieldType},
    },
};

impl Coordinator {
    /// Looks for listings that the order may be assigned, and asks the first.
    pub(super) fn choose(&mut self, choice: Choice, mut turn: Box<Turn>) {
        if self.is_behind(turn.key) {
            return self.stand_in_line(turn);
        }
        match self.candidates(choice, &turn) {
            Err(failure) => self.abandon(turn, failure.into()),
            Ok(candidates) => {
                turn.candidates = candidates;
                self.ask_next(turn);
            }
        }
    }

    /// The candidate has been reserved: the delivery is theirs.
    pub(super) fn assigned(&mut self, mut turn: Box<Turn>, candidate: &Candidate) {
        let order = turn.key.order();
        let storefront = &self.local.storefronts[turn.key.storefront];
        let delivers = |action| matches!(action, Action::Deliver { .. });
        let deliver = storefront.flow.step(delivers).map(|step| step.action);
        turn.candidates.clear();
        if let Some(Action::Deliver { steps }) = deliver {
            let fields = candidate.fields.iter();
            let changes = fields.map(|(name, value)| (Arc::clone(name), Some(value.clone())));
            let changes = changes.collect();
            turn.todo.extend([
                Command::Delivery(delivery::Command::Plan { order, steps }),
                Command::Delivery(delivery::Command::Note { changes }),
            ]);
        }
        self.drive(turn);
    }

    /// Asks the next candidate: there is none before, or it was taken meanwhile.
    pub(super) fn ask_next(&mut self, mut turn: Box<Turn>) {
        let order = turn.key.order();
        let Some(candidate) = turn.candidates.pop_front() else {
            return self.stand_in_line(turn);
        };
        let (listing, quantity) = (candidate.listing, 1);
        turn.chosen = Some(candidate);
        let reserve = listing::Command::Reserve { order, quantity };
        self.send_to_listing(listing, reserve, turn);
    }

    fn candidates(&self, choice: Choice, turn: &Turn) -> Result<VecDeque<Candidate>, Failure> {
        let (local, place) = (&self.local, turn.key.storefront);
        let storefront = &local.storefronts[place];
        let collection = local.layout.entities(place, Kind::Listing);
        let limit = local.settings.candidates_max;
        let found = local.pages.range(collection, 0, limit).map_err(|error| {
            tracing::error!(%error, "the store cannot be read");
            Failure::Store
        })?;
        let position_of = |kind, fields: &Fields| {
            let resource = storefront.resource(kind)?;
            let field = resource.field_holding(FieldType::Position)?;
            fields.get(&field.name)?.as_text().and_then(Position::parse)
        };
        let mut free = Vec::new();
        for (number, slot) in found {
            let listing: Listing = decode(ListingId(number).key(), &slot.bytes)?;
            if listing.state == listing::State::Open && listing.available() != Some(0) {
                let position = position_of(Kind::Listing, &listing.fields);
                free.push((ListingId(number), position, listing.fields));
            }
        }
        let order = self.order_fields(turn)?;
        let position = position_of(Kind::Order, &order);
        let ranked = assignment::rank(free, choice, position, turn.key.number);
        let candidates = ranked
            .into_iter()
            .map(|(listing, _, fields)| Candidate { listing, fields });
        Ok(candidates.collect())
    }

    /// The order's fields: as it was placed in this very turn, or as they are stored.
    fn order_fields(&self, turn: &Turn) -> Result<Fields, Failure> {
        for stamped in &turn.events {
            if let Event::Order(order::Event::Placed { fields, .. }) = &stamped.event {
                return Ok(Fields::clone(fields));
            }
        }
        let (storefront, number) = (turn.key.storefront, turn.key.number);
        let order: Order = self.local.state(storefront, Kind::Order, number)?;
        Ok(Fields::clone(&order.fields))
    }
}
