//! What the workloads that read have in common: Jumun with some thousands of orders, and an echo of what
//! it answers.

use std::{io, sync::Arc, thread, time::Duration};

use super::place;
use crate::{
    contest::{self, Contest, Load, Server},
    contestant::{echo, jumun},
    result::{Floor, Group, Line, Told, hundredths},
};

/// Orders that are there to be read.
const ORDERS: u64 = 4_000;
const TEST_ORDERS: u64 = 50;

/// As for orders, where most figures are compared.
pub(super) const CONNECTIONS: usize = 64;

/// A view follows the orders; so often it is asked whether it has the last one.
const LOOKS_MAX: usize = 500;
const LOOK: Duration = Duration::from_millis(10);

/// Something to read.
#[derive(Debug)]
pub(super) struct Reading {
    /// "read one order".
    pub(super) title: String,
    /// The path for a random number; see [`random`].
    pub(super) path: fn(u64) -> String,
    /// The echo's route: the path with `{number}` in it, or without its query.
    pub(super) route: &'static str,
    /// Whether it is promised to reach a part of the echo.
    pub(super) has_floor: bool,
}

/// Jumun with its orders, and their rows in the views.
pub(super) fn stocked(contest: &Contest) -> io::Result<(Server, u64)> {
    let server = jumun::start()?;
    let orders = if contest.is_test { TEST_ORDERS } else { ORDERS };
    let load = Load::same(16, 201, place::request(server.address));
    contest.stock(&server, &load, orders)?;
    let last = contest::get(&server, &format!("/flowers/myPages/{orders}"));
    for _ in 1..LOOKS_MAX {
        if contest::ask(&server, &last, 200).is_ok() {
            return Ok((server, orders));
        }
        thread::sleep(LOOK);
    }
    // With the sentence about what it answers instead.
    contest::ask(&server, &last, 200).map(|_| (server, orders))
}

/// Has Jumun and the echo of its answer take turns.
pub(super) fn read(
    contest: &Contest,
    server: &Server,
    orders: u64,
    reading: Reading,
) -> io::Result<Told> {
    let Reading { title, path, .. } = reading;
    // In the middle, so that its number has as many digits as most.
    let echo = echo::start_answering(server, &path(orders / 2), reading.route)?;
    let title = format!("{title}, {CONNECTIONS} connections");
    let load = |server: &Server| {
        let tail = format!(" HTTP/1.1\r\nhost: {}\r\n\r\n", server.address);
        let write = move |at, buffer: &mut Vec<u8>| {
            buffer.extend_from_slice(b"GET ");
            buffer.extend_from_slice(path(random(at, orders)).as_bytes());
            buffer.extend_from_slice(tail.as_bytes());
        };
        Load {
            connections: CONNECTIONS,
            status: 200,
            write: Arc::new(write),
        }
    };
    let entrants = [(&echo, load(&echo)), (server, load(server))];
    let rounds = contest.turns(&title, &entrants);
    let lines = [Line::of("echo", &rounds[0]), Line::of("jumun", &rounds[1])];
    let share = hundredths(lines[1].median(), lines[0].median());
    let mut told = Told::default();
    if reading.has_floor {
        let what = format!("{title}, of the echo's");
        told.floors.push(Floor::at_least(&what, share, 80));
    }
    told.groups.push(Group {
        title,
        unit: "requests/s",
        lines: lines.into(),
        notes: Vec::new(),
    });
    Ok(told)
}

/// A number from 1 to `most`, always the same for the same `at`.
fn random(at: u64, most: u64) -> u64 {
    fastrand::Rng::with_seed(at).u64(1..=most)
}
