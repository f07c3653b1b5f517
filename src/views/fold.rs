//! What one event does to one row, as the storefront's definition says.

use std::sync::Arc;

use crate::domain::{
    Event, Fields, Kind, Stamped, Value, delivery, listing,
    order::{self, Line},
    storefront::{FieldType, Rows, Source, Storefront, View, ViewRule},
};

/// The number of the row that an event is for, in a view with such rows.
pub fn row_of(rows: Rows, stamped: &Stamped) -> Option<u64> {
    let own = stamped.entity.number;
    match (rows, &stamped.event) {
        (
            Rows::Orders,
            Event::Listing(
                listing::Event::Reserved { order, .. } | listing::Event::Released { order, .. },
            ),
        ) => Some(order.0),
        (Rows::Orders, Event::Approval(approval)) => {
            let subject = approval.subject();
            (subject.kind == Kind::Order).then_some(subject.number)
        }
        (Rows::Listings, Event::Approval(approval)) => {
            let subject = approval.subject();
            (subject.kind == Kind::Listing).then_some(subject.number)
        }
        (Rows::Both, _) => Some(own),
        (Rows::Orders, Event::Listing(_)) => None,
        (Rows::Orders, _) => Some(own),
        (Rows::Listings, event) => (event.kind() == Kind::Listing).then_some(own),
    }
}

/// What the view's definition says about an event, if anything.
pub fn rule<'a>(view: &'a View, event: &Event) -> Option<&'a ViewRule> {
    let mut rules = view.rules.iter();
    rules.find(|rule| rule.kind == event.kind() && *rule.event == *event.name())
}

/// Takes the event at this place of a batch into a row. False if the view has no rule for it.
pub fn fold(
    storefront: &Storefront,
    view: &View,
    row: &mut Fields,
    events: &[Stamped],
    at: usize,
) -> bool {
    let Some(rule) = rule(view, &events[at].event) else {
        return false;
    };
    for (name, source) in &rule.set {
        match change(storefront, events, at, source) {
            Change::To(value) => row.set(Arc::clone(name), value),
            Change::Nothing => {}
        }
    }
    for (name, by) in &rule.add {
        let before = row.get(name).and_then(Value::as_int).unwrap_or(0);
        let after = before.saturating_add(*by);
        row.set(Arc::clone(name), Some(Value::Int(after)));
    }
    true
}

/// What becomes of a row's field.
enum Change {
    /// It has this from now on; nothing, if it is null.
    To(Option<Value>),
    /// It stays as it is.
    Nothing,
}

fn change(storefront: &Storefront, events: &[Stamped], at: usize, source: &Source) -> Change {
    let stamped = &events[at];
    let event = &stamped.event;
    Change::To(match source {
        Source::Status => match event {
            // What a listing's state has no word for says nothing about it.
            Event::Listing(listing) => match standing(storefront, listing) {
                Some(word) => Some(word),
                None => return Change::Nothing,
            },
            _ => word_after(storefront, event).map(Value::from),
        },
        Source::Amount => amount(event).map(Value::Int),
        Source::Commission => event
            .as_payout()
            .map(|payout| Value::Int(payout.shares().1.minor)),
        Source::Quantity => quantity(events, at).map(number),
        Source::Listing => listing(events, at).map(number),
        Source::Event => Some(Value::from(event_name(storefront, event))),
        Source::Field(name) => fields(event).and_then(|fields| fields.get(name)).cloned(),
        Source::Constant(value) => Some(value.clone()),
    })
}

/// The fields that an event carries, if it carries any.
pub(super) fn fields(event: &Event) -> Option<&Fields> {
    match event {
        Event::Order(order::Event::Placed { fields, .. } | order::Event::Amended { fields }) => {
            Some(fields)
        }
        Event::Listing(
            listing::Event::Offered { fields, .. } | listing::Event::Amended { fields, .. },
        )
        | Event::Delivery(delivery::Event::Noted { fields }) => Some(fields),
        _ => None,
    }
}

/// The storefront's name for an event, or the domain's if it has none.
pub(super) fn event_name<'a>(storefront: &'a Storefront, event: &Event) -> &'a str {
    let resource = storefront.resource(event.kind());
    let own = resource.and_then(|resource| resource.events.get(event.name()));
    own.map_or(event.name(), |name| name)
}

/// The storefront's word for the state that the event leads to.
pub(super) fn word_after<'a>(storefront: &'a Storefront, event: &Event) -> Option<&'a str> {
    let resource = storefront.resource(event.kind())?;
    let words = &resource.words;
    let word = match event {
        Event::Order(event) => words.get(event.state_after()?.name()),
        Event::Payment(event) => words.get(event.state_after().name()),
        Event::Delivery(event) => words.of_delivery(event.state_after()?),
        Event::Approval(event) => words.get(event.state_after().name()),
        Event::Payout(event) => words.get(event.state_after().name()),
        Event::Listing(event) => resource.word(event.standings_after()),
        Event::Saga(_) => None,
    };
    word.map(|word| &**word)
}

/// Where a listing stands after an event: the storefront's word, or the text that it was offered
/// with.
pub(super) fn standing(storefront: &Storefront, event: &listing::Event) -> Option<Value> {
    let resource = storefront.resource(Kind::Listing)?;
    let word = resource.word(event.standings_after());
    word.map(|word| Value::from(&**word)).or_else(|| {
        let listing::Event::Offered { fields, .. } = event else {
            return None;
        };
        let field = resource.field_holding(FieldType::Status)?;
        fields.get(&field.name).cloned()
    })
}

/// The amount that an event is about, in minor units: of a payout, the seller's share.
pub(super) fn amount(event: &Event) -> Option<i64> {
    let amount = match event {
        Event::Order(order::Event::Placed { amount, .. } | order::Event::Priced { amount }) => {
            Some(*amount)
        }
        Event::Payment(event) => event.amount(),
        Event::Payout(event) => Some(event.shares().0),
        _ => None,
    };
    amount.map(|amount| amount.minor)
}

/// The first line of the order that is placed with the event at this place.
pub(super) fn line(events: &[Stamped], at: usize) -> Option<Line> {
    let itemised = |stamped: &Stamped| match &stamped.event {
        Event::Order(order::Event::Itemised { lines }) => lines.first().copied(),
        _ => None,
    };
    match &events[at].event {
        // Its lines follow at once.
        Event::Order(order::Event::Placed { .. }) => events.get(at + 1).and_then(itemised),
        _ => itemised(&events[at]),
    }
}

fn quantity(events: &[Stamped], at: usize) -> Option<u64> {
    match &events[at].event {
        Event::Listing(
            listing::Event::Offered { on_hand, .. } | listing::Event::Amended { on_hand, .. },
        ) => *on_hand,
        Event::Listing(
            listing::Event::Reserved { quantity, .. } | listing::Event::Released { quantity, .. },
        ) => Some(*quantity),
        _ => line(events, at).map(|line| line.quantity),
    }
}

fn listing(events: &[Stamped], at: usize) -> Option<u64> {
    let stamped = &events[at];
    match &stamped.event {
        Event::Listing(_) => Some(stamped.entity.number),
        Event::Approval(approval) => {
            let subject = approval.subject();
            (subject.kind == Kind::Listing).then_some(subject.number)
        }
        _ => line(events, at).map(|line| line.listing.0),
    }
}

fn number(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}
