//! What a notice can mention and look at, by the events that it is about.

use std::sync::Arc;

use crate::domain::{
    Kind,
    storefront::{FieldType, Resource},
};

/// The fields that are known at any of the events.
pub(super) fn known_at_all(resources: &[Resource]) -> Vec<&str> {
    fields(true, resources)
}

/// The fields that are known when these events happen: the order's, what is noted about it and those
/// of the listing that it is for; or the listing's alone.
pub(super) fn known<'a>(on: &[(Kind, Arc<str>)], resources: &'a [Resource]) -> Vec<&'a str> {
    let of_orders = on.is_empty() || on.iter().any(|(kind, _)| *kind != Kind::Listing);
    fields(of_orders, resources)
}

fn fields(of_orders: bool, resources: &[Resource]) -> Vec<&str> {
    let mut names = Vec::new();
    for resource in resources {
        for field in resource.fields.iter().filter(|field| field.of.is_none()) {
            let is_told = match (resource.kind, field.holds) {
                (
                    Kind::Order,
                    FieldType::Text { .. }
                    | FieldType::Integer { .. }
                    | FieldType::Money
                    | FieldType::Order
                    | FieldType::Key { .. }
                    | FieldType::Listing
                    | FieldType::Quantity { .. }
                    | FieldType::Position,
                )
                | (
                    Kind::Delivery,
                    FieldType::Text { .. } | FieldType::Integer { .. } | FieldType::Position,
                ) => of_orders,
                (
                    Kind::Listing,
                    FieldType::Text { .. }
                    | FieldType::Integer { .. }
                    | FieldType::Money
                    | FieldType::Position,
                ) => true,
                _ => false,
            };
            if is_told && !names.contains(&&*field.name) {
                names.push(&*field.name);
            }
        }
    }
    names
}
