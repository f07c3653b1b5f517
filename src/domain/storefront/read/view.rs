//! `[[view]]`: rows folded from events. What an event puts into a row is read in
//! [`super::source`].

use std::sync::Arc;

use super::{
    resource::{Names, names, searches},
    section::{Section, Word, expected},
    segments::Segments,
    source::{self, Setting},
    words::events,
};
use crate::domain::{
    Kind,
    storefront::{Field, FieldType, Resource, Rows, View, ViewRule},
};

const ROWS: [(&str, Rows); 3] = [
    ("order", Rows::Orders),
    ("listing", Rows::Listings),
    ("both", Rows::Both),
];

/// What the fields that an event sets hold.
type Held = Vec<(Arc<str>, FieldType)>;

/// Reads one view. What its fields hold follows from what sets them.
pub(super) fn view(
    section: &Section<'_>,
    resources: &[Resource],
    shares_numbers: bool,
    segments: &mut Segments,
) -> View {
    section.only(&[
        "path", "item", "aliases", "key", "fields", "search", "on", "rows", "history", "only",
    ]);
    let Names {
        path,
        item,
        aliases,
    } = names(section, segments);
    let rows = rows(section, resources, shares_numbers);
    let key = section.text("key");
    let words = section.texts("fields");
    if words.is_empty() {
        let message = format!(
            "{} needs `fields`, such as: fields = [\"orderId\"]",
            section.name
        );
        section.report.at(&section.at, message);
    }
    let fields_known: Vec<&str> = words.iter().map(|word| word.text).collect();
    if let Some(key) = key.as_ref().filter(|key| !fields_known.contains(&key.text)) {
        let expected = expected(key.text, &fields_known);
        section.wrong(key, format!("`fields` does not list the key: {expected}"));
    }
    let mut rules = Vec::new();
    let mut held = Held::new();
    for (rule, holds) in rules_of(section, resources, rows, &fields_known) {
        held.extend(holds);
        rules.push(rule);
    }
    let fields = fields(section, &words, key.as_ref(), &held);
    View {
        path,
        item,
        aliases,
        rows,
        history: section.flag("history"),
        only: only(section, &fields_known),
        searches: searches(section, &fields),
        fields,
        rules,
    }
}

/// What a row must say to be listed.
fn only(section: &Section<'_>, fields: &[&str]) -> Option<(Arc<str>, Arc<str>)> {
    let only = section.section("only")?;
    only.only(fields);
    let entries = only.entries();
    let [(field, _)] = &entries[..] else {
        let message = "`only` looks at one field: only = { status = \"Registered\" }";
        section.report.at(&only.at, message);
        return None;
    };
    let text = only.text(field.text)?;
    Some((field.text.into(), text.text.into()))
}

/// What has a row.
fn rows(section: &Section<'_>, resources: &[Resource], shares_numbers: bool) -> Rows {
    let rows = section.one_of("rows", &ROWS).unwrap_or_default();
    let has_listings = resources
        .iter()
        .any(|resource| resource.kind == Kind::Listing);
    if rows != Rows::Orders && !has_listings {
        let message = "these rows need a section [listing]";
        section.report.at(&section.place("rows"), message);
    } else if rows == Rows::Both && !shares_numbers {
        let message = "an order and a listing with the same number would have one row: add \
                       numbers = \"shared\" at the top of the file";
        section.report.at(&section.place("rows"), message);
    }
    rows
}

fn fields(
    section: &Section<'_>,
    words: &[Word<'_>],
    key: Option<&Word<'_>>,
    held: &[(Arc<str>, FieldType)],
) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for word in words {
        if fields.iter().any(|field| *field.name == *word.text) {
            section.wrong(word, format!("the field `{}` is listed twice", word.text));
        }
        let is_key = key.is_some_and(|key| key.text == word.text);
        let holds = held.iter().find(|(name, _)| **name == *word.text);
        let holds = match (is_key, holds) {
            (true, _) => FieldType::Order,
            (false, Some((_, holds))) => *holds,
            (false, None) => {
                let message = format!("no event sets `{}`: name it in the `set` of one", word.text);
                section.wrong(word, message);
                FieldType::Status
            }
        };
        fields.push(Field::new(word.text, holds));
    }
    fields
}

/// Each rule, with what the fields it sets hold.
fn rules_of(
    section: &Section<'_>,
    resources: &[Resource],
    rows: Rows,
    fields: &[&str],
) -> Vec<(ViewRule, Held)> {
    let Some(on) = section.section("on") else {
        if !section.has("on") {
            let message =
                "the view needs events, such as: on.order.placed = { set = [\"status\"] }";
            section.report.at(&section.at, message);
        }
        return Vec::new();
    };
    let kinds: Vec<&str> = resources
        .iter()
        .map(|resource| resource.kind.name())
        .collect();
    on.only(&kinds);
    let mut rules = Vec::new();
    for resource in resources {
        let Some(of_kind) = on.section(resource.kind.name()) else {
            continue;
        };
        let kind = resource.kind;
        of_kind.only(events(kind));
        for (event, value) in of_kind.entries() {
            if !has_row(rows, kind, event.text) {
                let message = format!(
                    "{kind}.{} has no row here: expected other `rows` than \"{}\"",
                    event.text,
                    name_of(rows)
                );
                of_kind.wrong(&event, message);
            }
            let name = format!("`on.{kind}.{}`", event.text);
            let Some(rule) = of_kind.as_section(name, event.at.clone(), value) else {
                continue;
            };
            rules.push(one_rule(&rule, resources, resource, &event, fields));
        }
    }
    rules
}

fn one_rule(
    rule: &Section<'_>,
    resources: &[Resource],
    resource: &Resource,
    event: &Word<'_>,
    fields: &[&str],
) -> (ViewRule, Held) {
    rule.only(&["set", "put", "add"]);
    if !["set", "put", "add"].iter().any(|key| rule.has(key)) {
        let message = format!(
            "{} needs `set`: set = [\"status\"], or set = {{ deliveryStatus = \"status\" }}; or \
             `put`, or `add`",
            rule.name
        );
        rule.report.at(&rule.at, message);
    }
    let known = |target: &Word<'_>| {
        if !fields.contains(&target.text) {
            let expected = expected(target.text, fields);
            let message = format!("the view has no field `{}`: {expected}", target.text);
            rule.wrong(target, message);
        }
    };
    let (mut set, mut holds) = (Vec::new(), Vec::new());
    let mut take = |settings: Vec<Setting<'_>>| {
        for (target, source, held) in settings {
            known(&target);
            let name: Arc<str> = target.text.into();
            holds.push((Arc::clone(&name), held));
            set.push((name, source));
        }
    };
    take(source::set(rule, resources, resource, event));
    take(source::put(rule));
    let mut add = Vec::new();
    for (target, by) in source::add(rule) {
        known(&target);
        let name: Arc<str> = target.text.into();
        let (min, max) = (i64::MIN, i64::MAX);
        holds.push((Arc::clone(&name), FieldType::Integer { min, max }));
        add.push((name, by));
    }
    let rule = ViewRule {
        kind: resource.kind,
        event: event.text.into(),
        set,
        add,
    };
    (rule, holds)
}

/// Whether an event is about something that has a row. What a listing keeps for an order, and gives
/// back, is about the order too.
fn has_row(rows: Rows, kind: Kind, event: &str) -> bool {
    match rows {
        Rows::Orders => kind != Kind::Listing || matches!(event, "reserved" | "released"),
        Rows::Listings => matches!(kind, Kind::Listing | Kind::Approval),
        Rows::Both => true,
    }
}

fn name_of(rows: Rows) -> &'static str {
    let found = ROWS.into_iter().find(|(_, own)| *own == rows);
    found.map_or("", |(name, _)| name)
}
