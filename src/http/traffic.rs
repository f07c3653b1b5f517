//! Requests, counted while they are answered: how many, how long, and what was refused.
//!
//! A request costs four additions and two looks at the clock. Labels are places in arrays, so that
//! nothing is looked up on the way.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use actix_web::http::{Method, StatusCode};
use tokio::time::Instant;

use super::{address::Place, error::CODES};
use crate::{
    domain::storefront::Storefront,
    metrics::{Histogram, Sheet},
};

/// Bounds of a request's time, in microseconds. An order takes 0.3 ms alone and 1 to 4 ms in a crowd;
/// the last is the longest that a client waits for.
const BOUNDS_US: &[u64] = &[
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000,
];

/// Methods that are told apart; what else a client may send is `other`.
const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other",
];

const STATUSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The requests of one app, counted.
#[derive(Debug)]
pub struct Traffic {
    /// The storefronts in their order; last what belongs to none.
    fronts: Vec<Front>,
    /// By their place in [`CODES`].
    refused: Vec<AtomicU64>,
    begun: AtomicU64,
    ended: AtomicU64,
    is_counted: bool,
}

#[derive(Debug)]
struct Front {
    name: Arc<str>,
    /// By their place in [`METHODS`].
    methods: [Counted; METHODS.len()],
}

#[derive(Debug)]
struct Counted {
    /// By their place in [`STATUSES`].
    answered: [AtomicU64; STATUSES.len()],
    took: Histogram,
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct UnderWay<'a> {
    traffic: &'a Traffic,
    /// `None` where nothing is counted.
    at: Option<(&'a Counted, Option<Instant>)>,
}

impl Traffic {
    /// Of these storefronts. Nothing is counted unless `is_counted`.
    pub fn new(storefronts: &[Arc<Storefront>], is_counted: bool) -> Self {
        let names = storefronts.iter().map(|own| Arc::clone(&own.name));
        let names = names.chain([Arc::from("")]);
        Self {
            fronts: names.map(Front::new).collect(),
            refused: CODES.iter().map(|_| AtomicU64::new(0)).collect(),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            is_counted,
        }
    }

    /// A request to this place begins, or to none that there is. It ends when what is returned is
    /// dropped, and counts as answered only if that is [said](UnderWay::answered). How long one took
    /// that may wait on purpose says nothing, and is not counted.
    pub(super) fn begin(&self, place: Option<&Place<'_>>, method: &Method) -> UnderWay<'_> {
        let at = self.is_counted.then(|| {
            self.begun.fetch_add(1, Relaxed);
            let storefront = place.and_then(Place::storefront);
            let front = &self.fronts[storefront.unwrap_or(self.fronts.len() - 1)];
            let is_timed = !place.is_some_and(Place::may_wait);
            let begun = is_timed.then(Instant::now);
            (&front.methods[place_of(method)], begun)
        });
        UnderWay { traffic: self, at }
    }

    /// Something was refused with this code.
    pub(super) fn refused(&self, code: &str) {
        if let Some(at) = CODES.iter().position(|(own, ..)| *own == code) {
            self.refused[at].fetch_add(1, Relaxed);
        }
    }

    /// What was counted so far.
    pub(super) fn write(&self, sheet: &mut Sheet) {
        let ended = self.ended.load(Relaxed);
        let begun = self.begun.load(Relaxed);
        let family = sheet.gauge(
            "jumun_http_requests_in_flight",
            "Requests that are being answered. Stays high when something inside is slow.",
        );
        family.is(begun.saturating_sub(ended));
        let family = sheet.counter(
            "jumun_http_requests",
            "Requests answered, by storefront (empty: health, metrics and ops), method and status \
             class. 4xx are mistakes of clients or rules that said no, 5xx the server's own no.",
        );
        for (front, method, counted) in self.counted() {
            for (status, count) in STATUSES.iter().zip(&counted.answered) {
                let count = count.load(Relaxed);
                // A method that was never used is not shown. Of one that was, what may go wrong is
                // shown from the beginning: a rate needs the 0 before the first.
                let may_be = counted.is_used() && !["1xx", "3xx"].contains(status);
                if count > 0 || may_be {
                    let labels = [
                        ("storefront", front),
                        ("method", method),
                        ("status", status),
                    ];
                    family.of(&labels, count);
                }
            }
        }
        let family = sheet.histogram(
            "jumun_http_request_duration_seconds",
            "Time from a request's head to its answer, by storefront and method. A command's answer \
             waits for the disk, so this includes the sync. Requests that may wait for others \
             on purpose (events, consumers, webhooks) are left out.",
        );
        for (front, method, counted) in self.counted() {
            if counted.is_used() {
                let labels = [("storefront", front), ("method", method)];
                family.of(&labels, counted.took.read());
            }
        }
        let family = sheet.counter(
            "jumun_http_refusals",
            "Requests that were refused, by the error's code. /problems says what each means.",
        );
        for ((code, ..), count) in CODES.iter().zip(&self.refused) {
            family.of(&[("code", code)], count.load(Relaxed));
        }
    }

    fn counted(&self) -> impl Iterator<Item = (&str, &'static str, &Counted)> {
        self.fronts.iter().flat_map(|front| {
            let methods = METHODS.iter().zip(&front.methods);
            methods.map(|(method, counted)| (&*front.name, *method, counted))
        })
    }
}

impl Front {
    fn new(name: Arc<str>) -> Self {
        let counted = |_| Counted {
            answered: Default::default(),
            took: Histogram::of_times(BOUNDS_US),
        };
        Self {
            name,
            methods: METHODS.map(counted),
        }
    }
}

impl Counted {
    fn is_used(&self) -> bool {
        self.answered.iter().any(|count| count.load(Relaxed) > 0)
    }
}

impl UnderWay<'_> {
    /// It was answered with this status.
    pub(super) fn answered(self, status: StatusCode) {
        if let Some((counted, begun)) = self.at {
            let class = usize::from(status.as_u16() / 100).clamp(1, STATUSES.len());
            counted.answered[class - 1].fetch_add(1, Relaxed);
            if let Some(begun) = begun {
                counted.took.observe_time(begun.elapsed());
            }
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if self.at.is_some() {
            self.traffic.ended.fetch_add(1, Relaxed);
        }
    }
}

fn place_of(method: &Method) -> usize {
    match *method {
        Method::GET => 0,
        Method::HEAD => 1,
        Method::POST => 2,
        Method::PUT => 3,
        Method::PATCH => 4,
        Method::DELETE => 5,
        Method::OPTIONS => 6,
        _ => METHODS.len() - 1,
    }
}
