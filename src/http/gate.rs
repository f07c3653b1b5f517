//! Who answers a request that came in on one of this process's connections: this process, nobody
//! for the moment, or the process that took over.
//!
//! A connection cannot be given away once it has begun. So the process that was taken over keeps
//! its own until they end, lets their requests wait while the store changes hands, and passes them
//! on afterwards.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::sync::{oneshot, watch};

use super::{State, form::AllForms};
use crate::clock::Clock;

/// The one gate that all requests of a server go through.
#[derive(Debug)]
pub struct Gate {
    phase: watch::Sender<Phase>,
    wait: Duration,
    clock: Clock,
}

#[derive(Clone, Debug)]
enum Phase {
    Here(Arc<Open>),
    /// For the moment.
    Nobody,
    There(SocketAddr),
    /// For good.
    Ended,
}

/// An open store. Whoever works with it holds it, so that it can be told when the last has left.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) state: State,
    pub(super) forms: AllForms,
    /// Never sent anything; gone when the last one has left.
    _left: oneshot::Sender<()>,
}

/// What there is behind the gate.
#[derive(Debug)]
pub(super) enum Behind {
    /// The request is answered here.
    Here(Arc<Open>),
    /// It is to be passed on to the process that listens here.
    There(SocketAddr),
    /// Nobody answers, or not in time.
    Nobody,
}

/// Ready when no request works with the store any more.
#[derive(Debug)]
pub struct Left(oneshot::Receiver<()>);

impl Gate {
    /// A gate that lets nobody in before it is [opened](Self::open). Requests wait at it for `wait`.
    pub fn new(clock: Clock, wait: Duration) -> Self {
        Self {
            phase: watch::Sender::new(Phase::Nobody),
            wait,
            clock,
        }
    }

    /// Lets requests in, to be answered with `state`.
    pub fn open(&self, state: State) -> Left {
        let (left, all) = oneshot::channel();
        let open = Open {
            forms: AllForms::of(state.engine.storefronts()),
            state,
            _left: left,
        };
        self.phase.send_replace(Phase::Here(Arc::new(open)));
        Left(all)
    }

    /// Lets requests wait from now on.
    pub fn close(&self) {
        self.phase.send_replace(Phase::Nobody);
    }

    /// Passes requests on from now on, to the process that listens at `address`.
    pub fn pass_on(&self, address: SocketAddr) {
        self.phase.send_replace(Phase::There(address));
    }

    /// Lets nobody wait any more: this process ends.
    pub fn end(&self) {
        self.phase.send_replace(Phase::Ended);
    }

    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) const fn wait(&self) -> Duration {
        self.wait
    }

    /// Who answers; waits while that is about to change.
    pub(super) async fn behind(&self) -> Behind {
        if let Phase::Here(open) = &*self.phase.borrow() {
            return Behind::Here(Arc::clone(open));
        }
        let mut phases = self.phase.subscribe();
        let known = phases.wait_for(|phase| !matches!(phase, Phase::Nobody));
        let found = match tokio::time::timeout(self.wait, known).await {
            Ok(Ok(phase)) => phase.clone(),
            Ok(Err(_)) | Err(_) => Phase::Ended,
        };
        match found {
            Phase::Here(open) => Behind::Here(open),
            Phase::There(address) => Behind::There(address),
            Phase::Nobody | Phase::Ended => Behind::Nobody,
        }
    }
}

impl Left {
    /// Waits for at most so long; true if all have left.
    pub async fn within(self, wait: Duration) -> bool {
        tokio::time::timeout(wait, self.0).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    const WAIT: Duration = Duration::from_secs(10);

    fn gate() -> Arc<Gate> {
        Arc::new(Gate::new(Clock::runtime(Timestamp(0)), WAIT))
    }

    fn waits_at(gate: &Arc<Gate>) -> tokio::task::JoinHandle<Behind> {
        let gate = Arc::clone(gate);
        tokio::spawn(async move { gate.behind().await })
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_passed_on_or_refused_as_soon_as_that_is_known() {
        let gate = gate();
        let waiting = waits_at(&gate);
        let address = SocketAddr::from(([127, 0, 0, 1], 8080));
        gate.pass_on(address);
        assert!(matches!(waiting.await.unwrap(), Behind::There(to) if to == address));
        gate.close();
        let waiting = waits_at(&gate);
        gate.end();
        assert!(matches!(waiting.await.unwrap(), Behind::Nobody));
        assert!(matches!(gate.behind().await, Behind::Nobody));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_a_caller_does() {
        let gate = gate();
        let began = tokio::time::Instant::now();
        assert!(matches!(gate.behind().await, Behind::Nobody));
        assert_eq!(began.elapsed(), WAIT);
    }
}
