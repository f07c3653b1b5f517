//! Keeps the views up to date: takes in every committed batch, in order.
//!
//! It follows the journal from a queue. Should the queue be full, it reads what it missed from the
//! journal; the committer never waits for it.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use tokio::sync::watch;

use super::{
    model::Model,
    notices::{Mentioned, Notices, Notification},
    rows::{Likeness, Made, Rows},
    stops::{self, Progress, Stop},
};
use crate::{
    domain::{
        Batch,
        storefront::{Channel, Storefront},
    },
    store::{
        commit::{Committed, Position},
        layout::Layout,
        pages::{Error, Pages},
    },
};

/// More of a panic's message is not kept, in characters.
const TEXT_CHARS_MAX: usize = 300;

/// Called with the storefront's name, the view's path and the batch's first number before a view takes
/// a batch in; may panic, or take its time.
#[derive(Clone)]
pub struct Strike(pub Arc<Struck>);

/// What is called then.
pub type Struck = dyn Fn(&str, &str, u64) + Send + Sync;

impl fmt::Debug for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Strike")
    }
}

/// Channels that notifications go out over, each with its storefront's place: these are not logged.
pub type Elsewhere = BTreeSet<(usize, Channel)>;

/// The views and the notifications of all storefronts.
#[derive(Debug)]
pub struct Projector {
    storefronts: Vec<Arc<Storefront>>,
    /// By the notices of each.
    mentioned: Vec<Mentioned>,
    /// Of the views of each.
    likenesses: Vec<Vec<Likeness>>,
    layout: Arc<Layout>,
    pages: Arc<Pages>,
    progress: watch::Sender<Progress>,
    tells: bool,
    elsewhere: Elsewhere,
    strike: Option<Strike>,
}

impl Projector {
    /// Views that have taken in everything up to `position`, and log who is told what.
    pub fn new(
        storefronts: Vec<Arc<Storefront>>,
        layout: Arc<Layout>,
        pages: Arc<Pages>,
        position: Position,
    ) -> Self {
        let progress = Progress {
            position,
            ..Progress::default()
        };
        let mentioned = storefronts.iter().map(|own| Mentioned::by(own)).collect();
        let likenesses = storefronts.iter().map(|own| Likeness::of(own)).collect();
        Self {
            storefronts,
            mentioned,
            likenesses,
            layout,
            pages,
            progress: watch::Sender::new(progress),
            tells: true,
            elsewhere: Elsewhere::new(),
            strike: None,
        }
    }

    /// With these having stopped.
    #[must_use]
    pub fn stopped(self, stops: BTreeMap<Model, Stop>) -> Self {
        self.progress.send_modify(|progress| progress.stops = stops);
        self
    }

    /// With notifications going out over these channels, instead of to the log.
    #[must_use]
    pub fn telling(self, elsewhere: Elsewhere) -> Self {
        Self { elsewhere, ..self }
    }

    /// With what goes wrong on purpose, if anything may.
    #[must_use]
    pub fn struck(self, strike: Option<Strike>) -> Self {
        Self { strike, ..self }
    }

    /// For what happened long ago: nothing is logged.
    #[must_use]
    pub fn silent(self) -> Self {
        Self {
            tells: false,
            ..self
        }
    }

    /// Tells how far the views have come.
    pub fn positions(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// How far the views have come. To be let go of soon: nobody can tell more until then.
    pub fn progress(&self) -> watch::Ref<'_, Progress> {
        self.progress.borrow()
    }

    /// How far the views have come that did not stop.
    pub fn position(&self) -> Position {
        self.progress.borrow().position
    }

    /// All read models, with their storefronts.
    pub fn models(&self) -> impl Iterator<Item = (Model, &Arc<Storefront>)> {
        let storefronts = self.storefronts.iter().enumerate();
        storefronts.flat_map(|(at, own)| Model::all(at, own).map(move |model| (model, own)))
    }

    /// Takes a group in, and tells those who wait for it. Batches that were taken in already are
    /// passed over, as are those that come after where a view stopped.
    pub fn take(&self, group: &[Committed]) -> Result<(), Error> {
        let Some(last) = group.last().map(Committed::last) else {
            return Ok(());
        };
        let before = self.progress.borrow().clone();
        {
            let _same_checkpoint = self.pages.together();
            for committed in group {
                if committed.first > before.position {
                    let takes = |model| before.takes(model, committed.last());
                    self.project(committed, &before, &takes)?;
                }
            }
        }
        self.progress
            .send_modify(|progress| progress.position = last.max(progress.position));
        Ok(())
    }

    /// Lets a view stop where it is. One that has stopped already stays where it is.
    pub fn stop(&self, model: Model) -> Result<(), Error> {
        let before = self.progress.borrow().clone();
        if before.stops.contains_key(&model) {
            return Ok(());
        }
        let stop = Stop {
            at: before.position,
            told_to: before.position,
        };
        stops::write(&self.pages, &self.layout, model, Some(stop))?;
        self.progress
            .send_modify(|progress| progress.stops.extend([(model, stop)]));
        Ok(())
    }

    /// Lets a view go on that panicked, from where it stopped. False if it had not.
    pub fn release(&self, model: Model) -> bool {
        let mut had = false;
        self.progress
            .send_modify(|progress| had = progress.panicked.remove(&model).is_some());
        had
    }

    /// Whether so much waits to be written that views which are behind had better wait.
    pub fn is_hurried(&self) -> bool {
        self.pages.is_filling()
    }

    /// Takes what these views missed into them: every batch up to `to`, in the journal's order, from
    /// where the first of these views stopped. Those that come as far as all others do have not
    /// stopped any more.
    pub fn bring_up(
        &self,
        missed: &[Committed],
        to: Position,
        models: &[Model],
    ) -> Result<(), Error> {
        let last = missed.last().map_or(to, Committed::last).max(to);
        let before = self.progress.borrow().clone();
        let mut after = before.clone();
        {
            let _same_checkpoint = self.pages.together();
            for committed in missed {
                let takes = |model| models.contains(&model) && before.of(model) < committed.first;
                self.project(committed, &before, &takes)?;
            }
            for model in models {
                let Some(stop) = after.stops.get_mut(model) else {
                    continue;
                };
                if self.progress.borrow().panicked.contains_key(model) {
                    // It stopped again, where it panicked.
                    *stop = self.progress.borrow().stops[model];
                    continue;
                }
                stop.at = last.max(stop.at);
                let rest = Some(*stop).filter(|stop| stop.at < before.position);
                stops::write(&self.pages, &self.layout, *model, rest)?;
                if rest.is_none() {
                    after.stops.remove(model);
                }
            }
        }
        self.progress
            .send_modify(|progress| progress.stops = after.stops);
        Ok(())
    }

    fn project(
        &self,
        committed: &Committed,
        before: &Progress,
        takes: &dyn Fn(Model) -> bool,
    ) -> Result<(), Error> {
        let batch = &*committed.batch;
        let found = self
            .storefronts
            .iter()
            .position(|own| own.name == batch.storefront);
        let Some(at) = found else { return Ok(()) };
        let storefront = &self.storefronts[at];
        let mut made = Made::default();
        for (view, likeness) in self.likenesses[at].iter().copied().enumerate() {
            let model = Model::view(at, view);
            if takes(model) {
                let rows = Rows::new(storefront, (at, view), likeness, &self.layout, &self.pages);
                self.careful(model, committed, before, || {
                    self.strike(model, batch);
                    rows.take(committed, &mut made)
                })?;
            }
        }
        let model = Model::notifications(at);
        if let Some(told) = self.layout.told(at).filter(|_| takes(model)) {
            let told_to = before.stops.get(&model).map_or(0, |stop| stop.told_to);
            let is_new = self.tells && committed.first > told_to;
            let notices = Notices {
                storefront,
                pages: &self.pages,
                told,
                mentioned: &self.mentioned[at],
            };
            self.careful(model, committed, before, || {
                self.strike(model, batch);
                notices.take(committed, &mut |told| {
                    if is_new && !self.elsewhere.contains(&(at, told.channel)) {
                        log(storefront, told);
                    }
                })
            })?;
        }
        Ok(())
    }

    /// Lets a view take a batch in. One that panics, or cannot read what it keeps, stops before it, and the
    /// others go on.
    fn careful(
        &self,
        model: Model,
        committed: &Committed,
        before: &Progress,
        take: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.progress.borrow().panicked.contains_key(&model) {
            return Ok(());
        }
        let text = match catch_unwind(AssertUnwindSafe(take)) {
            Ok(Err(damaged @ Error::Damaged(_))) => damaged.to_string(),
            Ok(taken) => return taken,
            Err(panic) => text_of(&*panic),
        };
        let path = model.path(&self.storefronts[model.storefront]);
        tracing::error!(
            view = path,
            event = committed.first,
            text,
            "a view failed; it stops, the others go on"
        );
        let at = committed.first - 1;
        let told_to = before.stops.get(&model).map_or(at, |stop| stop.told_to);
        let stop = Stop { at, told_to };
        stops::write(&self.pages, &self.layout, model, Some(stop))?;
        self.progress.send_modify(|progress| {
            progress.stops.extend([(model, stop)]);
            progress.panicked.extend([(model, text)]);
        });
        Ok(())
    }

    fn strike(&self, model: Model, batch: &Batch) {
        if let (Some(Strike(strike)), Some(first)) = (&self.strike, batch.events.first()) {
            let storefront = &self.storefronts[model.storefront];
            strike(
                &storefront.name,
                model.path(storefront),
                first.entity.number,
            );
        }
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("without a message").chars();
    text.take(TEXT_CHARS_MAX).collect()
}

/// Where people are told if a notice has no channel, or one that is not set up.
fn log(storefront: &Storefront, told: &Notification) {
    tracing::info!(
        target: "notification",
        storefront = %storefront.name,
        order = (told.subject.kind == crate::domain::Kind::Order).then_some(told.subject.number),
        correlation = told.correlation.as_str(),
        to = told.to.as_deref(),
        text = told.ko.as_str(),
        text_en = told.en.as_str(),
    );
}
