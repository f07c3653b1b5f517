//! One order's whole story as it is answered: what a program reads, and what the page shows.

use std::sync::Arc;

use serde::Serialize;

use super::{
    Shown as WhyShown,
    details::{self, Details},
    words,
};
use crate::{
    actors::handles::{Chapter, Story, Told, Why},
    domain::{
        Origin, Stamped,
        ledger::Ledger,
        storefront::{CommandAction, Storefront},
    },
    http::view::instant,
    views::fold,
};

/// A story, ready to print.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown<'a> {
    pub(super) storefront: &'a str,
    pub(super) order: u64,
    /// The domain's word.
    pub(super) state: &'static str,
    /// The storefront's word, where it has one.
    pub(super) status: Option<Arc<str>>,
    /// The id of the request that it began with, in its caller's words.
    pub(super) correlation: String,
    #[serde(flatten)]
    pub(super) came: Came,
    pub(super) amount: Option<i64>,
    pub(super) currency: &'a str,
    /// Where it stands, and what it waits for; null while its shard does not say.
    pub(super) now: Option<WhyShown<'a>>,
    pub(super) ledger: Money,
    /// From its first turn to its last.
    pub(super) lasted_ms: u64,
    /// How many turns there were ever.
    pub(super) turn_count: u64,
    pub(super) turns: Vec<Turn<'a>>,
    /// What is left out of a long story.
    pub(super) left_out: Option<LeftOut>,
}

/// Where something came from, beside its caller's own words.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Came {
    /// The id as it is kept, a UUID.
    pub(super) correlation_id: String,
    pub(super) traceparent: Option<String>,
}

/// Where the order's money is, in minor units.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Money {
    pub(super) captured: i64,
    pub(super) refunded: i64,
    pub(super) commission: i64,
    pub(super) paid_out: i64,
    pub(super) held: i64,
}

/// What is left out of a long story.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LeftOut {
    /// After so many of the turns.
    pub(super) after: usize,
    pub(super) turns: u64,
}

/// One turn.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Turn<'a> {
    pub(super) at: String,
    /// Since the turn before.
    pub(super) after_ms: Option<u64>,
    pub(super) cause: &'static str,
    /// The command, as definition files call it.
    pub(super) command: Option<&'static str>,
    pub(super) says: &'static str,
    pub(super) correlation: String,
    #[serde(flatten)]
    pub(super) came: Came,
    pub(super) idempotency_key: Option<&'a str>,
    pub(super) events: Vec<Event<'a>>,
    pub(super) notifications: Vec<Notified<'a>>,
}

/// One event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event<'a> {
    /// Its position in the journal, which is its id in the feed.
    pub(super) id: u64,
    pub(super) kind: &'static str,
    pub(super) entity: String,
    pub(super) version: u64,
    /// The storefront's name for it, where it has one.
    pub(super) name: Option<&'a str>,
    /// The domain's word.
    #[serde(rename = "event")]
    pub(super) happened: &'static str,
    pub(super) details: Details,
}

/// Somebody was told something.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notified<'a> {
    pub(super) number: u64,
    pub(super) to: Option<&'a str>,
    pub(super) ko: &'a str,
    pub(super) en: &'a str,
}

impl<'a> Shown<'a> {
    pub(super) fn of(
        storefront: &'a Storefront,
        order: u64,
        story: &'a Story,
        why: Option<&'a Why>,
    ) -> Self {
        let resource = storefront.resource(crate::domain::Kind::Order);
        let state = story.saga.order;
        let (first, last) = (story.turns.first(), story.turns.last());
        let lasted_ms = first
            .zip(last)
            .map_or(0, |(first, last)| last.batch.at.ms_since(first.batch.at));
        let before = [None].into_iter().chain(story.turns.iter().map(Some));
        let turns = story.turns.iter().zip(before);
        Self {
            storefront: &storefront.name,
            order,
            state: state.name(),
            status: resource.and_then(|own| own.words.get(state.name()).cloned()),
            correlation: story.origin.to_string(),
            came: Came::of(&story.origin),
            amount: story.saga.amount.map(|amount| amount.minor),
            currency: storefront.currency.code(),
            now: why.map(|why| super::shown(&storefront.name, order, why)),
            ledger: Money::of(&story.saga.ledger),
            lasted_ms,
            turn_count: story.count,
            turns: turns
                .map(|(turn, before)| Turn::of(storefront, turn, before))
                .collect(),
            left_out: story.gap.map(|gap| LeftOut {
                after: gap.after,
                turns: gap.forgotten,
            }),
        }
    }
}

impl<'a> Turn<'a> {
    fn of(storefront: &'a Storefront, turn: &'a Chapter, before: Option<&Chapter>) -> Self {
        let batch = &turn.batch;
        let origin = batch.origin();
        let command = batch.cause.command();
        Self {
            at: instant(batch.at),
            after_ms: before.map(|before| batch.at.ms_since(before.batch.at)),
            cause: batch.cause.name(),
            command: command.map(CommandAction::name),
            says: words::cause(batch),
            correlation: origin.to_string(),
            came: Came::of(&origin),
            idempotency_key: batch.answered.as_ref().map(|answered| &*answered.key),
            events: (turn.first..)
                .zip(&batch.events)
                .map(|(id, stamped)| Event::of(storefront, id, stamped))
                .collect(),
            notifications: turn.told.iter().map(Notified::of).collect(),
        }
    }
}

impl<'a> Event<'a> {
    fn of(storefront: &'a Storefront, id: u64, stamped: &'a Stamped) -> Self {
        Self {
            id,
            kind: stamped.entity.kind.name(),
            entity: stamped.entity.to_string(),
            version: stamped.version,
            name: fold::name_outside(storefront, &stamped.event).map(AsRef::as_ref),
            happened: stamped.event.name(),
            details: details::of(storefront, &stamped.event),
        }
    }
}

impl<'a> Notified<'a> {
    fn of(told: &'a Told) -> Self {
        let notification = &told.notification;
        Self {
            number: told.number,
            to: notification.to.as_deref(),
            ko: &notification.ko,
            en: &notification.en,
        }
    }
}

impl Came {
    fn of(origin: &Origin) -> Self {
        Self {
            correlation_id: origin.correlation.to_string(),
            traceparent: origin.trace.map(|trace| trace.to_string()),
        }
    }
}

impl Money {
    const fn of(ledger: &Ledger) -> Self {
        Self {
            captured: ledger.captured,
            refunded: ledger.refunded,
            commission: ledger.commission,
            paid_out: ledger.paid_out,
            held: ledger.held,
        }
    }
}
