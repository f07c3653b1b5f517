//! How long a start takes: reading the journal, and making again what the trees do not have.
//!
//! One element is one finished flower order: placed, paid, confirmed, delivered; seven events in
//! two batches, six snapshots and rows. `everything` starts without trees, so that all of it is
//! replayed; `nothing` starts on trees that were closed up to date, where the journal is still
//! read to its end and every checksum of it looked at.

#[path = "support/finished.rs"]
mod finished;

use std::{
    env,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use jumun::{
    app::{
        definitions::{self, Definition},
        open,
    },
    store::{
        directory::Directory,
        mark::MarkFile,
        pages::{Guard, Limits, Pages},
    },
};
use tempfile::TempDir;

/// As the `jumun` binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Orders in the journal.
const ORDERS: [u64; 2] = [10_000, 100_000];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let is_test = env::args().any(|argument| argument == "--test");
    let sizes = if is_test { &ORDERS[..1] } else { &ORDERS[..] };
    let storefronts = definitions::load(None).expect("what is embedded is well formed");
    let mut group = criterion.benchmark_group("replay");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(100));
    for orders in sizes {
        let home = journal_of(*orders);
        let data = home.path();
        group.throughput(Throughput::Elements(*orders));
        group.bench_function(BenchmarkId::new("everything", orders), |bencher| {
            bencher.iter_custom(|times| {
                let once = |_| {
                    discard(data);
                    start(data, &storefronts, false)
                };
                (0..times).map(once).sum()
            });
        });
        // Leaves the trees complete behind it.
        start(data, &storefronts, true);
        group.bench_function(BenchmarkId::new("nothing", orders), |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| start(data, &storefronts, true)).sum());
        });
    }
    group.finish();
    criterion.final_summary();
}

/// Opens the directory, and says how long that took. What follows is not counted.
#[expect(
    clippy::disallowed_methods,
    reason = "real time is what is measured, and the iteration does more than that"
)]
fn start(data: &Path, storefronts: &[Definition], keeps_trees: bool) -> Duration {
    let limits = Limits::default();
    let began = Instant::now();
    let opened = open::open(
        data,
        storefronts,
        limits,
        &Guard::InProcess,
        open::nothing(),
    );
    let took = began.elapsed();
    let opened = black_box(opened.expect("the journal is well"));
    if keeps_trees {
        let pages = &opened.pages;
        pages
            .checkpoint(opened.journal.end())
            .expect("the disk takes it");
        pages.close().expect("the disk takes it");
    }
    took
}

/// Takes the trees away.
fn discard(data: &Path) {
    let directory = Directory::open(data).expect("nobody else is there");
    let mark = MarkFile::open(&directory.mark()).expect("the mark is well");
    Pages::discard(directory.path(), &mark).expect("the trees can be removed");
}

/// A data directory whose journal has so many finished orders, and no trees.
fn journal_of(orders: u64) -> TempDir {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target is writable");
    finished::write(home.path(), orders, |_| false);
    home
}
