//! One simulated world: what outlives a crash, and one life of the engine after the other.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt::Debug,
    ops::ControlFlow,
    rc::Rc,
    sync::{Arc, Mutex},
    time::Duration,
};

use jumun::{
    actors::{
        handles::Engine,
        lane::Lane,
        provider::{Provider, Settles},
        restore::Restorer,
        settings::Settings,
        shard::{Parts, Threads},
    },
    app::{open::replay, writing::complete_to},
    clock::Clock,
    domain::{Kind, Timestamp, storefront::Storefront},
    store::{
        codec,
        committer::UnderWay,
        components::Components,
        journal::{self, Journal, Memory, Reader},
        layout::Layout,
        pages::{self, CollectionId, Durable, NoteTree, Pages},
    },
    views::projector::Projector,
};
use tokio::time::sleep;

use super::{
    STOREFRONTS, book::Book, chance, desk::Desk, disk::Disk, ending, remote::Remote, storefronts,
    strikes::Strikes, trace::Trace,
};

/// Small segments, so that the journal changes from one to the next now and then.
pub(crate) const JOURNAL: journal::Limits = journal::Limits {
    segment_bytes_max: 24 * 1024,
    frame_bytes_max: 8 * 1024,
};

/// Everything that a crash leaves.
pub(crate) struct World {
    random: fastrand::Rng,
    memory: Memory,
    durable: Durable,
    storefronts: Vec<Arc<Storefront>>,
    layout: Arc<Layout>,
    pub(crate) book: Arc<Mutex<Book>>,
    pub(crate) remote: Remote,
    strikes: Strikes,
    pub(crate) desk: Rc<RefCell<Desk>>,
    now: Timestamp,
    settings: Settings,
    refusals: u32,
    /// The disk takes no more writes until the next start.
    is_failing: bool,
    crashes: u32,
    commands: u32,
    pub(crate) trace: Trace,
}

/// One life of the engine.
pub(crate) struct Run {
    pub(crate) engine: Engine,
    pub(crate) disk: Disk,
    pub(crate) lanes: Vec<Arc<Lane>>,
    pub(crate) pages: Arc<Pages>,
    pub(crate) projector: Arc<Projector>,
    clock: Clock,
}

impl Run {
    /// Lets the committer and the views do everything that they have to do.
    pub(crate) fn pump(&self) -> Result<(), String> {
        self.disk.append(usize::MAX);
        self.disk.sync();
        self.disk.settle();
        self.see(usize::MAX)
    }

    fn see(&self, count: usize) -> Result<(), String> {
        let unseen = self.disk.unseen(count);
        self.projector
            .take(&unseen)
            .map_err(|error| error.to_string())
    }
}

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Crashed,
    /// Everything came to rest, and was as it should be.
    AtRest,
}

impl World {
    pub(crate) fn new(seed: u64, trace: Trace) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let book = Arc::new(Mutex::new(Book::default()));
        let settles = if chance(&mut random, 70) {
            Settles::Elsewhere
        } else {
            Settles::InJournal
        };
        let trouble = random.choice([0, 10, 30, 60]).expect("four");
        let remote = Remote::new(random.fork(), settles, trouble, Arc::clone(&book));
        let per_mille = random.choice([0, 0, 3, 10, 40, 150]).expect("six");
        let deaths = random.choice([0, 0, 5, 30]).expect("four");
        let strikes = Strikes::new(random.fork(), per_mille).with_deaths(deaths);
        let desk = Desk::new(random.fork(), strikes.clone(), Arc::clone(&book));
        let storefronts = storefronts();
        let settings = Settings {
            shards: random.usize(1..=3),
            requests_per_shard_max: random.choice([4, 16, 64]).expect("three"),
            requests_per_order_max: random.usize(1..=4),
            timers_per_look_max: random.choice([1, 4, 64]).expect("three"),
            crashes_max: random.usize(2..=4),
            ..Settings::default()
        };
        Self {
            memory: Memory::new(),
            durable: Durable::default(),
            layout: Arc::new(Layout::of(&storefronts)),
            storefronts,
            book,
            remote,
            strikes,
            desk: Rc::new(RefCell::new(desk)),
            now: Timestamp(1_700_000_000_000),
            settings,
            refusals: random.choice([0, 0, 2, 5]).expect("four"),
            is_failing: false,
            crashes: random.u32(0..4),
            commands: random.u32(30..=70),
            trace,
            random,
        }
    }

    /// Lives until the next crash, or until everything is at rest.
    pub(crate) async fn live(&mut self) -> Result<Ended, String> {
        let clock = Clock::runtime(self.now);
        self.remote.keep_time(clock.clone());
        self.remote.cut_off(false);
        let run = self.open(clock)?;
        sleep(Duration::from_millis(1)).await;
        let ended = self.work(&run).await;
        run.disk.go_down();
        self.remote.cut_off(true);
        self.now = run.clock.now();
        self.desk.borrow_mut().hung_up();
        if ended == Ok(Ended::Crashed) {
            self.memory.mend();
            self.is_failing = false;
            let (random, odds) = (&mut self.random, [0, 50, 100]);
            let odds = random.choice(odds).expect("three");
            self.memory.cut_power(|_, _| chance(random, odds));
        }
        ended
    }

    /// Opens what is left, as `app::open` does, and checks that nothing durable is missing.
    fn open(&mut self, clock: Clock) -> Result<Run, String> {
        let opened =
            Journal::open(self.memory.clone(), JOURNAL).map_err(|error| error.to_string())?;
        if let Some(torn) = &opened.torn {
            self.trace.note(|| torn.to_string());
        }
        let journal = opened.journal;
        let end = journal.end();
        self.reread(&journal)?;
        let opened = Pages::in_memory(&self.durable, self.layout.collections().to_vec(), limits());
        let opened = opened.map_err(|error| error.to_string())?;
        let pages = Arc::new(opened.pages);
        let restorer = Restorer::new(
            self.storefronts.clone(),
            Arc::clone(&self.layout),
            Arc::clone(&pages),
        );
        let replayed = replay(journal.source(), opened.complete_to + 1, end, restorer);
        replayed.map_err(|error| error.to_string())?;
        self.compare(&journal, &pages)?;
        self.trace
            .note(|| format!("open: {end} events, pages to {}", opened.complete_to));

        let lanes: Vec<Arc<Lane>> = (0..self.settings.shards).map(|_| Arc::default()).collect();
        let projector = Arc::new(Projector::new(
            self.storefronts.clone(),
            Arc::clone(&self.layout),
            Arc::clone(&pages),
            end,
        ));
        let source = journal.source();
        let disk = Disk::new(
            journal,
            self.random.fork(),
            self.refusals,
            &lanes,
            Some(Arc::clone(&self.book)),
        );
        let (durable, failed) = (disk.clone(), disk.clone());
        let provider: Arc<dyn Provider> = Arc::new(self.remote.clone());
        let engine = Engine::start(Parts {
            storefronts: self.storefronts.clone(),
            layout: Arc::clone(&self.layout),
            pages: Arc::clone(&pages),
            components: Arc::new(Components::in_memory(&self.storefronts)),
            committer: Arc::new(disk.clone()),
            lanes: lanes.clone(),
            under_way: UnderWay::default(),
            journal: source,
            durable: Arc::new(move || durable.durable()),
            failed: Arc::new(move || failed.failed()),
            full: Arc::new(|| false),
            views: projector.positions(),
            release_view: Arc::new(|_| false),
            providers: vec![provider; STOREFRONTS.len()],
            spans: jumun::telemetry::spans::Spans::default(),
            clock: clock.clone(),
            settings: self.settings,
            faults: Arc::new(self.strikes.clone()),
            threads: Threads::Callers,
        });
        let engine = engine.map_err(|error| error.to_string())?;
        Ok(Run {
            engine,
            disk,
            lanes,
            pages,
            projector,
            clock,
        })
    }

    /// Reads the whole journal into a new book; it must begin with what the old one says.
    fn reread(&self, journal: &Journal) -> Result<(), String> {
        let mut book = Book::default();
        let read = Reader::new(journal.source()).read(1, journal.end(), |first, body, _| {
            match codec::decode(body) {
                Ok(batch) => book.take(first, &batch, &STOREFRONTS),
                Err(error) => book.complaints.push(error.to_string()),
            }
            ControlFlow::Continue(())
        });
        read.map_err(|error| error.to_string())?;
        let mut before = self.book.lock().unwrap();
        if book.end < before.end {
            return Err(format!(
                "{} events were durable, {} are left",
                before.end, book.end
            ));
        }
        for (name, old) in &before.lives {
            let new = book.lives.get(name);
            let kept = new.is_some_and(|new| {
                new.orders.starts_with(&old.orders)
                    && new.payments.starts_with(&old.payments)
                    && new.deliveries.starts_with(&old.deliveries)
            });
            if !kept {
                return Err(format!("order {name:?} was {old:?} and is {new:?}"));
            }
        }
        *before = book;
        Ok(())
    }

    /// Compares pages with what a replay of the whole journal into empty ones gives.
    pub(crate) fn compare(&self, journal: &Journal, pages: &Pages) -> Result<(), String> {
        self.compare_with(journal.source(), journal.end(), pages)
    }

    pub(crate) fn compare_stored(&self, run: &Run) -> Result<(), String> {
        let source = journal::Medium::source(&self.memory);
        self.compare_with(source, run.disk.durable(), &run.pages)
    }

    fn compare_with(
        &self,
        source: Arc<dyn journal::Source>,
        end: u64,
        pages: &Pages,
    ) -> Result<(), String> {
        let collections = self.layout.collections();
        let fresh = Pages::in_memory(&Durable::default(), collections.to_vec(), limits());
        let fresh = Arc::new(fresh.map_err(|error| error.to_string())?.pages);
        let restorer = Restorer::new(
            self.storefronts.clone(),
            Arc::clone(&self.layout),
            Arc::clone(&fresh),
        );
        replay(source, 1, end, restorer).map_err(|error| error.to_string())?;
        for (place, collection) in collections.iter().enumerate() {
            let what = format!("{collection:?}");
            same(&what, &slots(pages, place), &slots(&fresh, place))?;
        }
        for tree in [NoteTree::Timers, NoteTree::Answered] {
            same(
                &format!("{tree:?}"),
                &notes(pages, tree),
                &notes(&fresh, tree),
            )?;
        }
        Ok(())
    }

    async fn work(&mut self, run: &Run) -> Result<Ended, String> {
        while self.commands > 0 {
            if self.crashes > 0 && self.random.u32(0..120) == 0 {
                self.crashes -= 1;
                self.trace.note(|| "crash".into());
                return Ok(Ended::Crashed);
            }
            self.step(run).await?;
            if run.disk.failed() && chance(&mut self.random, 10) {
                self.trace.note(|| "restart with a mended disk".into());
                return Ok(Ended::Crashed);
            }
            self.check(run)?;
        }
        let healthy = !self.strikes.any() && !self.is_failing;
        self.strikes.end();
        self.remote.heal();
        self.refusals = 0;
        run.disk.heal();
        if self.commands == 0 && (!healthy || self.random.bool()) && self.crashes < u32::MAX {
            // One more start, which forgets who was quarantined.
            self.crashes = u32::MAX;
            return Ok(Ended::Crashed);
        }
        ending::come_to_rest(self, run).await?;
        Ok(Ended::AtRest)
    }

    async fn step(&mut self, run: &Run) -> Result<(), String> {
        match self.random.u32(0..100) {
            0..25 => {
                for _ in 0..self.random.u32(1..=5) {
                    self.send(run);
                }
            }
            25..40 => {
                let count = self.random.usize(1..6);
                let appended = run.disk.append(count);
                self.trace.note(|| format!("append {appended}"));
            }
            40..55 => {
                let synced = run.disk.sync();
                self.trace.note(|| format!("sync {synced}"));
            }
            55..70 => {
                let settled = run.disk.settle();
                self.trace.note(|| format!("settle {settled}"));
            }
            70..76 => run.see(3)?,
            76..80 => self.checkpoint(run)?,
            80..96 => {
                let wait_ms = self.random.u64(0..100);
                sleep(Duration::from_millis(wait_ms)).await;
            }
            96 => sleep(Duration::from_millis(self.random.u64(0..15_000))).await,
            97 if self.random.u32(0..20) == 0 => {
                self.trace.note(|| "the disk fails".into());
                self.is_failing = true;
                self.memory.fail();
            }
            _ => run.pump()?,
        }
        for _ in 0..self.random.u32(0..6) {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    fn send(&mut self, run: &Run) {
        self.commands = self.commands.saturating_sub(1);
        let (id, command) = self.desk.borrow_mut().next();
        let context = self.desk.borrow().context(id);
        self.trace.note(|| format!("command {id}: {command:?}"));
        let (engine, disk) = (run.engine.clone(), run.disk.clone());
        let (customers, trace) = (Rc::clone(&self.desk), self.trace.clone());
        actix::spawn(async move {
            let outcome = engine
                .perform(command.storefront, command.request, context)
                .await;
            trace.note(|| format!("answer {id}: {outcome:?}"));
            customers.borrow_mut().answered(id, outcome, &disk);
        });
    }

    pub(crate) fn checkpoint(&mut self, run: &Run) -> Result<(), String> {
        let complete = complete_to(run.disk.durable(), &run.lanes, &run.projector);
        let done = run
            .pages
            .checkpoint(complete)
            .map_err(|error| error.to_string())?;
        self.trace.note(|| format!("{done:?}"));
        Ok(())
    }

    /// What must hold at every moment.
    pub(crate) fn check(&mut self, run: &Run) -> Result<(), String> {
        let mut complaints = self.remote.complaints();
        complaints.append(&mut self.desk.borrow_mut().complaints);
        complaints.append(&mut self.book.lock().unwrap().complaints);
        complaints.extend(super::unexpected_panic());
        if !complaints.is_empty() {
            return Err(complaints.join("\n"));
        }
        let names: Vec<_> = self.book.lock().unwrap().lives.keys().copied().collect();
        let Some((storefront, number)) = self.random.choice(names) else {
            return Ok(());
        };
        for kind in [Kind::Order, Kind::Payment, Kind::Delivery] {
            let name = (storefront, number);
            let read = run.engine.item(storefront, kind, number);
            let read = read.map_err(|failure| failure.to_string())?;
            let least = self.desk.borrow().acknowledged(name, kind);
            let book = self.book.lock().unwrap();
            let Some(item) = read else {
                let removed = book.lives[&name]
                    .orders
                    .last()
                    .is_some_and(|order| order.removed);
                if least > 0 && !removed {
                    return Err(format!("{kind} {number} was acknowledged and is not there"));
                }
                continue;
            };
            let durable = book.at(name, kind, item.version);
            if durable.as_ref() != Some(&item.entity) || item.version < least {
                return Err(format!(
                    "{item:?} is read, durable is {durable:?}, version {least} acknowledged"
                ));
            }
        }
        Ok(())
    }
}

/// Compares what was found with what a replay gives; says the first thing that differs.
fn same<K: Ord + Debug, V: PartialEq + Debug>(
    what: &str,
    found: &BTreeMap<K, V>,
    replayed: &BTreeMap<K, V>,
) -> Result<(), String> {
    let mut keys = found.keys().chain(replayed.keys());
    match keys.find(|key| found.get(key) != replayed.get(key)) {
        None => Ok(()),
        Some(key) => Err(format!(
            "{what} {key:?} is {:?}, a replay gives {:?}",
            found.get(key),
            replayed.get(key)
        )),
    }
}

pub(crate) fn limits() -> pages::Limits {
    pages::Limits {
        pages_max: 64,
        ..pages::Limits::default()
    }
}

fn slots(pages: &Pages, place: usize) -> BTreeMap<u64, pages::Slot> {
    let mut found = BTreeMap::new();
    let read = pages.each(CollectionId(place), &mut |number, slot| {
        found.insert(number, slot.clone());
        ControlFlow::Continue(())
    });
    read.expect("memory can be read");
    found
}

pub(crate) fn notes(pages: &Pages, tree: NoteTree) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut found = BTreeMap::new();
    let read = pages.each_note(tree, &mut |key, value| {
        found.insert(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    });
    read.expect("memory can be read");
    found
}
