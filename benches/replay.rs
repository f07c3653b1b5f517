//! How long a start takes: reading the journal, and making again what the trees do not have.
//!
//! One element is one finished flower order: placed, paid, confirmed, delivered; seven events in
//! two batches, six snapshots and rows. `everything` starts without trees, so that all of it is
//! replayed; `nothing` starts on trees that were closed up to date, where the journal is still
//! read to its end and every checksum of it looked at.

use std::{
    env,
    hint::black_box,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use jumun::{
    app::{
        definitions::{self, Definition},
        open,
    },
    domain::{
        Batch, Cause, Correlation, EntityKey, Event, Money, Stamped, Timestamp, Value, delivery,
        ids::OrderId, money::Currency, order, payment,
    },
    store::{
        codec::encode,
        directory::Directory,
        journal::{self, Journal, Record},
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

/// Batches that are appended together.
const GROUP: usize = 256;

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
    let directory = Directory::open(home.path()).expect("nobody else is there");
    let medium = journal::Directory::open(directory.journal()).expect("nobody else is there");
    let opened = Journal::open(medium, journal::Limits::default());
    let mut journal = opened.expect("an empty directory opens").journal;
    let numbers: Vec<u64> = (1..=orders).collect();
    for numbers in numbers.chunks(GROUP) {
        let batches = numbers.iter().copied().flat_map(finished);
        let bodies: Vec<(Vec<u8>, usize)> = batches
            .map(|batch| (encode(&batch), batch.events.len()))
            .collect();
        let records: Vec<_> = bodies
            .iter()
            .map(|(body, events)| Record {
                body,
                count: u32::try_from(*events).expect("a handful"),
            })
            .collect();
        journal.append(&records).expect("the disk takes it");
    }
    journal.sync().expect("the disk takes it");
    home
}

/// What is written down for an order that is placed and paid, and then delivered.
fn finished(number: u64) -> [Batch; 2] {
    let order = OrderId(number);
    let amount = Money::new(30_000, Currency::KRW);
    let fields = [
        ("phoneNumber", "010-1234-5678"),
        ("address", "1, Sejong-daero, Jung-gu, Seoul"),
        ("customerName", "Hong Gildong"),
        ("flowerType", "rose"),
    ];
    let fields = fields.map(|(name, text)| (name.into(), Value::from(text)));
    let fields = Arc::new(fields.into_iter().collect());
    let ordered = [
        (1, order::Event::Placed { fields, amount }.into()),
        (1, payment::Event::Requested { order, amount }.into()),
        (2, payment::Event::Captured { amount }.into()),
        (2, order::Event::Confirmed.into()),
    ];
    let delivered = [
        (1, delivery::Event::Planned { order, steps: 1 }.into()),
        (2, delivery::Event::Done.into()),
        (3, order::Event::Completed.into()),
    ];
    [batch(number, ordered), batch(number, delivered)]
}

fn batch<const N: usize>(number: u64, events: [(u64, Event); N]) -> Batch {
    let stamp = |(version, event): (u64, Event)| Stamped {
        entity: EntityKey::new(event.kind(), number),
        version,
        event,
    };
    Batch {
        storefront: "flowers".into(),
        at: Timestamp(1_790_000_000_000),
        correlation: Correlation([7; 16]),
        named: None,
        trace: None,
        cause: Cause::default(),
        answered: None,
        events: events.into_iter().map(stamp).collect(),
    }
}
