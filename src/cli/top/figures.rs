//! What is shown, from two looks and the time between them.

use std::time::Duration;

use super::look::{Buckets, Look};

/// So many thousandths a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rate(pub(super) u64);

impl Rate {
    /// Whole ones a second, rounded.
    pub(super) const fn whole(self) -> u64 {
        (self.0 + 500) / 1_000
    }
}

/// Everything that is shown. What needs two looks is `None` after the first.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    pub(super) version: String,
    pub(super) is_ready: bool,
    pub(super) orders_per_s: Option<Rate>,
    pub(super) requests_per_s: Option<Rate>,
    pub(super) refused_per_s: Option<Rate>,
    pub(super) errors_per_s: Option<Rate>,
    pub(super) in_flight: u64,
    /// Half, 90 % and 99 % took no longer.
    pub(super) commands: Quantiles,
    pub(super) reads: Quantiles,
    pub(super) syncs: Quantiles,
    pub(super) commits: Commits,
    pub(super) shards: Vec<Shard>,
    pub(super) shops: Vec<Shop>,
    pub(super) followers: Vec<Follower>,
    pub(super) trouble: Trouble,
    pub(super) machine: Machine,
}

/// Half, 90 % and 99 % were no larger, in microseconds; `None` if there were none.
pub(super) type Quantiles = Option<[u64; 3]>;

/// The way to the disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Commits {
    pub(super) batches_per_s: Option<Rate>,
    pub(super) groups_per_s: Option<Rate>,
    pub(super) bytes_per_s: Option<Rate>,
    pub(super) waiting: u64,
    pub(super) waiting_max: u64,
    pub(super) unwritten: u64,
    pub(super) unwritten_max: u64,
    pub(super) checkpoint_age: Duration,
}

/// One thread of the engine.
#[derive(Clone, Debug)]
pub(super) struct Shard {
    pub(super) name: String,
    pub(super) is_up: bool,
    pub(super) requests: u64,
    pub(super) requests_max: u64,
    pub(super) entities: u64,
    pub(super) sagas: u64,
    pub(super) in_flight: u64,
    pub(super) timers: u64,
    pub(super) replaced: u64,
}

/// One storefront.
#[derive(Clone, Debug)]
pub(super) struct Shop {
    pub(super) name: String,
    pub(super) orders_per_s: Option<Rate>,
    pub(super) placed: u64,
    pub(super) cancelled: u64,
    pub(super) in_line: u64,
    pub(super) gave_up: u64,
    pub(super) breaker: String,
    pub(super) failed_per_s: Option<Rate>,
    pub(super) lag: u64,
    pub(super) paused: u64,
}

/// Somebody who follows a storefront's events.
#[derive(Clone, Debug)]
pub(super) struct Follower {
    pub(super) shop: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) lag: u64,
    pub(super) parked: u64,
}

/// What waits for a person.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble {
    pub(super) restarts: u64,
    pub(super) quarantined: u64,
    pub(super) stopped_views: u64,
    pub(super) lost_threads: u64,
    pub(super) gave_up: u64,
    pub(super) has_store_failed: bool,
}

/// The process and its disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Machine {
    /// Thousandths of a core.
    pub(super) cpu: Option<Rate>,
    pub(super) memory: u64,
    pub(super) descriptors: u64,
    pub(super) disk_free: u64,
    pub(super) disk_free_min: u64,
    pub(super) journal: u64,
    pub(super) trees: u64,
}

/// A look, and perhaps one before it.
struct Both<'a> {
    now: &'a Look,
    before: Option<(Duration, &'a Look)>,
}

impl Figures {
    /// From a look, and the one before it with the time in between.
    pub(super) fn of(now: &Look, before: Option<(Duration, &Look)>) -> Self {
        let both = Both { now, before };
        let status = "jumun_http_requests_total";
        let versions = now.values("jumun_build_info", "version");
        Self {
            version: versions.into_iter().collect::<Vec<_>>().join(", "),
            is_ready: now.count("jumun_ready", &[]) > 0,
            orders_per_s: both.rate("jumun_orders_total", &[("outcome", "placed")]),
            requests_per_s: both.rate(status, &[]),
            refused_per_s: both.rate("jumun_http_refusals_total", &[]),
            errors_per_s: both.rate(status, &[("status", "5xx")]),
            in_flight: now.count("jumun_http_requests_in_flight", &[]),
            commands: both.took("jumun_http_request_duration_seconds", &[("method", "POST")]),
            reads: both.took("jumun_http_request_duration_seconds", &[("method", "GET")]),
            syncs: both.took("jumun_commit_sync_duration_seconds", &[]),
            commits: both.commits(),
            shards: both.shards(),
            shops: both.shops(),
            followers: followers(now),
            trouble: trouble(now),
            machine: both.machine(),
        }
    }
}

impl Both<'_> {
    fn rate(&self, name: &str, labels: &[(&str, &str)]) -> Option<Rate> {
        let (time, before) = self.before?;
        let more = self
            .now
            .sum(name, labels)
            .saturating_sub(before.sum(name, labels));
        // Millionths in microseconds are ones in a second.
        let rate = more.saturating_mul(1_000) / time.as_micros().max(1);
        Some(Rate(u64::try_from(rate).unwrap_or(u64::MAX)))
    }

    fn took(&self, name: &str, labels: &[(&str, &str)]) -> Quantiles {
        let (_, before) = self.before?;
        let (now, before) = (self.now.buckets(name, labels), before.buckets(name, labels));
        let quantile = |percent| quantile_us(&before, &now, percent);
        Some([quantile(50)?, quantile(90)?, quantile(99)?])
    }

    fn commits(&self) -> Commits {
        let now = self.now;
        Commits {
            batches_per_s: self.rate("jumun_commit_batches_total", &[]),
            groups_per_s: self.rate("jumun_commit_groups_total", &[]),
            bytes_per_s: self.rate("jumun_commit_written_bytes_total", &[]),
            waiting: now.count("jumun_commit_queue_batches", &[]),
            waiting_max: now.count("jumun_commit_queue_batches_max", &[]),
            unwritten: now.count("jumun_pages_unwritten", &[]),
            unwritten_max: now.count("jumun_pages_unwritten_max", &[]),
            checkpoint_age: now.time("jumun_checkpoint_age_seconds"),
        }
    }

    fn shards(&self) -> Vec<Shard> {
        let now = self.now;
        let names = now.values("jumun_shard_up", "shard").into_iter();
        let mut shards: Vec<Shard> = names
            .map(|name| {
                let count = |figure| now.count(figure, &[("shard", name)]);
                Shard {
                    name: name.to_owned(),
                    is_up: count("jumun_shard_up") > 0,
                    requests: count("jumun_shard_requests"),
                    requests_max: now.count("jumun_shard_requests_max", &[]),
                    entities: count("jumun_shard_entities"),
                    sagas: count("jumun_shard_sagas"),
                    in_flight: count("jumun_shard_batches_in_flight"),
                    timers: count("jumun_shard_timers"),
                    replaced: count("jumun_shard_replacements_total"),
                }
            })
            .collect();
        shards.sort_by_key(|shard| shard.name.parse::<u64>().unwrap_or(u64::MAX));
        shards
    }

    fn shops(&self) -> Vec<Shop> {
        let now = self.now;
        let names = now.values("jumun_orders_total", "storefront").into_iter();
        let shop = |name: &str| {
            let own = ("storefront", name);
            let orders = |outcome| now.count("jumun_orders_total", &[own, ("outcome", outcome)]);
            let placed = [own, ("outcome", "placed")];
            let failed = [own, ("outcome", "failed")];
            let is_in =
                |state: &&str| now.count("jumun_breaker_state", &[own, ("state", state)]) > 0;
            let states = now.values("jumun_breaker_state", "state");
            Shop {
                name: name.to_owned(),
                orders_per_s: self.rate("jumun_orders_total", &placed),
                placed: orders("placed"),
                cancelled: orders("cancelled"),
                in_line: now.count("jumun_orders_in_line", &[own]),
                gave_up: orders("gave_up"),
                breaker: states
                    .into_iter()
                    .find(is_in)
                    .unwrap_or("closed")
                    .to_owned(),
                failed_per_s: self.rate("jumun_provider_calls_total", &failed),
                lag: now.most("jumun_view_lag_events", &[own]),
                paused: now.count("jumun_component_paused", &[own]),
            }
        };
        names.map(shop).collect()
    }

    fn machine(&self) -> Machine {
        let count = |figure| self.now.count(figure, &[]);
        Machine {
            cpu: self.rate("process_cpu_seconds_total", &[]),
            memory: count("process_resident_memory_bytes"),
            descriptors: count("process_open_fds"),
            disk_free: count("jumun_disk_free_bytes"),
            disk_free_min: count("jumun_disk_free_min_bytes"),
            journal: count("jumun_journal_size_bytes"),
            trees: count("jumun_trees_size_bytes"),
        }
    }
}

fn followers(now: &Look) -> Vec<Follower> {
    let lag = "jumun_subscriber_lag_events";
    let mut followers = Vec::new();
    for shop in now.values(lag, "storefront") {
        for kind in now.values(lag, "kind") {
            for name in now.values(lag, "name") {
                let labels = [("storefront", shop), ("kind", kind), ("name", name)];
                if now.has(lag, &labels) {
                    followers.push(Follower {
                        shop: shop.to_owned(),
                        name: name.to_owned(),
                        kind: kind.to_owned(),
                        lag: now.count(lag, &labels),
                        parked: now.count("jumun_subscriber_parked", &labels),
                    });
                }
            }
        }
    }
    followers
}

fn trouble(now: &Look) -> Trouble {
    let count = |figure| now.count(figure, &[]);
    Trouble {
        restarts: count("jumun_actor_restarts_total"),
        quarantined: count("jumun_quarantined"),
        stopped_views: count("jumun_view_stopped"),
        lost_threads: count("jumun_shard_threads_lost"),
        gave_up: now.count("jumun_orders_total", &[("outcome", "gave_up")]),
        has_store_failed: count("jumun_commit_failed") > 0,
    }
}

/// Up to how large so many of 100 were that came between two looks, in the unit's millionths. Within a
/// bucket they are taken to be spread evenly, as Prometheus takes them; those above the last bound to be
/// as large as it.
pub(super) fn quantile_us(before: &Buckets, now: &Buckets, percent: u64) -> Option<u64> {
    let up_to =
        |bound: &u128, count: u64| count.saturating_sub(before.get(bound).copied().unwrap_or(0));
    let all = now.iter().map(|(bound, count)| up_to(bound, *count));
    let all = all.max().filter(|all| *all > 0)?;
    let rank = (all * percent).div_ceil(100).max(1);
    let (mut lower, mut below) = (0, 0);
    for (bound, count) in now {
        let count = up_to(bound, *count);
        if count >= rank {
            let upper = if *bound == u128::MAX { lower } else { *bound };
            let here = u128::from((count - below).max(1));
            let size = lower + (upper - lower) * u128::from(rank - below) / here;
            return u64::try_from(size).ok();
        }
        (lower, below) = (*bound, count);
    }
    None
}
