//! A storefront as checked data: its resources, words, commands, flow and views.
//!
//! [`read`] makes one of these from a definition file and reports every mistake with its line.
//! Nobody validates it again. No rule of the engine depends on a storefront's name or words; they
//! are looked up here on the way in and on the way out.

mod command;
pub mod compare;
mod component;
pub mod example;
mod flow;
mod names;
mod notice;
pub mod read;
mod resource;
mod view;

use std::sync::Arc;

pub use command::{Action as CommandAction, CommandRule, Condition, Reply, Role, Test, Verb};
pub use component::{COMPONENTS_MAX, Component, State as ComponentState};
pub use flow::{Action, Choice, Flow, Granting, Mode, OnlyIf, Retry, Step};
pub use notice::{
    Channel, Language, MESSAGES_PER_EVENT_MAX, NOTICE_CHARS_MAX, Notice, Spoken, Way,
};
pub use resource::{EventData, EventMember, Field, FieldType, Resource, Search, Words};
pub use view::{Rows, Source, View, ViewRule};

use super::{Fields, Kind, Value, breaker, money::Currency};

/// A storefront's name for people, in the languages that are shipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title {
    /// Korean.
    pub ko: String,
    /// English.
    pub en: String,
}

/// How the storefront's payments are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentRules {
    /// How long a caller waits for the provider before the payment counts as failed.
    pub deadline_ms: u64,
    /// How many calls to the provider are under way at once, over all shards; at least 1.
    pub calls_max: u32,
    /// When the provider is left alone for a while.
    pub breaker: breaker::Rules,
}

/// What the storefront's listings are like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListingRules {
    /// Whether a listing waits for somebody's yes before it can be ordered.
    pub approval: bool,
    /// Whether an order costs what its listings do; otherwise what its request says.
    pub is_priced: bool,
    /// Whether an order may name a listing that does not exist; nothing is then reserved.
    pub unknown_accepted: bool,
    /// Listings that the storefront begins with, each as its fields, with how many there are.
    pub rows: Vec<(Fields, Option<u64>)>,
}

/// Who may take a delivery's steps, where that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parties {
    /// The request's field that says who asks.
    pub field: Arc<str>,
    /// The order's field with the customer, and the name of their part.
    pub customer: (Arc<str>, Arc<str>),
    /// The listing's field with the seller, and the name of their part.
    pub seller: Option<(Arc<str>, Arc<str>)>,
}

/// One storefront, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storefront {
    /// Its name in URLs and in the journal.
    pub name: Arc<str>,
    /// Its name for people.
    pub title: Title,
    /// Of all its money.
    pub currency: Currency,
    /// The name of its event feed.
    pub topic: Arc<str>,
    /// What the data of all its events has beside their own: names with values.
    pub event_put: Vec<(Arc<str>, Value)>,
    /// Its REST collections that are entities, at most one for each kind.
    pub resources: Vec<Resource>,
    /// Which request means which command; the first that fits counts.
    pub commands: Vec<CommandRule>,
    /// What is done for an order.
    pub flow: Flow,
    /// How payments are made.
    pub payment: PaymentRules,
    /// What its listings are like.
    pub listing: ListingRules,
    /// Whether orders and listings take their numbers from one sequence, as entities of one of the
    /// originals' services did (SEED API 1.7). Needed where both have approvals.
    pub shares_numbers: bool,
    /// Who may take a delivery's steps; anyone, if nothing is said.
    pub parties: Option<Parties>,
    /// Its read models.
    pub views: Vec<View>,
    /// Who is told what.
    pub notices: Vec<Notice>,
    /// The parts of it that can be paused; at most [`COMPONENTS_MAX`].
    pub components: Vec<Component>,
}

impl Storefront {
    /// The resource of this kind, if the storefront has one.
    pub fn resource(&self, kind: Kind) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.kind == kind)
    }

    /// The resource that a path segment names.
    pub fn resource_at(&self, segment: &str) -> Option<&Resource> {
        self.resources
            .iter()
            .find(|resource| resource.answers_to(segment))
    }

    /// The view that a path segment names, with its place in [`Storefront::views`].
    pub fn view_at(&self, segment: &str) -> Option<(usize, &View)> {
        self.views
            .iter()
            .enumerate()
            .find(|(_, view)| view.answers_to(segment))
    }

    /// The place in [`Storefront::components`] of the one that a collection belongs to, if it
    /// belongs to any. `path` is the collection's own, not one of its aliases.
    pub fn component_of(&self, path: &str) -> Option<usize> {
        self.components
            .iter()
            .position(|component| component.paths.iter().any(|own| **own == *path))
    }
}
