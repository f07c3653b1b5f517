//! What one event does to one row, as the storefront's definition says.

use std::sync::Arc;

use crate::domain::{
    Event, Fields, Value,
    storefront::{Source, Storefront, View},
};

/// Takes an event into a row. False if the view has no rule for it.
pub fn fold(storefront: &Storefront, view: &View, row: &mut Fields, event: &Event) -> bool {
    let rule = view
        .rules
        .iter()
        .find(|rule| rule.kind == event.kind() && *rule.event == *event.name());
    let Some(rule) = rule else { return false };
    for (name, source) in &rule.set {
        row.set(Arc::clone(name), value(storefront, event, source));
    }
    true
}

fn value(storefront: &Storefront, event: &Event, source: &Source) -> Option<Value> {
    match source {
        Source::Status => word_after(storefront, event).map(Value::from),
        Source::Amount => amount(event).map(Value::Int),
        Source::Field(name) => match event {
            Event::Order(
                crate::domain::order::Event::Placed { fields, .. }
                | crate::domain::order::Event::Amended { fields },
            ) => fields.get(name).cloned(),
            _ => None,
        },
        Source::Constant(value) => Some(value.clone()),
        Source::Commission | Source::Quantity | Source::Listing | Source::Event => None,
    }
}

/// The storefront's word for the state that the event leads to.
fn word_after<'a>(storefront: &'a Storefront, event: &Event) -> Option<&'a str> {
    let words = &storefront.resource(event.kind())?.words;
    let word = match event {
        Event::Order(event) => words.get(event.state_after()?.name()),
        Event::Payment(event) => words.get(event.state_after().name()),
        Event::Delivery(event) => words.of_delivery(event.state_after()?),
        Event::Approval(event) => words.get(event.state_after().name()),
        Event::Payout(event) => words.get(event.state_after().name()),
        Event::Listing(_) | Event::Saga(_) => None,
    };
    word.map(|word| &**word)
}

fn amount(event: &Event) -> Option<i64> {
    match event {
        Event::Order(crate::domain::order::Event::Placed { amount, .. }) => Some(amount.minor),
        Event::Payment(event) => event.amount().map(|amount| amount.minor),
        _ => None,
    }
}
