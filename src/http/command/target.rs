//! What a request is about: what its path addresses, or what its body names.

use super::{Asked, field_required};
use crate::{
    actors::handles::Target,
    domain::{
        Kind, Value,
        storefront::{CommandAction, FieldType},
    },
    http::error::ApiError,
};

/// What the request is about. A body that does not say so lacks a field.
pub(super) fn of(asked: &Asked<'_>) -> Result<Target, ApiError> {
    if matches!(
        asked.rule.action,
        CommandAction::PlaceOrder | CommandAction::OfferListing
    ) {
        return Ok(Target::New);
    }
    if let Some(number) = asked.number {
        return Ok(match asked.resource.kind {
            Kind::Listing => Target::Listing(number),
            Kind::Approval => Target::Approval(number),
            Kind::Order
            | Kind::Payment
            | Kind::Delivery
            | Kind::Payout
            | Kind::Saga
            | Kind::Subscriber => Target::Order(number),
        });
    }
    // The order's number says it best; an approval without an order is a listing's.
    let ways = [is_order, is_key, is_listing];
    let ways = match asked.rule.action {
        CommandAction::GrantApproval | CommandAction::RefuseApproval => &ways[..],
        CommandAction::OfferListing
        | CommandAction::AmendListing
        | CommandAction::OpenListing
        | CommandAction::CloseListing
        | CommandAction::RemoveListing => &ways[2..],
        CommandAction::PlaceOrder
        | CommandAction::AmendOrder
        | CommandAction::PayOrder
        | CommandAction::CancelOrder
        | CommandAction::RemoveOrder
        | CommandAction::AdvanceDelivery
        | CommandAction::PayPayout => &ways[..2],
    };
    let named = ways.iter().find_map(|way| {
        let (field, given) = asked.body.first(way)?;
        target(field.holds, given.value()?)
    });
    named.ok_or_else(|| {
        let mut fields = ways.iter().filter_map(|way| asked.body.first(way));
        field_required(fields.next().map_or("", |(field, _)| &field.name))
    })
}

fn target(holds: FieldType, value: &Value) -> Option<Target> {
    if is_key(holds) {
        let key = value.as_text().filter(|key| !key.is_empty())?;
        return Some(Target::Key(key.to_owned()));
    }
    let number = u64::try_from(value.as_int()?).ok()?;
    Some(if is_listing(holds) {
        Target::Listing(number)
    } else {
        Target::Order(number)
    })
}

const fn is_order(holds: FieldType) -> bool {
    matches!(holds, FieldType::Order)
}

const fn is_key(holds: FieldType) -> bool {
    matches!(holds, FieldType::Key { .. })
}

const fn is_listing(holds: FieldType) -> bool {
    matches!(holds, FieldType::Listing)
}
