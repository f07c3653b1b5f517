//! What is known of an order or a listing: what a later text may mention.
//!
//! Most events say little about their order, so this is folded from the same journal, for each that
//! may be told about. Only the fields that some notice mentions are kept.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        Event, Fields, Stamped, delivery,
        order::{self, Line},
        storefront::Storefront,
    },
    views::fold,
};

/// The names that the notices of a storefront mention.
#[derive(Clone, Debug, Default)]
pub(in crate::views) struct Mentioned(BTreeSet<Arc<str>>);

impl Mentioned {
    /// By this storefront.
    pub(in crate::views) fn by(storefront: &Storefront) -> Self {
        let notices = storefront.notices.iter();
        Self(
            notices
                .flat_map(|own| own.mentions().map(Arc::from))
                .collect(),
        )
    }

    fn of(&self, fields: &Fields) -> Fields {
        let fields = fields.iter();
        fields
            .filter(|(name, _)| self.0.contains(&***name))
            .map(|(name, value)| (Arc::clone(name), value.clone()))
            .collect()
    }
}

/// What is known of an order or a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) fields: Fields,
    /// What was noted about the order's delivery.
    pub(super) noted: Fields,
    /// What it costs, in minor units.
    pub(super) amount: Option<i64>,
    /// The first listing that the order is for.
    pub(super) line: Option<Line>,
}

/// Whether an event says something that a later text may mention.
pub(super) fn is_told_by(event: &Event) -> bool {
    let changes_order = matches!(
        event,
        Event::Order(order::Event::Itemised { .. } | order::Event::Priced { .. })
    );
    changes_order || fold::fields(event).is_some()
}

impl Facts {
    /// Takes in what the event at this place says. True if that is anything new.
    pub(super) fn take(&mut self, events: &[Stamped], at: usize, mentioned: &Mentioned) -> bool {
        let event = &events[at].event;
        if !is_told_by(event) {
            return false;
        }
        let before = self.clone();
        if let Event::Delivery(delivery::Event::Noted { fields }) = event {
            self.noted = mentioned.of(fields);
        } else if let Some(fields) = fold::fields(event) {
            self.fields = mentioned.of(fields);
        }
        if let Event::Order(_) = event {
            self.amount = fold::amount(event).or(self.amount);
            self.line = fold::line(events, at).or(self.line);
        }
        *self != before
    }
}
