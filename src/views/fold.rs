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
        (Rows::Orders, Event::Listing(_)) => None,
        (Rows::Both | Rows::Orders, _) => Some(own),
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
    if row.is_empty() {
        row.reserve(rule.set.len() + rule.add.len());
    }
    for (name, source) in &rule.set {
        match change(storefront, events, at, source) {
            Change::To(value) => row.set(Arc::clone(name), value),
            Change::Said(value) if !is_word(storefront, row.get(name)) => {
                row.set(Arc::clone(name), value);
            }
            Change::Said(_) | Change::Nothing => {}
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
    /// It has what people say of a listing, unless it has the storefront's own word for it.
    Said(Option<Value>),
    /// It stays as it is.
    Nothing,
}

fn change(storefront: &Storefront, events: &[Stamped], at: usize, source: &Source) -> Change {
    let stamped = &events[at];
    let event = &stamped.event;
    Change::To(match source {
        Source::Status => {
            if let Event::Listing(listing::Event::Amended { fields, .. }) = event {
                return Change::Said(said(storefront, fields));
            }
            let word = status_after(storefront, event);
            // What a listing's state has no word for says nothing about it.
            if word.is_none() && event.kind() == Kind::Listing {
                return Change::Nothing;
            }
            word
        }
        Source::Amount => amount(event).map(Value::Int),
        Source::Commission => event
            .as_payout()
            .map(|payout| Value::Int(payout.shares().1.minor)),
        Source::Quantity => quantity(events, at)
            .map(number)
            .or_else(|| asked_for(storefront, event, is_quantity)),
        Source::Listing => listing(events, at)
            .map(number)
            .or_else(|| asked_for(storefront, event, |holds| holds == FieldType::Listing)),
        Source::Event => Some(Value::from(event_name(storefront, event))),
        Source::Field(name) => fields(event).and_then(|fields| fields.get(name)).cloned(),
        Source::Constant(value) => Some(value.clone()),
    })
}

/// The fields that an event carries, if it carries any.
pub fn fields(event: &Event) -> Option<&Fields> {
    use self::{delivery::Event::Noted, listing::Event as OfListing, order::Event as OfOrder};
    if let Event::Order(OfOrder::Placed { fields, .. } | OfOrder::Amended { fields }) = event {
        return Some(fields);
    }
    if let Event::Listing(OfListing::Offered { fields, .. } | OfListing::Amended { fields, .. })
    | Event::Delivery(Noted { fields }) = event
    {
        return Some(fields);
    }
    None
}

/// The storefront's name for an event, or the domain's if it has none.
pub(super) fn event_name<'a>(storefront: &'a Storefront, event: &Event) -> &'a str {
    let own = name_outside(storefront, event);
    own.map_or_else(|| event.name(), AsRef::as_ref)
}

/// The storefront's name for an event; one without a name stays inside.
pub fn name_outside<'a>(storefront: &'a Storefront, event: &Event) -> Option<&'a Arc<str>> {
    let resource = storefront.resource(event.kind())?;
    let about = event.as_approval().map(|approval| approval.subject().kind);
    resource.event_name(event.name(), about)
}

/// Where something stands after an event: the storefront's word for it. Of a listing that has none,
/// the text that it was offered with.
pub fn status_after(storefront: &Storefront, event: &Event) -> Option<Value> {
    let resource = storefront.resource(event.kind())?;
    let words = &resource.words;
    let word = match event {
        Event::Order(event) => words.get(event.state_after()?.name()),
        Event::Payment(event) => words.get(event.state_after().name()),
        Event::Delivery(event) => words.of_delivery(event.state_after()?),
        Event::Approval(event) => {
            let about = event.subject().kind;
            words.of_approval(event.state_after().name(), Some(about))
        }
        Event::Payout(event) => words.get(event.state_after().name()),
        Event::Listing(event) => resource.word(event.standings_after()),
        Event::Saga(_) | Event::Subscriber(_) => None,
    };
    let offered_with = || {
        let Event::Listing(listing::Event::Offered { fields, .. }) = event else {
            return None;
        };
        said(storefront, fields)
    };
    word.map(|word| Value::from(&**word)).or_else(offered_with)
}

/// The status that people gave a listing.
fn said(storefront: &Storefront, fields: &Fields) -> Option<Value> {
    let listing = storefront.resource(Kind::Listing)?;
    let field = listing.field_holding(FieldType::Status)?;
    fields.get(&field.name).cloned()
}

/// Whether it is one of the storefront's words for where a listing stands.
fn is_word(storefront: &Storefront, value: Option<&Value>) -> bool {
    let listing = storefront.resource(Kind::Listing);
    let mut words = listing.into_iter().flat_map(|listing| &listing.words.0);
    words.any(|(_, word)| value.and_then(Value::as_text) == Some(word))
}

/// The amount that an event is about, in minor units: of a payout, the seller's share.
pub fn amount(event: &Event) -> Option<i64> {
    let amount = match event {
        Event::Order(order::Event::Placed { amount, .. } | order::Event::Priced { amount }) => {
            Some(*amount)
        }
        Event::Payment(event) => event.amount(),
        Event::Payout(event) => Some(event.shares().0),
        Event::Order(_)
        | Event::Listing(_)
        | Event::Delivery(_)
        | Event::Saga(_)
        | Event::Approval(_)
        | Event::Subscriber(_) => None,
    };
    amount.map(|amount| amount.minor)
}

/// The first line of the order that the event at this place is about, where it says so.
pub(super) fn line(events: &[Stamped], at: usize) -> Option<Line> {
    let mut event = &events[at].event;
    if let Event::Order(order::Event::Placed { .. }) = event {
        // An order's lines follow at once when it is placed.
        event = &events.get(at + 1)?.event;
    }
    if let Event::Order(order::Event::Itemised { lines }) = event {
        lines.first().copied()
    } else {
        None
    }
}

/// What an order asked for, where no such listing exists: it has no lines then, only fields.
fn asked_for(storefront: &Storefront, event: &Event, is: fn(FieldType) -> bool) -> Option<Value> {
    let Event::Order(order::Event::Placed { fields, .. }) = event else {
        return None;
    };
    let field = storefront.resource(Kind::Order)?.field(is)?;
    fields.get(&field.name).cloned()
}

const fn is_quantity(holds: FieldType) -> bool {
    matches!(holds, FieldType::Quantity { .. })
}

fn quantity(events: &[Stamped], at: usize) -> Option<u64> {
    use listing::Event as Of;
    match &events[at].event {
        Event::Listing(Of::Offered { on_hand, .. } | Of::Amended { on_hand, .. }) => *on_hand,
        Event::Listing(Of::Reserved { quantity, .. } | Of::Released { quantity, .. }) => {
            Some(*quantity)
        }
        Event::Order(_) => line(events, at).map(|line| line.quantity),
        Event::Listing(_)
        | Event::Payment(_)
        | Event::Delivery(_)
        | Event::Saga(_)
        | Event::Approval(_)
        | Event::Payout(_)
        | Event::Subscriber(_) => None,
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
        Event::Order(_) => line(events, at).map(|line| line.listing.0),
        Event::Payment(_)
        | Event::Delivery(_)
        | Event::Saga(_)
        | Event::Payout(_)
        | Event::Subscriber(_) => None,
    }
}

fn number(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}
