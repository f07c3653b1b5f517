//! `[[command]]`: which request means which command.

use super::{
    condition::conditions,
    needs::Shop,
    section::{Section, Word, expected},
};
use crate::domain::{
    Kind,
    storefront::{
        Action, CommandAction, CommandRule, FieldType, Flow, Reply, Resource, Role, Verb,
    },
};

/// Only the resource that the command is about.
const ITS_OWN: &[Kind] = &[];
/// Everything that has the order's number.
const OF_THE_ORDER: &[Kind] = &[
    Kind::Order,
    Kind::Payment,
    Kind::Delivery,
    Kind::Approval,
    Kind::Payout,
];
/// Everything that may have an approval, too.
const APPROVED: &[Kind] = &[
    Kind::Approval,
    Kind::Order,
    Kind::Listing,
    Kind::Payment,
    Kind::Delivery,
];
const CREATES: &[Verb] = &[Verb::Post];
const CHANGES: &[Verb] = &[Verb::Post, Verb::Put, Verb::Patch];
const ENDS: &[Verb] = &[Verb::Post, Verb::Put, Verb::Patch, Verb::Delete];

/// What a command is about, the resources on whose paths it may stand, and the methods.
const fn manner(action: CommandAction) -> (Kind, &'static [Kind], &'static [Verb]) {
    match action {
        CommandAction::PlaceOrder => (Kind::Order, ITS_OWN, CREATES),
        CommandAction::AmendOrder | CommandAction::PayOrder => (Kind::Order, OF_THE_ORDER, CHANGES),
        CommandAction::CancelOrder | CommandAction::RemoveOrder => {
            (Kind::Order, OF_THE_ORDER, ENDS)
        }
        CommandAction::AdvanceDelivery => (Kind::Delivery, OF_THE_ORDER, CHANGES),
        CommandAction::GrantApproval => (Kind::Approval, APPROVED, CHANGES),
        CommandAction::RefuseApproval => (Kind::Approval, APPROVED, ENDS),
        CommandAction::PayPayout => (Kind::Payout, OF_THE_ORDER, CHANGES),
        CommandAction::OfferListing => (Kind::Listing, ITS_OWN, CREATES),
        CommandAction::AmendListing | CommandAction::OpenListing => {
            (Kind::Listing, ITS_OWN, CHANGES)
        }
        CommandAction::CloseListing | CommandAction::RemoveListing => {
            (Kind::Listing, ITS_OWN, ENDS)
        }
    }
}

/// The rules, in the order of the file. `steps` are the words of a delivery's steps.
pub(super) fn rules(
    top: &Section<'_>,
    shop: &Shop<'_>,
    flow: &Flow,
    steps: &[Word<'_>],
) -> Vec<CommandRule> {
    let mut rules: Vec<CommandRule> = Vec::new();
    for section in top.sections("command") {
        section.only(&[
            "on", "when", "given", "missing", "do", "to", "until", "by", "reply",
        ]);
        let on = section.required("on", "on = \"POST jobs\"");
        let Some((on, (verb, resource))) =
            on.and_then(|on| Some((on.clone(), target(&section, &on, shop.resources)?)))
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
        let Some((action, word)) = action(&section) else {
            continue;
        };
        fits(&section, &word, action, verb, resource);
        serves(&section, &word, action, shop, flow);
        rules.push(CommandRule {
            verb,
            kind: resource.kind,
            when: conditions(&section, verb, resource),
            action,
            step: to(&section, action, steps),
            until: until(&section, action, steps),
            by: section.one_of("by", &Role::ALL).unwrap_or_default(),
            reply: reply(&section),
        });
    }
    if !top.has("command") {
        let message = "the file needs at least one [[command]], such as: on = \"POST jobs\", do \
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
    let exposed = || resources.iter().filter(|resource| resource.is_exposed());
    let Some(resource) = exposed().find(|resource| &*resource.path == segment) else {
        let paths: Vec<&str> = exposed().map(|resource| &*resource.path).collect();
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

fn action<'r>(section: &Section<'r>) -> Option<(CommandAction, Word<'r>)> {
    let word = section.required("do", "do = \"order.place\"")?;
    let mut known = CommandAction::ALL.into_iter();
    let Some((_, action)) = known.find(|(name, _)| *name == word.text) else {
        let expected = expected(word.text, &CommandAction::ALL.map(|(name, _)| name));
        section.wrong(
            &word,
            format!("there is no command `{}`: {expected}", word.text),
        );
        return None;
    };
    Some((action, word))
}

/// Whether this request can mean this command, and says what it is about.
fn fits(
    section: &Section<'_>,
    word: &Word<'_>,
    action: CommandAction,
    verb: Verb,
    resource: &Resource,
) {
    let (about, paths, verbs) = manner(action);
    let paths = if paths.is_empty() { &[about] } else { paths };
    if !paths.contains(&resource.kind) || !verbs.contains(&verb) {
        let methods: Vec<&str> = verbs.iter().map(|verb| verb.name()).collect();
        let kinds: Vec<String> = paths.iter().map(|kind| format!("[{kind}]")).collect();
        let message = format!(
            "`{}` cannot be asked this way: expected {} on the path of {}",
            word.text,
            methods.join(", "),
            kinds.join(", ")
        );
        section.wrong(word, message);
        return;
    }
    let begins = verbs == CREATES;
    if verb != Verb::Post || begins {
        return;
    }
    let names = |is: fn(FieldType) -> bool| resource.field(is).is_some();
    let of_order = || names(|holds| matches!(holds, FieldType::Order | FieldType::Key { .. }));
    let of_listing = || names(|holds| holds == FieldType::Listing);
    let (is_found, which, types) = match about {
        Kind::Listing => (of_listing(), "listing", "\"listing\""),
        Kind::Approval => (
            of_order() || of_listing(),
            "order or listing",
            "\"order\", \"key\" or \"listing\"",
        ),
        Kind::Order
        | Kind::Payment
        | Kind::Delivery
        | Kind::Payout
        | Kind::Saga
        | Kind::Subscriber => (of_order(), "order", "\"order\" or \"key\""),
    };
    if !is_found {
        let kind = resource.kind;
        let message = format!("which {which}? [{kind}] needs a field with type = {types}");
        section.wrong(word, message);
    }
}

/// Notes a command about something that the shop does not do.
fn serves(
    section: &Section<'_>,
    word: &Word<'_>,
    action: CommandAction,
    shop: &Shop<'_>,
    flow: &Flow,
) {
    let (about, ..) = manner(action);
    let does = |step: fn(Action) -> bool| flow.step(step).is_some();
    let (serves, step) = match action {
        CommandAction::PayOrder => (does(|step| step == Action::Pay), "pay"),
        CommandAction::PayPayout => (does(|step| matches!(step, Action::PayOut(_))), "payout"),
        CommandAction::AdvanceDelivery => {
            let delivers = does(|step| matches!(step, Action::Deliver { .. } | Action::Assign(_)));
            (delivers, "deliver")
        }
        CommandAction::GrantApproval | CommandAction::RefuseApproval => {
            let asks = does(|step| matches!(step, Action::Approve { .. }));
            (asks || shop.approves_listings, "approve")
        }
        CommandAction::PlaceOrder
        | CommandAction::AmendOrder
        | CommandAction::CancelOrder
        | CommandAction::RemoveOrder
        | CommandAction::OfferListing
        | CommandAction::AmendListing
        | CommandAction::OpenListing
        | CommandAction::CloseListing
        | CommandAction::RemoveListing => {
            if shop.resource(about).is_none() {
                let message = format!("`{}` needs a section [{about}]", word.text);
                section.wrong(word, message);
            }
            return;
        }
    };
    if !serves {
        let message = format!("`{}` needs a [[flow]] with do = \"{step}\"", word.text);
        section.wrong(word, message);
    }
}

/// The step that a delivery is taken to.
fn to(section: &Section<'_>, action: CommandAction, steps: &[Word<'_>]) -> Option<u8> {
    let does = action == CommandAction::AdvanceDelivery;
    let message = "`to` names a step of a delivery: only `delivery.advance` has it";
    step(section, "to", does.then_some(steps).ok_or(message))
}

/// The step of the delivery after which an order is not changed any more.
fn until(section: &Section<'_>, action: CommandAction, steps: &[Word<'_>]) -> Option<u8> {
    let changes = matches!(
        action,
        CommandAction::AmendOrder
            | CommandAction::PayOrder
            | CommandAction::CancelOrder
            | CommandAction::RemoveOrder
    );
    let message = "`until` says how far the delivery may have come: only `order.amend`, \
                   `order.pay`, `order.cancel` and `order.remove` have it";
    step(section, "until", changes.then_some(steps).ok_or(message))
}

/// The step that the word under this key names, or why there is none to be named.
fn step(section: &Section<'_>, key: &str, steps: Result<&[Word<'_>], &str>) -> Option<u8> {
    let word = section.text(key)?;
    let steps = match steps {
        Ok(steps) => steps,
        Err(message) => {
            section.report.at(&section.place(key), message);
            return None;
        }
    };
    let at = steps.iter().position(|step| step.text == word.text);
    if at.is_none() {
        let names: Vec<&str> = steps.iter().map(|step| step.text).collect();
        let expected = expected(word.text, &names);
        section.wrong(
            &word,
            format!("a delivery has no step `{}`: {expected}", word.text),
        );
    }
    u8::try_from(at?).ok()
}

fn reply(section: &Section<'_>) -> Reply {
    let known = [("entity", Reply::Entity), ("nothing", Reply::Nothing)];
    section.one_of("reply", &known).unwrap_or_default()
}
