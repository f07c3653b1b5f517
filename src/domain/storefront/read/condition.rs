//! What a `[[command]]` looks for in a request: `when`, `given`, `missing`.

use super::section::{Section, Word, distance, expected};
use crate::domain::storefront::{Condition, FieldType, Resource, Test, Verb};

/// All that must hold.
pub(super) fn conditions(section: &Section<'_>, verb: Verb, resource: &Resource) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for key in ["when", "given", "missing"] {
        if verb == Verb::Delete && section.has(key) {
            let message = format!("a DELETE has no fields that `{key}` could look at: remove it");
            section.report.at(&section.place(key), message);
        }
    }
    if let Some(when) = section.section("when") {
        for (field, _) in when.entries() {
            let Some(is) = when.text(field.text) else {
                continue;
            };
            if known(&when, &field, resource) == Some(FieldType::Status) {
                slip_of_the_pen(&when, &is, resource);
            }
            add(&when, &mut conditions, &field, Test::Is(is.text.into()));
        }
    }
    for (key, test) in [("given", Test::Given), ("missing", Test::Missing)] {
        for field in section.texts(key) {
            known(section, &field, resource);
            add(section, &mut conditions, &field, test.clone());
        }
    }
    conditions
}

fn add(section: &Section<'_>, conditions: &mut Vec<Condition>, field: &Word<'_>, test: Test) {
    if conditions
        .iter()
        .any(|condition| *condition.field == *field.text)
    {
        let message = format!("`{}` is looked at twice: expected it once", field.text);
        section.wrong(field, message);
    }
    conditions.push(Condition {
        field: field.text.into(),
        test,
    });
}

/// What the field holds, if the resource has it.
fn known(section: &Section<'_>, field: &Word<'_>, resource: &Resource) -> Option<FieldType> {
    let mut fields = resource.fields.iter();
    if let Some(known) = fields.find(|known| *known.name == *field.text) {
        return Some(known.holds);
    }
    let names: Vec<&str> = resource.fields.iter().map(|field| &*field.name).collect();
    let expected = expected(field.text, &names);
    let message = format!(
        "[{}] has no field `{}`: {expected}",
        resource.kind, field.text
    );
    section.wrong(field, message);
    None
}

/// A client's word for what it wants is its own affair, but one that is a single letter away from
/// one of the answers' words is a mistake.
fn slip_of_the_pen(when: &Section<'_>, is: &Word<'_>, resource: &Resource) {
    let words: Vec<&str> = resource.words.0.iter().map(|(_, word)| &**word).collect();
    if words.iter().any(|word| distance(is.text, word) == 1) && !words.contains(&is.text) {
        let expected = expected(is.text, &words);
        let message = format!(
            "[{}.words] has no word `{}`: {expected}",
            resource.kind, is.text
        );
        when.wrong(is, message);
    }
}
