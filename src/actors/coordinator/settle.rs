//! From a finished turn to durable events, the answer, and rest.

use std::sync::Arc;

use super::{Coordinator, log::about};
use crate::{
    actors::{
        breakers::Permit,
        gateway::Carry,
        handles::{Error, Failure},
        shelf::Hold,
        turn::{Caller, Snapshot, Subject, Turn},
    },
    domain::{Batch, Kind, Origin, Stamped, Timestamp, payment::Effect, recorded::Answered},
    store::{
        answers, codec,
        commit::{Encoded, Position, Settled, Submission},
        keys, letters,
        pages::Slot,
        timers,
    },
    telemetry::spans::Begun,
};

/// What is to happen once a submission is durable.
pub(super) struct Pending {
    key: Subject,
    after: After,
    snapshots: Vec<Snapshot>,
    /// The order's timer after it; `None` where nothing is outstanding.
    timer: Option<Timestamp>,
    /// Whether its payment waits for an operator from now on, or no longer does, where that changed.
    letter: Option<bool>,
    answered: Option<Arc<Batch>>,
    events: usize,
    /// When it was submitted, for those who want to know.
    submitted: Begun,
}

enum After {
    /// The turn is over: answer, and make its calls.
    Finish(Box<Turn>),
    /// The turn goes on with a charge.
    Charge(Box<Turn>, Effect, Permit),
}

impl After {
    const fn key(&self) -> Subject {
        match self {
            Self::Finish(turn) | Self::Charge(turn, ..) => turn.key,
        }
    }
}

impl Pending {
    pub(super) fn turn(mut turn: Box<Turn>, timer: Option<Timestamp>) -> Self {
        let snapshots = std::mem::take(&mut turn.snapshots);
        Self::new(turn.key, After::Finish(turn), snapshots, timer)
    }

    pub(super) fn intent(
        turn: Box<Turn>,
        (charge, permit): (Effect, Permit),
        snapshots: Vec<Snapshot>,
        timer: Option<Timestamp>,
    ) -> Self {
        let after = After::Charge(turn, charge, permit);
        Self::new(after.key(), after, snapshots, timer)
    }

    const fn new(
        key: Subject,
        after: After,
        snapshots: Vec<Snapshot>,
        timer: Option<Timestamp>,
    ) -> Self {
        Self {
            key,
            after,
            snapshots,
            timer,
            letter: None,
            answered: None,
            events: 0,
            submitted: Begun::NONE,
        }
    }

    /// With what it means for the storefront's dead letters.
    pub(super) fn with_letter(self, letter: Option<bool>) -> Self {
        Self { letter, ..self }
    }
}

impl Coordinator {
    /// The batch that stands for these events.
    pub(super) fn batch(
        &self,
        turn: &Turn,
        events: Vec<Stamped>,
        answered: Option<Answered>,
    ) -> Batch {
        let storefront = Arc::clone(&self.local.storefronts[turn.key.storefront].name);
        Batch {
            storefront,
            at: turn.at,
            correlation: turn.origin.correlation,
            named: turn.origin.named.clone(),
            trace: turn.origin.trace,
            cause: turn.cause,
            answered,
            events,
        }
    }

    /// Hands a batch (or the wish to wait for what was submitted before) to the committer. The
    /// order's next turn may begin meanwhile.
    pub(super) fn submit(&mut self, mut pending: Pending, batch: Option<Batch>) {
        let key = pending.key;
        let ends_turn = matches!(pending.after, After::Finish(_));
        let mut is_straight = false;
        if let After::Finish(turn) = &mut pending.after
            && let Some(caller) = &mut turn.caller
        {
            is_straight = caller.waits();
        }
        if batch.is_some() {
            let (After::Finish(turn) | After::Charge(turn, ..)) = &mut pending.after;
            turn.caller.iter_mut().for_each(Caller::submitted);
        }
        let encoded = batch.map(|batch| {
            let body = codec::encode(&batch);
            Encoded {
                batch: Arc::new(batch),
                body,
            }
        });
        if let Some(encoded) = &encoded {
            pending.events = encoded.batch.events.len();
            if encoded.batch.answered.is_some() {
                pending.answered = Some(Arc::clone(&encoded.batch));
            }
        }
        let own = Arc::clone(&self.local.fence);
        let (After::Finish(turn) | After::Charge(turn, ..)) = &pending.after;
        let fences: Vec<_> = turn.holds.iter().map(Hold::fence).collect();
        let passes: Option<Vec<_>> = fences.iter().map(|fence| fence.pass()).collect();
        let (Some(_own), Some(_theirs)) = (own.pass(), passes) else {
            // This shard, or one whose listing the turn changed, was replaced meanwhile.
            let (After::Finish(turn) | After::Charge(turn, ..)) = pending.after;
            return self.abandon(turn, Failure::Restarting.into());
        };
        pending.submitted = self.local.spans.begin();
        let ticket = self.next_ticket;
        self.outside.lane.submitting((self.outside.durable)());
        let submission = Submission {
            lane: self.outside.lane_number,
            ticket,
            batch: encoded,
            is_straight,
        };
        let submit = || self.outside.committer.submit(submission);
        match self.local.doing.submitting(submit) {
            Ok(taken) => self.taken = Some(taken),
            Err(_not_taken) => {
                self.outside.lane.withdrawn();
                let (After::Finish(turn) | After::Charge(turn, ..)) = pending.after;
                return self.abandon(turn, Failure::Overloaded.into());
            }
        }
        self.next_ticket += 1;
        let (After::Finish(turn) | After::Charge(turn, ..)) = &mut pending.after;
        turn.holds.iter_mut().for_each(Hold::keep);
        if ends_turn {
            turn.token.spend();
        }
        self.pending.push_back(pending);
        let live = self
            .live
            .get_mut(&key)
            .expect("an order with an open turn is live");
        live.in_flight += 1;
        if ends_turn {
            self.close(key, false);
        }
    }

    /// Takes in what the committer has settled, in the order it was submitted.
    pub(super) fn settle(&mut self) {
        self.settled.extend(self.outside.lane.take());
        while let Some(Settled { ticket, outcome }) = self.settled.pop_front() {
            let pending = self
                .pending
                .pop_front()
                .expect("what is settled was submitted");
            debug_assert_eq!(ticket + self.pending.len() as u64 + 1, self.next_ticket);
            self.current = Some(pending.key);
            match outcome {
                Ok(first) => self.settled(pending, first),
                Err(_failed) => self.failed(pending),
            }
        }
    }

    fn settled(&mut self, mut pending: Pending, first: Position) {
        let key = pending.key;
        let fence = Arc::clone(&self.local.fence);
        let Some(pass) = fence.pass() else {
            return;
        };
        self.note(&pending, first);
        let stored = self.store(&pending, first);
        drop(pass);
        self.outside.lane.stored();
        let stored = stored.map_err(|error| {
            let (After::Finish(turn) | After::Charge(turn, ..)) = &pending.after;
            about!(error, self, key, Some(&turn.origin), %error, "a snapshot cannot be kept");
            Error::Failed(Failure::OutcomeUnknown)
        });
        // Who waits for the answer comes before everybody else.
        if let After::Finish(turn) = &mut pending.after
            && let Some(caller) = turn.caller.take()
        {
            let outcome = match (turn.failed.take(), stored) {
                (Some(error), _) | (None, Err(error)) => Err(error),
                (None, Ok(())) => turn.answer.take().ok_or_else(|| Failure::Crashed.into()),
            };
            self.answer(key, caller, turn.command_key.as_ref(), outcome);
        }
        self.outside.feed.ring();
        if key.is_order() {
            self.timers.set(key, pending.timer);
            self.look_in_time(key);
        }
        self.move_lines(&pending.snapshots);
        match pending.after {
            After::Charge(mut turn, charge, permit) => {
                turn.holds.clear();
                self.send_charge(turn, charge, permit);
            }
            After::Finish(mut turn) => {
                for (effect, permit) in std::mem::take(&mut turn.effects) {
                    let origin = Origin {
                        trace: self.local.spans.below(turn.origin.trace, turn.begun),
                        ..turn.origin.clone()
                    };
                    self.carry(Carry {
                        key,
                        effect,
                        attempt: turn.attempt + 1,
                        permit,
                        origin,
                    });
                }
                self.record_turn(&turn, pending.events, None);
            }
        }
        self.landed(key);
    }

    /// Notes where an order's story goes on.
    fn note(&mut self, pending: &Pending, first: Position) {
        let (After::Finish(turn) | After::Charge(turn, ..)) = &pending.after;
        if pending.events > 0
            && pending.key.is_order()
            && let Some(live) = self.live.get_mut(&pending.key)
        {
            live.dossier.note(first, &turn.origin);
        }
        if pending.events > 0 {
            self.log_durable(turn, pending.submitted, pending.events, first);
        }
    }

    /// Puts a durable turn's snapshots where readers and restarts find them.
    fn store(&self, pending: &Pending, first: Position) -> Result<(), crate::store::pages::Error> {
        let (storefront, local) = (pending.key.storefront, &self.local);
        let name = &local.storefronts[storefront].name;
        if pending.events == 0 {
            return Ok(());
        }
        let position = first + pending.events as u64 - 1;
        let live = self.live.get(&pending.key);
        let _same_checkpoint = local.pages.together();
        for snapshot in &pending.snapshots {
            let collection = local.layout.entities(storefront, snapshot.entity.kind);
            let bytes = match live.filter(|_| snapshot.entity.kind == Kind::Saga) {
                Some(live) => snapshot.state.encode_with(&live.dossier),
                None => snapshot.state.encode(),
            };
            let slot = Slot {
                version: snapshot.version,
                position,
                listed: snapshot.listed,
                bytes,
            };
            if snapshot.entity.kind == Kind::Listing {
                // Turns of other shards change it too.
                let number = snapshot.entity.number;
                local.pages.put_newer(collection, number, slot)?;
            } else {
                local.pages.put(collection, snapshot.entity.number, slot)?;
            }
        }
        let had_timer = self.timers.of(pending.key);
        if had_timer != pending.timer {
            timers::set(&local.pages, name, pending.key.number, pending.timer)?;
        }
        if let Some(is_letter) = pending.letter {
            letters::set(&local.pages, name, pending.key.number, is_letter)?;
        }
        // A charge's intent alone is no order yet, and may never become one.
        let has_order = |snapshot: &Snapshot| snapshot.entity.kind == Kind::Order;
        let live = live.filter(|_| pending.snapshots.iter().any(has_order));
        if let Some(claim) = live.and_then(|live| live.claim.as_deref()) {
            keys::set(&local.pages, name, claim, pending.key.number)?;
        }
        if let (Some(batch), After::Finish(turn)) = (&pending.answered, &pending.after)
            && let Some(item) = &turn.answer
        {
            answers::remember(&local.pages, batch, &item.encode())?;
        }
        Ok(())
    }

    /// A submission failed: nothing more will be accepted, so everything in memory is dropped.
    fn failed(&mut self, pending: Pending) {
        self.outside.lane.stored();
        let (After::Finish(mut turn) | After::Charge(mut turn, ..)) = pending.after;
        if let Some(caller) = turn.caller.take() {
            self.answer(
                pending.key,
                caller,
                turn.command_key.as_ref(),
                // What failed was the sync: the batch may be found at the next start all the same.
                Err(Failure::OutcomeUnknown.into()),
            );
        }
        self.store_failed = true;
        self.registry.clear();
        if let Some(live) = self.live.get_mut(&pending.key) {
            live.reload = true;
        }
        self.landed(pending.key);
    }
}
