//! The writing side: the committer with its journal, the shards' lanes, and the views that follow.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    thread::JoinHandle,
};

use tokio::sync::Notify;

use super::Error;
use crate::{
    actors::lane::Lane,
    domain::storefront::Storefront,
    store::{
        commit::{Follower, Position},
        committer::{self, Committer, Listeners, UnderWay},
        components::Components,
        journal::{Journal, Source},
        layout::Layout,
        pages::Pages,
        tally::{Count, Tally},
    },
    views::{
        follower,
        model::Model,
        projector::{Elsewhere, Projector, Strike},
        stops::Stop,
    },
};

/// What the views work on.
pub(super) struct Opened<'a> {
    pub(super) layout: &'a Arc<Layout>,
    /// Complete to the journal's end, but for the views that stopped.
    pub(super) pages: &'a Arc<Pages>,
    pub(super) stops: BTreeMap<Model, Stop>,
    pub(super) components: &'a Arc<Components>,
    /// Where events are counted, if they are.
    pub(super) tally: Option<&'a Arc<Tally>>,
    /// The channels that notifications go out over, instead of to the log.
    pub(super) elsewhere: Elsewhere,
    /// What goes wrong in the views on purpose, if anything may.
    pub(super) strike: Option<Strike>,
}

/// Everything between the shards and the disk.
pub(super) struct Writing {
    pub(super) committer: Arc<Committer>,
    /// What is written, for those who read it again.
    pub(super) source: Arc<dyn Source>,
    pub(super) lanes: Vec<Arc<Lane>>,
    pub(super) under_way: UnderWay,
    pub(super) projector: Arc<Projector>,
    pub(super) views: JoinHandle<()>,
    /// Told when nothing more can be committed.
    pub(super) failure: Arc<Notify>,
}

impl Writing {
    /// Starts the committer and the views on what was opened.
    pub(super) fn start(
        journal: Journal,
        storefronts: &[Arc<Storefront>],
        on: Opened<'_>,
        shards: usize,
    ) -> Result<Self, Error> {
        let lanes: Vec<Arc<Lane>> = (0..shards).map(|_| Arc::default()).collect();
        let (end, source) = (journal.end(), journal.source());
        let (layout, pages) = (Arc::clone(on.layout), Arc::clone(on.pages));
        let projector = Projector::new(storefronts.to_vec(), layout, pages, end).stopped(stops(
            on.stops,
            storefronts,
            on.components,
            end,
        ));
        let projector = Arc::new(projector.telling(on.elsewhere).struck(on.strike));

        // The views ask how far they may read before the committer, who knows, is there.
        let known = Arc::<OnceLock<Arc<Committer>>>::default();
        let asks = Arc::clone(&known);
        let durable = move || asks.get().map_or(0, |committer| committer.durable());
        let (queue, views) = follower::start(
            Arc::clone(&projector),
            Arc::clone(on.components),
            journal.source(),
            durable,
        )
        .map_err(|source| Error::Io {
            doing: "start the views' thread",
            source,
        })?;

        let (under_way, failure) = (UnderWay::default(), Arc::<Notify>::default());
        let fails = Arc::clone(&failure);
        let mut followers: Vec<Box<dyn Follower>> = vec![Box::new(queue)];
        if let Some(tally) = on.tally {
            followers.push(Box::new(Count(Arc::clone(tally))));
        }
        let listeners = Listeners {
            lanes: lanes.iter().map(|lane| Arc::clone(lane) as _).collect(),
            followers,
            on_failure: Box::new(move || fails.notify_one()),
        };
        let limits = committer::Limits::default();
        let committer =
            Committer::start(journal, listeners, under_way.clone(), limits).map_err(|source| {
                Error::Io {
                    doing: "start the committer's thread",
                    source,
                }
            })?;
        let committer = Arc::new(committer);
        drop(known.set(Arc::clone(&committer)));
        Ok(Self {
            committer,
            source,
            lanes,
            under_way,
            projector,
            views,
            failure,
        })
    }

    /// Tells up to where everything committed is in the page cache.
    pub(super) fn complete_to(&self) -> impl Fn() -> Position + Send + 'static {
        let committer = Arc::clone(&self.committer);
        let (lanes, projector) = (self.lanes.clone(), Arc::clone(&self.projector));
        move || complete_to(committer.durable(), &lanes, &projector)
    }
}

/// Lets views go on that panicked.
pub(super) fn releases(projector: &Arc<Projector>) -> Arc<dyn Fn(Model) -> bool + Send + Sync> {
    let projector = Arc::clone(projector);
    Arc::new(move |model| projector.release(model))
}

/// Where views stopped. Those that run were at work before the process ended: what they had told by
/// then is not known, and not told again.
fn stops(
    mut stops: BTreeMap<Model, Stop>,
    storefronts: &[Arc<Storefront>],
    components: &Components,
    end: Position,
) -> BTreeMap<Model, Stop> {
    for (model, stop) in &mut stops {
        let path = model.path(&storefronts[model.storefront]);
        if components.pausing(model.storefront, path).is_none() {
            stop.told_to = end;
        }
    }
    stops
}

/// Up to where everything committed is in the page cache. `durable` was read before the call: what
/// is submitted from then on comes after it.
pub fn complete_to(durable: Position, lanes: &[Arc<Lane>], projector: &Projector) -> Position {
    let entities = lanes.iter().map(|lane| lane.complete_to(durable)).min();
    entities.unwrap_or(durable).min(projector.position())
}
