//! From what a request says to what is asked of the engine.

use std::sync::Arc;

use super::{Asked, amend, field_required, target};
use crate::{
    actors::handles::{Item, Request},
    domain::{
        Changes, Fields, Kind, Money, Refusal, Value,
        ids::ListingId,
        order::Line,
        storefront::{CommandAction, Field, FieldType},
    },
    http::{body::Given, error::ApiError, represent},
};

/// What is asked of the engine. `current` is what the request is about, where that is known.
pub(super) fn of(asked: &Asked<'_>, current: Option<&Item>) -> Result<Request, ApiError> {
    let action = asked.rule.action;
    let target = target::of(asked)?;
    let mut request = Request::new(action, target, asked.resource.kind);
    request.until = asked.rule.until;
    match action {
        CommandAction::PlaceOrder => place(asked, &mut request)?,
        CommandAction::OfferListing => offer(asked, &mut request)?,
        CommandAction::AmendOrder => amend::order(asked, current, &mut request)?,
        CommandAction::AmendListing => amend::listing(asked, current, &mut request)?,
        CommandAction::PayOrder => request.amount = money(asked),
        CommandAction::AdvanceDelivery => advance(asked, &mut request)?,
        CommandAction::CancelOrder
        | CommandAction::RemoveOrder
        | CommandAction::GrantApproval
        | CommandAction::RefuseApproval
        | CommandAction::PayPayout
        | CommandAction::OpenListing
        | CommandAction::CloseListing
        | CommandAction::RemoveListing => {}
    }
    Ok(request)
}

/// The amount that the body names.
pub(super) fn money(asked: &Asked<'_>) -> Option<Money> {
    let minor = asked.body.holding(FieldType::Money)?.as_int()?;
    Some(Money::new(minor, asked.definition.currency))
}

/// The price of a listing, which nobody gets paid for taking.
pub(super) fn price(asked: &Asked<'_>) -> Result<Option<Money>, ApiError> {
    match money(asked) {
        Some(money) if money.minor < 0 => Err(Refusal::AmountNegative {
            amount: money.minor,
        }
        .into()),
        money => Ok(money),
    }
}

/// How many the body says, or would say by leaving it out; `None` where nothing is counted.
pub(super) fn quantity(asked: &Asked<'_>) -> Option<u64> {
    let (field, given) = asked.body.first(is_quantity)?;
    let FieldType::Quantity { default } = field.holds else {
        return None;
    };
    let given = given.value().and_then(Value::as_int);
    Some(
        given
            .and_then(|given| u64::try_from(given).ok())
            .unwrap_or(default),
    )
}

/// Whose value a field is that a client may set.
pub(super) fn owner(asked: &Asked<'_>, field: &Field) -> Option<Kind> {
    match (asked.resource.kind, field.holds) {
        _ if field.of.is_some() => None,
        (_, FieldType::Commission | FieldType::Role) => None,
        (Kind::Listing, _) => Some(Kind::Listing),
        (Kind::Order, _) => Some(Kind::Order),
        (kind, FieldType::Text { .. } | FieldType::Integer { .. } | FieldType::Position)
            if !represent::is_orders(asked.definition, field) =>
        {
            // Elsewhere it is only accepted.
            (kind == Kind::Delivery).then_some(Kind::Delivery)
        }
        _ => Some(Kind::Order),
    }
}

/// Whether a field says how many.
pub(super) const fn is_quantity(holds: FieldType) -> bool {
    matches!(holds, FieldType::Quantity { .. })
}

fn place(asked: &Asked<'_>, request: &mut Request) -> Result<(), ApiError> {
    required(asked)?;
    // The amount is kept among the fields too, so that an order which was placed without one shows
    // null rather than zero.
    request.amount = money(asked);
    request.lines = lines(asked);
    let has_lines = !request.lines.is_empty();
    for (field, value) in values(asked) {
        let is_elsewhere = matches!(
            field.holds,
            FieldType::Status | FieldType::Order | FieldType::Listing
        ) || has_lines && is_quantity(field.holds);
        if is_elsewhere {
            continue;
        }
        if matches!(field.holds, FieldType::Key { .. }) {
            let key = value.as_text().filter(|key| !key.is_empty());
            let key = key.ok_or_else(|| field_required(&field.name))?;
            request.key = Some(key.to_owned());
        }
        keep(&mut request.fields, field, value);
    }
    Ok(())
}

/// The status that a listing is offered with is what it says until the storefront has a word for
/// where it stands.
fn offer(asked: &Asked<'_>, request: &mut Request) -> Result<(), ApiError> {
    required(asked)?;
    request.on_hand = quantity(asked);
    request.amount = price(asked)?;
    for (field, value) in values(asked) {
        if !is_quantity(field.holds) && field.holds != FieldType::Listing {
            keep(&mut request.fields, field, value);
        }
    }
    Ok(())
}

fn advance(asked: &Asked<'_>, request: &mut Request) -> Result<(), ApiError> {
    request.step = asked.rule.step;
    if asked.resource.kind == Kind::Delivery {
        request.lines = lines(asked);
    }
    request.changes = notes(asked);
    if let Some(parties) = &asked.definition.parties {
        let given = asked.body.named(&parties.field).value();
        let who = match given {
            Some(Value::Text(text)) if !text.is_empty() => text.clone(),
            Some(Value::Int(number)) => number.to_string(),
            _ => return Err(field_required(&parties.field)),
        };
        request.asked_by = Some(who);
    }
    Ok(())
}

/// What the body says about the delivery itself.
fn notes(asked: &Asked<'_>) -> Changes {
    let own = asked.body.iter().filter(|(field, _)| {
        asked.resource.kind == Kind::Delivery && owner(asked, field) == Some(Kind::Delivery)
    });
    let notes = own.filter_map(|(field, given)| {
        let value = match given {
            Given::Absent | Given::Lines(_) => return None,
            Given::Null => None,
            Given::Value(value) => Some(value.clone()),
        };
        Some((Arc::clone(&field.name), value))
    });
    notes.collect()
}

/// Each value that the body sets of the resource's own.
fn values<'a>(asked: &Asked<'a>) -> impl Iterator<Item = (&'a Field, &'a Value)> {
    let given = asked.body.iter();
    given.filter_map(|(field, given)| Some((field, given.value()?)).filter(|_| field.of.is_none()))
}

fn keep(fields: &mut Fields, field: &Field, value: &Value) {
    fields.set(Arc::clone(&field.name), Some(value.clone()));
}

/// The listings that the body names: one with its quantity, or several.
fn lines(asked: &Asked<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(listing) = asked
        .body
        .holding(FieldType::Listing)
        .and_then(Value::as_int)
    {
        lines.push(Line {
            listing: ListingId(u64::try_from(listing).unwrap_or_default()),
            quantity: quantity(asked).unwrap_or(1),
        });
    }
    if let Some((_, Given::Lines(several))) = asked.body.first(|holds| holds == FieldType::Lines) {
        lines.extend_from_slice(several);
    }
    lines
}

fn required(asked: &Asked<'_>) -> Result<(), ApiError> {
    let missing = asked.body.iter().find(|(field, given)| {
        field.required && field.holds != FieldType::Order && !given.is_there()
    });
    missing.map_or(Ok(()), |(field, _)| Err(field_required(&field.name)))
}
