//! The real binary, killed and stopped under load: what was acknowledged is kept, whatever happens
//! to the process, and to all that the journal can rebuild.

#![expect(
    clippy::print_stdout,
    reason = "the rounds are to be seen in the test's output"
)]

use std::{fs, path::Path};

use jumun::store::mark::Mark;
use tempfile::TempDir;

use crate::support::{
    Process, Recorded,
    load::{Acknowledged, Load},
    process::verify,
};

/// Acknowledged orders after which the process is killed: at least, and so many more at random.
const ORDERS: std::ops::Range<usize> = 40..160;

/// Looks at a starting process after which it is killed. A look takes a microsecond or less, a
/// start some ten milliseconds.
const START_LOOKS_MAX: usize = 50_000;

/// How a round ended, for the summary.
struct Round {
    acknowledged: usize,
    unacknowledged: usize,
    greeting: String,
}

/// Starts the binary, compares, and kills it under load.
fn round(round: usize, data: &Path, all: &mut Acknowledged, random: &mut fastrand::Rng) -> Round {
    let process = Process::serve(data, &["--root", "flowers"]);
    let unacknowledged = all.check(&process.client());
    let load = Load::start(process.address(), round);
    load.wait_for(random.usize(ORDERS));
    let greeting = process.greeting.clone();
    process.kill();
    let acknowledged = load.join(all);
    Round {
        acknowledged,
        unacknowledged,
        greeting,
    }
}

/// Asks it to end, which must go well.
fn stop(process: Process) {
    process.terminate();
    let (status, log) = process.wait();
    assert!(status.success(), "{status}: {log}");
}

/// Starts once more, compares everything, and stops.
fn settle(data: &Path, all: &mut Acknowledged) {
    let process = Process::serve(data, &["--root", "flowers"]);
    all.check(&process.client());
    all.check_settled(&process.client());
    stop(process);
    verify(data);
    let recorded = Recorded::read(data);
    for event in ["order.placed", "payment.captured"] {
        assert_eq!(recorded.count(event), all.orders(), "{event}");
    }
    let cancelled = recorded.count("order.cancelled");
    assert_eq!(
        recorded.count("payment.refunded"),
        cancelled,
        "each refunded once"
    );
    assert!(cancelled > 0 && recorded.count("order.completed") > 0);
}

#[test]
fn twenty_kills_under_load_lose_nothing_and_double_nothing() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut all = Acknowledged::default();
    for number in 1..=20 {
        // A start that is killed somewhere in the middle must cost nothing either.
        Process::kill_starting(&data, random.usize(..START_LOOKS_MAX));
        let end = round(number, &data, &mut all, &mut random);
        let said = verify(&data);
        let events = said
            .lines()
            .find(|line| line.contains("journal"))
            .unwrap_or_default();
        println!(
            "round {number:2}: killed after {:3} acknowledged orders; {} commands of the round before \
             were carried out and not acknowledged; verify: {}",
            end.acknowledged,
            end.unacknowledged,
            events.trim()
        );
    }
    settle(&data, &mut all);
    println!(
        "{} orders, each there once, paid once, as acknowledged",
        all.orders()
    );
}

/// What may happen to the trees between a kill and the next start.
type Mishap = fn(&Path, &mut fastrand::Rng);

#[test]
fn trees_that_are_deleted_cut_or_overwritten_are_made_again() {
    let mishaps: [(&str, Mishap); 3] = [
        ("deleted", |sled, _| fs::remove_dir_all(sled).unwrap()),
        ("cut", |sled, random| {
            spoil(sled, &mut |bytes| {
                bytes.truncate(random.usize(0..bytes.len()));
            });
        }),
        ("overwritten", |sled, random| {
            spoil(sled, &mut |bytes| {
                bytes.fill_with(|| random.u8(..));
            });
        }),
    ];
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut all = Acknowledged::default();
    // Stopped properly, so that it is known that there were trees.
    let process = Process::serve(&data, &["--root", "flowers"]);
    let load = Load::start(process.address(), 0);
    load.wait_for(100);
    process.terminate();
    load.join(&mut all);
    stop(process);
    for (number, (name, mishap)) in (1..).zip(mishaps.iter().cycle().take(9)) {
        if Mark::read(&data.join("mark")).unwrap().complete_to == 0 {
            // It was killed before its first checkpoint: there are no trees that anyone trusts.
            stop(Process::serve(&data, &[]));
        }
        mishap(&data.join("sled"), &mut random);
        let end = round(number, &data, &mut all, &mut random);
        let said = end
            .greeting
            .lines()
            .find(|line| line.contains("made again"));
        let said = said.unwrap_or_else(|| panic!("{name}: {}", end.greeting));
        verify(&data);
        println!(
            "round {number}: {} orders, trees {name}; {said}",
            end.acknowledged
        );
    }
    settle(&data, &mut all);
}

#[test]
fn healthy_trees_are_not_made_again_after_a_kill() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let mut all = Acknowledged::default();
    // Stopped properly first, so that there are trees which somebody vouched for.
    for (number, is_killed) in [(0, false), (1, true)] {
        let process = Process::serve(&data, &["--root", "flowers"]);
        let load = Load::start(process.address(), number);
        load.wait_for(50);
        if is_killed {
            process.kill();
            load.join(&mut all);
        } else {
            process.terminate();
            load.join(&mut all);
            stop(process);
        }
    }
    assert!(Mark::read(&data.join("mark")).unwrap().complete_to > 0);
    let process = Process::serve(&data, &["--root", "flowers"]);
    assert!(
        !process.greeting.contains("made again"),
        "{}",
        process.greeting
    );
    all.check(&process.client());
    stop(process);
}

/// Changes the contents of every file in a folder and the folders in it.
fn spoil(folder: &Path, change: &mut dyn FnMut(&mut Vec<u8>)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            spoil(&path, change);
            continue;
        }
        let mut bytes = fs::read(&path).unwrap();
        if !bytes.is_empty() {
            change(&mut bytes);
            fs::write(&path, bytes).unwrap();
        }
    }
}

#[test]
fn sigterm_under_load_answers_what_is_under_way_and_keeps_it() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    // Payments take a while, so that all writers wait for one when the end comes.
    let config = dir.path().join("slow.toml").to_str().unwrap().to_owned();
    fs::write(
        &config,
        "[payment]\nlatency_ms_min = 10\nlatency_ms_max = 30\n",
    )
    .unwrap();
    let mut all = Acknowledged::default();
    for number in 1..=3 {
        let process = Process::serve(&data, &["--root", "flowers", "--config", &config]);
        let load = Load::start(process.address(), number);
        load.wait_for(100);
        process.terminate();
        let acknowledged = load.join(&mut all);
        stop(process);
        verify(&data);
        println!("round {number}: stopped after {acknowledged} acknowledged orders");

        let process = Process::serve(&data, &["--root", "flowers"]);
        assert!(!process.greeting.contains("Note"), "{}", process.greeting);
        let unacknowledged = all.check(&process.client());
        assert_eq!(unacknowledged, 0, "all that was carried out was answered");
    }
    settle(&data, &mut all);
}
