//! Whose fields a resource shows: its own, or those of the order, the listing or another.

use std::sync::Arc;

use super::{
    fields::{Given, type_name},
    resource::Read,
    section::{Word, expected},
};
use crate::domain::{
    Kind,
    storefront::{Field, FieldType, Resource},
};

/// The entities whose fields another may show.
const SHOWN: [Kind; 5] = [
    Kind::Order,
    Kind::Payment,
    Kind::Delivery,
    Kind::Listing,
    Kind::Approval,
];

/// The resources with their fields, each knowing whose it is.
pub(super) fn resources(reads: &[Read<'_>]) -> Vec<Resource> {
    let resource = |read: &Read<'_>| {
        let fields = read.fields.iter();
        let fields = fields.map(|given| {
            let of = whose(reads, read, given);
            let lines = of.as_ref().and_then(|of| names_in_lines(reads, of));
            Field {
                of,
                lines: given.field.lines.clone().or(lines),
                ..given.field.clone()
            }
        });
        read.resource(fields.collect())
    };
    reads.iter().map(resource).collect()
}

/// What the shown field calls what its lines say.
fn names_in_lines(reads: &[Read<'_>], (kind, name): &(Kind, Arc<str>)) -> Option<LineNames> {
    let mut fields = own(find(reads, *kind)?);
    fields
        .find(|own| *own.name.text == **name)?
        .field
        .lines
        .clone()
}

type LineNames = (Arc<str>, Arc<str>);
type Whose = Option<(Kind, Arc<str>)>;

fn whose(reads: &[Read<'_>], read: &Read<'_>, given: &Given<'_>) -> Whose {
    match &given.of {
        Some((whose, from)) => said(reads, read, given, whose, from.as_ref()),
        None if matches!(given.field.holds, FieldType::Key { .. }) => {
            key(reads, read, given);
            None
        }
        None => {
            of_the_order(reads, read, given);
            None
        }
    }
}

/// Whose the file says it is.
fn said(
    reads: &[Read<'_>],
    read: &Read<'_>,
    given: &Given<'_>,
    whose: &Word<'_>,
    from: Option<&Word<'_>>,
) -> Whose {
    let names = SHOWN.map(Kind::name);
    let Some(kind) = SHOWN.into_iter().find(|kind| kind.name() == whose.text) else {
        let expected = expected(whose.text, &names);
        let message = format!("nothing shows fields of `{}`: {expected}", whose.text);
        read.section.wrong(whose, message);
        return None;
    };
    if kind == read.kind {
        return None;
    }
    if read.kind == Kind::Listing && kind != Kind::Approval {
        let message = "a listing has many orders: it shows only fields of its approval, with of = \
                       \"approval\"";
        read.section.wrong(whose, message);
        return None;
    }
    let Some(other) = find(reads, kind) else {
        let message = format!("there is no section [{kind}] whose field this could show");
        read.section.wrong(whose, message);
        return None;
    };
    let name = from.unwrap_or(&given.name);
    let own: Vec<&Given<'_>> = own(other).collect();
    let Some(shown) = own.iter().find(|own| own.name.text == name.text) else {
        let names: Vec<&str> = own.iter().map(|own| own.name.text).collect();
        let expected = expected(name.text, &names);
        let message = format!(
            "[{kind}] has no field `{}` of its own: {expected}",
            name.text
        );
        read.section.wrong(name, message);
        return None;
    };
    fits(read, given, kind, shown);
    Some((kind, shown.name.text.into()))
}

/// A field of what is done for an order is the order's field of that name, or a delivery's note. It
/// stays without an `of`: what is written to it is written to the order.
fn of_the_order(reads: &[Read<'_>], read: &Read<'_>, given: &Given<'_>) {
    if matches!(read.kind, Kind::Order | Kind::Listing) || !given.field.shown {
        return;
    }
    let Some(order) = find(reads, Kind::Order) else {
        return;
    };
    let holds = given.field.holds;
    let has_own_money = matches!(read.kind, Kind::Payment | Kind::Payout);
    let of_type = |name: &str| own(order).any(|own| type_name(own.field.holds) == name);
    match holds {
        FieldType::Text { .. } | FieldType::Integer { .. } | FieldType::Position => {
            let mut fields = own(order);
            match fields.find(|own| own.name.text == given.name.text) {
                Some(shown) => fits(read, given, Kind::Order, shown),
                // What the order does not have is noted about the delivery itself.
                None if read.kind == Kind::Delivery => {}
                None => nowhere(read, given, order),
            }
        }
        FieldType::Money if has_own_money => {}
        FieldType::Money | FieldType::Listing | FieldType::Quantity { .. } | FieldType::Lines => {
            let name = type_name(holds);
            let is_about_a_listing = read.kind == Kind::Approval && holds == FieldType::Listing;
            let is_chosen = read.kind == Kind::Delivery && holds == FieldType::Listing;
            if !of_type(name) && !is_about_a_listing && !is_chosen {
                let message = format!("[order] has no field of type `{name}` that this could show");
                read.section.wrong(&given.name, message);
            }
        }
        FieldType::Status
        | FieldType::Order
        | FieldType::Key { .. }
        | FieldType::Commission
        | FieldType::Role => {}
    }
}

fn nowhere(read: &Read<'_>, given: &Given<'_>, order: &Read<'_>) {
    let names: Vec<&str> = own(order).map(|own| own.name.text).collect();
    let expected = expected(given.name.text, &names);
    let message = format!(
        "[order] has no field `{}` that this could show: {expected}; a field of another is shown \
         with of = \"listing\", one that is only accepted has hidden = true",
        given.name.text
    );
    read.section.wrong(&given.name, message);
}

/// A key finds its order only if orders have keys.
fn key(reads: &[Read<'_>], read: &Read<'_>, given: &Given<'_>) {
    let Some(order) = find(reads, Kind::Order).filter(|_| read.kind != Kind::Order) else {
        return;
    };
    let is_key = |own: &Given<'_>| matches!(own.field.holds, FieldType::Key { .. });
    if !own(order).any(is_key) {
        let message = "this finds no order: [order] needs a field with type = \"key\" too";
        read.section.wrong(&given.name, message);
    }
}

/// Notes a field of another type than the one it shows.
fn fits(read: &Read<'_>, given: &Given<'_>, of: Kind, shown: &Given<'_>) {
    let is_alike = match (given.field.holds, shown.field.holds) {
        (FieldType::Text { .. }, FieldType::Key { .. } | FieldType::Position) => true,
        (here, there) => type_name(here) == type_name(there),
    };
    if !is_alike {
        let message = format!(
            "`{}` of [{of}] is of another type: expected type = \"{}\" here too",
            shown.name.text,
            type_name(shown.field.holds)
        );
        read.section.wrong(&given.name, message);
    }
}

fn find<'a, 'r>(reads: &'a [Read<'r>], kind: Kind) -> Option<&'a Read<'r>> {
    reads.iter().find(|read| read.kind == kind)
}

/// The fields that show nothing of another.
fn own<'a, 'r>(read: &'a Read<'r>) -> impl Iterator<Item = &'a Given<'r>> {
    let is_own = |whose: &Word<'_>| whose.text == read.kind.name();
    let fields = read.fields.iter();
    fields.filter(move |given| given.of.as_ref().is_none_or(|(whose, _)| is_own(whose)))
}
