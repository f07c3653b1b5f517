//! Turns that do not come back: lost in a panic, on their way, or with another shard.

use super::{Coordinator, Live, Withdrawn, Work, log::about};
use crate::actors::{
    handles::Failure,
    turn::{Serial, Subject, Turn},
};

impl Coordinator {
    /// Gives the open turn of an order up that was lost in a panic of its own.
    pub(super) fn give_up(&mut self, key: Subject) {
        let panic = std::mem::take(&mut self.panic);
        self.local.note_crash(key, &panic);
        self.lose(key);
    }

    /// A turn came to an end somewhere without a word. It may be over, or given up, already.
    pub(super) fn lost(&mut self, key: Subject, serial: Serial) {
        self.current = Some(key);
        let is_open = |live: &Live| live.busy && live.open == serial;
        if self.live.get(&key).is_some_and(is_open) {
            about!(
                error,
                self,
                key,
                self.origin_of(key),
                "a turn was lost; it is given up"
            );
            self.lose(key);
        }
    }

    /// Another shard was replaced. Turns of this one that were there do not come back, or too late; and
    /// what its own turns had here is free.
    pub(super) fn replaced(&mut self, place: usize) {
        self.registry.withdraw_fenced();
        let is_there = |live: &Live| live.busy && live.away == Some(place);
        let there = self.live.iter().filter(|(_, live)| is_there(live));
        let mut there: Vec<Subject> = there.map(|(key, _)| *key).collect();
        there.sort_unstable();
        for key in there {
            about!(
                warn,
                self,
                key,
                self.origin_of(key),
                "a turn was on a shard that was replaced; it is given up"
            );
            self.current = Some(key);
            self.withdraw(key);
            self.lose(key);
        }
    }

    /// Lets go of the listings that a turn has which does not come back.
    fn withdraw(&mut self, key: Subject) {
        let Some(live) = self.live.get_mut(&key) else {
            return;
        };
        let serial = live.open;
        for listing in std::mem::take(&mut live.visited) {
            let withdrawn = Withdrawn {
                storefront: key.storefront,
                listing,
                key,
                serial,
            };
            self.local.tell_shard(listing, Work::Withdrawn(withdrawn));
        }
    }

    /// Whether a turn that comes back is still the order's open one.
    pub(super) fn is_open(&self, turn: &Turn) -> bool {
        let live = self.live.get(&turn.key);
        live.is_some_and(|live| live.busy && live.open == turn.token.serial())
    }

    /// Nothing of the open turn happened. Who waits for it was answered when it was dropped.
    fn lose(&mut self, key: Subject) {
        self.leave_line(key);
        // Only the lost turn's own: an earlier one may be in flight, and others may wait.
        let named = self.live.get_mut(&key).and_then(|live| live.named.take());
        for waiting in
            named.map_or_else(Vec::new, |named| self.keys.answered(key.storefront, &named))
        {
            waiting.answer(Err(Failure::Crashed.into()));
        }
        self.registry.forget_all(key);
        let Some(live) = self.live.get_mut(&key) else {
            return;
        };
        // What is loaded again must be what is durable, so not before all in flight is settled.
        live.reload = true;
        self.close(key, false);
    }
}
