//! The settings: `config.default.toml`, then the user's file, then the command line; checked once.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use serde::Deserialize;

/// The defaults, commented; embedded so that setting, default and documentation are one.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// All settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Whether an address beyond this machine may be listened on without authentication.
    pub allow_unauthenticated: bool,
    /// The data directory.
    pub data: PathBuf,
    /// Whether faults may be set from outside while it runs (`/ops/faults`).
    pub fault_injection: bool,
    /// A storefront to serve at `/` too.
    pub root: Option<String>,
    /// A directory with definition files of more storefronts.
    pub storefronts: Option<PathBuf>,
    /// How much of everything.
    pub limits: Limits,
    /// The embedded payment provider.
    pub payment: Payment,
}

/// How much of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Shards; 0 for one per core.
    pub shards: usize,
    /// HTTP workers; 0 for one per core.
    pub workers: usize,
    /// Requests under way at once on one shard.
    pub requests_per_shard_max: usize,
    /// How long a caller waits.
    pub request_ms_max: u64,
    /// How long a shard may take to answer before it is replaced.
    pub stuck_ms_max: u64,
    /// How long a shutdown waits for what is under way.
    pub drain_ms_max: u64,
    /// How often what changed in memory is written to the trees.
    pub checkpoint_ms: u64,
    /// Pages kept in memory.
    pub pages_max: usize,
    /// Pages that may wait to be written.
    pub backlog_max: usize,
    /// Bytes that must be free on the data directory's disk for commands to be taken.
    pub disk_free_bytes_min: u64,
}

/// The embedded payment provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    /// The shortest time to an answer.
    pub latency_ms_min: u64,
    /// The longest time to an answer.
    pub latency_ms_max: u64,
    /// How many of 1,000 calls fail.
    pub failures_per_mille: u16,
    /// Whether no payment gets through.
    pub down: bool,
    /// What differs for a storefront, by its name.
    #[serde(default)]
    pub storefronts: BTreeMap<String, PaymentOf>,
}

/// What is different about the embedded payment provider of one storefront.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentOf {
    /// The shortest time to an answer.
    pub latency_ms_min: Option<u64>,
    /// The longest time to an answer.
    pub latency_ms_max: Option<u64>,
    /// How many of 1,000 calls fail.
    pub failures_per_mille: Option<u16>,
    /// Whether no payment gets through.
    pub down: Option<bool>,
}

impl Payment {
    /// The same for this storefront alone.
    #[must_use]
    pub fn of(&self, storefront: &str) -> Self {
        let own = self.storefronts.get(storefront);
        let own = own.copied().unwrap_or_default();
        Self {
            latency_ms_min: own.latency_ms_min.unwrap_or(self.latency_ms_min),
            latency_ms_max: own.latency_ms_max.unwrap_or(self.latency_ms_max),
            failures_per_mille: own.failures_per_mille.unwrap_or(self.failures_per_mille),
            down: own.down.unwrap_or(self.down),
            storefronts: BTreeMap::new(),
        }
    }
}

/// Settings that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file has a mistake; the message has the line.
    #[error("the configuration has a mistake: {0}")]
    Mistake(String),
    /// A limit is out of its range.
    #[error("{name} must be between {min} and {max}, not {found}")]
    OutOfRange {
        /// Which.
        name: &'static str,
        /// What was given.
        found: u64,
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// An address that others can reach, without authentication.
    #[error(
        "{0} can be reached from other machines, and there is no authentication yet: listen on \
         127.0.0.1, or say --allow-unauthenticated if the network is trusted"
    )]
    Exposed(SocketAddr),
    /// Faults on purpose, where others can reach them.
    #[error("{0} can be reached from other machines: faults are injected on 127.0.0.1 only")]
    FaultsExposed(SocketAddr),
}

impl Config {
    /// The defaults, with what `file` (the text of a configuration file) says instead.
    pub fn read(file: Option<&str>) -> Result<Self, Error> {
        let mistake = |error: toml::de::Error| Error::Mistake(error.to_string());
        let mut all: toml::Table = toml::from_str(DEFAULTS).map_err(mistake)?;
        if let Some(file) = file {
            // Read alone first, so that a message has the user's own line.
            toml::from_str::<Partial>(file).map_err(mistake)?;
            overlay(&mut all, toml::from_str(file).map_err(mistake)?);
        }
        all.try_into().map_err(mistake)
    }

    /// Checks what only the whole can say.
    pub fn check(self) -> Result<Self, Error> {
        let limits = &self.limits;
        let ranges = [
            ("limits.shards", limits.shards as u64, 0, 256),
            ("limits.workers", limits.workers as u64, 0, 256),
            (
                "limits.requests_per_shard_max",
                limits.requests_per_shard_max as u64,
                1,
                65_536,
            ),
            ("limits.request_ms_max", limits.request_ms_max, 1, 600_000),
            ("limits.stuck_ms_max", limits.stuck_ms_max, 50, 600_000),
            ("limits.drain_ms_max", limits.drain_ms_max, 0, 600_000),
            ("limits.checkpoint_ms", limits.checkpoint_ms, 10, 60_000),
            ("limits.pages_max", limits.pages_max as u64, 64, 1 << 20),
            ("limits.backlog_max", limits.backlog_max as u64, 64, 1 << 20),
            (
                "limits.disk_free_bytes_min",
                limits.disk_free_bytes_min,
                16 << 20,
                1 << 50,
            ),
        ];
        let names = self.payment.storefronts.keys().map(String::as_str);
        // Without a name of its own, what is said for all.
        let payments = names.chain([""]).map(|name| self.payment.of(name));
        let payments = payments.flat_map(|payment| {
            let per_mille = u64::from(payment.failures_per_mille);
            [
                ("payment.latency_ms_max", payment.latency_ms_max, 0, 600_000),
                ("payment.latency_ms_min", payment.latency_ms_min, 0, 600_000),
                ("payment.failures_per_mille", per_mille, 0, 1_000),
            ]
        });
        for (name, found, min, max) in ranges.into_iter().chain(payments) {
            if !(min..=max).contains(&found) {
                return Err(Error::OutOfRange {
                    name,
                    found,
                    min,
                    max,
                });
            }
        }
        if self.fault_injection && !self.listen.ip().is_loopback() {
            return Err(Error::FaultsExposed(self.listen));
        }
        if !self.listen.ip().is_loopback() && !self.allow_unauthenticated {
            return Err(Error::Exposed(self.listen));
        }
        Ok(self)
    }

    /// So many, or one for each core.
    pub fn or_cores(wanted: usize) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        if wanted == 0 { cores } else { wanted }
    }
}

/// A user's file: any part of the settings, and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "read only to check a user's file for mistakes, with their lines"
)]
struct Partial {
    listen: Option<SocketAddr>,
    allow_unauthenticated: Option<bool>,
    fault_injection: Option<bool>,
    data: Option<PathBuf>,
    root: Option<String>,
    storefronts: Option<PathBuf>,
    limits: Option<PartialLimits>,
    payment: Option<PartialPayment>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "as above")]
struct PartialLimits {
    shards: Option<usize>,
    workers: Option<usize>,
    requests_per_shard_max: Option<usize>,
    request_ms_max: Option<u64>,
    stuck_ms_max: Option<u64>,
    drain_ms_max: Option<u64>,
    checkpoint_ms: Option<u64>,
    pages_max: Option<usize>,
    backlog_max: Option<usize>,
    disk_free_bytes_min: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "as above")]
struct PartialPayment {
    latency_ms_min: Option<u64>,
    latency_ms_max: Option<u64>,
    failures_per_mille: Option<u16>,
    down: Option<bool>,
    storefronts: Option<BTreeMap<String, PaymentOf>>,
}

fn overlay(all: &mut toml::Table, more: toml::Table) {
    for (key, value) in more {
        match (all.get_mut(&key), value) {
            (Some(toml::Value::Table(own)), toml::Value::Table(more)) => overlay(own, more),
            (_, value) => drop(all.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_only_what_differs() {
        let config = Config::read(Some("root = \"a\"\n[limits]\nshards = 3\n")).unwrap();
        assert_eq!(config.root.as_deref(), Some("a"));
        assert_eq!(config.limits.shards, 3);
        assert_eq!(
            config.limits.checkpoint_ms,
            Config::read(None).unwrap().limits.checkpoint_ms
        );
    }

    #[test]
    fn a_storefronts_provider_differs_only_in_what_is_said_of_it() {
        let file =
            "[payment]\nlatency_ms_max = 7\n[payment.storefronts.slow]\nlatency_ms_max = 90\n";
        let payment = Config::read(Some(file)).unwrap().check().unwrap().payment;
        let [slow, other] = ["slow", "other"].map(|name| payment.of(name));
        assert_eq!((slow.latency_ms_min, slow.latency_ms_max), (0, 90));
        assert_eq!((other.latency_ms_min, other.latency_ms_max), (0, 7));
    }

    #[test]
    fn mistakes_name_their_line_and_limits_their_range() {
        let check = |file: &str, message: &str| {
            let error = Config::read(Some(file))
                .and_then(Config::check)
                .unwrap_err()
                .to_string();
            assert!(error.contains(message), "{file:?} gives {error:?}");
        };
        check("root = \"a\"\nlimit = 1\n", "line 2");
        check("[limits]\nshards = \"two\"\n", "line 2");
        check(
            "[limits]\ncheckpoint_ms = 1\n",
            "limits.checkpoint_ms must be between 10 and 60000",
        );
        check(
            "[payment.storefronts.slow]\nfailures_per_mille = 1001\n",
            "payment.failures_per_mille must be between 0 and 1000",
        );
        check("listen = \"0.0.0.0:80\"\n", "--allow-unauthenticated");
        check(
            "listen = \"0.0.0.0:80\"\nallow_unauthenticated = true\nfault_injection = true\n",
            "on 127.0.0.1 only",
        );
    }
}
