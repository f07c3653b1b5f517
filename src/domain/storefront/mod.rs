//! A storefront as checked data: its resources, words, commands, flow and views.
//!
//! [`read`] makes one of these from a definition file and reports every mistake with its line.
//! Nobody validates it again. No rule of the engine depends on a storefront's name or words; they
//! are looked up here on the way in and on the way out.

mod command;
pub mod compare;
pub mod example;
mod flow;
mod names;
pub mod read;
mod resource;
mod view;

use std::sync::Arc;

pub use command::{Action as CommandAction, CommandRule, Condition, Verb};
pub use flow::{Action, Flow, Mode, Retry, Step};
pub use resource::{Field, FieldType, Resource, Search, Words};
pub use view::{Source, View, ViewRule};

use super::{Kind, money::Currency};

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
    /// Its REST collections that are entities, at most one for each kind.
    pub resources: Vec<Resource>,
    /// Which request means which command; the first that fits counts.
    pub commands: Vec<CommandRule>,
    /// What is done for an order.
    pub flow: Flow,
    /// How payments are made.
    pub payment: PaymentRules,
    /// Its read models.
    pub views: Vec<View>,
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
}
