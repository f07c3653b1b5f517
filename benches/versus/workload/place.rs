//! Placing a flower order: validated, paid at once, and durable before it is answered.

use std::{io, net::SocketAddr};

use super::Workload;
use crate::{
    contest::{Contest, Load, Server},
    contestant::{
        self, Order, PATH,
        append::{Append, Committed},
    },
    result::{Floor, Group, Line, Told, decimal, hundredths},
};

/// One for latency, many for throughput.
const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];

/// What [`start`] starts, about, and appends.
const CONTESTANTS: u32 = 9;

pub(crate) const WORKLOAD: Workload = Workload {
    name: "place",
    about: "place a flower order, at 1, 16, 64 and 256 connections",
    takes: |contest| contest.turns_take(CONTESTANTS * 4),
    run,
};

fn run(contest: &Contest) -> io::Result<Told> {
    let (servers, notes) = start(contest)?;
    let mut told = Told::default();
    for connections in CONNECTIONS {
        let title = format!("place a flower order, {connections} connections");
        let mut entrants: Vec<(&Server, Load)> = Vec::new();
        for server in &servers {
            let load = Load::same(connections, 201, request(server.address));
            entrants.push((server, load));
        }
        let (rounds, append) = turns(contest, &title, &entrants)?;
        let mut lines: Vec<Line> = servers
            .iter()
            .zip(&rounds)
            .map(|(server, own)| Line::of(server.name, own))
            .collect();
        let (line, note) = append.line();
        lines.push(line);
        let mut notes = notes.clone();
        notes.push(note);
        told.groups.push(Group {
            title,
            unit: "orders/s",
            lines,
            notes,
        });
    }
    told.floors = floors(&told.groups);
    Ok(told)
}

/// The echo is the first, and what the others are compared with. With who does not take part, and why.
fn start(contest: &Contest) -> io::Result<(Vec<Server>, Vec<String>)> {
    let mut servers = vec![contestant::echo::start()?];
    let notes = Vec::new();
    servers.push(contestant::jumun::start()?);
    if contest.with_counting {
        servers.push(contestant::jumun::start_uncounted()?);
    }
    // Further contestants, one a line: mutex, sqlite, postgres.
    // All addresses have as many letters, or the last one would read the wrong number of bytes.
    let request_bytes = request(servers[0].address).len();
    servers.push(contestant::constant::start(request_bytes, ANSWER)?);
    Ok((servers, notes))
}

/// What the load generator gets when it is alone: about as long as the echo's answer.
const ANSWER: &[u8] = b"HTTP/1.1 201 Created\r\ncontent-length: 139\r\n\
    content-type: application/json\r\ndate: Sat, 21 Nov 2026 00:00:00 GMT\r\n\r\n\
    {\"phoneNumber\":\"010-1234-5678\",\"address\":\"1, Sejong-daero, Jung-gu, Seoul\",\
    \"customerName\":\"Hong Gildong\",\"flowerType\":\"rose\",\"price\":30000}";

/// The rounds of all, and after each of the engine's one of an append of the same bytes.
fn turns(
    contest: &Contest,
    title: &str,
    entrants: &[(&Server, Load)],
) -> io::Result<(Vec<Vec<crate::contest::Round>>, Append)> {
    let jumun = entrants.iter().find(|(own, _)| own.name == "jumun");
    let (jumun, _) = jumun.expect("it always takes part");
    let mut append = Append::new()?;
    let mut before = Committed::of(jumun)?;
    let rounds = contest.turns_and(title, entrants, &mut |length| {
        let after = Committed::of(jumun)?;
        append.round(before, after, length)?;
        before = after;
        Ok(())
    })?;
    Ok((rounds, append))
}

/// What was reached of what this project promises itself about orders.
fn floors(groups: &[Group]) -> Vec<Floor> {
    let [one, _, many, more] = groups else {
        return Vec::new();
    };
    let rate = |group: &Group, name: &str| group.line(name).map_or(0, Line::median);
    let p50 = |name: &str| one.line(name).and_then(|line| line.p50_us).unwrap_or(0);
    let at_64 = rate(many, "jumun");
    let p99 = many.line("jumun").and_then(|line| line.p99_us).unwrap_or(0);
    let bound = p50("append") + p50("echo");
    let latency = hundredths(p50("jumun"), bound);
    let mut floors = vec![Floor::at_least(
        "orders at 64 connections, of the echo's",
        hundredths(at_64, rate(many, "echo")),
        50,
    )];
    let peer = many
        .lines
        .iter()
        .find(|own| own.name.contains("1 statement"));
    floors.extend(peer.map(|peer| {
        Floor::at_least(
            "orders at 64 connections, of PostgreSQL's with one statement",
            hundredths(at_64, peer.median()),
            800,
        )
    }));
    floors.push(Floor {
        what: "orders at 64 connections, p99".into(),
        figure: format!("{} ms", decimal(p99 / 10)),
        wanted: "under 5 ms".into(),
        is_reached: (1..5_000).contains(&p99),
    });
    floors.push(Floor {
        what: format!(
            "one connection, median latency: {} us / ({} us append + {} us echo)",
            p50("jumun"),
            p50("append"),
            p50("echo"),
        ),
        figure: decimal(latency),
        wanted: "under 1.50".into(),
        is_reached: (1..150).contains(&latency),
    });
    floors.push(Floor::at_least(
        "orders at 256 connections without a timeout, of those at 64",
        hundredths(rate(more, "jumun"), at_64),
        90,
    ));
    floors
}

/// A flower order as a request.
pub(crate) fn request(address: SocketAddr) -> Vec<u8> {
    let order = Order {
        phone_number: "010-1234-5678".into(),
        address: "1, Sejong-daero, Jung-gu, Seoul".into(),
        customer_name: "Hong Gildong".into(),
        flower_type: "rose".into(),
        price: 30_000,
    };
    let body = serde_json::to_string(&order).expect("texts and a number");
    let head = format!("POST {PATH} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json");
    format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
