//! Reading one row of the customers' page, each time another of some thousands.

use std::io;

use super::{
    Workload,
    shelf::{self, Reading},
};
use crate::{contest::Contest, result::Told};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "row",
    about: "read a customer's row of a view, each time another",
    takes: |contest| contest.turns_take(2),
    run,
};

fn run(contest: &Contest) -> io::Result<Told> {
    let (server, orders) = shelf::stocked(contest)?;
    let reading = Reading {
        title: "read one row of a view".into(),
        path: |number| format!("/flowers/myPages/{number}"),
        route: "/flowers/myPages/{number}",
        has_floor: true,
    };
    shelf::read(contest, &server, orders, reading)
}
