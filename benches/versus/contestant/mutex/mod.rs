//! The same rules without actors: one mutex, as the honest control for what actors cost.
//!
//! The rules are the engine's own (`jumun::domain`: decide, apply, the saga), and so are the shop's file,
//! the encoding, the journal, the committer, the pages with their checkpoints, and the views with their
//! thread. In place of shards, coordinators and actors there is one lock. An HTTP worker takes it, decides
//! and applies until the saga asks for nothing more, encodes, submits to the committer, lets go, waits
//! until that is durable, puts the snapshots into the pages, and answers. Orders that are not durable yet
//! are in a table behind the same lock, for the next command to the same order; they leave it when
//! they are stored, as the engine's do.
//!
//! What it leaves out, so what its figure does not pay for:
//!
//! - **HTTP as the engine speaks it.** Plain actix-web and serde on a struct, compact JSON: no routes from
//!   a file, no fields checked by definition, no content negotiation, correlation header, CORS or trace.
//! - **What is asked of an order after it is placed**, and the other storefronts; what would serialise
//!   them is there, see above.
//! - **Everything that a panic or a slow provider needs**: supervision, quarantine, deadlines, fences,
//!   breakers. A panic in here poisons the lock, and the shop is closed.
//! - **Bounds**, but for the committer's queue and the pages' backlog: no permits, no waiting at the door.
//! - **Charging through a provider**: what is asked for is captured in the same breath, which is what
//!   the simulator does.
//! - Counting for `/metrics`, log lines, spans, the feed's bell, housekeeping, commits waiting for others
//!   who are under way, and the start after a crash (what is stored is the engine's; it could start on
//!   it).

mod fields;
mod shop;
mod tickets;
mod turn;

use std::{
    io,
    sync::{Arc, OnceLock},
    thread::JoinHandle,
};

use jumun::{
    app::{definitions, open},
    config::Config,
    store::{
        committer::{Committer, Limits, Listeners, UnderWay},
        directory::Directory,
        pages::{self, Checkpointer, Guard, Pages},
        space::Room,
    },
    views::{follower, projector::Projector},
};
use tempfile::TempDir;

use self::{shop::Shop, tickets::Tickets};
use super::peer;
use crate::contest::Server;

/// The shop that is served, as the shipped definitions name it.
const SHOP: &str = "flowers";

/// Starts it on a directory of its own.
pub(crate) fn start() -> io::Result<Server> {
    start_with_shop().map(|(server, _shop, _projector)| server)
}

/// Whether it keeps what it answers.
pub(crate) fn test() -> io::Result<()> {
    let (server, shop, projector) = start_with_shop()?;
    // Beside what an outbox is told, the journal has that the payment was asked for.
    peer::test(&server, 4, || shop.count(projector.positions()))
}

fn start_with_shop() -> io::Result<(Server, Arc<Shop>, Arc<Projector>)> {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (shop, projector, running) = open(home)?;
    let behind = Arc::clone(&shop);
    let server = peer::http("one mutex", move || Arc::clone(&behind))?;
    let server = Server {
        // In this order: nothing is submitted to what has stopped.
        keep: Box::new((server.keep, running)),
        ..server
    };
    Ok((server, shop, projector))
}

/// What runs behind the shop until this is dropped.
struct Running {
    committer: Arc<Committer>,
    views: Option<JoinHandle<()>>,
    checkpointer: Option<Checkpointer>,
    pages: Arc<Pages>,
    _directory: Directory,
    _home: TempDir,
}

/// Opens the directory as the engine does, and starts what it starts behind the shards.
fn open(home: TempDir) -> io::Result<(Arc<Shop>, Arc<Projector>, Running)> {
    let config = Config::read(None).map_err(io::Error::other)?;
    let definitions = definitions::load(None).map_err(io::Error::other)?;
    let at = definitions::place(&definitions, SHOP).map_err(io::Error::other)?;
    let storefronts: Vec<_> = (definitions.iter())
        .map(|own| Arc::clone(own.storefront()))
        .collect();
    let data = home.path().join("data");
    let (limits, guard) = (limits(&config), Guard::InProcess);
    let opened = open::open(&data, &definitions, limits, &guard, open::nothing());
    let opened = opened.map_err(io::Error::other)?;
    let (journal, layout, pages) = (opened.journal, opened.layout, opened.pages);

    let (end, source) = (journal.end(), journal.source());
    let projector = Projector::new(
        storefronts.clone(),
        Arc::clone(&layout),
        Arc::clone(&pages),
        end,
    );
    let projector = Arc::new(projector);
    // The views ask how far they may read before the committer, who knows, is there.
    let known = Arc::<OnceLock<Arc<Committer>>>::default();
    let asks = Arc::clone(&known);
    let durable = move || asks.get().map_or(0, |committer| committer.durable());
    let (queue, views) =
        follower::start(Arc::clone(&projector), opened.components, source, durable)?;

    let tickets = Arc::<Tickets>::default();
    let listeners = Listeners {
        lanes: vec![Arc::clone(&tickets) as _],
        followers: vec![Box::new(queue)],
        on_failure: Box::new(|| {}),
    };
    let (under_way, limits) = (UnderWay::default(), Limits::default());
    let committer =
        Committer::start(journal, listeners, under_way.clone(), limits).map(Arc::new)?;
    drop(known.set(Arc::clone(&committer)));

    let storefront = Arc::clone(&storefronts[at]);
    let shop = Shop::new(
        (at, storefront),
        layout,
        Arc::clone(&pages),
        tickets,
        (&committer, under_way),
    );
    let shop = Arc::new(shop.map_err(io::Error::other)?);
    let (behind, shown) = (Arc::downgrade(&shop), Arc::clone(&projector));
    let complete_to = move || {
        let stored = behind.upgrade().map_or(0, |shop| shop.complete_to());
        stored.min(shown.position())
    };
    let room = Room::of(&data, config.limits.disk_free_bytes_min)?;
    let interval = std::time::Duration::from_millis(config.limits.checkpoint_ms);
    let checkpointer = Checkpointer::start(
        Arc::clone(&pages),
        Arc::new(room),
        interval,
        complete_to,
        || {},
    );
    let running = Running {
        committer,
        views: Some(views),
        checkpointer: Some(checkpointer.map_err(io::Error::other)?),
        pages,
        _directory: opened.directory,
        _home: home,
    };
    Ok((shop, projector, running))
}

/// As many pages as the engine keeps.
fn limits(config: &Config) -> pages::Limits {
    pages::Limits {
        pages_max: config.limits.pages_max,
        backlog_max: config.limits.backlog_max,
        ..pages::Limits::default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.committer.stop();
        drop(self.views.take().map(JoinHandle::join));
        // Errors are of no interest any more: all of it is removed.
        drop(self.checkpointer.take().map(Checkpointer::stop));
        drop(self.pages.close());
    }
}
