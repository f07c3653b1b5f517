//! What it costs to wake an order that rests: the same request to an order that is awake, to one that
//! rests and whose pages are in memory, and to one whose pages are in sled.
//!
//! The request is a command that only the order itself can refuse, so that nothing is written. It goes to
//! the shard's thread, where the coordinator and the order's actor look at it, and its refusal comes back:
//! two threads wake each other, which takes 10 us if they are on one core, and five times as long if not. So
//! all kinds take turns in one run, in an order that is drawn by lot, and what waking costs is the
//! difference to an order that is awake. An order that does not exist is the fourth.
//!
//! An order is awake while something is under way for it: here a payment that its provider does not
//! answer. Its saga and its actor are in memory. For one that rests, the coordinator loads the saga and
//! gives the order to an actor, which loads its state: each from its page.

use std::{
    fmt::{self, Display, Formatter},
    io::{self, Write},
    time::{Duration, Instant},
};

use jumun::{
    actors::handles::{Context, Error, Expected, Request, Target},
    domain::{Kind, storefront::CommandAction},
};
use tokio::runtime::{Builder, Runtime};

use crate::shop::Shop;

/// Requests of each kind, after some that warm up.
const REQUESTS: usize = 10_000;
const WARM: usize = 500;

/// Orders that rest.
const RESTING: u64 = 20_000;
/// Those up to this part of them are asked for while in memory, the others while in sled.
const IN_MEMORY_PART: u64 = 4;

/// Orders that are awake: fewer calls than a provider is sent at once.
const AWAKE: u64 = 8;

/// Numbers that share a page.
const NUMBERS_PER_PAGE: u64 = 64;
/// Pages in sled are asked for by steps of so many, so that none is met again before all others were.
const PAGES_STEP: u64 = 7;

/// What a request meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Met {
    Awake,
    InMemory,
    InSled,
    Nobody,
}

const ALL: [Met; 4] = [Met::Awake, Met::InMemory, Met::InSled, Met::Nobody];

impl Met {
    const fn name(self) -> &'static str {
        match self {
            Self::Awake => "awake",
            Self::InMemory => "resting, pages in memory",
            Self::InSled => "resting, pages in sled",
            Self::Nobody => "no such order",
        }
    }
}

/// Measures and prints. With `1 / part` of the orders and requests, to see that it works.
pub(crate) fn measure(part: usize) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let orders = RESTING / part as u64;
    let shop = Shop::open(&runtime, orders, AWAKE)?;
    let mut random = fastrand::Rng::with_seed(11);
    let mut took = ALL.map(|_| Vec::with_capacity(REQUESTS));
    for turn in 0..(WARM + REQUESTS) / part {
        let mut order = ALL;
        random.shuffle(&mut order);
        for met in order {
            let (storefront, numbers) = choose(&shop, &mut random, orders, met, turn as u64);
            // The first is its like, so that each that counts comes to threads that did the same before.
            let [_, one] = numbers.map(|number| once(&shop, &runtime, storefront, number));
            if turn >= WARM / part {
                took[met as usize].push(one);
            }
        }
    }
    shop.close();
    print(&mut io::stdout().lock(), took)
}

/// Two orders for a turn's request of this kind, each in its shop: the second one's pages are where they
/// are to be once the first was asked.
fn choose(
    shop: &Shop,
    random: &mut fastrand::Rng,
    orders: u64,
    met: Met,
    turn: u64,
) -> (usize, [u64; 2]) {
    let border = orders / IN_MEMORY_PART / NUMBERS_PER_PAGE * NUMBERS_PER_PAGE;
    match met {
        Met::Awake => (shop.awake, [turn, turn + 1].map(|at| at % AWAKE + 1)),
        Met::InMemory => {
            let number = random.u64(2..border);
            // On the same page.
            (shop.resting, [number ^ 1, number])
        }
        Met::InSled => {
            let pages = (orders - border) / NUMBERS_PER_PAGE;
            let numbers = [turn * 2, turn * 2 + 1].map(|at| {
                let page = border + at * PAGES_STEP % pages * NUMBERS_PER_PAGE;
                page + random.u64(0..NUMBERS_PER_PAGE)
            });
            (shop.resting, numbers)
        }
        Met::Nobody => (shop.resting, [orders + 1_000_000; 2]),
    }
}

/// How long a command took that the order with this number, or nobody, refuses.
#[expect(
    clippy::disallowed_methods,
    reason = "real time is what is measured, each request by itself"
)]
fn once(shop: &Shop, runtime: &Runtime, storefront: usize, number: u64) -> Duration {
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
    let began = Instant::now();
    let outcome = shop.engine.perform(storefront, request, Context::default());
    let outcome = runtime.block_on(outcome);
    let took = began.elapsed();
    assert!(matches!(outcome, Err(Error::Refused(_))), "{outcome:?}");
    took
}

/// A table, and the differences.
fn print(out: &mut impl Write, took: [Vec<Duration>; 4]) -> io::Result<()> {
    let told = took.map(Told::of);
    writeln!(
        out,
        "a request that its order refuses, there and back, in us: {} of each kind, which took turns",
        told[0].count
    )?;
    writeln!(
        out,
        "{:<28}{:>9}{:>9}{:>9}{:>9}",
        "the order is", "median", "mean", "p90", "p99"
    )?;
    for (met, told) in ALL.iter().zip(&told) {
        writeln!(out, "{:<28}{told}", met.name())?;
    }
    let awake = &told[Met::Awake as usize];
    for met in [Met::InMemory, Met::InSled] {
        let own = &told[met as usize];
        writeln!(
            out,
            "waking one, {}: {} by the medians, {} by the means",
            met.name(),
            more(own.median, awake.median),
            more(own.mean, awake.mean),
        )?;
    }
    Ok(())
}

/// What is said of the times of one kind.
struct Told {
    count: usize,
    median: Duration,
    mean: Duration,
    p90: Duration,
    p99: Duration,
}

impl Told {
    fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        let count = took.len();
        let at = |percent: usize| took[(count * percent / 100).min(count - 1)];
        let all: Duration = took.iter().sum();
        Self {
            count,
            median: at(50),
            mean: all / u32::try_from(count).expect("some thousands"),
            p90: at(90),
            p99: at(99),
        }
    }
}

impl Display for Told {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for own in [self.median, self.mean, self.p90, self.p99] {
            write!(f, "{:>9}", microseconds(own))?;
        }
        Ok(())
    }
}

/// With a tenth: "12.3".
fn microseconds(own: Duration) -> String {
    let tenths = own.as_nanos() / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// How much more, or less, one is than another: "+1.5 us".
fn more(own: Duration, other: Duration) -> String {
    let sign = if own < other { '-' } else { '+' };
    format!("{sign}{} us", microseconds(own.abs_diff(other)))
}
