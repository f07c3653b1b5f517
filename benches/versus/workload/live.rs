//! Orders that live: changed again and again over time, any of a hundred thousand, against orders whose
//! changes come one right after the other. Snapshots keep up meanwhile, or requests would be refused.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use super::{Workload, place};
use crate::{
    contest::{self, Contest, Load, Server},
    contestant::process,
    result::{Floor, Group, Line, Told, hundredths},
};

/// Orders that live at once.
const ORDERS: u64 = 100_000;
const TEST_ORDERS: u64 = 128;

/// Shards hand out numbers by pages of so many in turn, each of its own, and some do so faster.
const NUMBERS_PER_PAGE: u64 = 64;
/// More than there are shards.
const PAGES_LOOKED_AT: u64 = 16;
/// How many orders are placed at a time until all numbers are there, and how often at most.
const MORE: u64 = 2_048;
const TIMES_MAX: usize = 100;

/// How often one order is changed before the next one is, and how many have their turn at once: more
/// than one, since one order's changes wait for each other.
const CHANGES: u64 = 5;
const AT_ONCE: u64 = 64;

const CONNECTIONS: usize = 64;

/// What is promised, in hundredths.
const SHARE_MIN: u64 = 60;

pub(crate) const WORKLOAD: Workload = Workload {
    name: "live",
    about: "change any of 100 thousand orders, against five changes of each at once",
    takes: |contest| {
        Duration::from_secs(if contest.is_test { 1 } else { 10 }) + contest.turns_take(2)
    },
    run,
};

fn run(contest: &Contest) -> io::Result<Told> {
    let orders = if contest.is_test { TEST_ORDERS } else { ORDERS };
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let process = process::serve(&home.path().join("data"), "/flowers/orders")?;
    let (at_once, over_time) = (process.server("at once"), process.server("over time"));
    let placing = Load::same(CONNECTIONS, 201, place::request(at_once.address));
    contest.stock(&at_once, &placing, orders)?;
    for _ in 0..TIMES_MAX {
        if has_all(&at_once, orders) {
            break;
        }
        contest.stock(&at_once, &placing, MORE)?;
    }
    let near = move |at: u64| {
        let round = at / (AT_ONCE * CHANGES);
        1 + (round * AT_ONCE + at % AT_ONCE) % orders
    };
    let any = move |at| fastrand::Rng::with_seed(at).u64(1..=orders);
    let title = format!("change one of {orders} orders, {CONNECTIONS} connections");
    let entrants = [
        (&at_once, amends(at_once.address, near)),
        (&over_time, amends(over_time.address, any)),
    ];
    let rounds = contest.turns(&title, &entrants);
    let memory = process.memory();
    process.stop()?;
    let lines = [
        Line::of("at once", &rounds[0]),
        Line::of("over time", &rounds[1]),
    ];
    let share = hundredths(lines[1].median(), lines[0].median());
    let note = format!(
        "Each change is durable before it is answered, and is in a snapshot of the order, of its saga and \
         in two rows. Memory: {} MiB at most.",
        memory.most_kib / 1024
    );
    Ok(Told {
        groups: vec![Group {
            title,
            unit: "changes/s",
            lines: lines.into(),
            notes: vec![note],
        }],
        floors: vec![Floor::at_least(
            "orders that live, of the changes/s of those finished at once",
            share,
            SHARE_MIN,
        )],
    })
}

/// Whether all numbers up to this one are orders: each shard gives its own out in their order.
fn has_all(server: &Server, orders: u64) -> bool {
    let page = orders / NUMBERS_PER_PAGE;
    let earlier = page.saturating_sub(PAGES_LOOKED_AT)..page;
    let lasts = earlier.map(|page| (page + 1) * NUMBERS_PER_PAGE - 1);
    let mut lasts = lasts.chain([orders]);
    let is_there = |number| {
        let get = contest::get(server, &format!("/flowers/orders/{number}"));
        contest::ask(server, &get, 200).is_ok()
    };
    lasts.all(is_there)
}

/// Changes the address of the order whose number is chosen.
pub(super) fn amends(
    address: SocketAddr,
    choose: impl Fn(u64) -> u64 + Send + Sync + 'static,
) -> Load {
    Load {
        connections: CONNECTIONS,
        status: 204,
        write: Arc::new(move |at, buffer| {
            let body = format!(r#"{{"address":"{at}, Sejong-daero, Jung-gu, Seoul"}}"#);
            let request = format!(
                "PATCH /flowers/orders/{} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
                 content-length: {}\r\n\r\n{body}",
                choose(at),
                body.len()
            );
            buffer.extend_from_slice(request.as_bytes());
        }),
    }
}
