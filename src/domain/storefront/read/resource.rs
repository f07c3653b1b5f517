//! `[order]`, `[listing]`, `[payment]`, `[approval]`, `[delivery]`, `[payout]`: what each collection
//! is called, its words, events and searches. Its fields are read in [`super::fields`].

use std::sync::Arc;

use super::{
    fields::{self, Given},
    place_or,
    section::{Section, Span, Word, expected},
    segments::{Segments, singular},
    told,
    words::{events, mapping, states},
};
use crate::domain::{
    Kind,
    storefront::{Field, Resource, Search, Words},
};

/// The most steps a delivery may have.
const STEPS_MAX: usize = 32;

/// What events call the number of what they happened to, if nothing is said.
const NUMBER: &str = "id";

/// The kinds that a storefront may have, in the order in which their collections are listed.
pub(super) const KINDS: [Kind; 6] = [
    Kind::Order,
    Kind::Payment,
    Kind::Delivery,
    Kind::Listing,
    Kind::Approval,
    Kind::Payout,
];

/// A resource as it stands in the file; whose fields it shows is not looked up yet.
#[derive(Debug)]
pub(super) struct Read<'r> {
    pub(super) section: Section<'r>,
    pub(super) kind: Kind,
    pub(super) fields: Vec<Given<'r>>,
    /// The words of its deliveries' steps.
    pub(super) steps: Vec<Word<'r>>,
    pub(super) words_at: Span,
    names: Names,
    words: Words,
    events: Words,
    /// What is said about the data of these events, where anything is.
    pub(super) said: Vec<(Arc<str>, Section<'r>)>,
}

/// What every collection has: its path, what one of it is called, and its other paths.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) path: Arc<str>,
    pub(super) item: Arc<str>,
    pub(super) aliases: Vec<Arc<str>>,
}

/// Reads one resource.
pub(super) fn read<'r>(section: Section<'r>, kind: Kind, segments: &mut Segments) -> Read<'r> {
    let mut known = vec![
        "path", "item", "aliases", "fields", "words", "events", "number", "search",
    ];
    known.extend(match kind {
        Kind::Listing => &["approval", "priced", "returns", "unknown", "row"][..],
        Kind::Payment => &["deadline_ms", "breaker"],
        Kind::Delivery => &["steps", "parties"],
        Kind::Payout => &["commission", "after"],
        Kind::Order | Kind::Approval | Kind::Saga | Kind::Subscriber => &[],
    });
    section.only(&known);
    let names = if kind == Kind::Order || section.has("path") {
        names(&section, segments)
    } else {
        pathless(&section);
        Names::default()
    };
    let steps = steps(&section, kind);
    let words_section = section.section("words");
    let words_at = place_or(
        words_section.as_ref().map(|words| words.at.clone()),
        &section,
    );
    let mut words = mapping(
        words_section.as_ref(),
        kind,
        states(kind),
        |words, own, _| words.text(own),
    );
    for (at, step) in steps.iter().enumerate() {
        // The last step completes the delivery; it has no state of its own.
        let own = if at.saturating_add(1) == steps.len() {
            "done".to_owned()
        } else {
            format!("step.{at}")
        };
        words.0.push((own.into(), step.text.into()));
    }
    let mut said = Vec::new();
    let events_section = section.section("events");
    let events = mapping(
        events_section.as_ref(),
        kind,
        events(kind),
        |events, own, key| {
            let (name, data) = told::name(events, own);
            said.extend(data.map(|data| (Arc::from(key), data)));
            name
        },
    );
    Read {
        fields: fields::fields(&section, kind),
        events,
        said,
        kind,
        names,
        steps,
        words,
        words_at,
        section,
    }
}

impl Read<'_> {
    fn number(&self) -> Arc<str> {
        let number = self.section.text("number");
        number.map_or(NUMBER, |number| number.text).into()
    }

    /// The resource with these fields.
    pub(super) fn resource(&self, fields: Vec<Field>) -> Resource {
        let Names {
            path,
            item,
            aliases,
        } = self.names.clone();
        Resource {
            kind: self.kind,
            path,
            item,
            aliases,
            searches: searches(&self.section, &fields),
            fields,
            words: self.words.clone(),
            events: self.events.clone(),
            number: self.number(),
            event_data: Vec::new(),
        }
    }
}

/// Reads what a collection is called, and takes its paths.
pub(super) fn names(section: &Section<'_>, segments: &mut Segments) -> Names {
    let path = section.required("path", "path = \"jobs\"");
    let aliases = section.texts("aliases");
    for word in path.iter().chain(&aliases) {
        segments.claim(section.report, word, &section.name);
    }
    let given = section.text("item").map(|item| item.text.to_owned());
    let derived = path.as_ref().and_then(|path| {
        let one = given.clone().or_else(|| singular(path.text));
        if one.is_none() {
            let message = format!(
                "what is one of `{0}` called? add `item`, such as: item = \"{0}Item\"",
                path.text
            );
            section.wrong(path, message);
        }
        one
    });
    Names {
        path: path.map_or("", |path| path.text).into(),
        item: derived.unwrap_or_default().into(),
        aliases: aliases.iter().map(|alias| alias.text.into()).collect(),
    }
}

/// What only a collection with a path has use for.
fn pathless(section: &Section<'_>) {
    for key in ["item", "aliases", "search"] {
        if section.has(key) {
            let message = format!(
                "{0} has no `path`, so nobody asks for its `{key}`: add a path, or leave this out",
                section.name
            );
            section.report.at(&section.place(key), message);
        }
    }
}

/// Reads the query methods of a collection with these fields.
pub(super) fn searches(section: &Section<'_>, fields: &[Field]) -> Vec<Search> {
    let Some(methods) = section.section("search") else {
        return Vec::new();
    };
    let mut searches = Vec::new();
    for (method, value) in methods.entries() {
        let name = format!("search `{}`", method.text);
        let Some(search) = methods.as_section(name, method.at.clone(), value) else {
            continue;
        };
        search.only(&["by", "single"]);
        let Some(by) = search.required("by", "by = \"orderId\"") else {
            continue;
        };
        let names: Vec<&str> = fields.iter().map(|field| &*field.name).collect();
        if !names.contains(&by.text) {
            let message = format!(
                "there is no field `{}`: {}",
                by.text,
                expected(by.text, &names)
            );
            search.wrong(&by, message);
        }
        searches.push(Search {
            method: method.text.into(),
            field: by.text.into(),
            single: search.flag("single"),
        });
    }
    searches
}

fn steps<'r>(section: &Section<'r>, kind: Kind) -> Vec<Word<'r>> {
    if kind != Kind::Delivery {
        return Vec::new();
    }
    let steps = section.texts("steps");
    if !(1..=STEPS_MAX).contains(&steps.len()) {
        let message = format!(
            "[delivery] needs `steps`, 1 to {STEPS_MAX} words, the last of which completes it, \
             such as: steps = [\"Packed\", \"Sent\"]"
        );
        section.report.at(&section.at, message);
    }
    steps
}
