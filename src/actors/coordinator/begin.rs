//! From a request to an open turn.

use std::collections::{VecDeque, hash_map::Entry};

use super::{Ask, Coordinator, Live, Waiting, meaning::Meaning};
use crate::{
    actors::{
        handles::{CommandKey, Error, Failure, Item},
        local::decode,
        turn::{Caller, Serial, Subject, Token, Turn},
    },
    domain::{
        Cause, Origin, Timestamp,
        saga::{Command, Kept},
    },
};

impl Coordinator {
    /// Begins with what was taken from the inbox, in the order in which it came.
    pub(super) fn asked(&mut self) {
        while let Some(ask) = self.asked.pop_front() {
            self.ask(ask);
        }
    }

    /// Opens a turn for a request, or lets it wait for the order's open turn.
    fn ask(&mut self, ask: Box<Ask>) {
        self.current = Some(ask.key);
        if self.crashes.is_quarantined(ask.key) {
            return ask.caller.answer(Err(Failure::Quarantined.into()));
        }
        let Some(ask) = self.answer_if_repeated(ask) else {
            return;
        };
        let waiting_max = self.local.settings.requests_per_order_max;
        match self.live(ask.key) {
            Err(failure) => self.answer(
                ask.key,
                ask.caller,
                ask.from.key.as_ref(),
                Err(failure.into()),
            ),
            Ok(live) if live.busy || live.reload => {
                let mut ask = ask;
                // The committer need not wait for it meanwhile.
                ask.caller.waits();
                if live.waiting.len() < waiting_max {
                    live.waiting.push_back(Waiting::Ask(ask));
                } else {
                    let overloaded = Err(Failure::Overloaded.into());
                    self.answer(ask.key, ask.caller, ask.from.key.as_ref(), overloaded);
                }
            }
            Ok(_) => self.open(ask),
        }
    }

    /// Opens a turn for a request whose order has none.
    pub(super) fn open(&mut self, ask: Box<Ask>) {
        let Ask {
            key,
            asked,
            from,
            caller,
        } = *ask;
        if !caller.begins(self.now()) {
            // Nobody waits for it any more, or will have an answer in time.
            let late = Err(Failure::Overloaded.into());
            self.answer(key, caller, from.key.as_ref(), late);
            return self.resume(key);
        }
        let live = self
            .live
            .get_mut(&key)
            .expect("an order is live when a turn is opened");
        live.named = from.key.as_ref().map(|named| named.key.clone());
        let cause = from.cause.unwrap_or_else(|| asked.cause());
        let (expected, meaning) = self.meant(key, asked);
        match meaning {
            Err(error) => {
                if let Some(live) = self.live.get_mut(&key) {
                    live.named = None;
                }
                self.answer(key, caller, from.key.as_ref(), Err(error));
                // Others may wait behind it.
                self.resume(key);
            }
            Ok(Meaning {
                commands,
                answer_with,
                answers_last,
                skipped,
            }) => {
                let mut turn = self.turn(key, cause, commands);
                self.comes_from(&mut turn, from.origin);
                turn.own_commands = turn.todo.len();
                turn.answer_with = answer_with;
                turn.answers_last = answers_last;
                turn.skipped = skipped;
                turn.expected = expected;
                turn.command_key = from.key;
                turn.caller = Some(caller);
                self.drive(turn);
            }
        }
    }

    /// Notes the request that a turn goes back to. What is new goes back to it for ever.
    fn comes_from(&mut self, turn: &mut Turn, origin: Origin) {
        if let Some(live) = self.live.get_mut(&turn.key)
            && live.in_flight == 0
            && live.dossier.trail.count() == 0
        {
            live.dossier.origin.clone_from(&origin);
        }
        turn.origin = origin;
    }

    /// An open turn with these commands. It goes back to what the order began with.
    pub(super) fn turn(
        &mut self,
        key: Subject,
        cause: Cause,
        todo: VecDeque<Command>,
    ) -> Box<Turn> {
        let at = self.local.clock.now();
        let live = self
            .live
            .get_mut(&key)
            .expect("an order is live when a turn is opened");
        live.busy = true;
        live.open = Serial(self.turns);
        live.away = None;
        live.visited.clear();
        self.turns += 1;
        Box::new(Turn {
            token: Token::new(key, live.open, &self.local),
            key,
            at,
            cause,
            origin: live.dossier.origin.clone(),
            begun: self.local.spans.begin(),
            command_key: None,
            caller: None,
            todo,
            own_commands: 0,
            expected: None,
            answer_with: key.kind,
            answers_last: false,
            skipped: 0,
            answer: None,
            events: Vec::with_capacity(8),
            seen: 0,
            snapshots: Vec::with_capacity(4),
            visited: Vec::with_capacity(4),
            before: (live.saga.clone(), live.saga_version),
            effects: Vec::new(),
            attempt: 0,
            is_intended: false,
            later: None,
            failed: None,
            holds: Vec::new(),
            candidates: VecDeque::new(),
            chosen: None,
            waits_for: None,
            news: 0,
            idle: false,
        })
    }

    /// The order's saga and what is under way for it, loaded from the store if need be.
    pub(super) fn live(&mut self, key: Subject) -> Result<&mut Live, Failure> {
        match self.live.entry(key) {
            Entry::Occupied(live) => Ok(live.into_mut()),
            Entry::Vacant(place) => {
                let entity = key.order().saga();
                // A listing has no saga: what follows from its commands follows at once.
                let slot = if key.is_order() {
                    self.local.slot(key.storefront, entity)?
                } else {
                    None
                };
                let (Kept { saga, dossier }, saga_version) = match slot {
                    Some(slot) => (decode(entity, &slot.bytes)?, slot.version),
                    None => (Kept::default(), 0),
                };
                Ok(place.insert(Live {
                    saga,
                    saga_version,
                    dossier,
                    busy: false,
                    open: Serial::default(),
                    away: None,
                    visited: Vec::new(),
                    named: None,
                    claim: None,
                    in_flight: 0,
                    calls: 0,
                    called: Timestamp::default(),
                    reload: false,
                    has_crashed: false,
                    waiting: VecDeque::new(),
                }))
            }
        }
    }

    /// Answers a caller, and everyone who repeated its keyed command meanwhile.
    pub(super) fn answer(
        &mut self,
        order: Subject,
        caller: Caller,
        named: Option<&CommandKey>,
        outcome: Result<Item, Error>,
    ) {
        if let Some(named) = named {
            for waiting in self.keys.answered(order.storefront, &named.key) {
                waiting.answer(outcome.clone());
            }
        }
        caller.answer(outcome);
    }

    /// The present instant.
    pub(super) fn now(&self) -> Timestamp {
        self.local.clock.now()
    }
}
