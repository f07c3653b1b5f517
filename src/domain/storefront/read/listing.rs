//! What `[listing]` says of all listings, and `[[listing.row]]`: those that the shop begins with.

use std::sync::Arc;

use super::section::{Section, Word, expected};
use crate::domain::{
    Fields, Kind, Value,
    storefront::{Field, FieldType, ListingRules, Resource},
};

/// The most listings that a file may bring along.
const ROWS_MAX: usize = 1_000;

/// What listings are like, and whether what an order reserved comes back.
pub(super) fn rules(top: &Section<'_>, resources: &[Resource]) -> (ListingRules, bool) {
    let Some(section) = top.section(Kind::Listing.name()) else {
        return (ListingRules::default(), false);
    };
    if section.has("within_s") {
        let message = "only orders expire: a listing waits for its approval as long as it takes; \
                       remove `within_s`, or say it of a [[flow]] step";
        section.report.at(&section.place("within_s"), message);
    }
    let unknown = [("refuse", false), ("accept", true)];
    let rules = ListingRules {
        approval: section.flag("approval"),
        is_priced: is_priced(&section, resources),
        unknown_accepted: section.one_of("unknown", &unknown).unwrap_or(false),
        rows: rows(&section, resources),
    };
    (rules, section.flag("returns"))
}

/// Whether orders cost what their listings do: both then need a price.
fn is_priced(section: &Section<'_>, resources: &[Resource]) -> bool {
    let is_priced = section.flag("priced");
    let has_price = |kind| {
        let mut resources = resources.iter();
        let resource = resources.find(|resource| resource.kind == kind);
        resource.is_some_and(|resource| resource.field_holding(FieldType::Money).is_some())
    };
    for kind in [Kind::Listing, Kind::Order] {
        if is_priced && !has_price(kind) {
            let message = format!("`priced` needs a field of [{kind}] with type = \"money\"");
            section.report.at(&section.place("priced"), message);
        }
    }
    is_priced
}

fn rows(section: &Section<'_>, resources: &[Resource]) -> Vec<(Fields, Option<u64>)> {
    let rows = section.sections("row");
    if rows.len() > ROWS_MAX {
        let message = format!("expected {ROWS_MAX} listings at most in the file");
        section.report.at(&section.place("row"), message);
    }
    let listing = resources
        .iter()
        .find(|resource| resource.kind == Kind::Listing);
    let Some(listing) = listing else {
        return Vec::new();
    };
    rows.iter().map(|given| row(given, listing)).collect()
}

fn row(given: &Section<'_>, listing: &Resource) -> (Fields, Option<u64>) {
    let own: Vec<&Field> = listing
        .fields
        .iter()
        .filter(|field| field.of.is_none() && field.holds != FieldType::Listing)
        .collect();
    let names: Vec<&str> = own.iter().map(|field| &*field.name).collect();
    given.only(&names);
    let mut fields = Fields::new();
    let mut on_hand = None;
    for field in own {
        if field.required && !given.has(&field.name) {
            let message = format!("the listing needs its field `{}`", field.name);
            given.report.at(&given.at, message);
        }
        let value = value(given, field);
        if let FieldType::Quantity { default } = field.holds {
            let count = value.as_ref().and_then(Value::as_int);
            on_hand = count.map_or(Some(default), |count| u64::try_from(count).ok());
        } else if value.is_some() {
            fields.set(Arc::clone(&field.name), value);
        }
    }
    (fields, on_hand)
}

fn value(given: &Section<'_>, field: &Field) -> Option<Value> {
    let key = &*field.name;
    let whole = |within| given.number(key, within).map(Value::Int);
    match field.holds {
        FieldType::Integer { min, max } => whole(min..=max),
        FieldType::Money | FieldType::Quantity { .. } => whole(0..=i64::MAX),
        FieldType::Text { max_chars } => {
            let text = given.text(key)?;
            if text.text.chars().count() > max_chars {
                let message = format!("the field `{key}` takes at most {max_chars} characters");
                given.wrong(&text, message);
            }
            Some(Value::from(text.text))
        }
        FieldType::Position => {
            let text = given.text(key)?;
            position(given, &text);
            Some(Value::from(text.text))
        }
        FieldType::Status
        | FieldType::Order
        | FieldType::Key { .. }
        | FieldType::Listing
        | FieldType::Lines
        | FieldType::Commission
        | FieldType::Role => Some(Value::from(given.text(key)?.text)),
    }
}

/// Notes what is no place on earth.
fn position(given: &Section<'_>, text: &Word<'_>) {
    let degrees = |part: &str, most: f64| {
        let degrees = part.trim().parse::<f64>();
        degrees.is_ok_and(|degrees| degrees.abs() <= most)
    };
    let is_place = text
        .text
        .split_once(',')
        .is_some_and(|(north, east)| degrees(north, 90.0) && degrees(east, 180.0));
    if !is_place {
        let message = format!(
            "`{}` is not a position: expected latitude and longitude in degrees, such as: \
             \"37.5665,126.9780\"",
            text.text
        );
        given.wrong(text, message);
    }
}

/// Whether orders and listings count from one sequence.
pub(super) fn shares_numbers(top: &Section<'_>) -> bool {
    let known = [("separate", false), ("shared", true)];
    let shared = top.one_of("numbers", &known).unwrap_or(false);
    if shared && !top.has(Kind::Listing.name()) {
        let message = "numbers are shared between orders and listings: this needs a section \
                       [listing]";
        top.report.at(&top.place("numbers"), message);
    }
    shared
}

/// A field of a resource by its name, or a mistake that says which there are.
pub(super) fn field_named<'a>(
    section: &Section<'_>,
    word: &Word<'_>,
    resource: &'a Resource,
    fits: impl Fn(&Field) -> bool,
) -> Option<&'a Field> {
    let known: Vec<&Field> = resource.fields.iter().filter(|field| fits(field)).collect();
    let found = known.iter().find(|field| *field.name == *word.text);
    if found.is_none() {
        let names: Vec<&str> = known.iter().map(|field| &*field.name).collect();
        let message = format!(
            "[{}] has no such field `{}`: {}",
            resource.kind,
            word.text,
            expected(word.text, &names)
        );
        section.wrong(word, message);
    }
    found.copied()
}
