//! `/ops/actors`: how each shard is.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use serde::Serialize;

use super::{answer, instant, quarantine::Culprit};
use crate::actors::handles::{Engine, Panic, Standing};

#[derive(Serialize)]
struct All<'a> {
    shards: Vec<Shown<'a>>,
    /// Orders that wait in a line, of each storefront.
    lines: BTreeMap<&'a str, usize>,
    /// Threads that did not come back from what they were stuck in.
    leaked: usize,
    /// Batches that wait for the committer.
    commits_waiting: usize,
}

#[derive(Serialize)]
struct Shown<'a> {
    shard: usize,
    state: &'static str,
    /// Entities in memory, of each kind.
    live: BTreeMap<&'static str, usize>,
    sagas: usize,
    timers: usize,
    in_flight: usize,
    requests: usize,
    requests_max: usize,
    panics: u64,
    panics_in_hour: usize,
    last_panic: Option<LastPanic<'a>>,
    /// How often it was made again since the start.
    replaced: u64,
    replaced_in_hour: usize,
}

#[derive(Serialize)]
struct LastPanic<'a> {
    #[serde(flatten)]
    subject: Culprit<'a>,
    at: String,
    text: &'a str,
}

/// `GET /ops/actors`.
pub(super) async fn list(engine: &Engine) -> HttpResponse {
    let standings = engine.standings().await;
    let names = engine.storefronts().iter().map(|own| &*own.name);
    let shards = standings.iter().enumerate();
    answer(&All {
        shards: shards.map(|one| shown(engine, one)).collect(),
        lines: names.zip(engine.standing_in_line()).collect(),
        leaked: engine.leaked(),
        commits_waiting: engine.commits_waiting(),
    })
}

fn shown<'a>(engine: &'a Engine, (shard, standing): (usize, &'a Standing)) -> Shown<'a> {
    let present = standing.present.clone().unwrap_or_default();
    let live = present.live.iter();
    let is_alive = standing.present.is_some();
    Shown {
        shard,
        state: if is_alive { "alive" } else { "not answering" },
        live: live.map(|(kind, count)| (kind.name(), *count)).collect(),
        sagas: present.sagas,
        timers: present.timers,
        in_flight: present.in_flight,
        requests: standing.requests,
        requests_max: engine.requests_per_shard_max(),
        replaced: standing.replaced,
        replaced_in_hour: standing.replaced_in_hour,
        panics: standing.panics,
        panics_in_hour: standing.panics_in_hour,
        last_panic: standing
            .last_panic
            .as_ref()
            .map(|panic| last(engine, panic)),
    }
}

fn last<'a>(engine: &'a Engine, panic: &'a Panic) -> LastPanic<'a> {
    LastPanic {
        subject: Culprit::of(engine, panic),
        at: instant(panic.at),
        text: &panic.text,
    }
}
