//! A user's settings, read alone: so that a mistake is named with the user's own line.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use serde::Deserialize;

use super::{ChannelsOf, Hook, Kakao, Mail, PaymentOf};

/// A user's file: any part of the settings, and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "read only to check a user's file for mistakes, with their lines"
)]
pub(super) struct Partial {
    listen: Option<SocketAddr>,
    allow_unauthenticated: Option<bool>,
    fault_injection: Option<bool>,
    data: Option<PathBuf>,
    root: Option<String>,
    storefronts: Option<PathBuf>,
    channels: Option<PartialChannels>,
    feed: Option<PartialFeed>,
    limits: Option<PartialLimits>,
    payment: Option<PartialPayment>,
    webhooks: Option<PartialWebhooks>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "as above")]
struct PartialChannels {
    timeout_ms: Option<u64>,
    concurrent_max: Option<usize>,
    pauses_ms: Option<Vec<u64>>,
    mail: Option<Mail>,
    kakao: Option<Kakao>,
    webhook: Option<Hook>,
    storefronts: Option<BTreeMap<String, ChannelsOf>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "as above")]
struct PartialFeed {
    readers_max: Option<usize>,
    heartbeat_ms: Option<u64>,
    stall_ms_max: Option<u64>,
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
    pages_bytes_max: Option<u64>,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "as above")]
struct PartialWebhooks {
    pauses_ms: Option<Vec<u64>>,
    connect_ms_max: Option<u64>,
    timeout_ms_max: Option<u64>,
    concurrent_max: Option<usize>,
    endpoints_max: Option<usize>,
    dead_after_s: Option<u64>,
    dead_attempts_min: Option<u32>,
    rotation_s: Option<u64>,
}
