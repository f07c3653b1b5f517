//! The end of a turn: what waits for its order begins, or the order rests.

use super::{Coordinator, Waiting};
use crate::{
    actors::{local::decode, turn::Subject},
    domain::saga::Kept,
};

impl Coordinator {
    /// Ends an order's open turn; `gave_up` if its entities' memory was dropped. Begins with what
    /// waits, or lets the order rest.
    pub(super) fn close(&mut self, key: Subject, gave_up: bool) {
        let Some(live) = self.live.get_mut(&key) else {
            return;
        };
        live.busy = false;
        live.named = None;
        if gave_up && live.in_flight > 0 {
            live.reload = true;
        }
        self.resume(key);
    }

    /// Lets an order rest that nothing is under way for.
    pub(super) fn rest_if_idle(&mut self, key: Subject) {
        let Some(live) = self.live.get(&key) else {
            return;
        };
        let idle = !live.busy && live.in_flight == 0 && live.calls == 0 && live.waiting.is_empty();
        if idle {
            let Some(live) = self.live.remove(&key) else {
                return;
            };
            if let Some(claim) = live.claim {
                self.local.claims.release(key.storefront, claim);
            }
            // A turn is over when it came back, or everything of its subject was forgotten. So nothing
            // is left in the actors' mailboxes.
            if live.has_crashed {
                self.registry.forget_all(key);
            } else {
                self.registry.rest_all(key);
            }
        }
    }

    /// One of the order's submissions is settled.
    pub(super) fn landed(&mut self, key: Subject) {
        if let Some(live) = self.live.get_mut(&key) {
            live.in_flight = live.in_flight.saturating_sub(1);
        }
        self.resume(key);
    }

    /// Begins with what waits for the order, if it may; else lets the order rest if it may.
    pub(super) fn resume(&mut self, key: Subject) {
        let Some(live) = self.live.get_mut(&key) else {
            return;
        };
        if live.busy || (live.reload && live.in_flight > 0) {
            return;
        }
        if live.reload {
            live.reload = false;
            self.registry.forget_all(key);
            self.reload_saga(key);
        }
        let waiting = self
            .live
            .get_mut(&key)
            .and_then(|live| live.waiting.pop_front());
        match waiting {
            Some(Waiting::Ask(ask)) => self.open(ask),
            Some(Waiting::Called(called)) => self.called(called),
            Some(Waiting::Due) => self.call_again(key),
            Some(Waiting::Cancel) => self.call_off(key),
            Some(Waiting::Resume(resume)) => self.begin_again(resume),
            None => self.rest_if_idle(key),
        }
    }

    fn reload_saga(&mut self, key: Subject) {
        if !key.is_order() {
            return;
        }
        let entity = key.order().saga();
        let loaded = self
            .local
            .slot(key.storefront, entity)
            .and_then(|slot| match slot {
                Some(slot) => Ok((decode(entity, &slot.bytes)?, slot.version)),
                None => Ok((Kept::default(), 0)),
            });
        let live = self
            .live
            .get_mut(&key)
            .expect("an order that resumes is live");
        match loaded {
            Ok((Kept { saga, dossier }, version)) => {
                (live.saga, live.saga_version, live.dossier) = (saga, version, dossier);
            }
            Err(failure) => {
                let waiting = std::mem::take(&mut live.waiting);
                // The calls are over, although nothing comes of them now: their timers make them
                // again.
                let is_call = |waits: &&Waiting| matches!(waits, Waiting::Called(_));
                let calls = waiting.iter().filter(is_call).count();
                live.calls = live.calls.saturating_sub(calls);
                for waiting in waiting {
                    match waiting {
                        Waiting::Ask(ask) => {
                            let named = ask.from.key.as_ref();
                            self.answer(key, ask.caller, named, Err(failure.into()));
                        }
                        Waiting::Resume(resume) => resume.caller.answer(Err(failure.into())),
                        Waiting::Called(_) | Waiting::Due | Waiting::Cancel => {}
                    }
                }
            }
        }
    }
}
