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
mod result;
mod table;
mod workload;

#[path = "../support/cpu.rs"]
mod cpu;
#[path = "../../tests/support/load.rs"]
mod load;

use std::io::{self, Write};

use arguments::Asked;
use result::Told;
use workload::Workload;

/// As the `jumun` binary has it; all who run in this process profit as well.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is run, in this order. The feature's name, what it is about, and the function that runs it.
const ALL: &[Workload] = &[
    // One workload a line.
    workload::place::WORKLOAD,
];

fn main() -> io::Result<()> {
    let asked = arguments::read()?;
    let mut out = io::stdout().lock();
    let contest = match asked {
        Asked::Help => return arguments::help(&mut out, ALL),
        Asked::Run(contest) => contest,
    };
    let mut told = Told::default();
    for workload in ALL.iter().filter(|own| contest.wants(own.name)) {
        told.add((workload.run)(&contest)?);
    }
    if contest.is_test {
        return writeln!(out, "versus: {} lines were measured", told.lines());
    }
    table::print(&mut out, &told)
}
