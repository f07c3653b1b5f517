//! Whether an order costs the same with a million stored as with ten thousand: throughput, memory, disk.

use std::{io, sync::Arc, time::Duration};

use super::{Workload, place, stock};
use crate::{
    contest::{self, Contest, Load, Server},
    result::{Floor, Group, Line, Told, hundredths},
};

/// Finished orders of the one and the other.
const ORDERS: [u64; 2] = [10_000, 1_000_000];
const TEST_ORDERS: [u64; 2] = [20, 200];

/// Of those stored, the ones that are looked at.
const WORKING_SET: u64 = 10_000;
const CONNECTIONS: usize = 64;

/// What is promised: a part of the throughput in hundredths, memory, and disk for each order.
const SHARE_MIN: u64 = 85;
const MEMORY_KIB_MAX: u64 = 512 * 1024;
const DISK_BYTES_MAX: u64 = 2_048;

pub(crate) const WORKLOAD: Workload = Workload {
    name: "stored",
    about: "place orders with 10 thousand and with 1 million stored; their memory and disk",
    takes: |contest| {
        Duration::from_secs(if contest.is_test { 5 } else { 80 }) + contest.turns_take(3)
    },
    run,
};

fn run(contest: &Contest) -> io::Result<Told> {
    let sizes = if contest.is_test { TEST_ORDERS } else { ORDERS };
    let [few, many] = [stock::of(contest, sizes[0])?, stock::of(contest, sizes[1])?];
    let (with_few, with_many) = (few.serve()?, many.serve()?);
    let began_kib = with_many.memory().now_kib;
    let servers = [
        with_few.server("10,000 stored"),
        with_many.server("1 million stored"),
    ];
    let title = format!("place a flower order, {CONNECTIONS} connections, beside what is stored");
    let entrants = servers.each_ref().map(|server| {
        let load = Load::same(CONNECTIONS, 201, place::request(server.address));
        (server, load)
    });
    let rounds = contest.turns(&title, &entrants);
    let lines = servers.iter().zip(&rounds);
    let lines: Vec<Line> = lines
        .map(|(own, rounds)| Line::of(own.name, rounds))
        .collect();
    let share = hundredths(lines[1].median(), lines[0].median());
    contest
        .progress
        .say("a working set of 10,000 orders is read");
    contest.round(&servers[1], &reads(&servers[1], sizes[1]), contest.round)?;
    let memory = with_many.memory();
    let each = many.bytes.checked_div(many.orders).unwrap_or(0);
    with_few.stop()?;
    with_many.stop()?;
    let floors = vec![
        Floor::at_least(
            "1 million stored, of the orders/s with 10,000",
            share,
            SHARE_MIN,
        ),
        Floor {
            what: "memory with 1 million stored, at most".to_owned(),
            figure: format!("{} MiB", memory.most_kib / 1024),
            wanted: "under 512 MiB".to_owned(),
            is_reached: memory.most_kib < MEMORY_KIB_MAX,
        },
        Floor {
            what: "disk for each finished order".to_owned(),
            figure: format!("{each} bytes"),
            wanted: "under 2048 bytes".to_owned(),
            is_reached: each < DISK_BYTES_MAX,
        },
    ];
    let note = format!(
        "Memory of the one with 1 million: {} MiB once it was ready, {} MiB at the end, {} MiB at most. Its \
         journal and trees: {} MiB, with the room reserved in the journal's last file.",
        began_kib / 1024,
        memory.now_kib / 1024,
        memory.most_kib / 1024,
        many.bytes >> 20,
    );
    Ok(Told {
        groups: vec![Group {
            title,
            unit: "orders/s",
            lines,
            notes: vec![note],
        }],
        floors,
    })
}

/// Reads orders of the working set, which lies in the middle of the stock.
fn reads(server: &Server, orders: u64) -> Load {
    let first = orders / 2;
    let most = WORKING_SET.min(orders - first);
    let address = server.address;
    let host = Server {
        name: server.name,
        address,
        processes: Vec::new(),
        keep: Box::new(()),
    };
    let requests =
        (0..most).map(|at| contest::get(&host, &format!("/flowers/orders/{}", first + at)));
    let requests: Vec<Vec<u8>> = requests.collect();
    Load {
        connections: CONNECTIONS,
        status: 200,
        write: Arc::new(move |at, buffer| {
            let at = fastrand::Rng::with_seed(at).usize(..requests.len());
            buffer.extend_from_slice(&requests[at]);
        }),
    }
}
