//! What outlives a crash, and one life of the engine after the other.

use std::{cell::RefCell, fmt::Write, ops::ControlFlow, rc::Rc, sync::Arc, time::Duration};

use jumun::{
    actors::{
        handles::{Context, Engine, Error, Item, Request, Target},
        lane::Lane,
        provider::Provider,
        restore::Restorer,
        settings::Settings,
        shard::{Parts, Threads},
    },
    app::open::replay,
    clock::Clock,
    domain::{
        Fields, Kind, Timestamp,
        ids::ListingId,
        order::Line,
        storefront::{Action, CommandAction, ComponentState, Storefront},
    },
    store::{
        codec,
        committer::UnderWay,
        components::Components,
        journal::{self, Journal, Memory, Reader},
        layout::Layout,
        pages::{Durable, Pages},
    },
    views::projector::Projector,
};
use tokio::time::sleep;

use super::{
    super::{
        chance,
        disk::Disk,
        strikes::Strikes,
        world::{JOURNAL, limits},
    },
    bank::Bank,
    flows,
};

/// How many listings there are, and how much of each.
pub(super) const LISTINGS: u64 = 3;

pub(super) struct House {
    pub(super) random: fastrand::Rng,
    memory: Memory,
    durable: Durable,
    pub(super) storefront: Arc<Storefront>,
    pub(super) layout: Arc<Layout>,
    /// The flow in a line.
    pub(super) flow: String,
    settings: Settings,
    pub(super) bank: Bank,
    strikes: Strikes,
    /// How many of 100 batches the disk does not take.
    refusals: u32,
    now: Timestamp,
    /// Orders that somebody was told of.
    pub(super) orders: Rc<RefCell<Vec<u64>>>,
}

/// One life of the engine.
pub(super) struct Run {
    pub(super) engine: Engine,
    disk: Disk,
    pub(super) pages: Arc<Pages>,
    projector: Arc<Projector>,
    clock: Clock,
    pub(super) waiting: Rc<RefCell<u32>>,
}

impl House {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let (storefront, flow) = flows::shop(&mut random);
        Self {
            memory: Memory::new(),
            durable: Durable::default(),
            layout: Arc::new(Layout::of(&[Arc::clone(&storefront)])),
            storefront,
            flow,
            settings: Settings {
                shards: random.usize(1..=3),
                crashes_max: usize::MAX,
                ..Settings::default()
            },
            bank: Bank::new(random.fork()),
            strikes: Strikes::new(random.fork(), 0),
            refusals: 0,
            now: Timestamp(1_700_000_000_000),
            orders: Rc::default(),
            random,
        }
    }

    /// Opens what is left, and does something to the pages before anybody lives.
    pub(super) fn open(&mut self, edit: impl FnOnce(&Pages)) -> Run {
        let clock = Clock::runtime(self.now);
        self.bank.keep_time(clock.clone());
        let journal = Journal::open(self.memory.clone(), JOURNAL).unwrap().journal;
        let end = journal.end();
        let collections = self.layout.collections().to_vec();
        let opened = Pages::in_memory(&self.durable, collections, limits()).unwrap();
        let pages = Arc::new(opened.pages);
        let storefronts = vec![Arc::clone(&self.storefront)];
        let layout = || Arc::clone(&self.layout);
        let restorer = Restorer::new(storefronts.clone(), layout(), Arc::clone(&pages));
        replay(journal.source(), opened.complete_to + 1, end, restorer).unwrap();
        edit(&pages);
        let lanes: Vec<Arc<Lane>> = (0..self.settings.shards).map(|_| Arc::default()).collect();
        let projector = Projector::new(storefronts.clone(), layout(), Arc::clone(&pages), end);
        let projector = Arc::new(projector);
        let source = journal.source();
        let disk = Disk::new(journal, self.random.fork(), self.refusals, &lanes, None);
        let (durable, failed) = (disk.clone(), disk.clone());
        let provider: Arc<dyn Provider> = Arc::new(self.bank.clone());
        let engine = Engine::start(Parts {
            components: Arc::new(Components::in_memory(&storefronts)),
            storefronts,
            layout: layout(),
            pages: Arc::clone(&pages),
            committer: Arc::new(disk.clone()),
            lanes,
            under_way: UnderWay::default(),
            journal: source,
            full: Arc::new(|| false),
            release_view: Arc::new(|_| false),
            durable: Arc::new(move || durable.durable()),
            failed: Arc::new(move || failed.failed()),
            views: projector.positions(),
            providers: vec![provider],
            spans: jumun::telemetry::spans::Spans::default(),
            clock: clock.clone(),
            settings: self.settings,
            faults: Arc::new(self.strikes.clone()),
            threads: Threads::Callers,
        });
        Run {
            engine: engine.unwrap(),
            disk,
            pages,
            projector,
            clock,
            waiting: Rc::default(),
        }
    }

    /// From the next life on, things panic and the disk refuses, perhaps.
    pub(super) fn get_worse(&mut self) {
        let per_mille = self.random.choice([0, 0, 3, 20]).expect("four");
        self.strikes = Strikes::new(self.random.fork(), per_mille);
        self.refusals = self.random.choice([0, 0, 3]).expect("three");
    }

    /// From the next life on, nothing of the kind happens any more.
    pub(super) fn get_well(&mut self) {
        self.strikes = Strikes::new(self.random.fork(), 0);
        self.refusals = 0;
        self.bank.calm();
    }

    /// Ends a life wherever it is; clocks may be wrong afterwards.
    pub(super) fn crash(&mut self, run: &Run) {
        run.disk.go_down();
        self.bank.cut_off();
        self.now = match self.random.u32(0..4) {
            0 => run.clock.now().plus_ms(self.random.u64(0..120_000)),
            1 => Timestamp(run.clock.now().0 - self.random.i64(0..3_000)),
            _ => run.clock.now(),
        };
        let random = &mut self.random;
        self.memory.cut_power(|_, _| chance(random, 50));
    }

    /// Does some of what the committer has to do, and lets time pass.
    pub(super) async fn step(&mut self, run: &Run) {
        match self.random.u32(0..10) {
            0..3 => drop(run.disk.append(self.random.usize(1..6))),
            3..5 => drop(run.disk.sync()),
            5..7 => drop(run.disk.settle()),
            7 => sleep(Duration::from_millis(self.random.u64(0..40))).await,
            _ => run.pump(),
        }
        for _ in 0..self.random.u32(0..8) {
            tokio::task::yield_now().await;
        }
    }

    /// Somebody does something.
    pub(super) async fn act(&mut self, run: &Run) {
        let order = self.an_order();
        let about = |action, kind| Request::new(action, Target::Order(order), kind);
        let request = match self.random.u32(0..20) {
            0..7 => self.place(),
            7 | 8 => about(CommandAction::CancelOrder, Kind::Order),
            9..12 => about(CommandAction::PayOrder, Kind::Payment),
            12 | 13 => about(CommandAction::GrantApproval, Kind::Approval),
            14 => about(CommandAction::RefuseApproval, Kind::Approval),
            15 | 16 => about(CommandAction::AdvanceDelivery, Kind::Delivery),
            17 => about(CommandAction::PayPayout, Kind::Payout),
            18 => return self.pause(run),
            _ => {
                let half_seconds = self.random.u32(0..40);
                return run.rest(half_seconds).await;
            }
        };
        let flow = &self.storefront.flow;
        let approves = flow.step(|action| matches!(action, Action::Approve { .. }));
        if approves.is_some() || request.answer_with != Kind::Approval {
            run.ask(request, &self.orders);
        }
    }

    /// Everything that ever happened to an order, a line each.
    pub(super) fn history(&self, order: u64) -> String {
        let source = journal::Medium::source(&self.memory);
        let end = journal::scan(&*source, |_, _, _| {}).unwrap().end;
        let mut lines = String::new();
        let read = Reader::new(source).read(1, end, |position, body, _| {
            let batch = codec::decode(body).expect("it was written here");
            for stamped in &batch.events {
                if stamped.order().is_some_and(|own| own.0 == order) {
                    let (at, event) = (batch.at.0, &stamped.event);
                    writeln!(lines, "{position} at {at}: {event:?}").unwrap();
                }
            }
            ControlFlow::Continue(())
        });
        read.unwrap();
        lines
    }

    /// Every part runs.
    pub(super) fn run_all(&self, run: &Run) {
        for part in 0..self.storefront.components.len() {
            let components = run.engine.components();
            components.set(0, part, ComponentState::Running).unwrap();
        }
    }

    fn pause(&mut self, run: &Run) {
        let part = self.random.usize(0..self.storefront.components.len());
        let state = if self.random.bool() {
            ComponentState::Paused
        } else {
            ComponentState::Running
        };
        run.engine.components().set(0, part, state).unwrap();
    }

    fn place(&mut self) -> Request {
        let flow = &self.storefront.flow;
        let reserves = flow.step(|action| action == Action::Reserve).is_some();
        let line = Line {
            listing: ListingId(self.random.u64(1..=LISTINGS)),
            quantity: self.random.u64(1..=2),
        };
        let currency = self.storefront.currency;
        let price = jumun::domain::Money::new(self.random.i64(0..50_000), currency);
        Request {
            lines: if reserves { vec![line] } else { Vec::new() },
            ..Request::place(Fields::new(), Some(price))
        }
    }

    fn an_order(&mut self) -> u64 {
        let known = self.orders.borrow();
        if known.is_empty() || chance(&mut self.random, 10) {
            return self.random.u64(1..20);
        }
        known[self.random.usize(0..known.len())]
    }
}

impl Run {
    pub(super) fn ask(&self, request: Request, orders: &Rc<RefCell<Vec<u64>>>) {
        let engine = self.engine.clone();
        let (orders, waiting) = (Rc::clone(orders), Rc::clone(&self.waiting));
        let places = request.action == CommandAction::PlaceOrder;
        *waiting.borrow_mut() += 1;
        actix::spawn(async move {
            let outcome: Result<Item, Error> = engine.perform(0, request, Context::default()).await;
            *waiting.borrow_mut() -= 1;
            if let Ok(item) = outcome
                && places
            {
                orders.borrow_mut().push(item.number);
            }
        });
    }

    pub(super) fn pump(&self) {
        self.disk.append(usize::MAX);
        self.disk.sync();
        self.disk.settle();
        self.projector.take(&self.disk.unseen(usize::MAX)).unwrap();
    }

    /// Lets time pass, with a disk that works.
    pub(super) async fn rest(&self, half_seconds: u32) {
        for _ in 0..half_seconds {
            self.pump();
            sleep(Duration::from_millis(500)).await;
        }
        self.pump();
    }
}
