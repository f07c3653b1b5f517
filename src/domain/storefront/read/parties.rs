//! `[delivery.parties]`: who may take a delivery's steps.

use std::sync::Arc;

use super::{listing::field_named, section::Section};
use crate::domain::{
    Kind,
    storefront::{Field, FieldType, Parties, Resource},
};

/// Reads who it is, if the file says.
pub(super) fn parties(top: &Section<'_>, resources: &[Resource]) -> Option<Parties> {
    let delivery = top.section(Kind::Delivery.name())?;
    let role = find(resources, Kind::Delivery)
        .and_then(|resource| resource.field_holding(FieldType::Role));
    if !delivery.has("parties") {
        if let Some(role) = role {
            let message = format!(
                "`{}` names somebody's part: say in [delivery.parties] who has which",
                role.name
            );
            delivery.report.at(&delivery.at, message);
        }
        return None;
    }
    let section = delivery.section("parties")?;
    section.only(&["field", "customer", "seller"]);
    let asks = section.required("field", "field = \"userId\"");
    if let (Some(asks), Some(resource)) = (&asks, find(resources, Kind::Delivery)) {
        field_named(&section, asks, resource, is_text);
    }
    if !section.has("customer") {
        let message = format!(
            "{} needs `customer`, such as: customer = {{ field = \"userId\", role = \"buyer\" }}",
            section.name
        );
        section.report.at(&section.at, message);
    }
    let customer = part(&section, "customer", resources, Kind::Order);
    let seller = part(&section, "seller", resources, Kind::Listing);
    if let (Some((_, buyer)), Some((_, seller))) = (&customer, &seller)
        && buyer == seller
    {
        let message = "the customer and the seller need parts with different names";
        section.report.at(&section.place("seller"), message);
    }
    Some(Parties {
        field: asks?.text.into(),
        customer: customer?,
        seller,
    })
}

/// One side: the field that says who it is, and what their part is called.
fn part(
    section: &Section<'_>,
    key: &str,
    resources: &[Resource],
    of: Kind,
) -> Option<(Arc<str>, Arc<str>)> {
    let part = section.section(key)?;
    part.only(&["field", "role"]);
    let field = part.required("field", "field = \"userId\"");
    let role = part.required("role", "role = \"buyer\"");
    let field = field?;
    if let Some(resource) = find(resources, of) {
        field_named(&part, &field, resource, |own| {
            own.of.is_none() && is_text(own)
        });
    } else {
        let message = format!("there is no section [{of}] whose field could say who this is");
        part.wrong(&field, message);
    }
    Some((field.text.into(), role?.text.into()))
}

fn is_text(field: &Field) -> bool {
    matches!(field.holds, FieldType::Text { .. })
}

fn find(resources: &[Resource], kind: Kind) -> Option<&Resource> {
    resources.iter().find(|resource| resource.kind == kind)
}
