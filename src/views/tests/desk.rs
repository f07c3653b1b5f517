//! Pages with views on them, and what can be looked at there.

use super::*;

/// Pages with a storefront's views on them, and the journal so far.
pub(super) struct Desk {
    pub(super) storefronts: Vec<Arc<Storefront>>,
    pub(super) layout: Arc<Layout>,
    durable: Durable,
    pub(super) pages: Arc<Pages>,
    pub(super) projector: Projector,
    pub(super) journal: Vec<Committed>,
}

impl Desk {
    pub(super) fn new(storefront: Storefront) -> Self {
        let storefronts = vec![Arc::new(storefront)];
        let layout = Arc::new(Layout::of(&storefronts));
        let durable = Durable::default();
        let pages = pages(&layout, &durable);
        let projector = Projector::new(
            storefronts.clone(),
            Arc::clone(&layout),
            Arc::clone(&pages),
            0,
        );
        Self {
            storefronts,
            layout,
            durable,
            pages,
            projector,
            journal: Vec::new(),
        }
    }

    pub(super) fn commit(&mut self, events: &[(EntityKey, Event)]) {
        let first = self.end() + 1;
        let events = events.iter().map(|(entity, event)| Stamped {
            entity: *entity,
            version: 1,
            event: event.clone(),
        });
        let batch = Batch {
            storefront: Arc::clone(&self.storefronts[0].name),
            at: Timestamp(i64::try_from(first).unwrap() * 1_000),
            correlation: Correlation::default(),
            named: None,
            trace: None,
            cause: Cause::default(),
            answered: None,
            events: events.collect(),
        };
        self.journal.push(Committed {
            first,
            batch: Arc::new(batch),
        });
        let last = self.journal.len() - 1;
        self.projector.take(&self.journal[last..]).unwrap();
    }

    pub(super) fn end(&self) -> Position {
        self.journal.last().map_or(0, Committed::last)
    }

    /// What a crash leaves of it, brought up to the journal's end as a start does.
    pub(super) fn after_crash(self) -> Self {
        let pages = pages(&self.layout, &self.durable);
        let stops = stops::read(&pages, &self.layout, &self.storefronts).unwrap();
        let new = |position| {
            let (layout, pages) = (Arc::clone(&self.layout), Arc::clone(&pages));
            Projector::new(self.storefronts.clone(), layout, pages, position).stopped(stops.clone())
        };
        let complete_to = pages.complete_to();
        let restored = new(complete_to).silent();
        for committed in &self.journal {
            if committed.first > complete_to {
                restored.take(std::slice::from_ref(committed)).unwrap();
            }
        }
        let projector = new(self.end());
        Self {
            pages,
            projector,
            ..self
        }
    }

    /// Lets everything that stopped go on, so many batches at a time.
    pub(super) fn go_on(&self, batches: usize) {
        let models: Vec<Model> = self.projector.progress().stops.keys().copied().collect();
        while let Some(from) = {
            let progress = self.projector.progress();
            progress.stops.values().map(|stop| stop.at).min()
        } {
            let missed = self.journal.iter();
            let missed = missed.filter(|committed| committed.last() > from);
            let missed: Vec<_> = missed.take(batches).cloned().collect();
            let to = missed.last().map_or(from, Committed::last);
            self.projector.bring_up(&missed, to, &models).unwrap();
        }
    }

    pub(super) fn row(&self, view: usize, number: u64) -> Option<Fields> {
        let slot = self.pages.get(self.layout.rows(0, view), number).unwrap();
        slot.map(|slot| kept::read(&slot.bytes).unwrap())
    }

    pub(super) fn has(&self, view: usize, number: u64, expected: &[(&str, Value)]) {
        let row = self.row(view, number).unwrap_or_default();
        let expected: BTreeMap<_, _> = expected.iter().cloned().collect();
        let found: BTreeMap<&str, Value> = row
            .iter()
            .map(|(name, value)| (&**name, value.clone()))
            .collect();
        assert_eq!(found, expected, "row {number}");
    }

    pub(super) fn history(&self, view: usize, number: u64) -> Vec<(String, i64, Option<Value>)> {
        let collection = self.layout.history(0, view).unwrap();
        let slot = self.pages.get(collection, number).unwrap().unwrap();
        let entries = kept::read::<Vec<Entry>>(&slot.bytes).unwrap().into_iter();
        let entries = entries.map(|entry| {
            let status = entry.row.get("status").cloned();
            (entry.event.to_string(), entry.at.0, status)
        });
        entries.collect()
    }

    pub(super) fn told(&self) -> Vec<Notification> {
        let told = self.layout.told(0).unwrap().notifications;
        let slots = self.pages.range(told, 0, 1_000).unwrap();
        let numbers: Vec<u64> = slots.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (1..=slots.len() as u64).collect::<Vec<_>>());
        let read = slots
            .iter()
            .map(|(_, slot)| kept::read(&slot.bytes).unwrap());
        read.collect()
    }

    pub(super) fn delivery(&self, number: u64) -> Option<Delivery> {
        let deliveries = self.layout.told(0).unwrap().deliveries;
        let slot = self.pages.get(deliveries, number).unwrap();
        slot.map(|slot| kept::read(&slot.bytes).unwrap())
    }

    /// The same pages come of the journal alone.
    pub(super) fn is_what_a_replay_gives(&self) {
        let mut other = Self::new((*self.storefronts[0]).clone());
        for committed in &self.journal {
            other
                .projector
                .take(std::slice::from_ref(committed))
                .unwrap();
        }
        other.journal.clone_from(&self.journal);
        for place in 0..self.layout.collections().len() {
            let all = |desk: &Self| {
                let mut all = Vec::new();
                let each = &mut |number, slot: &Slot| {
                    if number != stops::STOP_NUMBER {
                        all.push((number, slot.clone()));
                    }
                    std::ops::ControlFlow::Continue(())
                };
                desk.pages.each(CollectionId(place), each).unwrap();
                all
            };
            let name = &self.layout.collections()[place].name;
            assert_eq!(all(self), all(&other), "{name}");
        }
    }
}

fn pages(layout: &Layout, durable: &Durable) -> Arc<Pages> {
    let collections = layout.collections().to_vec();
    let opened = Pages::in_memory(durable, collections, Limits::default());
    Arc::new(opened.unwrap().pages)
}
