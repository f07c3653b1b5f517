//! What of a definition may change while things are stored that were made under it.
//!
//! Stored are: the values of fields by their names, as text or as numbers; amounts, in the
//! storefront's currency; states and events in the domain's words; the steps that a delivery has
//! taken, by their number. The storefront's own words are looked up when something is shown. So
//! words, paths, titles, names of events, searches, commands, deadlines, retries and modes may
//! change; views are folded again.
//!
//! Limits of fields, and whether they are required, may change too, to either side: they bind
//! requests, what is stored was checked when it came and is shown as it is. And fields may be added
//! and removed: one that is added is null where it was never given, the values of one that is
//! removed are not shown any more. They stay in the journal, and are there again when the field is;
//! a shop must be able to stop asking for something. Only the stored definition is compared, not
//! those before it, so a field that comes back with another type after starts without it is not
//! noticed.
//!
//! What is left is refused: it would show something stored as what it never was, or do something
//! for an order that it was not placed for.

use std::sync::Arc;

use super::{Field, FieldType, Resource, Step, Storefront};
use crate::domain::{Kind, order};

/// What keeps `now` from being served on what was stored under `stored`: a sentence for each change
/// that says what changed, why that cannot be, and what to do. Nothing if it fits.
pub fn incompatible(stored: &Storefront, now: &Storefront) -> Vec<String> {
    let mut changes = Vec::new();
    if stored.currency != now.currency {
        let (was, is) = (stored.currency.code(), now.currency.code());
        changes.push(format!(
            "the currency was {was} and is {is}: stored amounts are in {was} and are not \
             converted; write currency = \"{was}\" again"
        ));
    }
    for old in &stored.resources {
        match now.resource(old.kind) {
            None => changes.push(format!(
                "[{0}] is gone: what is stored of it could not be shown; put the section back",
                old.kind
            )),
            Some(new) => {
                fields(old, new, &mut changes);
                words(old, new, &mut changes);
                delivery_steps(old, new, &mut changes);
            }
        }
    }
    flow(&stored.flow.steps, &now.flow.steps, &mut changes);
    changes
}

fn fields(old: &Resource, new: &Resource, changes: &mut Vec<String>) {
    if !keeps_fields(old.kind) {
        return;
    }
    let kind = old.kind;
    let amount = old.field_holding(FieldType::Money);
    for was in old.fields.iter().filter(|field| is_stored(field)) {
        let is = new.fields.iter().find(|field| field.name == was.name);
        if let Some(is) = is.filter(|is| is_stored(is) && !is_alike(was, is)) {
            let (name, was, is) = (&was.name, was.holds.name(), is.holds.name());
            changes.push(format!(
                "the field `{name}` of [{kind}] was of type {was} and is of type {is}: its stored \
                 values do not fit; give it the type \"{was}\" again, and the new one another name"
            ));
        } else if Some(was) == amount && is.is_none_or(|is| !is_alike(was, is)) {
            let name = &was.name;
            changes.push(format!(
                "the amount of [{kind}] was in the field `{name}` and is not any more: stored \
                 amounts would not be shown; write {name} = {{ type = \"money\" }} again"
            ));
        }
    }
}

/// Payments and deliveries show what they know of their order; the others keep what was sent.
const fn keeps_fields(kind: Kind) -> bool {
    !matches!(kind, Kind::Payment | Kind::Delivery)
}

/// Where things stand, and whose they are, is not kept under the name of a field.
const fn is_stored(field: &Field) -> bool {
    !matches!(field.holds, FieldType::Status | FieldType::Order)
}

/// Whether two fields hold the same kind of value, whatever its limits.
fn is_alike(was: &Field, is: &Field) -> bool {
    std::mem::discriminant(&was.holds) == std::mem::discriminant(&is.holds)
}

/// A state may get another word, but must have one as long as something may stand there.
fn words(old: &Resource, new: &Resource, changes: &mut Vec<String>) {
    let kind = old.kind;
    let steps = step_words(old);
    for (state, word) in old.words.0.iter().filter(|own| !steps.contains(own)) {
        // Where a listing's approval has no word of its own any more, it has the order's.
        let falls_back = state.strip_prefix("listing.");
        let falls_back = falls_back.and_then(|state| new.words.get(state));
        if new.words.get(state).or(falls_back).is_none() {
            changes.push(format!(
                "[{kind}.words] has no word for `{state}` any more: what is stored in that state \
                 would show none; write {state} = \"{word}\" again, or another word"
            ));
        }
    }
}

/// A step may get another word, but not that of another step.
fn delivery_steps(old: &Resource, new: &Resource, changes: &mut Vec<String>) {
    let quoted = |resource| -> Vec<String> {
        let words = step_words(resource).into_iter();
        words.map(|(_, word)| format!("\"{word}\"")).collect()
    };
    let (was, is) = (quoted(old), quoted(new));
    let mut pairs = was.iter().zip(&is);
    let moved = pairs.any(|(old, new)| old != new && was.contains(new));
    if was.len() != is.len() || moved {
        let (kind, was, is) = (old.kind, was.join(", "), is.join(", "));
        changes.push(format!(
            "the steps of [{kind}] were [{was}] and are [{is}]: stored are their numbers, which \
             would mean other steps; write steps = [{was}] again (words may change, their number \
             and order may not)"
        ));
    }
}

/// The steps that a resource's things take, in their order, each with its word.
fn step_words(resource: &Resource) -> Vec<&(Arc<str>, Arc<str>)> {
    let words = resource.words.0.iter();
    let is_delivery = resource.kind == Kind::Delivery;
    let is_step = |own: &str| is_delivery && (own.starts_with("step.") || own == "done");
    words.filter(|(own, _)| is_step(own)).collect()
}

fn flow(old: &[Step], new: &[Step], changes: &mut Vec<String>) {
    let name = |step: &Step| step.action.name();
    let (was, is): (Vec<_>, Vec<_>) = (
        old.iter().map(name).collect(),
        new.iter().map(name).collect(),
    );
    if was != is {
        let (was, is) = (was.join(", "), is.join(", "));
        changes.push(format!(
            "the flow was {was} and is {is}: orders that are stored have gone through other steps, \
             and would be taken through these; write the [[flow]] as it was"
        ));
        return;
    }
    for (was, is) in old.iter().zip(new).filter(|(was, is)| was.then != is.then) {
        let (step, was, is) = (name(was), then(was), then(is));
        changes.push(format!(
            "the step `{step}` of the flow had {was} and has {is}: orders that have taken it are \
             stored as it was; give it {was} again"
        ));
    }
}

fn then(step: &Step) -> String {
    let then = step.then.map(order::State::name);
    then.map_or_else(
        || "no `then`".to_owned(),
        |then| format!("then = \"{then}\""),
    )
}

#[cfg(test)]
mod tests {
    use super::{super::read, *};

    const POSIES: &str = include_str!("../../../tests/shops/posies.toml");

    /// The flower shop with two steps of delivery, and a number besides the price.
    fn base() -> String {
        let steps = POSIES.replacen(r#"["Brought"]"#, r#"["Wrapped", "Gone"]"#, 1);
        let number = "boxes = { type = \"integer\", max = 9 }\nprice        =";
        let text = steps.replacen("price        =", number, 1);
        assert!(text.contains("Wrapped") && text.contains("boxes"));
        text
    }

    /// Each row changes the first occurrence of a text in that shop, and says what is refused:
    /// `text ==> replacement [==> expected parts of the only sentence]`, with `;` between the parts.
    fn check(rows: &str) {
        let base = base();
        let stored = read::storefront(&base).unwrap();
        for row in rows.lines().filter(|row| !row.trim().is_empty()) {
            let cells: Vec<&str> = row.split("==>").map(str::trim).collect();
            assert!(base.contains(cells[0]), "{row}");
            let text = base.replacen(cells[0], &cells[1].replace("\\n", "\n"), 1);
            let now = read::storefront(&text).unwrap_or_else(|wrong| panic!("{row}: {wrong:#?}"));
            let changes = incompatible(&stored, &now);
            let Some(expected) = cells.get(2) else {
                assert!(changes.is_empty(), "{row}: {changes:#?}");
                continue;
            };
            let [sentence] = &changes[..] else {
                panic!("{row}: {changes:#?}")
            };
            let has_all = expected.split(';').all(|part| sentence.contains(part));
            assert!(has_all, "{row}: {sentence}");
        }
    }

    #[test]
    fn what_stored_things_do_not_depend_on_may_change() {
        check(
            r#"
            ko = "꽃 구독"           ==> ko = "꽃"
            topic = "posies"          ==> topic = "blumen"
            path = "purchases"          ==> path = "purchases"\naliases = ["sales"]
            address      =           ==> note = { type = "text" }\naddress =
            address      = { type = "text", max = 256 } ==> address = { type = "text", max = 9, required = true }
            phoneNumber  = { type = "text", max = 32 }  ==> phoneNumber = { type = "text", max = 99 }
            max = 9 }                ==> min = 1, max = 5 }
            boxes = { type = "integer", max = 9 }       ==>
            boxes = { type = "integer", max = 9 }       ==> count = { type = "integer" }
            placed    = "Asked"    ==> placed = "Received"
            captured  = "Settled" ==> captured = "Paid"
            captured = "Settled" ==>
            deadline_ms = 300        ==> deadline_ms = 900\nbreaker = { trials = 2 }
            search.findByOrderId =   ==> search.byOrder =
            "Wrapped", "Gone"        ==> "Packed", "Gone"
            do   = "deliver"         ==> do = "deliver"\nretry = { first_ms = 5 }
            mode = "sync"            ==> mode = "async"
            do = "order.remove"      ==> do = "order.cancel"
            path   = "pages"       ==> path = "pages"\naliases = ["leaves"]
            "#,
        );
    }

    #[test]
    fn what_would_show_stored_things_as_something_else_is_refused() {
        check(
            r#"
            currency = "KRW"         ==> currency = "EUR"  ==> was KRW and is EUR;not converted;currency = "KRW"
            boxes = { type = "integer", max = 9 } ==> boxes = { type = "text" } ==> `boxes` of [order];of type integer and is of type text
            phoneNumber  = { type = "text", max = 32 } ==> phoneNumber = { type = "integer" } ==> was of type text and is of type integer
            "Wrapped", "Gone"        ==> "Gone", "Wrapped" ==> the steps of [delivery];["Wrapped", "Gone"] again
            "Wrapped", "Gone"        ==> "Gone"            ==> their number and order may not
            "Wrapped", "Gone"        ==> "Wrapped", "Gone", "There" ==> would mean other steps
            then = "completed"       ==>                   ==> `deliver` of the flow;then = "completed" and has no `then`
            "#,
        );
    }

    /// That shop with this change must be refused with these sentences.
    fn refused(change: impl Fn(&mut Storefront), expected: &[&str]) {
        let stored = read::storefront(&base()).unwrap();
        let mut now = stored.clone();
        change(&mut now);
        let found = incompatible(&stored, &now);
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (sentence, expected) in found.iter().zip(expected) {
            assert!(sentence.contains(expected), "{expected}: {sentence}");
        }
    }

    #[test]
    fn steps_resources_and_the_amount_stay_where_they_are() {
        let fields = |shop: &mut Storefront| std::mem::take(&mut shop.resources[0].fields);
        let amount = "the amount of [order] was in the field `price`";
        let renamed = |shop: &mut Storefront| {
            let named = |mut field: Field| {
                if field.holds == FieldType::Money {
                    field.name = "cost".into();
                }
                field
            };
            shop.resources[0].fields = fields(shop).into_iter().map(named).collect();
        };
        refused(renamed, &[amount]);
        refused(|shop| drop(fields(shop)), &[amount]);
        refused(
            |shop| {
                shop.flow.steps.pop();
                shop.resources.pop();
            },
            &["[delivery] is gone", "was pay, deliver and is pay"],
        );
        let turned = |shop: &mut Storefront| shop.flow.steps.reverse();
        refused(turned, &["was pay, deliver and is deliver, pay"]);
        let silent = |shop: &mut Storefront| drop(shop.resources[1].words.0.pop());
        refused(silent, &["[payment.words] has no word for `refunded`"]);
    }

    #[test]
    fn a_new_step_is_not_for_orders_that_were_placed_before() {
        let now = read::storefront(POSIES).unwrap();
        let mut stored = now.clone();
        stored.flow.steps.pop();
        let changes = incompatible(&stored, &now);
        assert_eq!(changes.len(), 1, "{changes:#?}");
        assert!(changes[0].contains("would be taken through these"));
    }
}
