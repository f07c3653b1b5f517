//! The table that ends a run: plain text, a hundred columns wide at most.

use std::io::{self, Write};

use super::{
    machine::Machine,
    result::{Group, Line, Told, decimal, hundredths},
};

/// Prints the machine, all groups, and then the floors.
pub(crate) fn print(out: &mut impl Write, told: &Told, machine: &Machine) -> io::Result<()> {
    writeln!(out)?;
    for (name, fact) in machine {
        writeln!(out, "{name:>9}: {fact}")?;
    }
    for group in &told.groups {
        print_group(out, group)?;
    }
    if told.floors.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nWhat this project promises itself")?;
    for floor in &told.floors {
        let reached = if floor.is_reached {
            "reached"
        } else {
            "not reached"
        };
        let (what, figure, wanted) = (&floor.what, &floor.figure, &floor.wanted);
        writeln!(out, "  {what}: {figure}, {wanted}: {reached}")?;
    }
    Ok(())
}

fn print_group(out: &mut impl Write, group: &Group) -> io::Result<()> {
    writeln!(out, "\n{}", group.title)?;
    writeln!(
        out,
        "  {:<24}{:>12}{:>21}{:>8}{:>10}{:>10}{:>9}",
        "", group.unit, "lowest-highest", "ratio", "p50 us", "p99 us", "CPU us"
    )?;
    let whole = group.lines.first().map_or(0, Line::median);
    for line in &group.lines {
        let name = &line.name;
        let (Some(lowest), Some(highest)) = (line.values.iter().min(), line.values.iter().max())
        else {
            writeln!(out, "  {name:<24}{:>12}", "failed")?;
            continue;
        };
        let spread = format!("{lowest}-{highest}");
        let ratio = decimal(hundredths(line.median(), whole));
        let optional = |value: Option<u64>| value.map_or_else(String::new, |own| own.to_string());
        let (p50, p99) = (optional(line.p50_us), optional(line.p99_us));
        let cpu = line.cpu_ns.map_or_else(String::new, microseconds);
        let median = line.median();
        writeln!(
            out,
            "  {name:<24}{median:>12}{spread:>21}{ratio:>8}{p50:>10}{p99:>10}{cpu:>9}"
        )?;
    }
    for note in &group.notes {
        writeln!(out, "  {note}")?;
    }
    Ok(())
}

/// Nanoseconds as microseconds with a tenth: 8412 is "8.4".
pub(crate) fn microseconds(nanoseconds: u64) -> String {
    format!("{}.{}", nanoseconds / 1_000, nanoseconds % 1_000 / 100)
}
