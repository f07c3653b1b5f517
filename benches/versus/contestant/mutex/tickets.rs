//! Who waits for the committer.

use std::{collections::VecDeque, sync::Mutex};

use jumun::store::commit::{Lane, Settled};
use tokio::sync::oneshot;

use super::shop::locked;

/// Who waits for the committer, in the order of submission.
#[derive(Default)]
pub(super) struct Tickets(Mutex<VecDeque<oneshot::Sender<Settled>>>);

impl Lane for Tickets {
    fn settled(&self, settled: &[Settled]) {
        let mut waiting = locked(&self.0);
        for (own, waiting) in settled.iter().zip(waiting.drain(..settled.len())) {
            // Who hung up has its order all the same.
            waiting.send(*own).ok();
        }
    }
}

impl Tickets {
    /// Waits for what is submitted next.
    pub(super) fn wait(&self) -> oneshot::Receiver<Settled> {
        let (settles, durable) = oneshot::channel();
        locked(&self.0).push_back(settles);
        durable
    }

    /// What was to be submitted last was not taken.
    pub(super) fn withdraw(&self) {
        locked(&self.0).pop_back();
    }
}
