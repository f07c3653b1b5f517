//! A bell that every shard hears, each in its turn.
//!
//! tokio's `watch` wakes its receivers in an order that is drawn by lot, so that a simulation of one
//! seed would not always be the same run.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Rings for everyone who listens. Rung again before somebody came, it rings once for them.
#[derive(Debug, Default)]
pub(super) struct Bell {
    listeners: Mutex<Vec<Arc<Notify>>>,
}

/// Hears every ring from its making on.
#[derive(Debug)]
pub(super) struct Listener(Arc<Notify>);

impl Bell {
    /// Another who hears it.
    pub(super) fn listen(&self) -> Listener {
        let listener = Arc::<Notify>::default();
        let mut listeners = self
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Only the bell knows those that are gone.
        listeners.retain(|listener| Arc::strong_count(listener) > 1);
        listeners.push(Arc::clone(&listener));
        Listener(listener)
    }

    /// Rings, first for who listened first.
    pub(super) fn ring(&self) {
        let listeners = self
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        listeners.iter().for_each(|listener| listener.notify_one());
    }
}

impl Listener {
    /// Waits for the next ring, or for one that was not waited for.
    pub(super) async fn heard(&self) {
        self.0.notified().await;
    }

    /// Whether there is one already.
    #[cfg(test)]
    pub(super) fn has_rung(&self) -> bool {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        std::pin::pin!(self.heard()).poll(&mut context).is_ready()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_hears_once_what_rang_before_they_came() {
        let bell = Bell::default();
        let [one, other] = [bell.listen(), bell.listen()];
        assert!(!one.has_rung());
        bell.ring();
        bell.ring();
        assert!(one.has_rung() && other.has_rung());
        assert!(!one.has_rung());
    }
}
