//! What a durable order costs: encoded, appended and synced, in groups of several sizes.
//!
//! One element is one order's batch of six events. Compare the figures of one machine only; the
//! disk's sync decides most of the small groups.

#[path = "support/flower.rs"]
mod flower;

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jumun::store::{
    codec::{decode, encode},
    journal::{Directory, Journal, Limits, Record},
};

fn codec(criterion: &mut Criterion) {
    let batch = flower::batch(42);
    let bytes = encode(&batch);
    let mut group = criterion.benchmark_group("codec");
    group.throughput(Throughput::Elements(1));
    group.bench_function("encode", |bencher| {
        bencher.iter(|| encode(black_box(&batch)));
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| decode(black_box(&bytes)));
    });
    group.finish();
}

fn commit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("commit");
    // Short: each round leaves its orders on the disk.
    group
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20);
    for size in [1, 16, 64, 256] {
        let home =
            tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target is writable");
        let medium = Directory::open(home.path().join("journal")).expect("nobody else is there");
        let opened = Journal::open(medium, Limits::default()).expect("an empty directory opens");
        let mut journal = opened.journal;
        let batches: Vec<_> = (1..=size).map(flower::batch).collect();
        group.throughput(Throughput::Elements(size));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                let bodies: Vec<_> = batches.iter().map(encode).collect();
                let records: Vec<_> = bodies
                    .iter()
                    .map(|body| Record { body, count: 6 })
                    .collect();
                journal.append(&records).expect("the disk takes it");
                journal.sync().expect("the disk takes it")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, codec, commit);
criterion_main!(benches);
