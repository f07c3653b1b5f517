//! This engine beside what one would take instead, and beside what the machine allows, in one run.
//!
//! Every workload is given to all who can carry it out. Their rounds take turns, and the median counts,
//! because single rounds differ by several hundredths and machines by much more: the ratios are what to
//! compare. At the end there is one table, the floors that this project sets itself with what was
//! reached, and the same as a page with pictures.
//!
//! `cargo bench --bench versus` runs all; `-- NAME` the workloads whose names contain it; `-- --help`
//! tells the options.

mod arguments;
mod contest;
mod contestant;

mod machine;
mod picture;
mod progress;
mod result;
mod table;
mod workload;

#[path = "../support/cpu.rs"]
mod cpu;
#[path = "../support/finished.rs"]
mod finished;
#[path = "../../tests/support/load.rs"]
mod load;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use contest::Contest;
use jiff::Timestamp;
use result::Told;
use workload::Workload;

/// As the `jumun` binary has it; all who run in this process profit as well.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is run, in this order.
const ALL: &[Workload] = &[
    // One workload a line.
    workload::place::WORKLOAD,
    workload::mixed::WORKLOAD,
    workload::read::WORKLOAD,
    workload::row::WORKLOAD,
    workload::page::WORKLOAD,
    workload::feed::WORKLOAD,
    workload::live::WORKLOAD,
    workload::stored::WORKLOAD,
    workload::start::WORKLOAD,
];

fn main() -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let Some(contest) = arguments::read()? else {
        return arguments::help(&mut out, ALL).map(|()| ExitCode::SUCCESS);
    };
    let began = Timestamp::now();
    let told = run(&contest);
    let failures = contest.failures.borrow();
    if contest.is_test {
        writeln!(out, "versus: {} lines were measured", told.lines())?;
    } else if told.lines() > 0 {
        let machine = machine::about(&contest, began);
        table::print(&mut out, &told, &machine)?;
        let page = picture::write(&told, &machine)?;
        writeln!(out, "\nAs pictures: {}", page.display())?;
    }
    for failure in &*failures {
        writeln!(out, "\nFAILED: {failure}")?;
    }
    Ok(ExitCode::from(u8::from(!failures.is_empty())))
}

/// Runs what is wanted. A workload that cannot be run is a failure, and the others are run.
fn run(contest: &Contest) -> Told {
    let wanted = ALL.iter().filter(|own| contest.wants(own.name));
    let wanted: Vec<&Workload> = wanted.collect();
    let mut told = Told::default();
    for (at, workload) in wanted.iter().enumerate() {
        let takes = |own: &&Workload| (own.takes)(contest);
        let later = wanted[at + 1..].iter().map(takes).sum();
        let number = format!("{}/{} {}", at + 1, wanted.len(), workload.name);
        contest.progress.begin(number, takes(workload), later);
        match (workload.run)(contest) {
            Ok(own) => told.add(own),
            Err(error) => {
                contest.fail(format!("{}: {error}", workload.name));
            }
        }
    }
    contest.progress.end();
    told
}
