//! The figures of one moment, as they are gathered when somebody asks.

use std::{fmt, time::Duration};

use super::Distribution;

/// What is gathered for one answer. Families stand in the order in which they were first named.
#[derive(Debug, Default)]
pub struct Sheet {
    families: Vec<Family>,
}

/// One figure with all its labels.
#[derive(Debug)]
pub struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: Kind,
    pub(super) samples: Vec<Sample>,
}

/// What a figure is to those who read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only grows, and begins at 0 with the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
    /// Says something in its labels; its value is always 1.
    Info,
}

#[derive(Debug)]
pub(super) struct Sample {
    pub(super) labels: Vec<(&'static str, String)>,
    pub(super) value: Value,
}

/// A figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number of things or of bytes.
    Whole(u64),
    /// A time, told in seconds.
    Time(Duration),
    /// Counts by size.
    Distribution(Distribution),
}

impl Sheet {
    /// A figure that only grows. `name` is without `_total`; where it ends with `_bytes` or
    /// `_seconds`, that is its unit. `help` says in sentences what it counts, and what to make of it.
    pub fn counter(&mut self, name: &'static str, help: &'static str) -> &mut Family {
        self.family(name, help, Kind::Counter)
    }

    /// A figure that goes up and down.
    pub fn gauge(&mut self, name: &'static str, help: &'static str) -> &mut Family {
        self.family(name, help, Kind::Gauge)
    }

    /// Counts by size.
    pub fn histogram(&mut self, name: &'static str, help: &'static str) -> &mut Family {
        self.family(name, help, Kind::Histogram)
    }

    /// Something that is said in labels. `name` is without `_info`.
    pub fn info(&mut self, name: &'static str, help: &'static str) -> &mut Family {
        self.family(name, help, Kind::Info)
    }

    /// The families that have anything to say.
    pub(super) fn families(&self) -> impl Iterator<Item = &Family> {
        self.families.iter().filter(|own| !own.samples.is_empty())
    }

    fn family(&mut self, name: &'static str, help: &'static str, kind: Kind) -> &mut Family {
        let known = self.families.iter().position(|own| own.name == name);
        let at = known.unwrap_or_else(|| {
            self.families.push(Family {
                name,
                help,
                kind,
                samples: Vec::new(),
            });
            self.families.len() - 1
        });
        &mut self.families[at]
    }
}

impl Family {
    /// The figure for these labels. Each label set once.
    pub fn of(&mut self, labels: &[(&'static str, &str)], value: impl Into<Value>) -> &mut Self {
        let labels = labels.iter().map(|(name, own)| (*name, (*own).to_owned()));
        self.samples.push(Sample {
            labels: labels.collect(),
            value: value.into(),
        });
        self
    }

    /// The one figure, without labels.
    pub fn is(&mut self, value: impl Into<Value>) {
        self.of(&[], value);
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Whole(number)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Whole(u64::try_from(number).unwrap_or(u64::MAX))
    }
}

impl From<bool> for Value {
    /// 1 if it is so.
    fn from(is_so: bool) -> Self {
        Self::Whole(u64::from(is_so))
    }
}

impl From<Duration> for Value {
    fn from(time: Duration) -> Self {
        Self::Time(time)
    }
}

impl From<Distribution> for Value {
    fn from(counted: Distribution) -> Self {
        Self::Distribution(counted)
    }
}

type Source = dyn Fn(&mut Sheet) + Send + Sync;

/// All who have figures that are there at once. Asked at each look, so they are quick.
#[derive(Default)]
pub struct Sources {
    all: Vec<Box<Source>>,
}

impl Sources {
    /// One more.
    pub fn add(&mut self, source: impl Fn(&mut Sheet) + Send + Sync + 'static) {
        self.all.push(Box::new(source));
    }

    /// Lets all of them write.
    pub fn write(&self, sheet: &mut Sheet) {
        self.all.iter().for_each(|source| source(sheet));
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("all", &self.all.len())
            .finish()
    }
}
