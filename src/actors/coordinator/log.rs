//! What is logged about an order or a listing says whose it is, and which request it goes back to.

use super::Coordinator;
use crate::{
    actors::{
        handles::Error,
        turn::{Subject, Turn},
    },
    domain::{Kind, Origin, storefront::CommandAction},
    store::commit::Position,
    telemetry::spans::{Begun, Said},
};

/// The log's target for a line of each turn. Nothing is made of it unless somebody listens.
const TURNS: &str = "jumun::turns";

/// Logs at a level about a subject of the coordinator's, and the origin given (an `Option`). Nothing
/// is looked up unless it is logged.
macro_rules! about {
    ($level:ident, $coordinator:expr, $key:expr, $origin:expr, $($rest:tt)+) => {
        tracing::$level!(
            storefront = &*$coordinator.local.storefronts[$key.storefront].name,
            order = $key.if_of($crate::domain::Kind::Order),
            listing = $key.if_of($crate::domain::Kind::Listing),
            subscriber = $key.if_of($crate::domain::Kind::Subscriber),
            correlation = $origin.map(tracing::field::display),
            $($rest)+
        )
    };
}

pub(super) use about;

impl Coordinator {
    /// The request that an order goes back to, if that is known here.
    pub(super) fn origin_of(&self, key: Subject) -> Option<&Origin> {
        let live = self.live.get(&key)?;
        let is_known = live.dossier.origin != Origin::default();
        is_known.then_some(&live.dossier.origin)
    }

    /// One line, and one span, for each turn or part of one, once it is durable.
    pub(super) fn log_durable(
        &self,
        turn: &Turn,
        submitted: Begun,
        events: usize,
        first: Position,
    ) {
        let key = turn.key;
        tracing::debug!(
            target: TURNS,
            storefront = &*self.local.storefronts[key.storefront].name,
            order = key.if_of(Kind::Order),
            listing = key.if_of(Kind::Listing),
            subscriber = key.if_of(Kind::Subscriber),
            correlation = %turn.origin,
            cause = turn.cause.name(),
            events,
            position = first,
            ms = self.now().ms_since(turn.at),
            "durable"
        );
        let spans = &self.local.spans;
        let above = spans.below(turn.origin.trace, turn.begun);
        spans.record(above, submitted, || {
            Said::of("commit")
                .about("events", events as u64)
                .about("id", first)
        });
    }

    /// A turn is over, as a span tells of it: so many events of it are durable, or it was given up.
    pub(super) fn record_turn(&self, turn: &Turn, events: usize, given_up: Option<&Error>) {
        (self.local.spans).record(turn.origin.trace, turn.begun, || {
            let command = turn.cause.command().map(CommandAction::name);
            let name = command.unwrap_or_else(|| turn.cause.name());
            Said::of(name)
                .about(
                    "storefront",
                    &*self.local.storefronts[turn.key.storefront].name,
                )
                .about(turn.key.kind.name(), turn.key.number)
                .about("correlation", turn.origin.to_string())
                .about("cause", turn.cause.name())
                .about("events", events as u64)
                .failed(given_up.map(Error::to_string))
        });
    }
}
