//! The figures of one moment, as a server answers them.
//!
//! Numbers are kept in millionths, so that nothing here counts with floating-point numbers.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// So many millionths are one.
const ONE: u128 = 1_000_000;

/// What one look found.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    samples: BTreeMap<String, Vec<Sample>>,
}

#[derive(Clone, Debug)]
struct Sample {
    labels: BTreeMap<String, String>,
    millionths: u128,
}

/// How often something was how large: the upper bounds in millionths, and how many were up to each.
pub(super) type Buckets = BTreeMap<u128, u64>;

impl Look {
    /// Reads the text format 0.0.4, passing over what it does not understand. `None` if nothing in it
    /// is of a jumun.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut look = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, sample)) = sample(line) {
                look.samples
                    .entry(name.to_owned())
                    .or_default()
                    .push(sample);
            }
        }
        look.samples.contains_key("jumun_ready").then_some(look)
    }

    /// The sum of what has all these labels.
    pub(super) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> u128 {
        self.having(name, labels).map(|own| own.millionths).sum()
    }

    /// Whether there is one that has all these labels.
    pub(super) fn has(&self, name: &str, labels: &[(&str, &str)]) -> bool {
        self.having(name, labels).next().is_some()
    }

    /// The sum of what has all these labels, in whole numbers.
    pub(super) fn count(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        whole(self.sum(name, labels))
    }

    /// The largest of what has all these labels.
    pub(super) fn most(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let largest = self.having(name, labels).map(|own| own.millionths).max();
        whole(largest.unwrap_or_default())
    }

    /// A figure in seconds.
    pub(super) fn time(&self, name: &str) -> Duration {
        let millionths = self.sum(name, &[]);
        Duration::from_micros(u64::try_from(millionths).unwrap_or(u64::MAX))
    }

    /// All that a label says in a figure, in order.
    pub(super) fn values(&self, name: &str, label: &str) -> BTreeSet<&str> {
        let samples = self.having(name, &[]);
        let values = samples.filter_map(|own| own.labels.get(label));
        values.map(String::as_str).collect()
    }

    /// The counts of a histogram, without its suffix, over all that have these labels. What belongs to
    /// no storefront does not count: it would be this question itself.
    pub(super) fn buckets(&self, name: &str, labels: &[(&str, &str)]) -> Buckets {
        let mut buckets = Buckets::new();
        let all = format!("{name}_bucket");
        let of_none = |own: &&Sample| own.labels.get("storefront").is_some_and(String::is_empty);
        for own in self.having(&all, labels).filter(|own| !of_none(own)) {
            let bound = match own.labels.get("le").map(String::as_str) {
                Some("+Inf") => Some(u128::MAX),
                bound => bound.and_then(millionths),
            };
            if let Some(bound) = bound {
                *buckets.entry(bound).or_default() += whole(own.millionths);
            }
        }
        buckets
    }

    fn having<'a>(
        &'a self,
        name: &str,
        labels: &'a [(&str, &str)],
    ) -> impl Iterator<Item = &'a Sample> {
        let samples = self.samples.get(name).into_iter().flatten();
        samples.filter(move |own| {
            let has = |(name, value): &(&str, &str)| {
                own.labels.get(*name).is_some_and(|own| own == value)
            };
            labels.iter().all(has)
        })
    }
}

/// So many whole ones.
fn whole(millionths: u128) -> u64 {
    u64::try_from(millionths / ONE).unwrap_or(u64::MAX)
}

/// A number as it is written, in millionths; nothing below 0.
fn millionths(text: &str) -> Option<u128> {
    let number: f64 = text.parse().ok()?;
    Duration::try_from_secs_f64(number)
        .ok()
        .map(|own| own.as_micros())
}

/// A line's name, labels and value.
fn sample(line: &str) -> Option<(&str, Sample)> {
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(end);
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let millionths = millionths(value.split_whitespace().next()?)?;
    Some((name, Sample { labels, millionths }))
}

/// The labels, and what follows their closing brace.
fn labels(mut rest: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches(',');
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, after) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut characters = after.char_indices();
        loop {
            match characters.next()? {
                (at, '"') => {
                    rest = &after[at + 1..];
                    break;
                }
                (_, '\\') => match characters.next()?.1 {
                    'n' => value.push('\n'),
                    escaped => value.push(escaped),
                },
                (_, other) => value.push(other),
            }
        }
        labels.insert(name.to_owned(), value);
    }
}
