//! Entities and rows as the wire shows them: the storefront's fields in its order and its words.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::hal::Href;
use crate::{
    actors::handles::{Entity, Item, Row},
    domain::{
        Fields, Value,
        storefront::{Field, FieldType, Resource, View},
    },
};

/// A field's value on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wire<'a> {
    Null,
    Number(i64),
    Id(u64),
    Flag(bool),
    Text(&'a str),
}

impl Serialize for Wire<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Null => serializer.serialize_unit(),
            Self::Number(number) => serializer.serialize_i64(number),
            Self::Id(number) => serializer.serialize_u64(number),
            Self::Flag(flag) => serializer.serialize_bool(flag),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

/// An entity with its links, ready to print.
#[derive(Clone, Copy, Debug)]
pub(super) struct ItemBody<'a> {
    pub(super) resource: &'a Resource,
    pub(super) item: &'a Item,
    /// The collection's address.
    pub(super) url: &'a str,
}

impl Serialize for ItemBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for field in &self.resource.fields {
            map.serialize_entry(&*field.name, &of_item(self.resource, self.item, field))?;
        }
        let links = OwnLinks {
            url: self.url,
            number: self.item.number,
            rel: &self.resource.item,
            has_history: false,
        };
        map.serialize_entry("_links", &links)?;
        map.end()
    }
}

/// A view's row with its links, ready to print.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowBody<'a> {
    pub(super) view: &'a View,
    pub(super) row: &'a Row,
    /// The collection's address.
    pub(super) url: &'a str,
}

impl Serialize for RowBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for field in &self.view.fields {
            map.serialize_entry(&*field.name, &of_row(self.row, field))?;
        }
        let links = OwnLinks {
            url: self.url,
            number: self.row.number,
            rel: &self.view.item,
            has_history: self.view.history,
        };
        map.serialize_entry("_links", &links)?;
        map.end()
    }
}

/// `self`, the same address under the name of one of the collection, and what it said before.
struct OwnLinks<'a> {
    url: &'a str,
    number: u64,
    rel: &'a str,
    has_history: bool,
}

impl Serialize for OwnLinks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        for rel in ["self", self.rel] {
            map.serialize_entry(
                rel,
                &Href(format_args!("{}/{}", self.url, self.number), false),
            )?;
        }
        if self.has_history {
            let history = format_args!("{}/{}/history", self.url, self.number);
            map.serialize_entry("history", &Href(history, false))?;
        }
        map.end()
    }
}

/// What an entity shows in a field.
pub(super) fn of_item<'a>(resource: &'a Resource, item: &'a Item, field: &Field) -> Wire<'a> {
    match field.holds {
        FieldType::Status => status(resource, &item.entity).map_or(Wire::Null, Wire::Text),
        FieldType::Order => match &item.entity {
            Entity::Order(_) => Wire::Id(item.number),
            Entity::Payment(payment) => payment.order.map_or(Wire::Null, |order| Wire::Id(order.0)),
            Entity::Delivery(delivery) => {
                delivery.order.map_or(Wire::Null, |order| Wire::Id(order.0))
            }
            _ => Wire::Null,
        },
        FieldType::Money => match &item.entity {
            // An order that was placed without a price costs nothing, but shows null: its fields
            // hold the amount only if the client sent one.
            Entity::Order(order) => of_fields(&order.fields, field),
            Entity::Payment(payment) => payment
                .amount
                .map_or(Wire::Null, |amount| Wire::Number(amount.minor)),
            _ => Wire::Null,
        },
        _ => match &item.entity {
            Entity::Order(order) => of_fields(&order.fields, field),
            Entity::Payment(_) | _ => Wire::Null,
        },
    }
}

/// What a row shows in a field.
pub(super) fn of_row<'a>(row: &'a Row, field: &Field) -> Wire<'a> {
    if field.holds == FieldType::Order {
        return Wire::Id(row.number);
    }
    of_fields(&row.fields, field)
}

/// The storefront's word for where an entity stands.
pub(super) fn status<'a>(resource: &'a Resource, entity: &Entity) -> Option<&'a str> {
    let word = match entity {
        Entity::Order(order) => resource.words.get(order.state.name()),
        Entity::Payment(payment) => resource.words.get(payment.state.name()),
        Entity::Delivery(delivery) => resource.words.of_delivery(delivery.state),
        Entity::Listing(listing) => resource.word(listing.standings()),
        Entity::Approval(approval) => resource.words.get(approval.state.name()),
        Entity::Payout(payout) => resource.words.get(payout.state.name()),
    };
    word.map(|word| &**word)
}

fn of_fields<'a>(fields: &'a Fields, field: &Field) -> Wire<'a> {
    match fields.get(&field.name) {
        None => Wire::Null,
        Some(Value::Text(text)) => Wire::Text(text),
        Some(Value::Int(number)) => Wire::Number(*number),
        Some(Value::Bool(flag)) => Wire::Flag(*flag),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        domain::{
            Money,
            delivery::{self, Delivery},
            money::Currency,
            order,
            storefront::read,
        },
        http::hal,
    };

    fn flowers() -> crate::domain::storefront::Storefront {
        read::storefront(include_str!("../../storefronts/flowers.toml")).unwrap()
    }

    fn print(item: &Item) -> String {
        let flowers = flowers();
        let body = ItemBody {
            resource: flowers.resource(item.entity.kind()).unwrap(),
            item,
            url: "http://order:8080/things",
        };
        String::from_utf8(hal::print(&body)).unwrap()
    }

    #[test]
    fn an_order_shows_its_fields_in_the_files_order_then_its_links() {
        let fields = [
            ("price".into(), Value::Int(10_000)),
            ("flowerType".into(), "AAAA".into()),
        ];
        let item = Item {
            number: 123,
            version: 2,
            entity: Entity::Order(order::Order {
                state: order::State::Confirmed,
                fields: Arc::new(fields.into_iter().collect()),
                amount: Some(Money::new(10_000, Currency::KRW)),
                removed: false,
                lines: Vec::new(),
            }),
        };
        let expected = "{\n  \"phoneNumber\" : null,\n  \"address\" : null,\n  \"customerName\" : \
                        null,\n  \"status\" : \"PaymentConfirmed\",\n  \"flowerType\" : \"AAAA\",\n  \
                        \"price\" : 10000,\n  \"_links\" : {\n    \"self\" : {\n      \"href\" : \
                        \"http://order:8080/things/123\"\n    },\n    \"order\" : {\n      \"href\" : \
                        \"http://order:8080/things/123\"\n    }\n  }\n}";
        assert_eq!(print(&item), expected);
    }

    #[test]
    fn a_price_that_was_not_sent_is_null_and_a_state_without_a_word_too() {
        let free = Item {
            number: 1,
            version: 1,
            entity: Entity::Order(order::Order {
                state: order::State::Held,
                amount: Some(Money::zero(Currency::KRW)),
                ..order::Order::default()
            }),
        };
        assert!(print(&free).contains("\"price\" : null"));
        assert!(print(&free).contains("\"status\" : null"));
        let done = Item {
            number: 1,
            version: 2,
            entity: Entity::Delivery(Delivery {
                state: delivery::State::Done,
                order: Some(crate::domain::ids::OrderId(1)),
                steps: 1,
                ..Delivery::default()
            }),
        };
        assert!(print(&done).starts_with("{\n  \"orderId\" : 1,\n  \"status\" : \"Delivered\""));
    }
}
