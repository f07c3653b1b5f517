//! What was measured, before it is printed or drawn.

use super::contest::Round;

/// Everything that was told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) groups: Vec<Group>,
    pub(crate) floors: Vec<Floor>,
}

/// One workload: who did how well. Ratios are to the first line.
#[derive(Debug)]
pub(crate) struct Group {
    /// Such as "place an order, 64 connections".
    pub(crate) title: String,
    /// Such as "orders/s" or "ms".
    pub(crate) unit: &'static str,
    /// In the order in which they are shown.
    pub(crate) lines: Vec<Line>,
    /// Sentences below it.
    pub(crate) notes: Vec<String>,
}

/// One contestant's rounds.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// One for each round, in the group's unit.
    pub(crate) values: Vec<u64>,
    /// Medians of the rounds' percentiles; `None` where there is no single request.
    pub(crate) p50_us: Option<u64>,
    pub(crate) p99_us: Option<u64>,
    /// CPU time of one request or order.
    pub(crate) cpu_ns: Option<u64>,
}

/// What this project promises itself.
#[derive(Debug)]
pub(crate) struct Floor {
    /// "64 connections: of the echo's orders/s".
    pub(crate) what: String,
    /// The figure as text, with its unit: "0.52".
    pub(crate) figure: String,
    /// The promise as text: "at least 0.50".
    pub(crate) wanted: String,
    pub(crate) is_reached: bool,
}

impl Told {
    /// Takes in what another workload told.
    pub(crate) fn add(&mut self, other: Self) {
        self.groups.extend(other.groups);
        self.floors.extend(other.floors);
    }

    /// How many lines there are in all groups.
    pub(crate) fn lines(&self) -> usize {
        self.groups.iter().map(|group| group.lines.len()).sum()
    }
}

impl Line {
    /// Of rounds under load: responses a second.
    pub(crate) fn of(name: &str, rounds: &[Round]) -> Self {
        let middle = |of: fn(&Round) -> u64| median(&rounds.iter().map(of).collect::<Vec<_>>());
        let cpu_ns = rounds.iter().filter_map(|round| round.cpu_ns);
        let cpu_ns: Vec<u64> = cpu_ns.collect();
        Self {
            name: name.to_owned(),
            values: rounds.iter().map(|own| own.report.per_second()).collect(),
            p50_us: Some(middle(|round| round.report.percentile_us(50).into())),
            p99_us: Some(middle(|round| round.report.percentile_us(99).into())),
            cpu_ns: (!cpu_ns.is_empty()).then(|| median(&cpu_ns)),
        }
    }

    /// Values alone, one for each round.
    pub(crate) fn plain(name: &str, values: Vec<u64>) -> Self {
        Self {
            name: name.to_owned(),
            values,
            p50_us: None,
            p99_us: None,
            cpu_ns: None,
        }
    }

    /// What counts.
    pub(crate) fn median(&self) -> u64 {
        median(&self.values)
    }
}

impl Group {
    /// The line of this name.
    pub(crate) fn line(&self, name: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.name == name)
    }
}

impl Floor {
    /// A quotient that has to be reached; both in hundredths.
    pub(crate) fn at_least(what: &str, figure: u64, wanted: u64) -> Self {
        Self {
            what: what.to_owned(),
            figure: decimal(figure),
            wanted: format!("at least {}", decimal(wanted)),
            is_reached: figure >= wanted,
        }
    }
}

/// The one in the middle; 0 if there is none.
pub(crate) fn median(values: &[u64]) -> u64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// A quotient in hundredths; of nothing, 0.
pub(crate) fn hundredths(value: u64, of: u64) -> u64 {
    value.saturating_mul(100).checked_div(of).unwrap_or(0)
}

/// Hundredths as people write them: 52 is "0.52".
pub(crate) fn decimal(hundredths: u64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
