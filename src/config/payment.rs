//! `[payment]`: the embedded payment provider.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Range;

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

    pub(super) fn ranges(&self) -> Vec<Range> {
        let names = self.storefronts.keys().map(String::as_str);
        // Without a name of its own, what is said for all.
        let payments = names.chain([""]).map(|name| self.of(name));
        let ranges = payments.flat_map(|payment| {
            let per_mille = u64::from(payment.failures_per_mille);
            [
                ("payment.latency_ms_max", payment.latency_ms_max, 0, 600_000),
                ("payment.latency_ms_min", payment.latency_ms_min, 0, 600_000),
                ("payment.failures_per_mille", per_mille, 0, 1_000),
            ]
        });
        ranges.collect()
    }
}
