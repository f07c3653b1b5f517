//! The shop behind one lock.

use std::{
    collections::BTreeMap,
    io,
    ops::ControlFlow,
    sync::{Arc, Mutex, MutexGuard},
};

use jumun::{
    clock::Clock,
    domain::{
        Batch, Cause, Correlation, EntityKey, Kind, Money, Origin,
        ids::OrderId,
        order,
        recorded::Answered,
        saga::{Dossier, Kept},
        storefront::{CommandAction, Storefront},
    },
    store::{
        answers, codec,
        commit::{Commit, Encoded, Position, Settled, Submission, Taken},
        committer::{Committer, UnderWay},
        layout::Layout,
        pages::{self, NoteTree, Pages, Slot},
        snapshot,
    },
    views::stops::Progress,
};
use tokio::sync::{oneshot, watch};

use super::{fields::Names, tickets::Tickets, turn::States};
use crate::contestant::peer::{Books, Counts, Failed, Wanted};

/// Everything that is served from.
pub(super) struct Shop {
    /// With its place among all storefronts.
    storefront: (usize, Arc<Storefront>),
    names: Names,
    layout: Arc<Layout>,
    pages: Arc<Pages>,
    tickets: Arc<Tickets>,
    committer: Arc<Committer>,
    under_way: UnderWay,
    state: Mutex<State>,
}

/// What the lock is for.
struct State {
    /// Of the next order.
    number: u64,
    /// Orders that are not stored yet, by number. Those of lower numbers were submitted earlier.
    live: BTreeMap<u64, Live>,
}

/// An order that is not stored yet.
struct Live {
    /// For the next command to the order, of which there is none here.
    _states: Arc<States>,
    /// Its client's key, which is taken.
    key: Option<String>,
    /// Up to where the journal was durable when the order was submitted.
    floor: Position,
}

/// An order that was submitted.
struct Submitted {
    number: u64,
    states: Arc<States>,
    batch: Arc<Batch>,
    durable: oneshot::Receiver<Settled>,
    /// Views are woken once it is answered.
    _taken: Taken,
}

impl Shop {
    pub(super) fn new(
        storefront: (usize, Arc<Storefront>),
        layout: Arc<Layout>,
        pages: Arc<Pages>,
        tickets: Arc<Tickets>,
        (committer, under_way): (&Arc<Committer>, UnderWay),
    ) -> Result<Self, pages::Error> {
        let orders = layout.entities(storefront.0, Kind::Order);
        let state = State {
            number: pages.highest(orders)? + 1,
            live: BTreeMap::new(),
        };
        Ok(Self {
            storefront,
            names: Names::new(),
            layout,
            pages,
            tickets,
            committer: Arc::clone(committer),
            under_way,
            state: Mutex::new(state),
        })
    }

    /// Up to where everything that is durable is in the pages.
    pub(super) fn complete_to(&self) -> Position {
        // Before the lock: what is submitted from now on comes after it.
        let durable = self.committer.durable();
        let state = locked(&self.state);
        let oldest = state.live.first_key_value();
        oldest.map_or(durable, |(_, live)| live.floor)
    }

    /// What is kept, once the views have taken all of it in.
    pub(super) fn count(&self, mut views: watch::Receiver<Progress>) -> io::Result<Counts> {
        let (at, _) = self.storefront;
        let events = self.committer.durable();
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let seen = runtime.block_on(views.wait_for(|views| views.position >= events));
        drop(seen.map_err(io::Error::other)?);
        let listed = |collection| self.pages.listed(collection);
        let mut keys = 0;
        let mut count = |_: &[u8], _: &[u8]| {
            keys += 1;
            ControlFlow::Continue(())
        };
        let counted = self.pages.each_note(NoteTree::Answered, &mut count);
        counted.map_err(io::Error::other)?;
        Ok([
            listed(self.layout.entities(at, Kind::Order)),
            listed(self.layout.entities(at, Kind::Payment)),
            listed(self.layout.rows(at, 0)),
            listed(self.layout.rows(at, 1)),
            events,
            keys,
        ])
    }

    /// All that happens under the lock.
    fn submit(&self, wanted: &Wanted) -> Result<Submitted, Failed> {
        let under_way = self.under_way.begin();
        let (_, storefront) = &self.storefront;
        let mut state = locked(&self.state);
        if let Some(key) = &wanted.key {
            self.check_key(&state, key)?;
        }
        let (number, at) = (state.number, Clock::System.now());
        let command = order::Command::Place {
            fields: Arc::new(self.names.fields(&wanted.asked)),
            amount: Money::new(wanted.amount(), storefront.currency),
            lines: Vec::new(),
        };
        let mut states = States::default();
        let events = states.place(storefront, number, at, command);
        let events = events.map_err(|refused| Failed::Store(refused.to_string()))?;
        let answered = wanted.key.as_ref().map(|key| Answered {
            key: key.clone(),
            fingerprint: 0,
            entity: OrderId(number).key(),
            version: states.order.1,
        });
        let batch = Batch {
            storefront: Arc::clone(&storefront.name),
            at,
            correlation: Correlation(fastrand::u128(..).to_be_bytes()),
            named: None,
            trace: None,
            cause: Cause::Command(CommandAction::PlaceOrder),
            answered,
            events,
        };
        let body = codec::encode(&batch);
        let (states, batch) = (Arc::new(states), Arc::new(batch));
        let floor = self.committer.durable();
        let durable = self.tickets.wait();
        let submission = Submission {
            lane: 0,
            ticket: number,
            batch: Some(Encoded {
                batch: Arc::clone(&batch),
                body,
            }),
            is_straight: true,
        };
        drop(under_way);
        let taken = self.committer.submit(submission).map_err(|_not_taken| {
            self.tickets.withdraw();
            Failed::Store("the committer takes nothing".to_owned())
        })?;
        state.number += 1;
        let live = Live {
            _states: Arc::clone(&states),
            key: wanted.key.clone(),
            floor,
        };
        state.live.insert(number, live);
        Ok(Submitted {
            number,
            states,
            batch,
            durable,
            _taken: taken,
        })
    }

    /// Whether another order has the key, one that is not stored yet included.
    fn check_key(&self, state: &State, key: &str) -> Result<(), Failed> {
        let mut live = state.live.values();
        let is_live = live.any(|own| own.key.as_deref() == Some(key));
        let known = answers::recall(&self.pages, &self.storefront.1.name, key);
        if is_live || known.map_err(unkept)?.is_some() {
            return Err(Failed::KeyTaken);
        }
        Ok(())
    }

    /// Puts what is durable where readers find it: order, payment, saga, and the key's answer.
    fn store(&self, order: &Submitted, first: Position) -> Result<(), pages::Error> {
        let (at, number, batch) = (self.storefront.0, order.number, &order.batch);
        let states = &order.states;
        let position = first + batch.events.len() as u64 - 1;
        let mut dossier = Dossier::default();
        let origin = Origin {
            correlation: batch.correlation,
            ..Origin::default()
        };
        dossier.note(first, &origin);
        let saga = Kept {
            saga: states.saga.clone(),
            dossier,
        };
        let (order, payment) = (&states.order, &states.payment);
        let kept = [
            (
                Kind::Order,
                order.1,
                !order.0.removed,
                snapshot::encode(&order.0),
            ),
            (
                Kind::Payment,
                payment.1,
                payment.0.is_listed(),
                snapshot::encode(&payment.0),
            ),
            (Kind::Saga, 0, false, snapshot::encode(&saga)),
        ];
        let _same_checkpoint = self.pages.together();
        for (kind, version, listed, bytes) in kept {
            let slot = Slot {
                version,
                position,
                listed,
                bytes,
            };
            let collection = self.layout.entities(at, kind);
            self.pages
                .put(collection, EntityKey::new(kind, number).number, slot)?;
        }
        answers::remember(&self.pages, batch, &states.answer())
    }
}

impl Books for Arc<Shop> {
    async fn place(&self, wanted: &Arc<Wanted>) -> Result<i64, Failed> {
        if self.pages.is_behind() {
            return Err(Failed::Store("too much waits to be written".to_owned()));
        }
        let mut order = self.submit(wanted)?;
        let failed = || Failed::Store("the journal could not be written".to_owned());
        let settled = (&mut order.durable).await.map_err(|_| failed())?;
        let first = settled.outcome.map_err(|_| failed())?;
        let stored = self.store(&order, first);
        locked(&self.state).live.remove(&order.number);
        stored.map_err(unkept)?;
        i64::try_from(order.number).map_err(|_| failed())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "so that it can be named")]
fn unkept(error: pages::Error) -> Failed {
    Failed::Store(error.to_string())
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it is locked")
}
