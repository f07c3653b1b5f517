//! What an entity shows in each of its resource's fields.

use super::{
    whole::{self, Whole},
    wire::{Lines, Wire},
};
use crate::domain::{
    Fields, Kind,
    entity::{Entity, Item},
    order::Order,
    storefront::{Field, FieldType, Resource, Storefront},
};

/// What an entity shows in a field of its resource.
pub(crate) fn of_item<'a>(
    definition: &'a Storefront,
    resource: &'a Resource,
    whole: &'a Whole,
    field: &'a Field,
) -> Wire<'a> {
    let Some((kind, name)) = &field.of else {
        return own(definition, resource, whole, field);
    };
    let item = whole.of(*kind);
    let value = item.and_then(|item| of_other(definition, item, field, name));
    value.unwrap_or(Wire::Null)
}

/// The storefront's word for where an entity stands. A listing that no word applies to says what it
/// was offered with.
pub(crate) fn status<'a>(resource: &'a Resource, entity: &'a Entity) -> Option<&'a str> {
    let word = match entity {
        Entity::Order(order) => resource.words.get(order.state.name()),
        Entity::Payment(payment) => resource.words.get(payment.state.name()),
        Entity::Delivery(delivery) => resource.words.of_delivery(delivery.state),
        Entity::Listing(listing) => resource.word(listing.standings()),
        Entity::Approval(approval) => {
            let about = approval.subject.map(|subject| subject.kind);
            resource.words.of_approval(approval.state.name(), about)
        }
        Entity::Payout(payout) => resource.words.get(payout.state.name()),
        Entity::Subscriber(_) => None,
    };
    word.map(|word| &**word)
        .or_else(|| kept_status(resource, entity))
}

/// The status that a client gave a listing, if it gave one.
pub(crate) fn kept_status<'a>(resource: &Resource, entity: &'a Entity) -> Option<&'a str> {
    let Entity::Listing(listing) = entity else {
        return None;
    };
    let field = resource.field_holding(FieldType::Status)?;
    listing.fields.get(&field.name)?.as_text()
}

/// A field that is the entity's own, or comes to it from its order.
fn own<'a>(
    definition: &'a Storefront,
    resource: &'a Resource,
    whole: &'a Whole,
    field: &'a Field,
) -> Wire<'a> {
    let entity = &whole.item.entity;
    match field.holds {
        FieldType::Status => status(resource, entity).map_or(Wire::Null, Wire::Text),
        FieldType::Order => {
            let about = whole::about(&whole.item);
            if about.kind == Kind::Order {
                order_number(about.number, field)
            } else {
                Wire::Null
            }
        }
        FieldType::Listing => match whole::listing(whole) {
            Some(listing) => Wire::Id(listing),
            // What was asked for, where no such listing exists.
            None => of_order(whole, |order| {
                let field = definition.resource(Kind::Order);
                let field = field.and_then(|order| order.field_holding(FieldType::Listing));
                field.map_or(Wire::Null, |field| plain(order, &field.name))
            }),
        },
        FieldType::Quantity { .. } if entity.kind() == Kind::Listing => {
            quantity(entity, &field.name)
        }
        FieldType::Quantity { .. } => of_order(whole, |order| quantity(order, &field.name)),
        FieldType::Lines => of_order(whole, |order| lines(order, field)),
        FieldType::Commission => commission(entity),
        FieldType::Role => plain(entity, &field.name),
        FieldType::Money if matches!(entity, Entity::Delivery(_) | Entity::Approval(_)) => {
            of_order(whole, |order| money(order, &field.name))
        }
        FieldType::Money => money(entity, &field.name),
        FieldType::Key { .. } => {
            // There is one key, which each resource may call as it likes.
            let is_key = |holds| matches!(holds, FieldType::Key { .. });
            let order = definition.resource(Kind::Order);
            let key = order.and_then(|order| order.field(is_key)).unwrap_or(field);
            of_order(whole, |order| plain(order, &key.name))
        }
        FieldType::Text { .. } | FieldType::Integer { .. } | FieldType::Position => {
            let own = fields(entity).and_then(|fields| fields.get(&field.name));
            match own {
                Some(_) => own.into(),
                None => of_order(whole, |order| plain(order, &field.name)),
            }
        }
    }
}

/// What another entity has under this name.
fn of_other<'a>(
    definition: &'a Storefront,
    item: &'a Item,
    field: &'a Field,
    name: &str,
) -> Option<Wire<'a>> {
    let entity = &item.entity;
    Some(match field.holds {
        FieldType::Status => Wire::Text(status(definition.resource(entity.kind())?, entity)?),
        FieldType::Order | FieldType::Listing => {
            let is_listing = entity.kind() == Kind::Listing;
            let is_it = is_listing == (field.holds == FieldType::Listing);
            is_it.then(|| order_number(item.number, field))?
        }
        FieldType::Quantity { .. } => quantity(entity, name),
        FieldType::Lines => lines(entity, field),
        FieldType::Commission => commission(entity),
        FieldType::Money => money(entity, name),
        FieldType::Text { .. }
        | FieldType::Integer { .. }
        | FieldType::Key { .. }
        | FieldType::Position
        | FieldType::Role => plain(entity, name),
    })
}

/// The number of what an entity belongs to.
const fn order_number<'a>(number: u64, field: &Field) -> Wire<'a> {
    if field.as_text {
        Wire::Numeral(number)
    } else {
        Wire::Id(number)
    }
}

/// What the order shows that the entity is or belongs to.
fn of_order<'a>(whole: &'a Whole, shows: impl Fn(&'a Entity) -> Wire<'a>) -> Wire<'a> {
    let order = whole.of(Kind::Order);
    order.map_or(Wire::Null, |order| shows(&order.entity))
}

/// The fields that an entity keeps itself.
fn fields(entity: &Entity) -> Option<&Fields> {
    match entity {
        Entity::Order(order) => Some(&order.fields),
        Entity::Listing(listing) => Some(&listing.fields),
        Entity::Delivery(delivery) => Some(&delivery.fields),
        Entity::Payment(_) | Entity::Approval(_) | Entity::Payout(_) | Entity::Subscriber(_) => {
            None
        }
    }
}

fn plain<'a>(entity: &'a Entity, name: &str) -> Wire<'a> {
    fields(entity).and_then(|fields| fields.get(name)).into()
}

fn money<'a>(entity: &'a Entity, name: &str) -> Wire<'a> {
    let amount = match entity {
        Entity::Order(order) => return price(order, name),
        Entity::Payment(payment) => payment.amount,
        Entity::Payout(payout) => payout.shares.map(|(seller, _)| seller),
        Entity::Listing(_) | Entity::Delivery(_) => return plain(entity, name),
        Entity::Approval(_) | Entity::Subscriber(_) => None,
    };
    amount.map_or(Wire::Null, |amount| Wire::Number(amount.minor))
}

/// An order that was placed without a price costs nothing, but shows null: its fields hold the
/// amount only if the client sent one. What it costs by now is not among them.
fn price<'a>(order: &'a Order, name: &str) -> Wire<'a> {
    let given = order.fields.get(name);
    match order.amount {
        Some(amount) if given.is_some() || amount.minor != 0 => Wire::Number(amount.minor),
        _ => given.into(),
    }
}

/// How many there are of a listing, or are wanted of the first one that an order names.
fn quantity<'a>(entity: &'a Entity, name: &str) -> Wire<'a> {
    match entity {
        Entity::Listing(listing) => listing.on_hand.map_or(Wire::Null, Wire::Id),
        Entity::Order(order) => match order.lines.first() {
            Some(line) => Wire::Id(line.quantity),
            None => plain(entity, name),
        },
        Entity::Payment(_)
        | Entity::Delivery(_)
        | Entity::Approval(_)
        | Entity::Payout(_)
        | Entity::Subscriber(_) => Wire::Null,
    }
}

fn lines<'a>(entity: &'a Entity, field: &'a Field) -> Wire<'a> {
    match (entity, &field.lines) {
        (Entity::Order(order), Some(names)) => Wire::Lines(Lines {
            names,
            lines: &order.lines,
        }),
        _ => Wire::Null,
    }
}

fn commission(entity: &Entity) -> Wire<'_> {
    let shares = match entity {
        Entity::Payout(payout) => payout.shares,
        Entity::Order(_)
        | Entity::Payment(_)
        | Entity::Delivery(_)
        | Entity::Listing(_)
        | Entity::Approval(_)
        | Entity::Subscriber(_) => None,
    };
    shares.map_or(Wire::Null, |(_, commission)| Wire::Number(commission.minor))
}
