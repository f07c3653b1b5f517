//! `[….fields]`: what each field holds, with its limits.

use std::{mem, sync::Arc};

use super::section::{Section, Word, expected};
use crate::domain::{
    Kind,
    storefront::{Field, FieldType},
};

/// The longest text a field may hold, in characters.
const TEXT_CHARS_MAX: i64 = 4_096;

/// The longest text a field may hold if the file does not say, in characters.
const TEXT_CHARS_DEFAULT: usize = 256;

/// The most fields a resource may have.
const FIELDS_MAX: usize = 64;

/// How many, where neither the request nor the file says.
const QUANTITY_DEFAULT: u64 = 1;

/// Every type of field.
const TYPES: [&str; 12] = [
    "text",
    "integer",
    "money",
    "status",
    "order",
    "key",
    "listing",
    "quantity",
    "lines",
    "commission",
    "position",
    "role",
];

/// A field as it stands in the file.
#[derive(Debug)]
pub(super) struct Given<'r> {
    pub(super) field: Field,
    pub(super) name: Word<'r>,
    /// Whose field it shows, and that one's name if it is another.
    pub(super) of: Option<(Word<'r>, Option<Word<'r>>)>,
}

/// The types that a field of the resource's own may have.
fn own_types(kind: Kind) -> Vec<&'static str> {
    let may_have = |name: &str| match name {
        "order" | "key" | "lines" => kind != Kind::Listing,
        "commission" => kind == Kind::Payout,
        "role" => kind == Kind::Delivery,
        _ => true,
    };
    TYPES.into_iter().filter(|name| may_have(name)).collect()
}

/// The fields, in the order of the file.
pub(super) fn fields<'r>(section: &Section<'r>, kind: Kind) -> Vec<Given<'r>> {
    let Some(table) = section.section("fields") else {
        let message = format!(
            "{} needs fields, such as: fields.status = {{ type = \"status\" }}",
            section.name
        );
        if !section.has("fields") && (section.has("path") || kind == Kind::Order) {
            section.report.at(&section.at, message);
        }
        return Vec::new();
    };
    let entries = table.entries();
    if entries.len() > FIELDS_MAX {
        let message = format!("{} has more than {FIELDS_MAX} fields", section.name);
        section.report.at(&table.at, message);
    }
    let mut fields: Vec<Given<'_>> = Vec::new();
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
        let Some(given) = field(&definition, kind, name) else {
            continue;
        };
        let is_single = !matches!(
            given.field.holds,
            FieldType::Text { .. } | FieldType::Integer { .. }
        );
        let is_like = |other: &Given<'_>| {
            other.of.is_none()
                && mem::discriminant(&other.field.holds) == mem::discriminant(&given.field.holds)
        };
        if is_single && given.of.is_none() && fields.iter().any(is_like) {
            let message = format!("{} has another field of this type already", section.name);
            definition.wrong(&given.name, message);
        }
        fields.push(given);
    }
    fields
}

fn field<'r>(definition: &Section<'r>, kind: Kind, name: Word<'r>) -> Option<Given<'r>> {
    let of = definition
        .text("of")
        .map(|whose| (whose, definition.text("from")));
    if of.is_none() && definition.has("from") {
        let message = "`from` says which field of another it shows: add whose, such as: of = \
                       \"order\"";
        definition.report.at(&definition.place("from"), message);
    }
    let types = if of.is_some() {
        TYPES.to_vec()
    } else {
        own_types(kind)
    };
    let holds = holds(definition, &types)?;
    let field = Field {
        required: definition.flag("required"),
        shown: !definition.flag("hidden"),
        as_text: as_text(definition, holds),
        lines: lines(definition, holds),
        ..Field::new(name.text, holds)
    };
    Some(Given { field, name, of })
}

fn holds(field: &Section<'_>, types: &[&str]) -> Option<FieldType> {
    let given = field.required("type", "type = \"text\"")?;
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
    let mut known = vec!["type", "of"];
    if field.has("of") {
        known.push("from");
    } else {
        known.push("hidden");
        if !["status", "commission", "role"].contains(&given.text) {
            known.push("required");
        }
    }
    known.extend(match given.text {
        "text" | "key" => &["max"][..],
        "integer" => &["min", "max"],
        "order" => &["as"],
        "quantity" => &["default"],
        "lines" => &["listing", "quantity"],
        _ => &[],
    });
    field.only(&known);
    Some(match given.text {
        "text" => FieldType::Text {
            max_chars: chars(field),
        },
        "key" => FieldType::Key {
            max_chars: chars(field),
        },
        "integer" => {
            let min = field.number("min", i64::MIN..=i64::MAX).unwrap_or(i64::MIN);
            let max = field.number("max", min..=i64::MAX).unwrap_or(i64::MAX);
            FieldType::Integer { min, max }
        }
        "quantity" => {
            let default = field.number("default", 0..=i64::MAX);
            let default = default.and_then(|default| u64::try_from(default).ok());
            FieldType::Quantity {
                default: default.unwrap_or(QUANTITY_DEFAULT),
            }
        }
        "money" => FieldType::Money,
        "order" => FieldType::Order,
        "listing" => FieldType::Listing,
        "lines" => FieldType::Lines,
        "commission" => FieldType::Commission,
        "position" => FieldType::Position,
        "role" => FieldType::Role,
        _ => FieldType::Status,
    })
}

/// Whether a number is written as text.
fn as_text(field: &Section<'_>, holds: FieldType) -> bool {
    holds == FieldType::Order && field.one_of("as", &[("text", true)]).unwrap_or(false)
}

fn chars(field: &Section<'_>) -> usize {
    let max = field.number("max", 1..=TEXT_CHARS_MAX);
    let max = max.and_then(|max| usize::try_from(max).ok());
    max.unwrap_or(TEXT_CHARS_DEFAULT)
}

/// What a line's listing and its quantity are called.
fn lines(field: &Section<'_>, holds: FieldType) -> Option<(Arc<str>, Arc<str>)> {
    if holds != FieldType::Lines || field.has("of") {
        return None;
    }
    let listing = field.required("listing", "listing = \"room\"")?;
    let quantity = field.required("quantity", "quantity = \"qty\"")?;
    if listing.text == quantity.text {
        let message = "a line's listing and its quantity need two names";
        field.wrong(&quantity, message);
    }
    Some((listing.text.into(), quantity.text.into()))
}

/// What a type is called in definition files.
pub(super) const fn type_name(holds: FieldType) -> &'static str {
    match holds {
        FieldType::Text { .. } => "text",
        FieldType::Integer { .. } => "integer",
        FieldType::Money => "money",
        FieldType::Status => "status",
        FieldType::Order => "order",
        FieldType::Key { .. } => "key",
        FieldType::Listing => "listing",
        FieldType::Quantity { .. } => "quantity",
        FieldType::Lines => "lines",
        FieldType::Commission => "commission",
        FieldType::Position => "position",
        FieldType::Role => "role",
    }
}
