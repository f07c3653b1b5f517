//! How the engine is, stopping it, and what may go wrong in it on purpose.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::sync::oneshot;

use super::{Engine, Failure, Injected, Shard, Work};

impl Engine {
    /// The faults that are set; `None` where none may be.
    pub fn injected(&self) -> Option<&Injected> {
        self.inner.faults.injected()
    }

    /// Whether every shard answers within a second; `/livez`.
    pub async fn is_live(&self) -> bool {
        self.live().await.is_some()
    }

    /// How many entities are in memory, over all shards; `None` if a shard does not answer within a
    /// second.
    pub async fn live(&self) -> Option<usize> {
        let mut sum = 0;
        for shard in &self.inner.shards {
            let (reply, answer) = oneshot::channel();
            shard.coordinator.try_send(Work::Ping(reply)).ok()?;
            sum += tokio::time::timeout(Duration::from_secs(1), answer)
                .await
                .ok()?
                .ok()?;
        }
        Some(sum)
    }

    /// Why the engine takes no requests at the moment, if it does not; `/readyz`.
    pub fn not_ready(&self) -> Option<Failure> {
        if self.inner.stopping.load(Ordering::Relaxed) {
            Some(Failure::Stopping)
        } else if (self.inner.failed)() {
            Some(Failure::Store)
        } else if self.inner.pages.is_behind() {
            Some(Failure::Overloaded)
        } else {
            None
        }
    }

    /// Takes no new requests from now on, and waits until none is under way, or `wait` has passed.
    /// True if all were finished.
    pub async fn drain(&self, wait: Duration) -> bool {
        self.inner.stopping.store(true, Ordering::Relaxed);
        let all = async {
            for shard in &self.inner.shards {
                let every = u32::try_from(self.inner.settings.requests_per_shard_max);
                let every = every.unwrap_or(u32::MAX);
                drop(shard.permits.acquire_many(every).await);
            }
        };
        tokio::time::timeout(wait, all).await.is_ok()
    }

    /// Ends the shards' threads. Call [`Engine::drain`] first.
    pub fn stop(&self) {
        self.inner.shards.iter().for_each(Shard::stop);
    }
}
