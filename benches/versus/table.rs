//! The table that ends a run: plain text, a hundred columns wide at most.

use std::io::{self, Write};

use super::result::{Told, decimal, hundredths};

/// Prints all groups, and then the floors.
pub(crate) fn print(out: &mut impl Write, told: &Told) -> io::Result<()> {
    for group in &told.groups {
        writeln!(out, "\n{} ({})", group.title, group.unit)?;
        let first = group.lines.first().map_or(0, |line| line.median());
        for line in &group.lines {
            let median = line.median();
            writeln!(
                out,
                "  {:<16} {median:>10} {:>7}",
                line.name,
                decimal(hundredths(median, first))
            )?;
        }
    }
    for floor in &told.floors {
        let reached = if floor.is_reached {
            "reached"
        } else {
            "not reached"
        };
        writeln!(
            out,
            "{}: {} ({}): {reached}",
            floor.what, floor.figure, floor.wanted
        )?;
    }
    Ok(())
}
