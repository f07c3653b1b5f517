//! Wires everything together: opens the store, starts the actors, serves HTTP, drains, closes.
//!
//! The same [`App`] serves the binary, the tests and any program that embeds it: open it, take its
//! [`Engine`] for direct calls, let it [`serve`](App::serve) a listener of yours.

pub mod definitions;
mod faulty;
mod housekeeping;
pub mod kept;
mod mistakes;
pub mod open;
pub mod opening;
mod server;
pub mod verify;
pub mod writing;

use std::{
    io,
    net::TcpListener,
    sync::{Arc, atomic::Ordering},
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::Notify;

use self::{definitions::Definition, housekeeping::Housekeeping, writing::Writing};
use crate::{
    actors::{
        faults::Faults,
        handles::Engine,
        provider::Provider,
        settings::Settings,
        shard::{Parts, Threads},
        simulator::{Behaviour, Simulator},
    },
    clock::Clock,
    config::Config,
    domain::storefront::Storefront,
    http,
    store::{
        committer::Committer,
        directory::Directory,
        pages::{self, Checkpointer, Guard, Pages},
    },
};

/// Why the program cannot start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data directory.
    #[error(transparent)]
    Open(#[from] open::Error),
    /// The definitions.
    #[error(transparent)]
    Definitions(#[from] definitions::Error),
    /// The pages.
    #[error(transparent)]
    Pages(#[from] pages::Error),
    /// What the storefronts begin with.
    #[error(transparent)]
    Opening(#[from] opening::NotOpened),
    /// The machine: threads, sockets.
    #[error("{doing}: {source}")]
    Io {
        /// What could not be done.
        doing: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The journal or the checkpoints failed while running.
    #[error("the store failed; restart once its disk is well, nothing acknowledged is lost")]
    StoreFailed,
    /// Threads that did not come back.
    #[error(
        "too many threads are stuck in their work; restart, and see the log for what they worked on"
    )]
    Stuck,
}

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
    /// The time.
    pub clock: Clock,
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
            clock: Clock::System,
        })
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("storefronts", &self.storefronts.len())
            .finish_non_exhaustive()
    }
}

/// An open store with running actors. Needs a running actix system.
#[derive(Debug)]
pub struct App {
    config: Config,
    root: Option<usize>,
    clock: Clock,
    engine: Engine,
    notices: Vec<String>,
    committer: Arc<Committer>,
    checkpointer: Checkpointer,
    housekeeping: Housekeeping,
    pages: Arc<Pages>,
    views: JoinHandle<()>,
    failure: Arc<Notify>,
    /// Held until everything else is closed.
    directory: Directory,
}

impl App {
    /// Opens the data directory and starts the actors.
    pub fn start(config: Config, options: Options) -> Result<Self, Error> {
        let Options {
            storefronts,
            guard,
            providers,
            before_journal,
            faults,
            clock,
        } = options;
        let root = root(&config, &storefronts)?;
        let limits = page_limits(&config);
        let opened = open::open(&config.data, &storefronts, limits, &guard, before_journal)?;
        let open::Opened {
            directory,
            journal,
            layout,
            pages,
            stops,
            components,
            notices,
        } = opened;
        let (storefronts, settings) = (mounted(&storefronts), settings(&config));
        let on = writing::Opened {
            layout: &layout,
            pages: &pages,
            stops,
            components: &components,
            strike: faulty::of_views(&faults),
        };
        let writing = Writing::start(journal, &storefronts, on, settings.shards)?;
        let checkpointer = checkpointer(&config, &pages, &writing)?;
        let housekeeping =
            Housekeeping::start(Arc::clone(&pages), clock.clone(), settings.answers_kept_ms)?;
        let committer = writing.committer;
        let (position, failed) = (Arc::clone(&committer), Arc::clone(&committer));
        let checkpoints_failed = checkpointer.watch();
        let providers = providers.unwrap_or_else(|| simulators(&config, storefronts.len()));
        let providers = faulty::before_providers(&faults, providers);
        let engine = Engine::start(Parts {
            providers,
            storefronts,
            layout,
            pages: Arc::clone(&pages),
            components,
            committer: Arc::clone(&committer) as _,
            lanes: writing.lanes,
            under_way: writing.under_way,
            journal: writing.source,
            durable: Arc::new(move || position.durable()),
            failed: Arc::new(move || failed.failed() || checkpoints_failed()),
            views: writing.projector.positions(),
            release_view: writing::releases(&writing.projector),
            clock: clock.clone(),
            settings,
            faults,
            threads: Threads::Own,
        })?;
        Ok(Self {
            config,
            root,
            clock,
            engine,
            notices,
            committer,
            checkpointer,
            housekeeping,
            pages,
            views: writing.views,
            failure: writing.failure,
            directory,
        })
    }

    /// For direct calls.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What a person should know about this start: a line each.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Offers what the storefronts begin with, and serves HTTP on the listener until `shutdown` is ready or the store fails; then stops
    /// accepting, finishes what is under way, checkpoints and closes.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        if let Err(error) = opening::open(&self.engine).await {
            self.close().await?;
            return Err(error.into());
        }
        let state = http::State {
            engine: self.engine.clone(),
            mounts: http::Mounts { root: self.root },
            clock: self.clock.clone(),
        };
        let server = server::start(
            listener,
            state,
            Config::or_cores(self.config.limits.workers),
        )
        .map_err(|source| Error::Io {
            doing: "serve HTTP",
            source,
        })?;
        let handle = server.handle();
        let ended = actix_web::rt::spawn(server);
        let failed = tokio::select! {
            () = shutdown => None,
            () = self.failure.notified() => Some(Error::StoreFailed),
            () = self.engine.beyond_repair() => Some(Error::Stuck),
        };
        handle.stop(true).await;
        drop(ended.await);
        self.close().await?;
        failed.map_or(Ok(()), Err)
    }

    /// Finishes what is under way, checkpoints, and gives the directory up.
    pub async fn close(self) -> Result<(), Error> {
        let wait = Duration::from_millis(self.config.limits.drain_ms_max);
        if !self.engine.drain(wait).await {
            tracing::warn!("not everything was finished in time; it goes on at the next start");
        }
        self.engine.stop();
        self.engine.components().close();
        self.committer.stop();
        if self.views.join().is_err() {
            tracing::error!("the views' thread panicked");
        }
        self.housekeeping.stop();
        self.checkpointer.stop()?;
        self.pages.close()?;
        let written = self.committer.statistics();
        tracing::info!(
            groups = written.groups.load(Ordering::Relaxed),
            batches = written.batches.load(Ordering::Relaxed),
            bytes = written.bytes.load(Ordering::Relaxed),
            "the journal is closed"
        );
        drop(self.directory);
        if self.committer.failed() {
            Err(Error::StoreFailed)
        } else {
            Ok(())
        }
    }
}

/// Runs a future on this thread, in the actix system that an [`App`] needs.
pub fn in_system<T>(future: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(future)
}

/// The place of the storefront that is served at `/` too.
fn root(config: &Config, storefronts: &[Definition]) -> Result<Option<usize>, definitions::Error> {
    let name = config.root.as_deref();
    name.map(|name| definitions::root(storefronts, name))
        .transpose()
}

fn notifies(failure: &Arc<Notify>) -> impl Fn() + Send + 'static {
    let failure = Arc::clone(failure);
    move || failure.notify_one()
}

fn checkpointer(
    config: &Config,
    pages: &Arc<Pages>,
    writing: &Writing,
) -> Result<Checkpointer, Error> {
    let interval = Duration::from_millis(config.limits.checkpoint_ms);
    let (complete_to, on_failure) = (writing.complete_to(), notifies(&writing.failure));
    let started = Checkpointer::start(Arc::clone(pages), interval, complete_to, on_failure)?;
    Ok(started)
}

/// The storefronts alone, in their order.
fn mounted(definitions: &[Definition]) -> Vec<Arc<Storefront>> {
    let storefronts = definitions.iter().map(Definition::storefront);
    storefronts.map(Arc::clone).collect()
}

fn page_limits(config: &Config) -> pages::Limits {
    pages::Limits {
        pages_max: config.limits.pages_max,
        backlog_max: config.limits.backlog_max,
        ..pages::Limits::default()
    }
}

fn settings(config: &Config) -> Settings {
    Settings {
        shards: Config::or_cores(config.limits.shards),
        requests_per_shard_max: config.limits.requests_per_shard_max,
        request_ms_max: config.limits.request_ms_max,
        stuck_ms_max: config.limits.stuck_ms_max,
        ..Settings::default()
    }
}

fn simulators(config: &Config, count: usize) -> Vec<Arc<dyn Provider>> {
    let payment = config.payment;
    let behaviour = Behaviour {
        latency_ms_min: payment.latency_ms_min,
        latency_ms_max: payment.latency_ms_max,
        failures_per_mille: payment.failures_per_mille,
        down: payment.down,
    };
    let seeds = 1..=count as u64;
    seeds
        .map(|seed| Arc::new(Simulator::new(behaviour, seed)) as Arc<dyn Provider>)
        .collect()
}
