//! Who waits for a turn's outcome.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{
    admission::Admission,
    handles::{Error, Failure, Item},
};
use crate::{domain::Timestamp, store::committer::Guard};

const WAITS: u8 = 0;
const BEGUN: u8 = 1;
const GIVEN_UP: u8 = 2;

/// What a request and whoever waits for it agree on: it is begun, or it is given up, and not both.
#[derive(Clone, Debug, Default)]
pub(super) struct Beginning(Arc<AtomicU8>);

impl Beginning {
    /// True if it was not begun, and now never will be.
    pub(super) fn give_up(&self) -> bool {
        self.decide(GIVEN_UP)
    }

    fn decide(&self, to: u8) -> bool {
        let (before, failed) = (Ordering::AcqRel, Ordering::Acquire);
        self.0.compare_exchange(WAITS, to, before, failed).is_ok()
    }
}

/// Who waits for a turn's outcome. Dropping it gives the permit back, and says that it was lost.
#[derive(Debug)]
pub(super) struct Caller {
    reply: Option<oneshot::Sender<Result<Item, Error>>>,
    permit: Option<OwnedSemaphorePermit>,
    /// Keeps the committer waiting for this request's batch; dropped when it is submitted.
    under_way: Option<Guard>,
    /// As long as it is worked on; given back when it waits for something, or is submitted.
    admission: Option<Admission>,
    beginning: Beginning,
    /// From when on it is not begun any more.
    deadline: Timestamp,
    /// Whether something of it was submitted.
    is_submitted: bool,
}

impl Caller {
    pub(super) const fn new(
        reply: oneshot::Sender<Result<Item, Error>>,
        permit: OwnedSemaphorePermit,
        under_way: Guard,
        beginning: Beginning,
        deadline: Timestamp,
    ) -> Self {
        Self {
            reply: Some(reply),
            permit: Some(permit),
            under_way: Some(under_way),
            admission: None,
            beginning,
            deadline,
            is_submitted: false,
        }
    }

    /// Worked on with this leave.
    pub(super) fn admitted(mut self, admission: Admission) -> Self {
        self.admission = Some(admission);
        self
    }

    /// It is not worked on for now: others may be let in, and the committer need not wait for it. True if it
    /// was until now, from when it came.
    pub(super) fn waits(&mut self) -> bool {
        self.admission = None;
        self.under_way.take().is_some()
    }

    /// Whether it is to be begun now: somebody may still wait for it.
    pub(super) fn begins(&self, now: Timestamp) -> bool {
        now < self.deadline && self.beginning.decide(BEGUN)
    }

    /// From now on nobody can say that nothing was done.
    pub(super) const fn submitted(&mut self) {
        self.is_submitted = true;
    }

    /// Answers. A caller that has gone away does not mind.
    pub(super) fn answer(mut self, outcome: Result<Item, Error>) {
        self.say(outcome);
    }

    fn say(&mut self, outcome: Result<Item, Error>) {
        // First, so that to whoever has an answer the shard is as quiet as they left it.
        self.permit = None;
        if let Some(reply) = self.reply.take() {
            drop(reply.send(outcome));
        }
    }
}

impl Drop for Caller {
    /// Lost in a panic, or with its shard.
    fn drop(&mut self) {
        if self.reply.is_some() {
            let lost = if self.is_submitted {
                Failure::OutcomeUnknown
            } else {
                Failure::Crashed
            };
            self.say(Err(lost.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_begun_or_given_up_and_never_both() {
        let (begun, given_up) = (Beginning::default(), Beginning::default());
        assert!(begun.decide(BEGUN) && !begun.give_up());
        assert!(given_up.give_up() && !given_up.decide(BEGUN));
    }
}
