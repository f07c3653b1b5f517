//! The engine's figures, for whoever measures it.

use super::{Engine, Gauge, Kind, Present, Standing};
use crate::{
    actors::table::Ended,
    domain::{breaker, storefront::ComponentState},
    metrics::Sheet,
    views::model::Model,
};

/// What of a shard that answers is counted.
type Count = fn(&Present) -> usize;

/// Kinds whose work panics are told of.
const SUBJECTS: [Kind; 2] = [Kind::Order, Kind::Listing];

impl Engine {
    /// Writes down how the engine is: its shards, its storefronts' parts, providers and views. Asks
    /// every shard, so it may take a second for one that does not answer.
    pub async fn write_figures(&self, sheet: &mut Sheet) {
        let standings = self.standings().await;
        self.write_shards(&standings, sheet);
        self.write_restarts(sheet);
        self.write_stopped(sheet);
        self.write_providers(sheet);
        self.write_storefronts(sheet);
        self.write_views(sheet);
        self.write_subscribers(sheet).await;
    }

    fn write_shards(&self, standings: &[Standing], sheet: &mut Sheet) {
        let places: Vec<String> = (0..standings.len()).map(|at| at.to_string()).collect();
        let shards = || places.iter().map(String::as_str).zip(standings);
        let family = sheet.gauge(
            "jumun_shard_up",
            "1 if the shard's thread answers within a second. One that does not is made again from \
             the journal.",
        );
        for (shard, standing) in shards() {
            family.of(&[("shard", shard)], standing.present.is_some());
        }
        let family = sheet.gauge(
            "jumun_shard_requests",
            "Permits in use: requests that the shard has taken and not answered. At \
             jumun_shard_requests_max further ones are refused as overloaded.",
        );
        for (shard, standing) in shards() {
            family.of(&[("shard", shard)], standing.requests);
        }
        let family = sheet.gauge("jumun_shard_requests_max", "Permits of each shard.");
        family.is(self.requests_per_shard_max());
        let family = sheet.gauge(
            "jumun_shard_entities",
            "Actors in memory, by kind: what something is under way for. The others cost nothing.",
        );
        for (shard, standing) in shards() {
            let live = standing.present.iter().flat_map(|present| &present.live);
            for (kind, count) in live {
                family.of(&[("shard", shard), ("kind", kind.name())], *count);
            }
        }
        let counts: [(&str, &str, Count); 3] = [
            (
                "jumun_shard_sagas",
                "Orders and listings that something is under way for.",
                |present| present.sagas,
            ),
            (
                "jumun_shard_batches_in_flight",
                "Batches that were submitted and are not durable yet.",
                |present| present.in_flight,
            ),
            (
                "jumun_shard_timers",
                "Orders that wait for a time: a retry, a deadline, an expiry.",
                |present| present.timers,
            ),
        ];
        for (name, help, count) in counts {
            let family = sheet.gauge(name, help);
            for (shard, standing) in shards() {
                let count = standing.present.as_ref().map(count);
                family.of(&[("shard", shard)], count.unwrap_or_default());
            }
        }
        let family = sheet.counter(
            "jumun_shard_replacements",
            "Shards that were made again, by why: their coordinator died, or their thread was stuck.",
        );
        for (place, shard) in places.iter().enumerate() {
            for (why, cause) in Ended::ALL {
                let count = self.inner.shards.replacements_of(place, why);
                family.of(&[("shard", shard), ("cause", cause)], count);
            }
        }
    }

    fn write_restarts(&self, sheet: &mut Sheet) {
        let family = sheet.counter(
            "jumun_actor_restarts",
            "Panics that were survived, by storefront and whose work it was. Each began again from \
             what is durable.",
        );
        let shards = 0..self.inner.shards.len();
        for (at, storefront) in self.storefronts().iter().enumerate() {
            for kind in SUBJECTS {
                let crashes = shards.clone().map(|shard| self.inner.shards.crashes(shard));
                let panics: u64 = crashes.map(|own| own.panics_of(at, kind)).sum();
                let labels = [("storefront", &*storefront.name), ("kind", kind.name())];
                family.of(&labels, panics);
            }
        }
        let family = sheet.gauge(
            "jumun_shard_threads_lost",
            "Threads of shards that were stuck and never came back. More than three end the program.",
        );
        family.is(self.leaked());
    }

    fn write_stopped(&self, sheet: &mut Sheet) {
        let quarantined = self.quarantined();
        let family = sheet.gauge(
            "jumun_quarantined",
            "Orders and listings that panicked too often and wait for an operator: /ops/quarantine.",
        );
        for (at, storefront) in self.storefronts().iter().enumerate() {
            for kind in SUBJECTS {
                let own = quarantined.iter();
                let own = own.filter(|one| one.last.storefront == at && one.last.kind == kind);
                let labels = [("storefront", &*storefront.name), ("kind", kind.name())];
                family.of(&labels, own.count());
            }
        }
        let family = sheet.gauge(
            "jumun_ready",
            "1 if requests are taken at the moment, as /readyz says.",
        );
        family.is(self.not_ready().is_none());
    }

    fn write_providers(&self, sheet: &mut Sheet) {
        let gauges: Vec<(&str, Gauge)> = (self.storefronts().iter().enumerate())
            .map(|(at, storefront)| (&*storefront.name, self.payment_gauge(at)))
            .collect();
        let family = sheet.gauge(
            "jumun_breaker_state",
            "1 for the state that the breaker before the storefront's payment provider is in. Open: \
             too many calls failed lately, and the provider is left alone for a while.",
        );
        for (storefront, gauge) in &gauges {
            for state in breaker::State::ALL {
                let labels = [("storefront", *storefront), ("state", state.name())];
                family.of(&labels, gauge.state == state);
            }
        }
        let family = sheet.counter("jumun_breaker_opens", "How often a breaker opened.");
        for (storefront, gauge) in &gauges {
            family.of(&[("storefront", storefront)], gauge.totals.opened);
        }
        let family = sheet.counter(
            "jumun_provider_calls",
            "Calls to payment providers that ended, by outcome: answered (also with a no), failed (no \
             answer, or not in time), not_made.",
        );
        for (storefront, gauge) in &gauges {
            let outcomes = [
                ("answered", gauge.totals.answered),
                ("failed", gauge.totals.failed),
                ("not_made", gauge.totals.not_made),
            ];
            for (outcome, count) in outcomes {
                family.of(&[("storefront", storefront), ("outcome", outcome)], count);
            }
        }
        let family = sheet.counter(
            "jumun_provider_refusals",
            "Calls to payment providers that were not let through: suspended (the breaker is open), \
             no_room (as many as may be are under way).",
        );
        for (storefront, gauge) in &gauges {
            let reasons = [
                ("suspended", gauge.totals.suspended),
                ("no_room", gauge.totals.no_room),
            ];
            for (reason, count) in reasons {
                family.of(&[("storefront", storefront), ("reason", reason)], count);
            }
        }
        let family = sheet.gauge(
            "jumun_provider_calls_in_flight",
            "Calls to payment providers under way. Those that answer at once are not counted.",
        );
        for (storefront, gauge) in &gauges {
            family.of(&[("storefront", storefront)], gauge.under_way);
        }
        let family = sheet.gauge("jumun_provider_calls_max", "How many may be under way.");
        for (storefront, gauge) in &gauges {
            family.of(&[("storefront", storefront)], gauge.calls_max);
        }
    }

    fn write_storefronts(&self, sheet: &mut Sheet) {
        let lines = self.standing_in_line();
        let family = sheet.gauge(
            "jumun_orders_in_line",
            "Orders that wait for somebody to be free, for a paused part, or for their provider.",
        );
        for (storefront, length) in self.storefronts().iter().zip(lines) {
            family.of(&[("storefront", &storefront.name)], length);
        }
        let components = self.components();
        let family = sheet.gauge(
            "jumun_component_paused",
            "1 if an operator has paused this part of the shop.",
        );
        for listed in components.list() {
            let storefront = &self.storefronts()[listed.storefront];
            let component = &storefront.components[listed.component].name;
            let labels = [("storefront", &*storefront.name), ("component", component)];
            family.of(&labels, listed.state == ComponentState::Paused);
        }
        let family = sheet.gauge(
            "jumun_stored_entities",
            "Entities on the lists, by storefront and kind.",
        );
        for (at, storefront) in self.storefronts().iter().enumerate() {
            let resources = storefront.resources.iter();
            for resource in resources.filter(|resource| resource.is_exposed()) {
                let collection = self.inner.layout.entities(at, resource.kind);
                let labels = [
                    ("storefront", &*storefront.name),
                    ("kind", resource.kind.name()),
                ];
                family.of(&labels, self.inner.pages.listed(collection));
            }
        }
    }

    fn write_views(&self, sheet: &mut Sheet) {
        let durable = (self.inner.durable)();
        let progress = self.inner.views.borrow().clone();
        let models: Vec<(Model, &str, &str)> = (self.storefronts().iter().enumerate())
            .flat_map(|(at, storefront)| {
                let models = Model::all(at, storefront);
                models.map(|model| (model, &*storefront.name, model.path(storefront)))
            })
            .collect();
        let family = sheet.gauge(
            "jumun_view_lag_events",
            "Durable events that the view has not taken in. Stays near 0 unless the view is paused or \
             stopped.",
        );
        for (model, storefront, view) in &models {
            let lag = durable.saturating_sub(progress.of(*model));
            family.of(&[("storefront", storefront), ("view", view)], lag);
        }
        let family = sheet.gauge(
            "jumun_feed_lag_events",
            "Durable events that feeds do not show yet, since what they are about is not in the pages.",
        );
        family.is(durable.saturating_sub(self.feed().horizon()));
        let family = sheet.gauge(
            "jumun_notifications",
            "Notifications that there are, by storefront: who was told what, over whatever channel.",
        );
        for (at, storefront) in self.storefronts().iter().enumerate() {
            if let Some(told) = self.inner.layout.told(at) {
                let listed = self.inner.pages.listed(told.notifications);
                family.of(&[("storefront", &storefront.name)], listed);
            }
        }
        let family = sheet.gauge(
            "jumun_view_stopped",
            "1 if the view panicked and waits for an operator: DELETE /ops/quarantine/…/views/….",
        );
        for (model, storefront, view) in &models {
            let has_panicked = progress.panicked.contains_key(model);
            family.of(&[("storefront", storefront), ("view", view)], has_panicked);
        }
    }
}
