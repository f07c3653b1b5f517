//! Whether an order costs the same with a million stored as with ten thousand: throughput, memory, disk.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use super::{
    Workload, live, place,
    stock::{self, Stock},
};
use crate::{
    contest::{Contest, Load, Server},
    contestant::process::{Memory, Process},
    result::{Floor, Group, Line, Told, hundredths},
};

const CONNECTIONS: usize = 64;

/// What is promised: a part of the throughput in hundredths, memory, and disk for each order.
const SHARE_MIN: u64 = 85;
const MEMORY_KIB_MAX: u64 = 512 * 1024;
const DISK_BYTES_MAX: u64 = 2_048;

/// How many orders there are.
struct Scale {
    few: u64,
    many: u64,
    /// Of the many, the ones that are worked with. They lie as far from each other as they can, so that
    /// each has pages of its own, which it shares with 63 others that rest.
    working_set: u64,
}

const SCALE: Scale = Scale {
    few: 10_000,
    many: 1_000_000,
    working_set: 10_000,
};
const TEST_SCALE: Scale = Scale {
    few: 20,
    many: 200,
    working_set: 20,
};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "stored",
    about: "place orders with 1 million stored, change and read 10 thousand of these; memory, disk",
    takes: |contest| {
        Duration::from_secs(if contest.is_test { 5 } else { 80 }) + contest.turns_take(4)
    },
    run,
};

fn run(contest: &Contest) -> io::Result<Told> {
    let scale = if contest.is_test { TEST_SCALE } else { SCALE };
    let few = stock::of(contest, scale.few)?;
    let every = scale.many / scale.working_set;
    let many = stock::with_unfinished(contest, scale.many, |number| number.is_multiple_of(every))?;
    let (with_few, with_many) = (few.serve()?, many.serve()?);
    let ready = with_many.memory();
    let placed = placed(contest, &with_few, &with_many);
    let placing = with_many.memory();
    with_few.stop()?;
    with_many.forget_most();
    let worked = worked(contest, &with_many, &scale);
    let working = with_many.memory();
    with_many.stop()?;
    let share = hundredths(placed.lines[1].median(), placed.lines[0].median());
    let memory = memory(ready, placing, working, &many);
    let floors = floors(share, placing.most_kib.max(working.most_kib), &many);
    Ok(Told {
        groups: vec![placed, worked, memory],
        floors,
    })
}

/// Orders are placed on the one and the other.
fn placed(contest: &Contest, few: &Process, many: &Process) -> Group {
    let servers = [few.server("10,000 stored"), many.server("1 million stored")];
    let title = format!("place a flower order, {CONNECTIONS} connections, beside what is stored");
    let entrants = servers.each_ref().map(|server| {
        let load = Load::same(CONNECTIONS, 201, place::request(server.address));
        (server, load)
    });
    group(contest, title, "orders/s", &entrants)
}

/// Orders of the working set are changed and read, any of them.
fn worked(contest: &Contest, many: &Process, scale: &Scale) -> Group {
    let (all, most) = (stock::grouped(scale.many), scale.working_set);
    let title = format!(
        "change and read one of {} of {all} stored orders, {CONNECTIONS} connections",
        stock::grouped(most)
    );
    let every = scale.many / most;
    let any = move |at| fastrand::Rng::with_seed(at).u64(1..=most) * every;
    let (change, read) = (many.server("change"), many.server("read"));
    let changes = live::amends(change.address, any);
    let entrants = [(&change, changes), (&read, reads(read.address, any))];
    group(contest, title, "requests/s", &entrants)
}

fn group(
    contest: &Contest,
    title: String,
    unit: &'static str,
    entrants: &[(&Server, Load)],
) -> Group {
    let rounds = contest.turns(&title, entrants);
    let lines = entrants.iter().zip(&rounds);
    Group {
        title,
        unit,
        lines: lines
            .map(|((server, _), rounds)| Line::of(server.name, rounds))
            .collect(),
        notes: Vec::new(),
    }
}

/// Reads the order whose number is chosen.
fn reads(address: SocketAddr, choose: impl Fn(u64) -> u64 + Send + Sync + 'static) -> Load {
    let write = move |at, buffer: &mut Vec<u8>| {
        let number = choose(at);
        let request = format!("GET /flowers/orders/{number} HTTP/1.1\r\nhost: {address}\r\n\r\n");
        buffer.extend_from_slice(request.as_bytes());
    };
    Load {
        connections: CONNECTIONS,
        status: 200,
        write: Arc::new(write),
    }
}

/// What the process with the many has in memory, from phase to phase.
fn memory(ready: Memory, placing: Memory, working: Memory, many: &Stock) -> Group {
    let phases = [
        ("once ready", ready.now_kib),
        ("to start, and placing", placing.most_kib),
        ("the working set", working.most_kib),
    ];
    let note = format!(
        "Resident, at most in each phase but for the first. The journal and the trees: {} MiB on disk, with \
         the room reserved in the journal's last file.",
        many.bytes >> 20
    );
    Group {
        title: "memory with 1 million stored".to_owned(),
        unit: "MiB",
        lines: phases
            .map(|(name, kib)| Line::plain(name, vec![kib / 1024]))
            .into(),
        notes: vec![note],
    }
}

fn floors(share: u64, most_kib: u64, many: &Stock) -> Vec<Floor> {
    let each = many.bytes.checked_div(many.orders).unwrap_or(0);
    vec![
        Floor::at_least(
            "1 million stored, of the orders/s with 10,000",
            share,
            SHARE_MIN,
        ),
        Floor {
            what: "memory with 1 million stored and a working set of 10,000, at most".to_owned(),
            figure: format!("{} MiB", most_kib / 1024),
            wanted: "under 512 MiB".to_owned(),
            is_reached: most_kib < MEMORY_KIB_MAX,
        },
        Floor {
            what: "disk for each stored order".to_owned(),
            figure: format!("{each} bytes"),
            wanted: "under 2048 bytes".to_owned(),
            is_reached: each < DISK_BYTES_MAX,
        },
    ]
}
