//! What actors cost by themselves: a start, a message on the same thread and to another one; and what it
//! costs to wake an order that rests.
//!
//! The first is actix as the engine uses it, with an actor that does nothing: the engine's own are not
//! public. The second is the engine with its threads, store and settings: see [`waking`].

mod shop;
mod waking;

#[expect(
    dead_code,
    reason = "what an order says is needed, and not what happens to it"
)]
#[path = "../support/flower.rs"]
mod flower;

use std::{env, io, time::Duration};

use actix::{
    Actor, Addr, Arbiter, Context as ActorContext, Handler, Message, Supervised, Supervisor, System,
};
use criterion::Criterion;

/// As the `jumun` binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> io::Result<()> {
    let is_test = env::args().any(|argument| argument == "--test");
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    actors(&mut criterion);
    criterion.final_summary();
    waking::measure(if is_test { 50 } else { 1 })
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
