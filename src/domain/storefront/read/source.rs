//! What an event puts into a view's row: `set`, `put` and `add`.

use std::sync::Arc;

use super::section::{Section, Word, expected};
use crate::domain::{
    Kind, Value,
    storefront::{Field, FieldType, Resource, Source},
};

/// The most that one event may count up or down.
const ADD_MAX: i64 = 1_000_000;

/// The longest text that is put into a row as it stands in the file, in characters.
const PUT_CHARS_MAX: usize = 256;

/// The sources that are no field.
const OTHERS: [(&str, Source, FieldType); 3] = [
    ("$event", Source::Event, FieldType::Text { max_chars: 256 }),
    ("$listing", Source::Listing, FieldType::Listing),
    (
        "$quantity",
        Source::Quantity,
        FieldType::Integer {
            min: 0,
            max: i64::MAX,
        },
    ),
];

/// A field of the row, where it takes its value from, and what that is.
pub(super) type Setting<'r> = (Word<'r>, Source, FieldType);

/// What is set from the event.
pub(super) fn set<'r>(
    rule: &Section<'r>,
    resources: &[Resource],
    resource: &Resource,
    event: &Word<'_>,
) -> Vec<Setting<'r>> {
    let mut settings = Vec::new();
    for (target, from) in pairs(rule) {
        let Some((source, holds)) = source(rule, resources, resource, &from) else {
            continue;
        };
        let kind = resource.kind;
        let carrying = carriers(kind, &source);
        if carrying.is_some_and(|events| !events.contains(&event.text)) {
            let events = carrying.unwrap_or_default();
            let hint = if events.is_empty() {
                "no event of this kind does".to_owned()
            } else {
                format!("expected it of `{}`", events.join("`, `"))
            };
            let message = format!(
                "the event {kind}.{} does not carry `{}`: {hint}",
                event.text, from.text
            );
            rule.wrong(&from, message);
        }
        settings.push((target, source, holds));
    }
    settings
}

fn source(
    rule: &Section<'_>,
    resources: &[Resource],
    resource: &Resource,
    from: &Word<'_>,
) -> Option<(Source, FieldType)> {
    if from.text.starts_with('$') {
        let found = OTHERS.into_iter().find(|(name, ..)| *name == from.text);
        if found.is_none() {
            let expected = expected(from.text, &OTHERS.map(|(name, ..)| name));
            rule.wrong(from, format!("there is no `{}`: {expected}", from.text));
        }
        return found.map(|(_, source, holds)| (source, holds));
    }
    let kind = resource.kind;
    let mut known = resource.fields.iter();
    let Some(known) = known.find(|field| *field.name == *from.text) else {
        let names: Vec<&str> = resource.fields.iter().map(|field| &*field.name).collect();
        let expected = expected(from.text, &names);
        rule.wrong(
            from,
            format!("[{kind}] has no field `{}`: {expected}", from.text),
        );
        return None;
    };
    let field = || Source::Field(Arc::clone(&known.name));
    let source = match known.holds {
        _ if known.of.is_some() || shows_the_orders(resources, kind, known) => {
            let message = format!(
                "`{}` is not the {kind}'s own, so its events do not carry it: set it on an event \
                 of whose it is",
                from.text
            );
            rule.wrong(from, message);
            return None;
        }
        FieldType::Status => Source::Status,
        FieldType::Money if kind != Kind::Listing => Source::Amount,
        FieldType::Text { .. }
        | FieldType::Integer { .. }
        | FieldType::Key { .. }
        | FieldType::Position
        | FieldType::Money => field(),
        FieldType::Commission => Source::Commission,
        FieldType::Quantity { .. } => Source::Quantity,
        FieldType::Listing => Source::Listing,
        FieldType::Order => {
            let message = "the order's number is the row's key; it is not set by events";
            rule.wrong(from, message);
            return None;
        }
        FieldType::Lines | FieldType::Role => {
            let message = format!("no event carries `{}`", from.text);
            rule.wrong(from, message);
            return None;
        }
    };
    let holds = match known.holds {
        FieldType::Key { max_chars } => FieldType::Text { max_chars },
        FieldType::Quantity { .. } => FieldType::Integer {
            min: 0,
            max: i64::MAX,
        },
        FieldType::Text { .. }
        | FieldType::Integer { .. }
        | FieldType::Money
        | FieldType::Status
        | FieldType::Order
        | FieldType::Listing
        | FieldType::Lines
        | FieldType::Commission
        | FieldType::Position
        | FieldType::Role => known.holds,
    };
    Some((source, holds))
}

/// Whether it is the order's field that what is done for the order shows.
fn shows_the_orders(resources: &[Resource], kind: Kind, field: &Field) -> bool {
    let is_kept = matches!(
        field.holds,
        FieldType::Text { .. } | FieldType::Integer { .. } | FieldType::Position
    );
    let mut resources = resources.iter();
    let order = resources.find(|resource| resource.kind == Kind::Order);
    let is_it = |own: &Field| own.of.is_none() && own.name == field.name;
    let has_it = |order: &Resource| order.fields.iter().any(is_it);
    is_kept && !matches!(kind, Kind::Order | Kind::Listing) && order.is_some_and(has_it)
}

/// The events that hold what a field is to be set from; `None` if all do.
fn carriers(kind: Kind, source: &Source) -> Option<&'static [&'static str]> {
    Some(match (source, kind) {
        (Source::Constant(_) | Source::Event, _)
        | (Source::Status, Kind::Payment | Kind::Approval | Kind::Payout)
        | (Source::Listing, Kind::Listing | Kind::Approval)
        | (Source::Commission | Source::Amount, Kind::Payout) => return None,
        (Source::Status, Kind::Order) => &["placed", "held", "confirmed", "completed", "cancelled"],
        (Source::Status, Kind::Delivery) => &["planned", "step", "done", "cancelled"],
        (Source::Status, Kind::Listing) => &[
            "offered", "amended", "opened", "closed", "sold_out", "freed",
        ],
        (Source::Field(_), Kind::Order) => &["placed", "amended"],
        (Source::Field(_), Kind::Listing) => &["offered", "amended"],
        (Source::Field(_), Kind::Delivery) => &["noted"],
        (Source::Amount, Kind::Order) => &["placed", "priced"],
        (Source::Amount, Kind::Payment) => &["requested", "captured", "refunding", "refunded"],
        (Source::Listing | Source::Quantity, Kind::Order) => &["placed", "itemised"],
        (Source::Quantity, Kind::Listing) => &["offered", "amended", "reserved", "released"],
        _ => &[],
    })
}

/// What is always the same.
pub(super) fn put<'r>(rule: &Section<'r>) -> Vec<Setting<'r>> {
    let Some(section) = rule.section("put") else {
        return Vec::new();
    };
    let entries = section.entries().into_iter();
    let settings = entries.filter_map(|(target, value)| {
        if value.get_ref().is_str() {
            let text = section.text(target.text)?;
            let max_chars = PUT_CHARS_MAX;
            if text.text.chars().count() > max_chars {
                let message = format!("expected {max_chars} characters at most");
                section.wrong(&text, message);
            }
            let constant = Source::Constant(Value::from(text.text));
            return Some((target, constant, FieldType::Text { max_chars }));
        }
        let (min, max) = (i64::MIN, i64::MAX);
        let number = section.number(target.text, min..=max)?;
        let constant = Source::Constant(Value::Int(number));
        Some((target, constant, FieldType::Integer { min, max }))
    });
    settings.collect()
}

/// What is counted up or down.
pub(super) fn add<'r>(rule: &Section<'r>) -> Vec<(Word<'r>, i64)> {
    let Some(section) = rule.section("add") else {
        return Vec::new();
    };
    let entries = section.entries().into_iter();
    let counts = entries.filter_map(|(target, _)| {
        let by = section.number(target.text, -ADD_MAX..=ADD_MAX)?;
        Some((target, by))
    });
    counts.collect()
}

/// What is set, each with the name of where it comes from.
fn pairs<'r>(rule: &Section<'r>) -> Vec<(Word<'r>, Word<'r>)> {
    if !rule.has("set") {
        return Vec::new();
    }
    if !rule.is_table("set") {
        let words = rule.texts("set");
        return words.into_iter().map(|word| (word.clone(), word)).collect();
    }
    let Some(renamed) = rule.section("set") else {
        return Vec::new();
    };
    let entries = renamed.entries().into_iter();
    entries
        .filter_map(|(target, _)| {
            let from = renamed.text(target.text)?;
            Some((target, from))
        })
        .collect()
}
