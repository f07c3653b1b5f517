//! The feed of a shop, read as it happens by nobody, one and a hundred, while orders are placed.

mod readers;

use std::{io, time::Duration};

use readers::Readers;

use super::{Workload, place, shelf::CONNECTIONS};
use crate::{
    contest::{Contest, Load, Round, Server},
    contestant::jumun,
    result::{Group, Line, Told},
};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "feed",
    about: "place flower orders while nobody, one and a hundred read the feed",
    takes: |contest| contest.turns_take(3),
    run,
};

/// How many read.
const READERS: [u64; 3] = [0, 1, 100];

/// What the feed tells of an order that is placed and paid.
const EVENTS_EACH: u64 = 2;

/// What came of the rounds with so many readers.
#[derive(Debug, Default)]
struct Read {
    rounds: Vec<Round>,
    /// Events a second, of all readers, each round.
    delivered: Vec<u64>,
    /// Events that were to come and those that came, in all rounds.
    expected: u64,
    came: u64,
}

fn run(contest: &Contest) -> io::Result<Told> {
    let server = jumun::start()?;
    let title = format!("place a flower order while the feed is read, {CONNECTIONS} connections");
    let mut all: [Read; READERS.len()] = Default::default();
    for at in 0..=contest.rounds {
        for (readers, own) in READERS.into_iter().zip(&mut all) {
            let name = named(readers);
            contest.progress.round(&title, &name, at, contest.rounds);
            if at == 0 {
                let mut warm = Read::default();
                warm.round(contest, &server, readers, contest.round / 3)?;
            } else {
                own.round(contest, &server, readers, contest.round)?;
            }
        }
    }
    Ok(told(title, &all))
}

impl Read {
    fn round(
        &mut self,
        contest: &Contest,
        server: &Server,
        readers: u64,
        length: Duration,
    ) -> io::Result<()> {
        let load = Load::same(CONNECTIONS, 201, place::request(server.address));
        let readers = Readers::connect(server, readers)?;
        let round = contest.round(server, &load, length)?;
        self.expected += round.report.responses() * EVENTS_EACH * readers.count;
        let (came, took) = readers.end()?;
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.came += came;
        self.delivered.push(came * 1_000_000 / took_us.max(1));
        self.rounds.push(round);
        Ok(())
    }
}

fn named(readers: u64) -> String {
    match readers {
        0 => "nobody reads".into(),
        1 => "1 reader".into(),
        many => format!("{many} readers"),
    }
}

fn told(title: String, all: &[Read]) -> Told {
    let with = || READERS.into_iter().zip(all);
    let line = |(readers, own): (u64, &Read)| Line::of(&named(readers), &own.rounds);
    let orders = Group {
        title,
        unit: "orders/s",
        lines: with().map(line).collect(),
        notes: Vec::new(),
    };
    let reading = || with().filter(|(readers, _)| *readers > 0);
    let line = |(readers, own): (u64, &Read)| Line::plain(&named(readers), own.delivered.clone());
    let note = |(readers, own): (u64, &Read)| {
        let percent = own.came * 100 / own.expected.max(1);
        let name = named(readers);
        format!("{name}: {percent} % of the events came within half a second after the last order")
    };
    let events = Group {
        title: "events that came, of all readers together".into(),
        unit: "events/s",
        lines: reading().map(line).collect(),
        notes: reading().map(note).collect(),
    };
    Told {
        groups: vec![orders, events],
        floors: Vec::new(),
    }
}
