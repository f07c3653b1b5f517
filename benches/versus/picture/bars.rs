//! One workload as bars, drawn in SVG.

use std::fmt::{self, Formatter};

use super::Escaped;
use crate::{
    result::{Group, Line, decimal, hundredths, thousands},
    table::microseconds,
};

/// Where the bars begin and how long the longest is; the figures are to their right.
const LEFT: u64 = 170;
const LONGEST: u64 = 360;
const WIDTH: u64 = 860;

/// Of one bar, with the small print below its figure.
const ROW: u64 = 40;

/// Half the height of a whisker's end.
const WHISKER: u64 = 5;

/// Draws all lines of a group.
pub(super) fn draw(f: &mut Formatter<'_>, group: &Group) -> fmt::Result {
    let height = group.lines.len() as u64 * ROW;
    let values = group.lines.iter().flat_map(|line| &line.values);
    let highest = values.copied().max().unwrap_or(0).max(1);
    let title = Escaped(&group.title);
    writeln!(
        f,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">"
    )?;
    let whole = group.lines.first().map_or(0, Line::median);
    for (line, at) in group.lines.iter().zip(0..) {
        draw_line(f, line, at * ROW, highest, whole)?;
    }
    f.write_str("</svg>\n")
}

fn draw_line(
    f: &mut Formatter<'_>,
    line: &Line,
    top: u64,
    highest: u64,
    whole: u64,
) -> fmt::Result {
    let x = |value: u64| LEFT + value.saturating_mul(LONGEST) / highest;
    let middle = top + 14;
    let name = Escaped(&line.name);
    let before = LEFT - 10;
    writeln!(
        f,
        "<text class=\"name\" x=\"{before}\" y=\"{}\">{name}</text>",
        middle + 5
    )?;
    let (Some(least), Some(most)) = (line.values.iter().min(), line.values.iter().max()) else {
        let y = middle + 5;
        return writeln!(
            f,
            "<text class=\"missed\" x=\"{LEFT}\" y=\"{y}\">failed</text>"
        );
    };
    let median = line.median();
    let (class, bar) = (class(&line.name), (x(median) - LEFT).max(1));
    let (from, to) = (x(*least), x(*most));
    writeln!(
        f,
        "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{}\" width=\"{bar}\" height=\"20\" rx=\"2\"/>\n\
         <path class=\"whisker\" d=\"M{from} {middle}H{to}M{from} {upper}V{lower}M{to} {upper}V{lower}\"/>",
        middle - 10,
        upper = middle - WHISKER,
        lower = middle + WHISKER,
    )?;
    let figures = LEFT + LONGEST + 14;
    let ratio = decimal(hundredths(median, whole));
    writeln!(
        f,
        "<text x=\"{figures}\" y=\"{}\"><tspan class=\"figure\">{}</tspan> × {ratio}</text>",
        middle + 2,
        thousands(median),
    )?;
    let small = small_print(line);
    let y = middle + 18;
    writeln!(
        f,
        "<text class=\"small\" x=\"{figures}\" y=\"{y}\">{small}</text>"
    )
}

/// What the bars do not show.
fn small_print(line: &Line) -> String {
    let mut parts = Vec::new();
    if let Some((p50, p99)) = line.p50_us.zip(line.p99_us) {
        let (p50, p99) = (thousands(p50), thousands(p99));
        parts.push(format!("p50 {p50} µs, p99 {p99} µs"));
    }
    parts.extend(
        line.cpu_ns
            .map(|own| format!("CPU {} µs", microseconds(own))),
    );
    parts.join(", ")
}

/// Which of the three kinds a line is, by who it is.
fn class(name: &str) -> &'static str {
    let is_peer = |peer| name.starts_with(peer);
    match name {
        "echo" | "generator" | "append" => "ceiling",
        _ if ["postgres", "sqlite", "mutex"].into_iter().any(is_peer) => "peer",
        _ => "own",
    }
}
