//! Reading one order, each time another of some thousands.

use std::io;

use super::{
    Workload,
    shelf::{self, Reading},
};
use crate::{contest::Contest, result::Told};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "read",
    about: "read one order, each time another",
    takes: |contest| contest.turns_take(2),
    run,
};

fn run(contest: &Contest) -> io::Result<Told> {
    let (server, orders) = shelf::stocked(contest)?;
    let reading = Reading {
        title: "read one order".into(),
        path: |number| format!("/flowers/orders/{number}"),
        route: "/flowers/orders/{number}",
        has_floor: true,
    };
    shelf::read(contest, &server, orders, reading)
}
