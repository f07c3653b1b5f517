//! Changing what is there: PATCH changes what is sent; PUT replaces everything, and so does a POST
//! that names what it is about, as the originals' did (SEED API 1.5). What was fixed when it began
//! stays where it is not sent, and cannot be sent otherwise.

use std::sync::Arc;

use super::{Asked, field_required, not_settable, request};
use crate::{
    actors::handles::{Entity, Item, Request},
    domain::{
        Kind, Value,
        storefront::{FieldType, Verb},
    },
    http::{body::Given, error::ApiError, represent},
};

/// Changes of an order.
pub(super) fn order(
    asked: &Asked<'_>,
    current: Option<&Item>,
    request: &mut Request,
) -> Result<(), ApiError> {
    if let Some(current) = current {
        settable(asked, current)?;
        fixed(asked, &current.entity)?;
    }
    request.amount = request::money(asked);
    changes(asked, Kind::Order, request)
}

/// Changes of a listing.
pub(super) fn listing(
    asked: &Asked<'_>,
    current: Option<&Item>,
    request: &mut Request,
) -> Result<(), ApiError> {
    if let Some((_, Given::Value(_))) = asked.body.first(request::is_quantity) {
        request.on_hand = request::quantity(asked);
    }
    request::price(asked)?;
    changes(asked, Kind::Listing, request)?;
    let Some(current) = current else {
        return Ok(());
    };
    if !is_kept(asked, current) {
        return settable(asked, current);
    }
    // No word of the storefront's says where it stands, so its status is what people say.
    if let Some((field, Given::Value(status))) = asked.body.first(|own| own == FieldType::Status) {
        let change = (Arc::clone(&field.name), Some(status.clone()));
        request.changes.push(change);
    }
    Ok(())
}

/// Whether no word says where the listing stands.
fn is_kept(asked: &Asked<'_>, current: &Item) -> bool {
    let Entity::Listing(listing) = &current.entity else {
        return false;
    };
    let resource = asked.definition.resource(Kind::Listing);
    resource.is_none_or(|resource| resource.word(listing.standings()).is_none())
}

fn changes(asked: &Asked<'_>, of: Kind, request: &mut Request) -> Result<(), ApiError> {
    let replaces = matches!(asked.rule.verb, Verb::Put | Verb::Post);
    let own = asked.body.iter();
    for (field, given) in own.filter(|(field, _)| request::owner(asked, field) == Some(of)) {
        let is_price = field.holds == FieldType::Money && of == Kind::Order;
        let value = match (field.holds, given) {
            (FieldType::Money, Given::Null | Given::Absent) if is_price => continue,
            (FieldType::Money, _) if is_price && asked.resource.kind != Kind::Order => continue,
            (
                FieldType::Text { .. }
                | FieldType::Integer { .. }
                | FieldType::Position
                | FieldType::Money,
                given,
            ) => match given {
                Given::Absent if !replaces => continue,
                Given::Absent | Given::Null | Given::Lines(_) => None,
                Given::Value(value) => Some(value.clone()),
            },
            _ => continue,
        };
        if field.required && value.is_none() {
            return Err(field_required(&field.name));
        }
        request.changes.push((Arc::clone(&field.name), value));
    }
    Ok(())
}

/// A status changes nothing where it says what is so already, or what it began with.
fn settable(asked: &Asked<'_>, current: &Item) -> Result<(), ApiError> {
    let Some(Value::Text(status)) = asked.body.holding(FieldType::Status) else {
        return Ok(());
    };
    let entity = &current.entity;
    let resource = asked.definition.resource(entity.kind());
    let resource = resource.unwrap_or(asked.resource);
    let is_listing = entity.kind() == Kind::Listing;
    let began = if is_listing { "draft" } else { "placed" };
    let allowed = [
        represent::status(resource, entity),
        represent::kept_status(resource, entity),
        resource.words.get(began).map(|word| &**word),
    ];
    if allowed.contains(&Some(status)) {
        Ok(())
    } else {
        Err(not_settable(asked.body))
    }
}

/// An order keeps its key and what it is for.
fn fixed(asked: &Asked<'_>, entity: &Entity) -> Result<(), ApiError> {
    let Entity::Order(order) = entity else {
        return Ok(());
    };
    let first = order.lines.first();
    for (field, given) in asked.body.iter().filter(|(field, _)| field.of.is_none()) {
        let is_same = match (field.holds, given) {
            (FieldType::Key { .. }, Given::Value(key)) => {
                order.fields.get(&field.name) == Some(key)
            }
            (FieldType::Listing, Given::Value(listing)) => match first {
                Some(first) => Some(first.listing.0) == number(listing),
                None => order.fields.get(&field.name) == Some(listing),
            },
            (FieldType::Quantity { .. }, Given::Value(quantity)) => match first {
                Some(first) => Some(first.quantity) == number(quantity),
                None => order.fields.get(&field.name) == Some(quantity),
            },
            (FieldType::Lines, Given::Lines(lines)) => order.lines == *lines,
            _ => true,
        };
        if !is_same {
            let detail = format!(
                "the field `{}` cannot be changed once the order is placed; cancel it and place a \
                 new one",
                field.name
            );
            return Err(ApiError::new("field_invalid", detail));
        }
    }
    Ok(())
}

fn number(value: &Value) -> Option<u64> {
    u64::try_from(value.as_int()?).ok()
}
