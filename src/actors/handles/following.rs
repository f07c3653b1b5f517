//! The figures of those who follow: how far each is behind, and what waits for a person.

use std::{sync::Arc, time::Duration};

use super::{Engine, webhooks::Webhooks};
use crate::{
    domain::{
        Timestamp,
        storefront::Storefront,
        subscriber::{Role, Subscriber},
    },
    feed::Filter,
    metrics::Sheet,
};

/// Events that a subscriber has not looked at are counted up to here: they are read for it.
const COUNTED_MAX: usize = 1_000;

/// What of a subscriber's state is shown.
type Figure = fn(&Subscriber) -> usize;

/// One who follows, and what is before it.
struct Following<'a> {
    storefront: &'a str,
    state: Subscriber,
    /// Events that are not settled, as far as they are counted.
    behind: usize,
    oldest: Option<Timestamp>,
}

impl Engine {
    /// Writes down every subscriber of every storefront.
    pub(super) async fn write_subscribers(&self, sheet: &mut Sheet) {
        let mut all = Vec::new();
        for (at, storefront) in self.storefronts().iter().enumerate() {
            for role in Role::ALL {
                let Ok(states) = self.subscribers(at, role) else {
                    continue;
                };
                for state in states {
                    all.push(self.following(at, &storefront.name, state).await);
                }
            }
        }
        write_lag(&all, self.inner.clock.now(), sheet);
        write_states(&all, sheet);
    }

    async fn following<'a>(
        &self,
        at: usize,
        storefront: &'a str,
        state: Subscriber,
    ) -> Following<'a> {
        let open = state.open.values().map(|open| open.since).min();
        let mut following = Following {
            storefront,
            behind: state.open.len(),
            oldest: open,
            state,
        };
        // What a channel sends has numbers of its own, and it looks at these as soon as they are there.
        if following.state.role == Role::Channel {
            return following;
        }
        let wanted = &following.state.settings.filter;
        let filter = Filter {
            types: wanted
                .types
                .iter()
                .map(|name| name.as_str().into())
                .collect(),
            subjects: wanted.subjects.clone(),
        };
        let seen_to = following.state.seen_to;
        if let Ok(ahead) = self.feed().next(at, seen_to, &filter, COUNTED_MAX).await {
            following.behind += ahead.events.len();
            let first = ahead.events.first().map(|event| event.at);
            following.oldest = following.oldest.into_iter().chain(first).min();
        }
        following
    }
}

impl Webhooks {
    /// Writes down how sending to each webhook goes.
    pub fn write_figures(&self, storefronts: &[Arc<Storefront>], sheet: &mut Sheet) {
        let all = self.all_attempts();
        let name_of = |at: usize| storefronts.get(at).map_or("", |own| &own.name);
        let family = sheet.counter(
            "jumun_webhook_attempts",
            "Attempts to post to a webhook, trials too: delivered (answered 2xx), failed (anything else, \
             which is mostly tried again).",
        );
        for (at, name, attempts) in &all {
            for (outcome, count) in attempts.counts() {
                let own = [
                    ("storefront", name_of(*at)),
                    ("name", name),
                    ("outcome", outcome),
                ];
                family.of(&own, count);
            }
        }
        let family = sheet.histogram(
            "jumun_webhook_attempt_duration_seconds",
            "Time until a webhook's receiver had answered, or was given up.",
        );
        for (at, name, attempts) in &all {
            let own = [("storefront", name_of(*at)), ("name", name)];
            family.of(&own, attempts.took());
        }
    }
}

impl Following<'_> {
    fn labels(&self) -> [(&'static str, &str); 3] {
        [
            ("storefront", self.storefront),
            ("kind", self.state.role.name()),
            ("name", &self.state.name),
        ]
    }
}

fn write_lag(all: &[Following<'_>], now: Timestamp, sheet: &mut Sheet) {
    let family = sheet.gauge(
        "jumun_subscriber_lag_events",
        "Events that a consumer group, webhook or channel has not settled: given out, waiting, and not \
         looked at yet (of these 1,000 are counted).",
    );
    for own in all {
        family.of(&own.labels(), own.behind);
    }
    let family = sheet.gauge(
        "jumun_subscriber_oldest_seconds",
        "Age of the oldest of these; 0 if there is none. What to alert on: a lag that does not get old \
         is only work.",
    );
    for own in all {
        let age = own.oldest.map_or(0, |oldest| now.ms_since(oldest));
        family.of(&own.labels(), Duration::from_millis(age));
    }
}

fn write_states(all: &[Following<'_>], sheet: &mut Sheet) {
    let gauges: [(&str, &str, Figure); 4] = [
        (
            "jumun_subscriber_open",
            "Events that are given out, or wait to be given out again.",
            |state| state.open.len(),
        ),
        (
            "jumun_subscriber_parked",
            "Dead letters: events that were given up, and wait for a person.",
            |state| state.parked.len(),
        ),
        (
            "jumun_subscriber_paused",
            "1 if nothing is given out: by hand, or since everything failed for too long.",
            |state| usize::from(state.paused.is_some()),
        ),
        (
            "jumun_subscriber_failures",
            "How often something failed since something was last acknowledged.",
            |state| {
                let failing = state.failing.as_ref();
                failing.map_or(0, |own| usize::try_from(own.times).unwrap_or(usize::MAX))
            },
        ),
    ];
    for (name, help, figure) in gauges {
        let family = sheet.gauge(name, help);
        for own in all {
            family.of(&own.labels(), figure(&own.state));
        }
    }
    let family = sheet.counter(
        "jumun_subscriber_acknowledged",
        "Events that were settled, ever: this is stored, and goes on after a restart.",
    );
    for own in all {
        family.of(&own.labels(), own.state.acknowledged);
    }
    let family = sheet.counter(
        "jumun_subscriber_redelivered",
        "How often an event was given out again, ever: its lease had ended, or it failed.",
    );
    for own in all {
        family.of(&own.labels(), own.state.redelivered);
    }
}
