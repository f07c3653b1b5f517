//! From the start of a process to its first answer, with orders that are finished and stay.

use std::{io, time::Duration};

use super::{Workload, place, stock};
use crate::{
    contest::Contest,
    load::{Until, drive},
    result::{Floor, Group, Line, Told, decimal},
};

/// Finished orders.
const ORDERS: [u64; 3] = [10_000, 100_000, 1_000_000];
const TEST_ORDERS: [u64; 3] = [10, 20, 30];

/// Placed at once before a process is killed, so that it is killed at work. A few, since they stay.
const AT_WORK: u64 = 300;
const CONNECTIONS: usize = 16;

/// The most that the largest may take.
const MS_MAX: u64 = 3_000;

pub(crate) const WORKLOAD: Workload = Workload {
    name: "start",
    about: "start with 10 thousand, 100 thousand and 1 million finished orders",
    takes: |contest| {
        let once = Duration::from_secs(if contest.is_test { 1 } else { 4 });
        Duration::from_secs(if contest.is_test { 5 } else { 90 })
            + once * u32::try_from(contest.rounds).unwrap_or(u32::MAX)
    },
    run,
};

fn run(contest: &Contest) -> io::Result<Told> {
    let sizes = if contest.is_test { TEST_ORDERS } else { ORDERS };
    let mut lines = Vec::new();
    for orders in sizes {
        let (clean, killed) = starts(contest, orders)?;
        let name = stock::grouped(orders);
        lines.push(Line::plain(&name, clean));
        lines.push(Line::plain(&format!("{name} killed"), killed));
    }
    let most = lines.iter().map(Line::median).max().unwrap_or(0);
    let floor = Floor {
        what: format!("start with {} finished orders", stock::grouped(sizes[2])),
        figure: format!("{} s", decimal(most / 10)),
        wanted: "under 3 s".to_owned(),
        is_reached: most < MS_MAX,
    };
    let note = format!(
        "From the start of the process to its first answer. `killed`: with SIGKILL, while {AT_WORK} orders \
         were placed; the trees are read through once and compared with their digests."
    );
    Ok(Told {
        groups: vec![Group {
            title: "start with finished orders".to_owned(),
            unit: "ms",
            lines,
            notes: vec![note],
        }],
        floors: vec![floor],
    })
}

/// The times of starts after a process was stopped, and after one was killed, in milliseconds.
fn starts(contest: &Contest, orders: u64) -> io::Result<(Vec<u64>, Vec<u64>)> {
    let stock = stock::of(contest, orders)?;
    let title = format!("start with {} finished orders", stock::grouped(orders));
    let ms = |took: Duration| u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let (mut clean, mut killed) = (Vec::new(), Vec::new());
    for at in 1..=contest.rounds {
        contest
            .progress
            .round(&title, "stopped", at, contest.rounds);
        let process = stock.serve()?;
        clean.push(ms(process.took));
        let server = process.server("jumun");
        let request = place::request(server.address);
        let write = move |_, buffer: &mut Vec<u8>| buffer.extend_from_slice(&request);
        drive(server.address, CONNECTIONS, Until::Requests(AT_WORK), write)?;
        process.kill()?;
        contest.progress.round(&title, "killed", at, contest.rounds);
        let process = stock.serve()?;
        killed.push(ms(process.took));
        process.stop()?;
    }
    Ok((clean, killed))
}
