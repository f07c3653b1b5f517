//! `[[view]]`: rows folded from events.

use std::sync::Arc;

use super::{
    resource::{Names, events, names, searches},
    section::{Section, Word, expected},
    segments::Segments,
};
use crate::domain::{
    Kind,
    storefront::{Field, FieldType, Resource, Source, View, ViewRule},
};

/// Reads one view. What its fields hold follows from what sets them.
pub(super) fn view(section: &Section<'_>, resources: &[Resource], segments: &mut Segments) -> View {
    section.only(&["path", "item", "aliases", "key", "fields", "search", "on"]);
    let Names {
        path,
        item,
        aliases,
    } = names(section, segments);
    let key = section.required("key", "key = \"orderId\"");
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
    let mut held: Vec<(Arc<str>, FieldType)> = Vec::new();
    for (rule, types) in rules_of(section, resources, &fields_known) {
        held.extend(rule.set.iter().map(|(name, _)| Arc::clone(name)).zip(types));
        rules.push(rule);
    }
    let mut fields: Vec<Field> = Vec::new();
    for word in &words {
        if fields.iter().any(|field| &*field.name == word.text) {
            section.wrong(word, format!("the field `{}` is listed twice", word.text));
        }
        let is_key = key.as_ref().is_some_and(|key| key.text == word.text);
        let holds = held.iter().find(|(name, _)| &**name == word.text);
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
    View {
        path,
        item,
        aliases,
        rows: crate::domain::storefront::Rows::Orders,
        history: false,
        searches: searches(section, &fields),
        fields,
        rules,
    }
}

/// Each rule, with what the fields it sets hold.
fn rules_of(
    section: &Section<'_>,
    resources: &[Resource],
    fields: &[&str],
) -> Vec<(ViewRule, Vec<FieldType>)> {
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
        of_kind.only(events(resource.kind));
        for (event, value) in of_kind.entries() {
            let name = format!("`on.{}.{}`", resource.kind, event.text);
            let Some(rule) = of_kind.as_section(name, event.at.clone(), value) else {
                continue;
            };
            rule.only(&["set"]);
            let (set, types) = set(&rule, resource, &event, fields).into_iter().unzip();
            let rule = ViewRule {
                kind: resource.kind,
                event: event.text.into(),
                set,
                add: Vec::new(),
            };
            rules.push((rule, types));
        }
    }
    rules
}

type Setting = ((Arc<str>, Source), FieldType);

fn set(rule: &Section<'_>, resource: &Resource, event: &Word<'_>, fields: &[&str]) -> Vec<Setting> {
    let mut settings = Vec::new();
    for (target, from) in pairs(rule) {
        if !fields.contains(&target.text) {
            let expected = expected(target.text, fields);
            rule.wrong(
                &target,
                format!("the view has no field `{}`: {expected}", target.text),
            );
        }
        let known = resource
            .fields
            .iter()
            .find(|field| &*field.name == from.text);
        let Some(known) = known else {
            let names: Vec<&str> = resource.fields.iter().map(|field| &*field.name).collect();
            let expected = expected(from.text, &names);
            let kind = resource.kind;
            rule.wrong(
                &from,
                format!("[{kind}] has no field `{}`: {expected}", from.text),
            );
            continue;
        };
        let source = match known.holds {
            FieldType::Status => Source::Status,
            FieldType::Money => Source::Amount,
            FieldType::Text { .. } | FieldType::Integer { .. } => {
                Source::Field(Arc::clone(&known.name))
            }
            _ => {
                rule.wrong(
                    &from,
                    "the order's number is the row's key; it is not set by events",
                );
                continue;
            }
        };
        if !carries(resource.kind, event.text, &source) {
            let message = format!(
                "the event {}.{} does not carry `{}`",
                resource.kind, event.text, from.text
            );
            rule.wrong(&from, message);
        }
        settings.push(((target.text.into(), source), known.holds));
    }
    settings
}

/// What is set, each with the name of where it comes from.
fn pairs<'r>(rule: &Section<'r>) -> Vec<(Word<'r>, Word<'r>)> {
    let example = "set = [\"status\"], or set = { deliveryStatus = \"status\" }";
    if !rule.has("set") {
        rule.report
            .at(&rule.at, format!("{} needs `set`: {example}", rule.name));
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

/// Whether an event holds what a field is to be set from.
fn carries(kind: Kind, event: &str, source: &Source) -> bool {
    match source {
        Source::Field(_) => matches!(event, "placed" | "amended"),
        Source::Amount => match kind {
            Kind::Order => event == "placed",
            Kind::Payment => matches!(event, "requested" | "captured" | "refunding" | "refunded"),
            _ => false,
        },
        Source::Status => !matches!(event, "amended" | "removed"),
        Source::Constant(_) | Source::Event => true,
        Source::Commission | Source::Quantity | Source::Listing => false,
    }
}
