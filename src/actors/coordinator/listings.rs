//! Turns of a listing's own, and turns of orders that want a listing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Coordinator, Serve, Visited, Work, meaning::Meaning};
use crate::{
    actors::{
        crashes,
        entity::Outcome,
        faults::Place,
        handles::{Error, Failure, Request},
        numbers::shard_of,
        turn::{Subject, Turn},
    },
    domain::{
        EntityKey, Kind, Refusal, approval, ids::ListingId, listing, saga::Command,
        storefront::CommandAction,
    },
};

impl Coordinator {
    /// What a request means for a listing. It has no saga: what follows, follows at once.
    pub(super) fn meaning_for_listing(
        &self,
        key: Subject,
        request: Request,
    ) -> Result<Meaning, Error> {
        use CommandAction as Asked;
        let id = ListingId(key.number);
        let storefront = &self.local.storefronts[key.storefront];
        let (kind, number) = (Kind::Listing, key.number);
        let exists = self.local.slot(key.storefront, id.key())?.is_some();
        if !exists && request.action != Asked::OfferListing {
            let refusal = if request.answer_with == Kind::Listing {
                Refusal::NotFound { kind, number }
            } else {
                Refusal::UnknownListing { number }
            };
            return Err(refusal.into());
        }
        let listing = |command| Command::Listing(id, command);
        let subject = id.key();
        let ask = Command::Approval(approval::Command::Request { subject });
        let commands = match request.action {
            Asked::OfferListing => {
                let offer = listing(listing::Command::Offer {
                    fields: request.fields,
                    on_hand: request.on_hand,
                });
                let next = if storefront.listing.approval {
                    ask
                } else {
                    listing(listing::Command::Open)
                };
                vec![offer, next]
            }
            Asked::AmendListing => vec![listing(listing::Command::Amend {
                changes: request.changes,
                on_hand: request.on_hand,
            })],
            Asked::OpenListing => vec![listing(listing::Command::Open)],
            Asked::CloseListing => vec![listing(listing::Command::Close)],
            Asked::RemoveListing => vec![listing(listing::Command::Remove)],
            Asked::GrantApproval => {
                let grant = Command::Approval(approval::Command::Grant);
                vec![ask, grant, listing(listing::Command::Open)]
            }
            Asked::RefuseApproval => {
                let refuse = Command::Approval(approval::Command::Refuse);
                vec![ask, refuse, listing(listing::Command::Close)]
            }
            Asked::PlaceOrder
            | Asked::AmendOrder
            | Asked::PayOrder
            | Asked::CancelOrder
            | Asked::RemoveOrder
            | Asked::AdvanceDelivery
            | Asked::PayPayout => return Err(Refusal::UnknownOrder { number }.into()),
        };
        Ok(Meaning::new(commands, request.answer_with, true))
    }

    /// Sends a turn on to a listing, which may belong to another shard.
    pub(super) fn send_to_listing(
        &mut self,
        listing: ListingId,
        command: listing::Command,
        turn: Box<Turn>,
    ) {
        let shard = shard_of(listing.0, self.local.settings.shards);
        if let Some(live) = self.live.get_mut(&turn.key) {
            live.away = (shard != self.outside.lane_number).then_some(shard);
            live.visited.push(listing.0);
        }
        let serve = Serve {
            number: listing.0,
            command,
            turn,
        };
        if shard == self.outside.lane_number {
            self.serve(serve);
        } else {
            self.local.tell_shard(listing.0, Work::Serve(serve));
        }
    }

    /// Hands a turn of any shard to a listing of this one. A panic here is the listing's: the turn is
    /// dropped, and its own shard hears of that.
    pub(super) fn serve(&mut self, serve: Serve) {
        let listing = Subject::of_listing(serve.turn.key.storefront, serve.number);
        let served = catch_unwind(AssertUnwindSafe(|| self.hand_over(serve)));
        if let Err(panic) = served {
            self.local.note_crash(listing, &crashes::text(&*panic));
        }
    }

    fn hand_over(&mut self, serve: Serve) {
        let Serve {
            number,
            command,
            turn,
        } = serve;
        let listing = EntityKey::new(Kind::Listing, number);
        let subject = Subject::of_listing(turn.key.storefront, number);
        let handed_over = if self.crashes.is_quarantined(subject) {
            Err((turn, Failure::Quarantined))
        } else {
            self.local
                .strike(Place::Serve, turn.key.storefront, listing);
            self.registry.serve(number, command, turn)
        };
        if let Err((turn, failure)) = handed_over {
            self.local.report_away(Visited {
                entity: listing,
                turn,
                outcome: Outcome::Failed(failure),
            });
        }
    }
}
