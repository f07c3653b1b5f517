//! Wires everything together: opens the store, starts the actors, serves HTTP, drains, closes.
//!
//! The same [`App`] serves the binary, the tests and any program that embeds it: open it, take its
//! [`Engine`] for direct calls, let it [`serve`](App::serve) a listener of yours.

pub mod backup;
pub mod definitions;
mod faulty;
mod housekeeping;
pub mod kept;
mod measured;
mod mistakes;
pub mod open;
pub mod opening;
mod options;
mod posting;
mod process;
mod providers;
mod server;
mod serving;
mod space;
pub mod takeover;
pub mod upgrade;
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

use self::{
    definitions::Definition,
    housekeeping::Housekeeping,
    measured::{Counting, Measured},
    options::Again,
    posting::Posting,
    space::Space,
    takeover::{Control, Predecessor},
    writing::Writing,
};
pub use self::{
    options::Options,
    serving::{End, Phase},
};
use crate::{
    actors::{
        handles::Engine,
        settings::Settings,
        shard::{Parts, Threads},
    },
    clock::Clock,
    config::Config,
    domain::storefront::Storefront,
    http,
    outbound::channel::Unusable,
    store::{
        commit::Position,
        committer::Committer,
        directory::Directory,
        journal::Scanned,
        pages::{self, Checkpointer, Guard, Pages},
    },
    views::projector::Elsewhere,
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
    /// The channels that people are told over.
    #[error(transparent)]
    Channels(#[from] Unusable),
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
    /// The disk is as good as full.
    #[error(
        "the disk of {} has {free} bytes left, and a start needs {needed}: free some, then start \
         again; nothing is lost", .data.display()
    )]
    NoRoom {
        /// The data directory.
        data: std::path::PathBuf,
        /// What is free.
        free: u64,
        /// What must be.
        needed: u64,
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

/// An open store with running actors. Needs a running actix system.
#[derive(Debug)]
pub struct App {
    config: Config,
    root: Option<usize>,
    clock: Clock,
    again: Again,
    engine: Engine,
    posting: Posting,
    notices: Vec<String>,
    committer: Arc<Committer>,
    checkpointer: Checkpointer,
    space: Space,
    housekeeping: Housekeeping,
    measured: Measured,
    pages: Arc<Pages>,
    views: JoinHandle<()>,
    failure: Arc<Notify>,
    /// Where another process may come to take over.
    control: Option<Control>,
    /// Held until everything else is closed.
    directory: Directory,
}

impl App {
    /// Opens the data directory and starts the actors.
    pub fn start(config: Config, options: Options) -> Result<Self, Error> {
        let again = options.again();
        let (root, space, elsewhere) = checked(&config, &options.storefronts)?;
        let opened = opened(
            &config,
            &options.storefronts,
            &options.guard,
            options.before_journal,
            options.scanned,
        )?;
        let (storefronts, settings) = (mounted(&options.storefronts), settings(&config));
        let (clock, faults) = (options.clock, options.faults);
        let (pages, counting) = (opened.pages, Counting::new(&storefronts, options.counts));
        let on = writing::Opened {
            layout: &opened.layout,
            pages: &pages,
            stops: opened.stops,
            components: &opened.components,
            tally: counting.tally(),
            elsewhere,
            strike: faulty::of_views(&faults),
        };
        let writing = Writing::start(opened.journal, &storefronts, on, settings.shards)?;
        let checkpointer = space.checkpointer(&pages, &writing, &config)?;
        let (directory, committer) = (&opened.directory, &writing.committer);
        let measured = counting.of(directory, committer, &pages, &space, &clock);
        let engine = Engine::start(Parts {
            providers: providers::before(&faults, options.providers, &config, &storefronts),
            storefronts,
            layout: opened.layout,
            pages: Arc::clone(&pages),
            components: opened.components,
            committer: Arc::clone(&writing.committer) as _,
            lanes: writing.lanes,
            under_way: writing.under_way,
            journal: writing.source,
            durable: durable(&writing.committer),
            failed: failed(&writing.committer, &checkpointer),
            full: space.full(&writing.committer),
            views: writing.projector.positions(),
            release_view: writing::releases(&writing.projector),
            spans: options.spans,
            clock: clock.clone(),
            settings,
            faults,
            threads: Threads::Own,
        })?;
        Ok(Self {
            housekeeping: Housekeeping::start(&pages, &clock, settings.answers_kept_ms)?,
            posting: Posting::start(&engine, &clock, &config)?,
            config,
            root,
            clock,
            again,
            engine,
            notices: opened.notices,
            committer: writing.committer,
            checkpointer,
            space,
            measured,
            pages,
            views: writing.views,
            failure: writing.failure,
            control: control(options.hands_over, &opened.directory),
            directory: opened.directory,
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

    /// Offers what the storefronts begin with, and serves HTTP on the listener until `shutdown` is
    /// ready or the store fails; then stops accepting, finishes what is under way, checkpoints and
    /// closes.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let served = self.serve_in_turn(listener, shutdown, None, drop);
        served.await.map(drop)
    }

    /// The same. Tells `predecessor`, from which it took over, as soon as it serves, and says whether
    /// another process took over from it. How far it has come is told to `tell`.
    pub async fn serve_in_turn(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
        predecessor: Option<Predecessor>,
        tell: impl Fn(Phase),
    ) -> Result<End, Error> {
        serving::serve(self, listener, shutdown, predecessor, &tell).await
    }

    /// Backs this directory up, to where its journal is durable.
    fn backups(&self) -> http::Backups {
        let (data, committer) = (self.config.data.clone(), Arc::clone(&self.committer));
        http::Backups::new(move |to| backup::running(&data, committer.durable(), to))
    }

    /// Finishes what is under way, checkpoints, and gives the directory up.
    pub async fn close(self) -> Result<(), Error> {
        drop(self.control);
        self.engine.feed().close();
        let wait = Duration::from_millis(self.config.limits.drain_ms_max);
        self.posting.stop(wait).await;
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
        match self.pages.close() {
            // The next start looks closer, and nothing more.
            Err(error) if !self.space.has_reserve() => {
                tracing::warn!(%error, "the snapshots and views were not closed cleanly");
            }
            closed => closed?,
        }
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

/// What the settings say of these storefronts and this machine, before anything is opened.
fn checked(
    config: &Config,
    storefronts: &[Definition],
) -> Result<(Option<usize>, Space, Elsewhere), Error> {
    let root = root(config, storefronts)?;
    let elsewhere = posting::elsewhere(&mounted(storefronts), &config.channels)?;
    Ok((root, Space::of(config)?, elsewhere))
}

/// The place of the storefront that is served at `/` too. Whatever the settings say of a storefront,
/// there must be one of that name.
fn root(config: &Config, storefronts: &[Definition]) -> Result<Option<usize>, definitions::Error> {
    let told = config.channels.storefronts.keys();
    for name in config.payment.storefronts.keys().chain(told) {
        definitions::place(storefronts, name)?;
    }
    let name = config.root.as_deref();
    name.map(|name| definitions::root(storefronts, name))
        .transpose()
}

/// Where another process may come to take over, if it may and can.
fn control(hands_over: bool, directory: &Directory) -> Option<Control> {
    hands_over.then(|| Control::listen(directory)).flatten()
}

/// Up to where the journal is durable.
fn durable(committer: &Arc<Committer>) -> Arc<dyn Fn() -> Position + Send + Sync> {
    let committer = Arc::clone(committer);
    Arc::new(move || committer.durable())
}

/// Whether nothing more can be written.
fn failed(
    committer: &Arc<Committer>,
    checkpointer: &Checkpointer,
) -> Arc<dyn Fn() -> bool + Send + Sync> {
    let (committer, checkpoints_failed) = (Arc::clone(committer), checkpointer.watch());
    Arc::new(move || committer.failed() || checkpoints_failed())
}

/// The storefronts alone, in their order.
fn mounted(definitions: &[Definition]) -> Vec<Arc<Storefront>> {
    let storefronts = definitions.iter().map(Definition::storefront);
    storefronts.map(Arc::clone).collect()
}

fn opened(
    config: &Config,
    storefronts: &[Definition],
    guard: &Guard,
    before: open::Before,
    scanned: Option<Scanned>,
) -> Result<open::Opened, open::Error> {
    let limits = pages::Limits {
        pages_max: config.limits.pages_max,
        bytes_max: usize::try_from(config.limits.pages_bytes_max).unwrap_or(usize::MAX),
        backlog_max: config.limits.backlog_max,
        ..pages::Limits::default()
    };
    open::open_after(scanned, &config.data, storefronts, limits, guard, before)
}

fn settings(config: &Config) -> Settings {
    Settings {
        shards: config.shards(),
        requests_per_shard_max: config.limits.requests_per_shard_max,
        request_ms_max: config.limits.request_ms_max,
        stuck_ms_max: config.limits.stuck_ms_max,
        ..Settings::default()
    }
}
