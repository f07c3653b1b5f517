//! Placing a flower order: validated, paid at once, and durable before it is answered.

use std::{io, net::SocketAddr};

use super::Workload;
use crate::{
    contest::{Contest, Load, Server},
    contestant::{self, Order, PATH},
    result::{Group, Line, Told},
};

/// One for latency, many for throughput.
const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];

pub(crate) const WORKLOAD: Workload = Workload {
    name: "place",
    about: "place a flower order, at 1, 16, 64 and 256 connections",
    run,
};

fn run(contest: &Contest) -> io::Result<Told> {
    if contest.is_test {
        contestant::test()?;
    }
    let (servers, notes) = start(contest)?;
    let mut told = Told::default();
    for connections in CONNECTIONS {
        let title = format!("place a flower order, {connections} connections");
        let mut entrants: Vec<(&Server, Load)> = Vec::new();
        for server in &servers {
            let load = Load::same(connections, 201, request(server.address));
            entrants.push((server, load));
        }
        let rounds = contest.turns(&title, &entrants)?;
        let lines = servers.iter().zip(&rounds);
        told.groups.push(Group {
            title,
            unit: "orders/s",
            lines: lines
                .map(|(server, own)| Line::of(server.name, own))
                .collect(),
            notes: notes.clone(),
        });
    }
    Ok(told)
}

/// The echo is the first, and what the others are compared with. With who does not take part, and why.
fn start(contest: &Contest) -> io::Result<(Vec<Server>, Vec<String>)> {
    let mut servers = vec![contestant::echo::start()?];
    servers.push(contestant::jumun::start()?);
    if contest.with_counting {
        servers.push(contestant::jumun::start_uncounted()?);
    }
    servers.push(contestant::mutex::start()?);
    servers.push(contestant::sqlite::start()?);
    servers.push(contestant::sqlite::start_grouped()?);
    let mut notes = Vec::new();
    match contestant::postgres::start()? {
        Ok(both) => servers.extend(both),
        Err(skipped) => notes.push(skipped.to_string()),
    }
    Ok((servers, notes))
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
