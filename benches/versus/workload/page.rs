//! Paging: through a view, and through the orders, each request from another place.

use std::io;

use super::{
    Workload,
    shelf::{self, Reading},
};
use crate::{
    contest::{self, Contest},
    result::Told,
};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "page",
    about: "page through a view, and through the orders",
    takes: |contest| contest.turns_take(4),
    run,
};

/// A page of the view. `size` is asked for in case views have it; they answer as many rows as they do.
fn of_view(number: u64) -> String {
    format!("/flowers/myPages?offset={}&size=20", number / 2)
}

/// A page of twenty orders.
fn of_orders(number: u64) -> String {
    format!("/flowers/orders?page={}&size=20", number / 40)
}

fn run(contest: &Contest) -> io::Result<Told> {
    let (server, orders) = shelf::stocked(contest)?;
    let page = contest::ask(&server, &contest::get(&server, &of_view(orders / 2)), 200)?;
    let rows = String::from_utf8_lossy(&page)
        .matches("\"orderId\"")
        .count();
    let reading = Reading {
        title: format!("page through a view, {rows} rows a page"),
        path: of_view,
        route: "/flowers/myPages",
        has_floor: false,
    };
    let mut told = shelf::read(contest, &server, orders, reading)?;
    let reading = Reading {
        title: "page through the orders, 20 a page".into(),
        path: of_orders,
        route: "/flowers/orders",
        has_floor: false,
    };
    told.add(shelf::read(contest, &server, orders, reading)?);
    Ok(told)
}
