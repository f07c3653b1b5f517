//! What is logged about an order or a listing says whose it is, and which request it goes back to.

use super::Coordinator;
use crate::{
    actors::turn::{Subject, Turn},
    domain::Origin,
    store::commit::Position,
};

/// The log's target for a line of each turn. Nothing is made of it unless somebody listens.
const TURNS: &str = "jumun::turns";

/// Logs at a level about a subject of the coordinator's, and the origin given (an `Option`). Nothing
/// is looked up unless it is logged.
macro_rules! about {
    ($level:ident, $coordinator:expr, $key:expr, $origin:expr, $($rest:tt)+) => {
        tracing::$level!(
            storefront = &*$coordinator.local.storefronts[$key.storefront].name,
            order = $key.is_order().then_some($key.number),
            listing = (!$key.is_order()).then_some($key.number),
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

    /// One line for each turn, or part of one, once it is durable.
    pub(super) fn log_durable(&self, turn: &Turn, events: usize, first: Position) {
        let key = turn.key;
        tracing::debug!(
            target: TURNS,
            storefront = &*self.local.storefronts[key.storefront].name,
            order = key.is_order().then_some(key.number),
            listing = (!key.is_order()).then_some(key.number),
            correlation = %turn.origin,
            cause = turn.cause.name(),
            events,
            position = first,
            ms = self.now().ms_since(turn.at),
            "durable"
        );
    }
}
