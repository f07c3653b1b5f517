//! The settings: `config.default.toml`, then the user's file, then the command line; checked once.

mod channels;
mod feed;
mod limits;
mod partial;
mod payment;
mod webhooks;

use std::{net::SocketAddr, path::PathBuf};

use serde::Deserialize;

use self::partial::Partial;
pub use self::{
    channels::{Channels, ChannelsOf, Encryption, Hook, Kakao, Mail},
    feed::Feed,
    limits::Limits,
    payment::{Payment, PaymentOf},
    webhooks::Webhooks,
};

/// The defaults, commented; embedded so that setting, default and documentation are one.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

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
    /// How people are told what the storefronts' notices say.
    pub channels: Channels,
    /// Those who follow what happens.
    pub feed: Feed,
    /// How much of everything.
    pub limits: Limits,
    /// The embedded payment provider.
    pub payment: Payment,
    /// What is sent to other machines.
    pub webhooks: Webhooks,
}

/// A number of the settings: its name, what was given, and the least and the most it may be.
type Range = (&'static str, u64, u64, u64);

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
    /// A secret that is said to be in the environment is not.
    #[error(
        "there is no environment variable {0}, which the configuration's `env:{0}` names: set it"
    )]
    NoVariable(String),
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
    pub fn check(mut self) -> Result<Self, Error> {
        let look = |name: &str| std::env::var(name).ok();
        self.channels.fill(look).map_err(Error::NoVariable)?;
        let ranges = [
            self.channels.ranges(),
            self.feed.ranges(),
            self.limits.ranges(),
            self.payment.ranges(),
            self.webhooks.ranges(),
        ];
        for (name, found, min, max) in ranges.into_iter().flatten() {
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

    /// How many HTTP workers: as many as wanted, or one for each core.
    pub fn workers(&self) -> usize {
        match self.limits.workers {
            0 => cores(),
            wanted => wanted,
        }
    }

    /// How many shards: as many as wanted, or one for every two cores. A placed order keeps an HTTP worker
    /// busy for more than twice as long as a shard, and the more shards there are, the more often each is
    /// woken for less: two instead of one cost a seventh more CPU time (docs/performance.md).
    pub fn shards(&self) -> usize {
        match self.limits.shards {
            0 => cores().div_ceil(2),
            wanted => wanted,
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
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
        check(
            "[webhooks]\npauses_ms = [5, 0]\n",
            "webhooks.pauses_ms must be between 1 and",
        );
        check("listen = \"0.0.0.0:80\"\n", "--allow-unauthenticated");
        check(
            "listen = \"0.0.0.0:80\"\nallow_unauthenticated = true\nfault_injection = true\n",
            "on 127.0.0.1 only",
        );
    }
}
