//! What actors cost by themselves: a start, a message on the same thread and to another one; and what it
//! costs to wake an order that rests.
//!
//! `actor` measures actix as the engine uses it, with an actor that does nothing: the engine's own are
//! not public. `order` measures the engine with its threads, store and settings: a command that only the
//! order itself can refuse, so that nothing is written. It goes to the order's shard, whose coordinator
//! loads the saga and starts the order's actor, which loads its state, refuses and ends; the answer
//! comes back. What of it is the way there and back, an order that does not exist shows: nothing is
//! loaded for it.
//!
//! The last lines are medians of single wakes. Less than 50 us is what is asked of an order that rests.

#[expect(
    dead_code,
    reason = "what an order says is needed, and not what happens to it"
)]
#[path = "support/flower.rs"]
mod flower;

use std::{
    env,
    io::{self, Write},
    iter,
    sync::mpsc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use actix::{
    Actor, Addr, Arbiter, Context as ActorContext, Handler, Message, Supervised, Supervisor, System,
};
use criterion::Criterion;
use jumun::{
    actors::handles::{Context, Engine, Error, Expected, Failure, Request, Target},
    app::{App, Options, definitions},
    config::Config,
    domain::{Kind, storefront::CommandAction},
};
use tempfile::TempDir;
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
    task::LocalSet,
    time::sleep,
};

/// As the `jumun` binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Orders placed at once while a shop is filled.
const TOGETHER: usize = 64;

/// Before an order is placed again for which there was no room.
const PAUSE: Duration = Duration::from_millis(10);

/// Single wakes whose median is printed.
const WAKES: usize = 2_000;

fn main() -> io::Result<()> {
    let is_test = env::args().any(|argument| argument == "--test");
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    actors(&mut criterion);
    orders(&mut criterion, if is_test { 10 } else { 1 })?;
    criterion.final_summary();
    Ok(())
}

/// Says yes to everything.
struct Probe;

#[derive(Message)]
#[rtype(result = "()")]
struct Ping;

impl Actor for Probe {
    type Context = ActorContext<Self>;
}

impl Supervised for Probe {}

impl Handler<Ping> for Probe {
    type Result = ();

    fn handle(&mut self, _ping: Ping, _context: &mut Self::Context) {}
}

/// actix, as the engine uses it.
fn actors(criterion: &mut Criterion) {
    let system = System::new();
    let mut group = criterion.benchmark_group("actor");
    let ask = |probe: &Addr<Probe>| {
        let answer = system.block_on(probe.send(Ping));
        answer.expect("it is alive");
    };
    let start = || Supervisor::start(|_| Probe);
    group.bench_function("start, one message, rest", |bencher| {
        bencher.iter(|| ask(&system.block_on(async { start() })));
    });
    let here = system.block_on(async { start() });
    group.bench_function("message within a shard, and its answer", |bencher| {
        bencher.iter(|| ask(&here));
    });
    let other = system.block_on(async { Arbiter::new() });
    let there = Supervisor::start_in_arbiter(&other.handle(), |_| Probe);
    group.bench_function("message across shards, and its answer", |bencher| {
        bencher.iter(|| ask(&there));
    });
    group.finish();
    other.stop();
    other.join().expect("it has nothing to panic about");
}

/// Orders that rest, with their pages in memory and in sled. There are `1 / part` as many in a test.
fn orders(criterion: &mut Criterion, part: u64) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let shops = [
        // So few pages are kept that hardly an order is in one of them.
        (
            "pages in sled",
            Shop::open(&runtime, 20_000 / part, Some(64))?,
        ),
        ("pages in memory", Shop::open(&runtime, 2_000 / part, None)?),
    ];
    let nobody = || shops[1].1.orders + 1_000_000;
    let mut group = criterion.benchmark_group("order");
    group.bench_function("wake none: there and back", |bencher| {
        bencher.iter(|| shops[1].1.wake(&runtime, nobody()));
    });
    for (name, shop) in &shops {
        let mut random = fastrand::Rng::with_seed(7);
        group.bench_function(format!("wake, {name}"), |bencher| {
            bencher.iter(|| shop.wake(&runtime, random.u64(1..=shop.orders)));
        });
    }
    group.finish();

    let out = &mut io::stdout().lock();
    let names = iter::once(("no order: there and back", &shops[1].1, true));
    let names = names.chain(shops.iter().map(|(name, shop)| (*name, shop, false)));
    for (name, shop, is_nobody) in names {
        let mut random = fastrand::Rng::with_seed(11);
        let mut number = || {
            if is_nobody {
                nobody()
            } else {
                random.u64(1..=shop.orders)
            }
        };
        let [median, p99] = shop.single_wakes(&runtime, &mut number);
        writeln!(
            out,
            "waking a resting order, {name}: median {median:.1?}, p99 {p99:.1?}"
        )?;
    }
    for (_, shop) in shops {
        shop.close();
    }
    Ok(())
}

/// An engine on threads of its own, with orders that rest.
struct Shop {
    engine: Engine,
    flowers: usize,
    orders: u64,
    end: oneshot::Sender<()>,
    system: JoinHandle<()>,
    _data: TempDir,
}

impl Shop {
    /// Opens one and has so many orders placed and paid. So many pages are kept in memory, or as many as
    /// the settings say.
    fn open(runtime: &Runtime, orders: u64, pages_max: Option<usize>) -> io::Result<Self> {
        let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let mut config = Config::read(None).map_err(io::Error::other)?;
        config.data = data.path().join("data");
        config.limits.pages_max = pages_max.unwrap_or(config.limits.pages_max);
        let options = Options::new(&config).map_err(io::Error::other)?;
        let flowers = definitions::place(&options.storefronts, "flowers");
        let flowers = flowers.map_err(io::Error::other)?;
        let (started, engine) = mpsc::channel();
        let (end, ended) = oneshot::channel();
        let system = thread::spawn(move || {
            System::new().block_on(async {
                let app = App::start(config, options).expect("the directory is new");
                let told = started.send(app.engine().clone());
                told.expect("whoever started it waits");
                drop(ended.await);
                app.close().await.expect("the disk takes it");
            });
        });
        let shop = Self {
            engine: engine.recv().map_err(io::Error::other)?,
            flowers,
            orders,
            end,
            system,
            _data: data,
        };
        shop.fill(runtime);
        Ok(shop)
    }

    fn fill(&self, runtime: &Runtime) {
        let customers = LocalSet::new();
        for customer in 0..TOGETHER as u64 {
            let (engine, flowers) = (self.engine.clone(), self.flowers);
            let own = (customer..self.orders).step_by(TOGETHER);
            customers.spawn_local(async move {
                for _ in own {
                    let request = || Request::place(flower::fields(), Some(flower::AMOUNT));
                    let place = || engine.perform(flowers, request(), Context::default());
                    // A disk that is busy with other things makes an engine say that it is, too.
                    while let Err(error) = place().await {
                        assert_eq!(error, Error::Failed(Failure::Overloaded));
                        sleep(PAUSE).await;
                    }
                }
            });
        }
        runtime.block_on(customers);
    }

    /// A command that the order with this number, or nobody, refuses.
    fn wake(&self, runtime: &Runtime, number: u64) {
        let request = Request {
            expected: Some(Expected {
                kind: Kind::Order,
                versions: Vec::new(),
            }),
            ..Request::new(
                CommandAction::CancelOrder,
                Target::Order(number),
                Kind::Order,
            )
        };
        let outcome = self
            .engine
            .perform(self.flowers, request, Context::default());
        let outcome = runtime.block_on(outcome);
        assert!(matches!(outcome, Err(Error::Refused(_))), "{outcome:?}");
    }

    /// The median and the 99th percentile of single wakes.
    #[expect(
        clippy::disallowed_methods,
        reason = "real time is what is measured, each wake by itself"
    )]
    fn single_wakes(&self, runtime: &Runtime, number: &mut impl FnMut() -> u64) -> [Duration; 2] {
        let mut once = || {
            let number = number();
            let began = Instant::now();
            self.wake(runtime, number);
            began.elapsed()
        };
        let mut times: Vec<Duration> = (0..WAKES).map(|_| once()).collect();
        times.sort_unstable();
        [times[WAKES / 2], times[WAKES * 99 / 100]]
    }

    fn close(self) {
        drop(self.end);
        self.system.join().expect("the shop is closed in peace");
    }
}
