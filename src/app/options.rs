//! What an app is started with, and what it takes to start it again.

use std::{fmt, sync::Arc};

use super::{
    definitions::{self, Definition},
    faulty, open,
};
use crate::{
    actors::{faults::Faults, provider::Provider},
    clock::Clock,
    config::Config,
    store::{journal::Scanned, pages::Guard},
    telemetry::spans::Spans,
};

/// What may be replaced: by programs that embed this one, and by tests.
pub struct Options {
    /// In the order they are mounted.
    pub storefronts: Vec<Definition>,
    /// Where a store that was not closed is checked first.
    pub guard: Guard,
    /// The payment provider of each storefront; `None` for the embedded one.
    pub providers: Option<Vec<Arc<dyn Provider>>>,
    /// What stands before the journal's files.
    pub before_journal: open::Before,
    /// What may go wrong on purpose.
    pub faults: Arc<dyn Faults>,
    /// Where spans of traces go.
    pub spans: Spans,
    /// The time.
    pub clock: Clock,
    /// What is known of the journal's closed files, so that they need not be read once more.
    pub scanned: Option<Scanned>,
    /// Whether another process may take over, through the directory's control socket.
    pub hands_over: bool,
    /// Whether requests and events are counted for `/metrics`. No only to find out what that costs.
    pub counts: bool,
}

/// What it takes to start again what was started before: after another process failed to take over.
/// The journal's own files are used then, whatever stood before them.
#[derive(Clone)]
pub(super) struct Again {
    storefronts: Vec<Definition>,
    guard: Guard,
    providers: Option<Vec<Arc<dyn Provider>>>,
    faults: Arc<dyn Faults>,
    spans: Spans,
    clock: Clock,
    hands_over: bool,
    counts: bool,
}

impl Options {
    /// The embedded storefronts and those of the configuration, with nothing replaced.
    pub fn new(config: &Config) -> Result<Self, definitions::Error> {
        let (faults, before_journal) = faulty::of(config);
        Ok(Self {
            storefronts: definitions::load(config.storefronts.as_deref())?,
            guard: Guard::InProcess,
            providers: None,
            before_journal,
            faults,
            spans: Spans::default(),
            clock: Clock::System,
            scanned: None,
            hands_over: false,
            counts: true,
        })
    }

    pub(super) fn again(&self) -> Again {
        Again {
            storefronts: self.storefronts.clone(),
            guard: self.guard.clone(),
            providers: self.providers.clone(),
            faults: Arc::clone(&self.faults),
            spans: self.spans.clone(),
            clock: self.clock.clone(),
            hands_over: self.hands_over,
            counts: self.counts,
        }
    }
}

impl Again {
    pub(super) fn options(&self) -> Options {
        Options {
            storefronts: self.storefronts.clone(),
            guard: self.guard.clone(),
            providers: self.providers.clone(),
            before_journal: open::nothing(),
            faults: Arc::clone(&self.faults),
            spans: self.spans.clone(),
            clock: self.clock.clone(),
            scanned: None,
            hands_over: self.hands_over,
            counts: self.counts,
        }
    }
}

impl fmt::Debug for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Again").finish_non_exhaustive()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("storefronts", &self.storefronts.len())
            .finish_non_exhaustive()
    }
}
