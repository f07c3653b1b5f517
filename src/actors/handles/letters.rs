//! Dead letters: what is owed to customers, could not be done, and waits for an operator.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Engine, Error, Failure, Item, unreadable};
use crate::{
    actors::{
        caller::Beginning,
        coordinator::{Resume, Work},
        numbers::shard_of,
        turn::Subject,
    },
    domain::{
        Kind,
        payment::Payment,
        saga::{GivenUp, Kept},
    },
    store::{letters, snapshot},
};

/// A refund or a void that failed until its horizon was over.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// The storefront's place.
    pub storefront: usize,
    /// The order's number.
    pub order: u64,
    /// The order's payment, which waits for the refund or the void.
    pub payment: Payment,
    /// Since when, after how many tries, and what was wrong the last time.
    pub given_up: GivenUp,
}

impl Engine {
    /// The storefront's dead letters, the lowest order first: at most `limit` of them, and how many
    /// there are.
    pub fn dead_letters(
        &self,
        storefront: usize,
        limit: usize,
    ) -> Result<(Vec<Letter>, usize), Failure> {
        let name = &self.inner.storefronts[storefront].name;
        let orders = letters::all(&self.inner.pages, name).map_err(|error| unreadable(&error))?;
        let first = orders.iter().take(limit);
        let letters = first.map(|order| self.dead_letter(storefront, *order));
        let letters = letters.filter_map(Result::transpose);
        Ok((letters.collect::<Result<_, _>>()?, orders.len()))
    }

    /// The dead letter of an order, if it has one.
    pub fn dead_letter(&self, storefront: usize, order: u64) -> Result<Option<Letter>, Failure> {
        let kept: Option<Kept> = self.state(storefront, Kind::Saga, order)?;
        let Some(given_up) = kept.and_then(|kept| kept.saga.given_up) else {
            return Ok(None);
        };
        let payment: Option<Payment> = self.state(storefront, Kind::Payment, order)?;
        Ok(payment.map(|payment| Letter {
            storefront,
            order,
            payment,
            given_up,
        }))
    }

    /// Has a dead letter tried again, for another horizon. Answers the payment once that is durable;
    /// refused as not found if the order has none.
    pub async fn resume_dead_letter(&self, storefront: usize, order: u64) -> Result<Item, Error> {
        if let Some(failure) = self.not_ready() {
            return Err(failure.into());
        }
        let shards = &self.inner.shards;
        let shard = shards.running(shard_of(order, shards.len()));
        let shard = shard.ok_or(Failure::Overloaded)?;
        let permit = Arc::clone(&shard.permits).try_acquire_owned();
        let permit = permit.map_err(|_none_left| Failure::Overloaded)?;
        let (reply, answer) = oneshot::channel();
        let beginning = Beginning::default();
        let caller = self.caller(reply, permit, beginning.clone());
        let key = Subject::of_order(storefront, order);
        let resume = Work::Resume(Resume { key, caller });
        if shard.coordinator.try_send(resume).is_err() {
            return Err(Failure::Overloaded.into());
        }
        self.answered(answer, &beginning).await
    }

    pub(super) fn state<T: serde::de::DeserializeOwned>(
        &self,
        storefront: usize,
        kind: Kind,
        number: u64,
    ) -> Result<Option<T>, Failure> {
        let slot = self.slot(storefront, kind, number)?;
        let state = slot.map(|slot| snapshot::decode(&slot.bytes)).transpose();
        state.map_err(|error| {
            tracing::error!(%kind, number, %error, "a snapshot cannot be read; run rebuild-views");
            Failure::Store
        })
    }
}
