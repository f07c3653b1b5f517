//! What the workloads about many orders have in common: directories that have them.

use std::{io, path::PathBuf};

use jumun::store::space::bytes_below;
use tempfile::TempDir;

use crate::{contest::Contest, contestant::process, finished};

/// A data directory with so many orders, closed as `jumun` closes it.
pub(super) struct Stock {
    home: TempDir,
    pub(super) orders: u64,
    /// The journal and the trees, after the first process that served them has ended.
    pub(super) bytes: u64,
}

/// Writes the journal, and lets a first process make the trees. All orders are finished.
pub(super) fn of(contest: &Contest, orders: u64) -> io::Result<Stock> {
    with_unfinished(contest, orders, |_| false)
}

/// The same, where some are paid and not finished.
pub(super) fn with_unfinished(
    contest: &Contest,
    orders: u64,
    unfinished: impl Fn(u64) -> bool,
) -> io::Result<Stock> {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let number = grouped(orders);
    contest
        .progress
        .say(&format!("{number} orders are written down"));
    let mut stock = Stock {
        home,
        orders,
        bytes: 0,
    };
    finished::write(&stock.data(), orders, unfinished);
    contest
        .progress
        .say(&format!("snapshots and rows of {number} orders are made"));
    stock.serve()?.stop()?;
    stock.bytes = bytes_below(&stock.data());
    Ok(stock)
}

impl Stock {
    /// The data directory.
    pub(super) fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Serves it, until it answers with its last order.
    pub(super) fn serve(&self) -> io::Result<process::Process> {
        process::serve(&self.data(), &format!("/flowers/orders/{}", self.orders))
    }
}

/// A number as people write it: 1,000,000.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
