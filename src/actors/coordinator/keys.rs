//! Keyed commands: a repeated `Idempotency-Key` gets the first one's answer.
//!
//! While the first is under way, a repetition waits for it. Afterwards it finds the remembered
//! answer, which became durable with the command's own events.

use std::collections::BTreeMap;

use super::{Ask, Coordinator};
use crate::{
    actors::{
        handles::{CommandKey, Failure, Item},
        turn::Caller,
    },
    domain::Refusal,
    store::answers,
};

#[derive(Debug)]
struct UnderWay {
    fingerprint: u64,
    waiting: Vec<Caller>,
}

/// The keyed commands under way on a shard. A key belongs to one shard: it chooses the shard of
/// the order it places.
#[derive(Debug, Default)]
pub(super) struct Keys(BTreeMap<(usize, String), UnderWay>);

impl Keys {
    /// The first is answered: who waits for the same?
    pub(super) fn answered(&mut self, storefront: usize, key: &str) -> Vec<Caller> {
        let named = (storefront, key.to_owned());
        self.0
            .remove(&named)
            .map(|under_way| under_way.waiting)
            .unwrap_or_default()
    }
}

impl Coordinator {
    /// Answers a repeated command. Gives the request back if it is the first of its key.
    pub(super) fn answer_if_repeated(&mut self, ask: Box<Ask>) -> Option<Box<Ask>> {
        let Some(CommandKey { key, fingerprint }) = &ask.from.key else {
            return Some(ask);
        };
        let named = (ask.key.storefront, key.clone());
        if let Some(under_way) = self.keys.0.get_mut(&named) {
            if under_way.fingerprint == *fingerprint {
                let mut caller = ask.caller;
                caller.waits();
                under_way.waiting.push(caller);
            } else {
                ask.caller.answer(Err(Refusal::KeyReused.into()));
            }
            return None;
        }
        let storefront = &self.local.storefronts[ask.key.storefront].name;
        match answers::recall(&self.local.pages, storefront, key) {
            Err(error) => {
                tracing::error!(%error, "remembered answers cannot be read");
                ask.caller.answer(Err(Failure::Store.into()));
                None
            }
            Ok(None) => {
                let under_way = UnderWay {
                    fingerprint: *fingerprint,
                    waiting: Vec::new(),
                };
                self.keys.0.insert(named, under_way);
                Some(ask)
            }
            Ok(Some(answer)) if answer.fingerprint != *fingerprint => {
                ask.caller.answer(Err(Refusal::KeyReused.into()));
                None
            }
            Ok(Some(answer)) => {
                let item = Item::decode(answer.number, answer.version, &answer.bytes);
                ask.caller.answer(item.ok_or_else(|| Failure::Store.into()));
                None
            }
        }
    }
}
