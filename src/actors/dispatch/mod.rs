//! What is sent to other machines: one courier for each subscriber that is sent to, all of them on a
//! thread of their own, so that a slow receiver is nobody's business but its own.
//!
//! A courier leases what its subscriber wants, sends it, and settles each item by what the receiver
//! said. What it holds is durable before anything is sent, and an item is out until it is settled:
//! a crash in between sends it again, with the same id. Items about one order go one after the
//! other.

mod attempts;
mod channel;
mod courier;
mod errand;
mod held;
mod rounds;
#[cfg(test)]
mod tests;
mod webhook;

use std::time::Duration;

use actix::{Addr, Arbiter, ArbiterHandle, Supervisor};
use tokio::sync::oneshot;

pub use self::attempts::Attempt;
use self::courier::Stop;
pub(super) use self::{
    attempts::Attempts,
    channel::ChannelErrand,
    courier::{Changed, Courier},
    errand::Errand,
    rounds::{Pace, Who},
    webhook::{Try, WebhookErrand, filter},
};

/// The thread that couriers run on.
#[derive(Debug)]
pub(super) struct Bureau {
    arbiter: ArbiterHandle,
}

impl Bureau {
    /// Starts the thread.
    pub(super) fn start() -> Self {
        Self {
            arbiter: Arbiter::new().handle(),
        }
    }

    /// Has a courier begin there. It ends when its last address is dropped.
    pub(super) fn send_out<E: Errand>(
        &self,
        courier: impl FnOnce() -> Courier<E> + Send + 'static,
    ) -> Addr<Courier<E>> {
        Supervisor::start_in_arbiter(&self.arbiter, |_ctx| courier())
    }

    /// Lets these couriers end what is under way, for as long as `wait`, then ends the thread. Says
    /// whether all of them were back by then.
    pub(super) async fn recall<E: Errand>(
        &self,
        couriers: impl Iterator<Item = Addr<Courier<E>>>,
        wait: Duration,
    ) -> bool {
        let ends = couriers.filter_map(|courier| {
            let (done, end) = oneshot::channel();
            courier.try_send(Stop(done)).ok().map(|()| end)
        });
        let ends: Vec<_> = ends.collect();
        let all = async {
            for end in ends {
                // Told by the sender's end.
                drop(end.await);
            }
        };
        let are_back = tokio::time::timeout(wait, all).await.is_ok();
        self.arbiter.stop();
        are_back
    }
}

impl Drop for Bureau {
    fn drop(&mut self) {
        self.arbiter.stop();
    }
}
