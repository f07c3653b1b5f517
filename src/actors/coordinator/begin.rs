//! From a request to an open turn.

use std::{
    collections::{VecDeque, hash_map::Entry},
    sync::Arc,
};

use super::{Ask, Coordinator, Live, Waiting};
use crate::{
    actors::{
        handles::{CommandKey, Error, Failure, Item, Request},
        local::decode,
        turn::{Caller, OrderKey, Turn},
    },
    domain::{
        Correlation, Kind, Money, Refusal, Timestamp, delivery,
        ids::OrderId,
        order,
        saga::{Circumstances, Closed, Command, Progress, Saga},
        storefront::{Action, CommandAction, Storefront},
    },
};

/// The commands that a request means, and the entity it is answered with.
struct Meaning {
    commands: VecDeque<Command>,
    answer_with: Kind,
}

impl Coordinator {
    /// Opens a turn for a request, or lets it wait for the order's open turn.
    pub(super) fn ask(&mut self, ask: Ask) {
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
                ask.caller.under_way = None;
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
    pub(super) fn open(&mut self, ask: Ask) {
        let Ask {
            key,
            mut request,
            from,
            caller,
        } = ask;
        let expected = request.expected.take();
        let live = self
            .live
            .get_mut(&key)
            .expect("an order is live when a turn is opened");
        live.named = from.key.as_ref().map(|named| named.key.clone());
        let storefront = &self.local.storefronts[key.storefront];
        match meaning(&live.saga, storefront, key.order(), request) {
            Err(refusal) => {
                live.named = None;
                self.answer(key, caller, from.key.as_ref(), Err(Error::Refused(refusal)));
                // Others may wait behind it.
                self.resume(key);
            }
            Ok(Meaning {
                commands,
                answer_with,
            }) => {
                let mut turn = self.turn(key, from.correlation, commands);
                turn.own_commands = turn.todo.len();
                turn.answer_with = answer_with;
                turn.expected = expected;
                turn.command_key = from.key;
                turn.caller = Some(caller);
                self.drive(turn);
            }
        }
    }

    /// An open turn with these commands.
    pub(super) fn turn(
        &mut self,
        key: OrderKey,
        correlation: Correlation,
        todo: VecDeque<Command>,
    ) -> Box<Turn> {
        let at = self.local.clock.now();
        let live = self
            .live
            .get_mut(&key)
            .expect("an order is live when a turn is opened");
        live.busy = true;
        Box::new(Turn {
            key,
            at,
            correlation,
            command_key: None,
            caller: None,
            todo,
            own_commands: 0,
            expected: None,
            answer_with: Kind::Order,
            answer: None,
            events: Vec::with_capacity(8),
            seen: 0,
            snapshots: Vec::with_capacity(4),
            visited: Vec::with_capacity(4),
            before: (live.saga.clone(), live.saga_version),
            effects: Vec::new(),
            attempt: 0,
            failed: None,
            idle: false,
        })
    }

    /// The order's saga and what is under way for it, loaded from the store if need be.
    pub(super) fn live(&mut self, key: OrderKey) -> Result<&mut Live, Failure> {
        match self.live.entry(key) {
            Entry::Occupied(live) => Ok(live.into_mut()),
            Entry::Vacant(place) => {
                let entity = key.order().saga();
                let slot = self.local.slot(key.storefront, entity)?;
                let (saga, saga_version) = match slot {
                    Some(slot) => (decode(entity, &slot.bytes)?, slot.version),
                    None => (Saga::default(), 0),
                };
                Ok(place.insert(Live {
                    saga,
                    saga_version,
                    busy: false,
                    named: None,
                    in_flight: 0,
                    calls: 0,
                    reload: false,
                    waiting: VecDeque::new(),
                }))
            }
        }
    }

    /// Answers a caller, and everyone who repeated its keyed command meanwhile.
    pub(super) fn answer(
        &mut self,
        order: OrderKey,
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

/// What a request means for an order whose saga stands like this.
fn meaning(
    saga: &Saga,
    storefront: &Storefront,
    order: OrderId,
    request: Request,
) -> Result<Meaning, Refusal> {
    let Request {
        action,
        fields,
        changes,
        amount,
        lines,
        ..
    } = request;
    let of_order = |command| Meaning {
        commands: VecDeque::from([Command::Order(command)]),
        answer_with: Kind::Order,
    };
    let exists = saga.order != order::State::Absent;
    let missing = Refusal::NotFound {
        kind: Kind::Order,
        number: order.0,
    };
    match action {
        CommandAction::PlaceOrder => {
            let amount = amount.unwrap_or_else(|| Money::zero(storefront.currency));
            let fields = Arc::new(fields);
            Ok(of_order(order::Command::Place {
                fields,
                amount,
                lines,
            }))
        }
        CommandAction::AdvanceDelivery if !exists => Err(Refusal::UnknownOrder { number: order.0 }),
        CommandAction::AdvanceDelivery => advance_delivery(saga, storefront, order),
        CommandAction::AmendOrder | CommandAction::CancelOrder | CommandAction::RemoveOrder
            if !exists =>
        {
            Err(missing)
        }
        CommandAction::AmendOrder => Ok(of_order(order::Command::Amend { changes, amount })),
        CommandAction::CancelOrder => Ok(of_order(order::Command::Cancel)),
        CommandAction::RemoveOrder => Ok(of_order(order::Command::Remove)),
        _ => Err(missing),
    }
}

/// A delivery is advanced once all steps of the flow before it are done.
fn advance_delivery(
    saga: &Saga,
    storefront: &Storefront,
    order: OrderId,
) -> Result<Meaning, Refusal> {
    if saga.order == order::State::Cancelled {
        return Err(Refusal::OrderCancelled);
    }
    let not_ready = Refusal::OrderNotReady {
        state: saga.order.name(),
    };
    let delivers = |action| matches!(action, Action::Deliver { .. });
    let step = storefront
        .flow
        .step(delivers)
        .ok_or_else(|| not_ready.clone())?;
    let is_next = saga
        .current(&storefront.flow)
        .is_none_or(|current| current == step);
    if !is_next && saga.deliver != Progress::Done {
        return Err(not_ready);
    }
    let mut commands = VecDeque::from(saga.begin(
        step,
        &Circumstances {
            order,
            flow: &storefront.flow,
            now: Timestamp(0),
            closed: Closed::default(),
        },
    ));
    commands.push_back(Command::Delivery(delivery::Command::Advance));
    Ok(Meaning {
        commands,
        answer_with: Kind::Delivery,
    })
}
