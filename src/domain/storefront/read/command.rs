//! `[[command]]`: which request means which command.

use super::section::{Section, Word, expected};
use crate::domain::{
    Kind,
    storefront::{CommandAction, CommandRule, Condition, FieldType, Resource, Verb},
};

/// Every command: its name, what it is about, and the methods that can mean it.
const COMMANDS: [(&str, CommandAction, Kind, &[Verb]); 5] = [
    (
        "order.place",
        CommandAction::PlaceOrder,
        Kind::Order,
        &[Verb::Post],
    ),
    (
        "order.amend",
        CommandAction::AmendOrder,
        Kind::Order,
        &[Verb::Put, Verb::Patch],
    ),
    (
        "order.cancel",
        CommandAction::CancelOrder,
        Kind::Order,
        &[Verb::Put, Verb::Patch, Verb::Delete],
    ),
    (
        "order.remove",
        CommandAction::RemoveOrder,
        Kind::Order,
        &[Verb::Delete],
    ),
    (
        "delivery.advance",
        CommandAction::AdvanceDelivery,
        Kind::Delivery,
        &[Verb::Post, Verb::Put, Verb::Patch],
    ),
];

/// The command's name in definitions, such as `order.place`.
pub(in crate::domain::storefront) fn name(action: CommandAction) -> &'static str {
    let mut commands = COMMANDS.iter();
    let found = commands.find(|(_, own, ..)| *own == action);
    found.map_or("", |(name, ..)| name)
}

/// The rules, in the order of the file.
pub(super) fn rules(top: &Section<'_>, resources: &[Resource]) -> Vec<CommandRule> {
    let mut rules: Vec<CommandRule> = Vec::new();
    for section in top.sections("command") {
        section.only(&["on", "when", "do"]);
        let on = section.required("on", "on = \"POST orders\"");
        let Some((on, (verb, resource))) =
            on.and_then(|on| Some((on.clone(), target(&section, &on, resources)?)))
        else {
            continue;
        };
        let shadowed = |rule: &&CommandRule| {
            rule.verb == verb && rule.kind == resource.kind && rule.when.is_empty()
        };
        if rules.iter().find(shadowed).is_some() {
            let message = "this is never reached: an earlier [[command]] for the same request has \
                           no `when`; put this one before it";
            section.wrong(&on, message);
        }
        let Some(action) = action(&section, verb, resource) else {
            continue;
        };
        rules.push(CommandRule {
            verb,
            kind: resource.kind,
            when: conditions(&section, verb, resource),
            action,
        });
    }
    if !rules
        .iter()
        .any(|rule| rule.action == CommandAction::PlaceOrder)
        && !top.has("command")
    {
        let message = "the file needs at least one [[command]], such as: on = \"POST orders\", do \
                       = \"order.place\"";
        top.report.at(&top.at, message);
    }
    rules
}

/// The method and the resource of `PATCH orders/{id}`.
fn target<'a>(
    section: &Section<'_>,
    on: &Word<'_>,
    resources: &'a [Resource],
) -> Option<(Verb, &'a Resource)> {
    let (method, path) = on.text.split_once(' ').unwrap_or((on.text, ""));
    let verbs = [Verb::Post, Verb::Put, Verb::Patch, Verb::Delete];
    let Some(verb) = verbs.into_iter().find(|verb| verb.name() == method) else {
        let expected = expected(method, &verbs.map(Verb::name));
        section.wrong(
            on,
            format!("no command has the method `{method}`: {expected}"),
        );
        return None;
    };
    let (segment, item) = match path.split_once('/') {
        Some((segment, rest)) => (segment, Some(rest)),
        None => (path, None),
    };
    let paths: Vec<&str> = resources.iter().map(|resource| &*resource.path).collect();
    let Some(resource) = resources.iter().find(|resource| &*resource.path == segment) else {
        let expected = expected(segment, &paths);
        section.wrong(
            on,
            format!("no section has the path `{segment}`: {expected}"),
        );
        return None;
    };
    let wanted = (verb != Verb::Post).then_some("{id}");
    if item != wanted {
        let path = wanted.map_or_else(|| segment.to_owned(), |id| format!("{segment}/{id}"));
        let method = verb.name();
        section.wrong(
            on,
            format!("`{}` cannot be asked: expected `{method} {path}`", on.text),
        );
        return None;
    }
    Some((verb, resource))
}

fn action(section: &Section<'_>, verb: Verb, resource: &Resource) -> Option<CommandAction> {
    let word = section.required("do", "do = \"order.place\"")?;
    let names = COMMANDS.map(|(name, ..)| name);
    let Some((_, action, kind, verbs)) = COMMANDS.into_iter().find(|(name, ..)| *name == word.text)
    else {
        let expected = expected(word.text, &names);
        section.wrong(
            &word,
            format!("there is no command `{}`: {expected}", word.text),
        );
        return None;
    };
    if kind != resource.kind || !verbs.contains(&verb) {
        let methods: Vec<&str> = verbs.iter().map(|verb| verb.name()).collect();
        let message = format!(
            "`{}` cannot be asked this way: expected {} on the path of [{kind}]",
            word.text,
            methods.join(", ")
        );
        section.wrong(&word, message);
        return None;
    }
    let order = resource.field_holding(FieldType::Order);
    if action == CommandAction::AdvanceDelivery && verb == Verb::Post && order.is_none() {
        let message = "which order? [delivery] needs a field with type = \"order\"";
        section.wrong(&word, message);
    }
    Some(action)
}

fn conditions(section: &Section<'_>, verb: Verb, resource: &Resource) -> Vec<Condition> {
    let Some(when) = section.section("when") else {
        return Vec::new();
    };
    if verb == Verb::Delete {
        when.report.at(
            &when.at,
            "a DELETE has no fields that `when` could look at: remove it",
        );
    }
    let names: Vec<&str> = resource.fields.iter().map(|field| &*field.name).collect();
    let mut conditions = Vec::new();
    for (field, _) in when.entries() {
        let Some(is) = when.text(field.text) else {
            continue;
        };
        match resource
            .fields
            .iter()
            .find(|known| &*known.name == field.text)
        {
            None => {
                let expected = expected(field.text, &names);
                let message = format!(
                    "[{}] has no field `{}`: {expected}",
                    resource.kind, field.text
                );
                when.wrong(&field, message);
            }
            Some(known) if known.holds == FieldType::Status => status_known(&when, &is, resource),
            Some(_) => {}
        }
        conditions.push(Condition {
            field: field.text.into(),
            is: is.text.into(),
        });
    }
    conditions
}

/// A status that nothing can ever have is a slip of the pen.
fn status_known(when: &Section<'_>, is: &Word<'_>, resource: &Resource) {
    let words: Vec<&str> = resource.words.0.iter().map(|(_, word)| &**word).collect();
    if !words.contains(&is.text) {
        let expected = expected(is.text, &words);
        let message = format!(
            "[{}.words] has no word `{}`: {expected}",
            resource.kind, is.text
        );
        when.wrong(is, message);
    }
}
