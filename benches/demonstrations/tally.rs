//! What clients were answered: counts, latencies, and a table of them.

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
    time::Duration,
};

use super::crowd::Answers;

/// The tally of each name that requests are counted under.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    by_name: BTreeMap<&'static str, Tally>,
    /// The longest time in which nobody had an answer.
    pub(crate) silence: Duration,
}

/// What became of some requests.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// By status and code of the problem.
    pub(crate) answers: Answers,
    /// Sent, and the connection ended without an answer.
    pub(crate) lost: u64,
    /// How often no connection could be opened.
    pub(crate) unreached: u64,
    /// Of answers 2xx and of all others.
    pub(crate) served: Latencies,
    pub(crate) refused: Latencies,
    /// How much later than due the requests of an open loop were sent.
    pub(crate) late: Latencies,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
}

/// Latencies, in microseconds; ascending once settled.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Vec<u32>);

/// A part of a whole, shown in hundredths of a per cent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share(pub(crate) u64, pub(crate) u64);

/// Milliseconds with one decimal.
struct Millis(u32);

impl Tallies {
    /// The tally of this name.
    pub(crate) fn of(&mut self, name: &'static str) -> &mut Tally {
        self.by_name.entry(name).or_default()
    }

    /// The tally of this name, if anything was counted.
    pub(crate) fn get(&self, name: &str) -> Option<&Tally> {
        self.by_name.get(name)
    }

    /// All tallies with their names.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&'static str, &Tally)> {
        self.by_name.iter().map(|(name, tally)| (*name, tally))
    }

    /// Adds another crowd's, or another part of a crowd's.
    pub(crate) fn add(&mut self, other: Self) {
        for (name, tally) in other.by_name {
            self.of(name).add(tally);
        }
    }

    /// Everything is in.
    pub(crate) fn settle(&mut self, elapsed: Duration) {
        for tally in self.by_name.values_mut() {
            tally.elapsed = elapsed;
            tally.served.0.sort_unstable();
            tally.refused.0.sort_unstable();
            tally.late.0.sort_unstable();
        }
    }

    /// One tally of all.
    pub(crate) fn total(self) -> Tally {
        let (mut total, mut elapsed) = (Self::default(), Duration::ZERO);
        for tally in self.by_name.into_values() {
            elapsed = elapsed.max(tally.elapsed);
            total.of("").add(tally);
        }
        total.settle(elapsed);
        total.by_name.remove("").unwrap_or_default()
    }
}

impl Tally {
    /// Counts an answer.
    pub(crate) fn count(&mut self, status: u16, code: &str, latency: Duration) {
        let codes = self.answers.entry(status).or_default();
        match codes.get_mut(code) {
            Some(count) => *count += 1,
            None => drop(codes.insert(code.to_owned(), 1)),
        }
        let latencies = if status < 300 {
            &mut self.served
        } else {
            &mut self.refused
        };
        latencies.add(latency);
    }

    fn add(&mut self, other: Self) {
        for (status, codes) in other.answers {
            let own = self.answers.entry(status).or_default();
            for (code, count) in codes {
                *own.entry(code).or_default() += count;
            }
        }
        self.lost += other.lost;
        self.unreached += other.unreached;
        self.served.0.extend(other.served.0);
        self.refused.0.extend(other.refused.0);
        self.late.0.extend(other.late.0);
    }

    /// How many were sent.
    pub(crate) fn requests(&self) -> u64 {
        self.served.count() + self.refused.count() + self.lost
    }

    /// How many of those sent had an answer that is not the server's trouble.
    pub(crate) fn availability(&self) -> Share {
        let requests = self.requests();
        Share(requests - self.lost - self.answered_from(500), requests)
    }

    /// The longest that anyone waited for an answer, in microseconds.
    pub(crate) fn longest_us(&self) -> u32 {
        let both = [&self.served, &self.refused];
        let longest = both.map(|latencies| latencies.percentile_us(100));
        longest.into_iter().max().unwrap_or(0)
    }

    /// Answers 2xx in a second.
    pub(crate) fn goodput(&self) -> u64 {
        let elapsed_ms = u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX);
        self.served.count() * 1_000 / elapsed_ms.max(1)
    }

    /// How many had this status and code.
    pub(crate) fn answered(&self, status: u16, code: &str) -> u64 {
        let codes = self.answers.get(&status);
        codes
            .and_then(|codes| codes.get(code))
            .copied()
            .unwrap_or(0)
    }

    /// How many had a status from `from` on.
    pub(crate) fn answered_from(&self, from: u16) -> u64 {
        let codes = self.answers.range(from..).flat_map(|(_, codes)| codes);
        codes.map(|(_, count)| count).sum()
    }

    /// The head of [`Tally::row`].
    pub(crate) fn head() -> String {
        format!(
            "{:<14} {:>7} {:>8} {:>9} {:>8}  {:>9} {:>9} {:>9}  {:>9} {:>9}  {}",
            "",
            "clients",
            "requests",
            "available",
            "2xx/s",
            "p50 ms",
            "p99 ms",
            "max ms",
            "no p99 ms",
            "no max ms",
            "others"
        )
    }

    /// One line of the table; `no` are the answers that were not 2xx.
    pub(crate) fn row(&self, name: &str, clients: usize) -> String {
        let (yes, no) = (&self.served, &self.refused);
        format!(
            "{name:<14} {clients:>7} {:>8} {:>9} {:>8}  {:>9} {:>9} {:>9}  {:>9} {:>9}  {}",
            self.requests(),
            self.availability().to_string(),
            self.goodput(),
            Millis(yes.percentile_us(50)).to_string(),
            Millis(yes.percentile_us(99)).to_string(),
            Millis(yes.percentile_us(100)).to_string(),
            Millis(no.percentile_us(99)).to_string(),
            Millis(no.percentile_us(100)).to_string(),
            self.others()
        )
    }

    fn others(&self) -> String {
        let mut said = Vec::new();
        for (status, codes) in self.answers.range(300..) {
            let all = codes.iter();
            said.extend(all.map(|(code, count)| format!("{status} {code} {count}")));
        }
        for (what, count) in [("lost", self.lost), ("unreached", self.unreached)] {
            if count > 0 {
                said.push(format!("{what} {count}"));
            }
        }
        said.join(", ")
    }
}

impl Latencies {
    /// Adds one.
    pub(crate) fn add(&mut self, latency: Duration) {
        let latency_us = u32::try_from(latency.as_micros()).unwrap_or(u32::MAX);
        self.0.push(latency_us);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// The latency that so many in a hundred did not exceed; 0 if there are none.
    pub(crate) fn percentile_us(&self, percent: usize) -> u32 {
        let last = self.0.len().saturating_sub(1);
        self.0.get(last * percent / 100).copied().unwrap_or(0)
    }
}

impl Share {
    /// Whether the part is the whole, and there is one.
    pub(crate) const fn is_all(self) -> bool {
        self.0 == self.1 && self.1 > 0
    }
}

impl Display for Share {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // Rounded down: 100.00 % means all.
        let hundredths = self.0 * 10_000 / self.1.max(1);
        write!(f, "{}.{:02} %", hundredths / 100, hundredths % 100)
    }
}

impl Display for Millis {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 1_000, self.0 % 1_000 / 100)
    }
}
