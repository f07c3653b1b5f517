//! The whole server on one thread, over memory instead of a disk: the same requests give the same run.
//!
//! What has a thread of its own in production takes its turn here, as in `tests/sim`: the shard, the
//! committer and the views. Left out are the wake-ups between threads, `fdatasync`, sockets, and sled
//! below the page cache.

use std::{future::poll_fn, iter, pin::pin, sync::Arc, task::Poll, time::Duration};

use actix::{System, SystemRunner};
use actix_web::web;
use jumun::{
    actors::{
        faults::NoFaults,
        handles::{Engine, channels::Channels, webhooks::Webhooks},
        lane::Lane,
        provider::Provider,
        settings::Settings,
        shard::{Parts, Threads},
        simulator::{Behaviour, Simulator},
    },
    app::{definitions, writing::complete_to},
    clock::Clock,
    config::Config,
    domain::{Timestamp, storefront::Storefront},
    http::{Backups, Gate, Left, Mounts, NotBackedUp, Readers, State, Traffic},
    metrics::Sources,
    store::{
        committer::UnderWay,
        components::Components,
        journal::{Journal, Limits, Memory},
        layout::Layout,
        pages::{self, Durable, Pages},
        tally::{Count, Tally},
    },
    telemetry::spans::Spans,
    views::projector::Projector,
};
use tokio::{runtime, task::yield_now};

use super::{
    connection::{self, Connection},
    ledger::{Ledger, Listeners},
};

/// Requests that are under way together, each on a connection of its own: as many batches are a group.
pub(crate) const CONNECTIONS: usize = 16;

/// Small enough that no path has to fill a large one with zeros first.
pub(crate) const JOURNAL: Limits = Limits {
    segment_bytes_max: 4 * 1024 * 1024,
    frame_bytes_max: 1024 * 1024,
};

/// Looks at the connections before a request counts as lost.
const LOOKS_MAX: usize = 10_000;

/// An open house.
pub(crate) struct House {
    pub(crate) engine: Engine,
    pub(crate) storefronts: Vec<Arc<Storefront>>,
    pub(crate) layout: Arc<Layout>,
    pub(crate) memory: Memory,
    pub(crate) pages: Arc<Pages>,
    ledger: Ledger,
    lanes: Vec<Arc<Lane>>,
    projector: Arc<Projector>,
    connections: Vec<Connection>,
    _left: Left,
}

/// A system on this thread, without files and sockets, whose time stands still while anybody works.
pub(crate) fn system() -> SystemRunner {
    System::with_tokio_rt(|| {
        let mut runtime = runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build();
        runtime.expect("it needs nothing")
    })
}

/// What is embedded in the binary.
pub(crate) fn storefronts() -> Vec<Arc<Storefront>> {
    let all = definitions::load(None).expect("what is embedded is well formed");
    all.iter().map(|own| Arc::clone(own.storefront())).collect()
}

/// Empty pages with this layout.
pub(crate) fn pages(layout: &Layout) -> Arc<Pages> {
    let limits = pages::Limits {
        backlog_max: 100_000,
        ..pages::Limits::default()
    };
    let collections = layout.collections().to_vec();
    let opened = Pages::in_memory(&Durable::default(), collections, limits);
    Arc::new(opened.expect("there is memory").pages)
}

impl House {
    /// Opens it, with nothing in it. Needs a running [`system`].
    pub(crate) async fn open() -> Self {
        let clock = Clock::runtime(Timestamp(1_790_000_000_000));
        let storefronts = storefronts();
        let layout = Arc::new(Layout::of(&storefronts));
        let pages = pages(&layout);
        let memory = Memory::new();
        let journal = Journal::open(memory.clone(), JOURNAL);
        let journal = journal.expect("there is memory").journal;
        let lanes = vec![Arc::<Lane>::default()];
        let (own, own_pages) = (storefronts.clone(), Arc::clone(&pages));
        let projector = Arc::new(Projector::new(own, Arc::clone(&layout), own_pages, 0));
        let names = storefronts.iter().map(|own| Arc::clone(&own.name));
        let listeners = Listeners {
            lanes: lanes.clone(),
            projector: Arc::clone(&projector),
            count: Count(Arc::new(Tally::new(names))),
        };
        let source = journal.source();
        let ledger = Ledger::new(journal, listeners);
        let durable = ledger.clone();
        let provider: Arc<dyn Provider> = Arc::new(Simulator::new(Behaviour::default(), 1));
        let engine = Engine::start(Parts {
            providers: storefronts.iter().map(|_| Arc::clone(&provider)).collect(),
            components: Arc::new(Components::in_memory(&storefronts)),
            storefronts: storefronts.clone(),
            layout: Arc::clone(&layout),
            pages: Arc::clone(&pages),
            committer: Arc::new(ledger.clone()),
            lanes: lanes.clone(),
            under_way: UnderWay::default(),
            journal: source,
            durable: Arc::new(move || durable.durable()),
            failed: Arc::new(|| false),
            full: Arc::new(|| false),
            views: projector.positions(),
            release_view: Arc::new(|_| false),
            spans: Spans::default(),
            clock: clock.clone(),
            settings: Settings::default(),
            faults: Arc::new(NoFaults),
            threads: Threads::Callers,
        });
        let engine = engine.expect("there is memory");
        let gate = Gate::new(clock.clone(), Duration::from_secs(1));
        let left = gate.open(state(&engine, clock, &storefronts));
        Self {
            engine,
            storefronts,
            layout,
            memory,
            pages,
            ledger,
            lanes,
            projector,
            connections: connection::open(web::Data::new(gate), CONNECTIONS).await,
            _left: left,
        }
    }

    /// Sends these requests, as many at once as there are connections, and waits for the answers, all of
    /// which must have this status.
    pub(crate) async fn exchange(&mut self, requests: &[Vec<u8>], status: &str) {
        for requests in requests.chunks(CONNECTIONS) {
            for (connection, request) in iter::zip(&mut self.connections, requests) {
                connection.send(request).await;
            }
            self.answered(requests.len()).await;
            for connection in &self.connections[..requests.len()] {
                let is_right = connection.status() == status.as_bytes();
                assert!(is_right, "not {status}: {}", connection.text());
            }
        }
    }

    /// Does this while the committer and the views do their work.
    pub(crate) async fn while_working<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            let looked = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
            if let Poll::Ready(outcome) = looked {
                return outcome;
            }
            self.ledger.work();
            yield_now().await;
        }
    }

    /// The place of the flower shop.
    pub(crate) fn flowers(&self) -> usize {
        let mut all = self.storefronts.iter();
        let found = all.position(|own| &*own.name == "flowers");
        found.expect("it is embedded")
    }

    /// Writes down what the page cache has and the store has not.
    pub(crate) fn checkpoint(&self) {
        let complete = complete_to(self.ledger.durable(), &self.lanes, &self.projector);
        self.pages.checkpoint(complete).expect("there is memory");
    }

    async fn answered(&mut self, count: usize) {
        let mut waiting = vec![true; count];
        for _ in 0..LOOKS_MAX {
            poll_fn(|context| {
                for (waits, connection) in iter::zip(&mut waiting, &mut self.connections) {
                    *waits = *waits && !connection.is_answered(context);
                }
                Poll::Ready(())
            })
            .await;
            if !waiting.contains(&true) {
                return;
            }
            self.ledger.work();
            yield_now().await;
        }
        panic!("no answer to {waiting:?}");
    }
}

/// What the REST surface works with, as `app` wires it.
fn state(engine: &Engine, clock: Clock, storefronts: &[Arc<Storefront>]) -> State {
    let config = Config::read(None).expect("the defaults are well formed");
    let (own, time) = (engine.clone(), clock.clone());
    let webhooks = Webhooks::start(own, time, config.webhooks);
    let (own, time) = (engine.clone(), clock.clone());
    let channels = Channels::start(own, time, config.channels);
    State {
        engine: engine.clone(),
        mounts: Mounts::default(),
        clock,
        backups: Backups::new(|_| Err(NotBackedUp::Failed("there is no directory".into()))),
        channels: channels.expect("none is set up"),
        webhooks: webhooks.expect("there is memory"),
        traffic: Arc::new(Traffic::new(storefronts, true)),
        sources: Arc::new(Sources::default()),
        readers: Readers::new(config.feed),
    }
}
