//! `[order]`, `[payment]`, `[delivery]`: path, fields, words, events, searches.

use std::sync::Arc;

use super::{
    has_step, place_or,
    section::{Report, Section, Span, Word, expected},
    segments::{Segments, singular},
};
use crate::domain::{
    Kind,
    storefront::{Action, Field, FieldType, Flow, Resource, Search, Words},
};

/// The longest text a field may hold, in characters.
const TEXT_CHARS_MAX: i64 = 4_096;

/// The longest text a field may hold if the file does not say, in characters.
const TEXT_CHARS_DEFAULT: usize = 256;

/// The most fields a resource may have.
const FIELDS_MAX: usize = 64;

/// The most steps a delivery may have.
const STEPS_MAX: usize = 32;

/// A resource, with what is needed to check it against the flow.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) resource: Resource,
    /// How many steps its deliveries have.
    pub(super) steps: u8,
    words_at: Span,
}

/// What every collection has: its path, what one of it is called, and its other paths.
pub(super) struct Names {
    pub(super) path: Arc<str>,
    pub(super) item: Arc<str>,
    pub(super) aliases: Vec<Arc<str>>,
}

/// Reads one resource.
pub(super) fn resource(section: &Section<'_>, kind: Kind, segments: &mut Segments) -> Read {
    let mut known = vec![
        "path", "item", "aliases", "fields", "words", "events", "search",
    ];
    match kind {
        Kind::Payment => known.push("deadline_ms"),
        Kind::Delivery => known.push("steps"),
        _ => {}
    }
    section.only(&known);
    let Names {
        path,
        item,
        aliases,
    } = names(section, segments);
    let fields = fields(section, kind);
    let steps = steps(section, kind);
    let words_section = section.section("words");
    let words_at = place_or(
        words_section.as_ref().map(|words| words.at.clone()),
        section,
    );
    let mut words = mapping(words_section.as_ref(), states(kind));
    for (at, step) in steps.iter().enumerate() {
        // The last step completes the delivery; it has no state of its own.
        let own = if at.saturating_add(1) == steps.len() {
            "done".to_owned()
        } else {
            format!("step.{at}")
        };
        words.0.push((own.into(), step.text.into()));
    }
    let resource = Resource {
        kind,
        path,
        item,
        aliases,
        searches: searches(section, &fields),
        fields,
        words,
        events: mapping(section.section("events").as_ref(), events(kind)),
    };
    Read {
        resource,
        steps: u8::try_from(steps.len()).unwrap_or(u8::MAX),
        words_at,
    }
}

/// Reads what a collection is called, and takes its paths.
pub(super) fn names(section: &Section<'_>, segments: &mut Segments) -> Names {
    let path = section.required("path", "path = \"orders\"");
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

/// Notes every state that the flow can reach and that has no word.
pub(super) fn check_words(report: &Report<'_>, read: &Read, flow: &Flow, cancellable: bool) {
    let resource = &read.resource;
    if resource.field_holding(FieldType::Status).is_none() {
        return;
    }
    let pays = has_step(flow, |action| action == Action::Pay);
    let delivers = has_step(flow, |action| matches!(action, Action::Deliver { .. }));
    let mut reached: Vec<&str> = Vec::new();
    match resource.kind {
        Kind::Order => {
            reached.push("placed");
            let then = flow.steps.iter().filter_map(|step| step.then);
            reached.extend(then.map(crate::domain::order::State::name));
            reached.extend(cancellable.then_some("cancelled"));
        }
        Kind::Payment if pays => {
            reached.push("captured");
            if cancellable {
                reached.extend(["refunding", "refunded"]);
            }
        }
        Kind::Delivery if delivers && cancellable => reached.push("cancelled"),
        _ => {}
    }
    for state in reached {
        if resource.words.get(state).is_none() {
            let kind = resource.kind;
            let message =
                format!("[{kind}.words] needs a word for `{state}`, which this flow can reach");
            report.at(&read.words_at, message);
        }
    }
}

/// The names that a resource's words may have on the left.
const fn states(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Order => &["placed", "held", "confirmed", "completed", "cancelled"],
        Kind::Payment => &["captured", "refunding", "refunded"],
        // `done`, and the steps before it, have the words that `steps` lists.
        Kind::Delivery => &["planned", "cancelled"],
        _ => &[],
    }
}

/// The names that a resource's events have inside.
pub(super) const fn events(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Order => &[
            "placed",
            "amended",
            "held",
            "confirmed",
            "completed",
            "cancelled",
            "removed",
        ],
        Kind::Payment => &[
            "requested",
            "captured",
            "failed",
            "voiding",
            "refunding",
            "refunded",
        ],
        Kind::Delivery => &["planned", "step", "done", "cancelled"],
        _ => &[],
    }
}

fn mapping(section: Option<&Section<'_>>, known: &[&str]) -> Words {
    let Some(section) = section else {
        return Words::default();
    };
    section.only(known);
    let words = section.entries().into_iter().filter_map(|(own, _)| {
        let word = section.text(own.text)?;
        Some((own.text.into(), word.text.into()))
    });
    Words(words.collect())
}

fn steps<'r>(section: &Section<'r>, kind: Kind) -> Vec<Word<'r>> {
    if kind != Kind::Delivery {
        return Vec::new();
    }
    let steps = section.texts("steps");
    if !(1..=STEPS_MAX).contains(&steps.len()) {
        let message = format!(
            "[delivery] needs `steps`, 1 to {STEPS_MAX} words, the last of which completes it, \
             such as: steps = [\"Delivered\"]"
        );
        section.report.at(&section.at, message);
    }
    steps
}

fn fields(section: &Section<'_>, kind: Kind) -> Vec<Field> {
    let Some(table) = section.section("fields") else {
        let message = format!(
            "{} needs fields, such as: fields.status = {{ type = \"status\" }}",
            section.name
        );
        if !section.has("fields") {
            section.report.at(&section.at, message);
        }
        return Vec::new();
    };
    let entries = table.entries();
    if entries.len() > FIELDS_MAX {
        let message = format!("{} has more than {FIELDS_MAX} fields", section.name);
        section.report.at(&table.at, message);
    }
    let mut fields: Vec<Field> = Vec::new();
    for (name, value) in entries {
        let label = format!("field `{}`", name.text);
        let Some(definition) = table.as_section(label, name.at.clone(), value) else {
            continue;
        };
        if name.text.is_empty() || name.text.starts_with('_') || name.text == "id" {
            let message = "a field needs a name, not beginning with `_` and other than `id`: \
                           those are the answer's own";
            table.wrong(&name, message);
        }
        let Some(holds) = holds(&definition, kind) else {
            continue;
        };
        let single = matches!(
            holds,
            FieldType::Money | FieldType::Status | FieldType::Order
        );
        if single && fields.iter().any(|field| field.holds == holds) {
            let message = format!("{} has another field of this type already", section.name);
            definition.wrong(&name, message);
        }
        fields.push(Field {
            required: definition.flag("required"),
            ..Field::new(name.text, holds)
        });
    }
    fields
}

fn holds(field: &Section<'_>, kind: Kind) -> Option<FieldType> {
    let given = field.required("type", "type = \"text\"")?;
    let types: &[&str] = match kind {
        Kind::Order => &["text", "integer", "money", "status", "order"],
        Kind::Payment => &["money", "status", "order"],
        _ => &["status", "order"],
    };
    if !types.contains(&given.text) {
        let message = format!(
            "{} of this kind cannot be of type `{}`: {}",
            field.name,
            given.text,
            expected(given.text, types)
        );
        field.wrong(&given, message);
        return None;
    }
    let common = ["type", "required"];
    Some(match given.text {
        "text" => {
            field.only(&["type", "required", "max"]);
            let max = field.number("max", 1..=TEXT_CHARS_MAX);
            let max = max.and_then(|max| usize::try_from(max).ok());
            FieldType::Text {
                max_chars: max.unwrap_or(TEXT_CHARS_DEFAULT),
            }
        }
        "integer" => {
            field.only(&["type", "required", "min", "max"]);
            let min = field.number("min", i64::MIN..=i64::MAX).unwrap_or(i64::MIN);
            let max = field.number("max", min..=i64::MAX).unwrap_or(i64::MAX);
            FieldType::Integer { min, max }
        }
        "money" => {
            field.only(&common);
            FieldType::Money
        }
        "order" => {
            field.only(&common);
            FieldType::Order
        }
        _ => {
            field.only(&["type"]);
            FieldType::Status
        }
    })
}
