//! What a step of the flow needs of the rest of the file: sections, fields, and the requests that
//! people answer it with.

use super::{
    flow::Placed,
    section::{Report, Section, Word},
};
use crate::domain::{
    Kind,
    payout::Terms,
    storefront::{
        Action, Choice, CommandAction, CommandRule, FieldType, Granting, ListingRules, Mode,
        Resource,
    },
};

/// What has been read when the flow is.
#[derive(Debug)]
pub(super) struct Shop<'a> {
    pub(super) resources: &'a [Resource],
    pub(super) delivery_steps: u8,
    pub(super) terms: Terms,
    /// Whether listings wait for a yes.
    pub(super) approves_listings: bool,
}

impl Shop<'_> {
    pub(super) fn resource(&self, kind: Kind) -> Option<&Resource> {
        let mut resources = self.resources.iter();
        resources.find(|resource| resource.kind == kind)
    }
}

/// Notes what a step works on and the file does not have.
pub(super) fn sections_and_fields(
    section: &Section<'_>,
    word: &Word<'_>,
    action: Action,
    shop: &Shop<'_>,
    before: &[Placed],
) {
    let name = action.name();
    let has = |kind, is: fn(FieldType) -> bool| {
        shop.resource(kind)
            .is_some_and(|resource| resource.field(is).is_some())
    };
    let needs_section = |kind, with| {
        if shop.resource(kind).is_none() {
            let message = format!("`{name}` needs a section [{kind}] with its {with}");
            section.wrong(word, message);
        }
    };
    let needs_field = |kind, types, is: fn(FieldType) -> bool| {
        if !has(kind, is) {
            let message = format!("`{name}` needs a field of [{kind}] with type = {types}");
            section.wrong(word, message);
        }
    };
    let is_line = |holds| matches!(holds, FieldType::Listing | FieldType::Lines);
    match action {
        Action::Reserve => {
            needs_section(Kind::Listing, "path and fields");
            needs_field(Kind::Order, "\"listing\" or \"lines\"", is_line);
        }
        Action::Assign(choice) => {
            needs_section(Kind::Listing, "fields");
            needs_section(Kind::Delivery, "steps");
            if choice == Choice::Nearest {
                let is_position = |holds| holds == FieldType::Position;
                needs_field(Kind::Listing, "\"position\"", is_position);
                needs_field(Kind::Order, "\"position\"", is_position);
            }
        }
        Action::Approve { .. } => needs_section(Kind::Approval, "path, fields and words"),
        Action::Pay => {
            needs_section(Kind::Payment, "path and fields");
            needs_field(Kind::Order, "\"money\"", |holds| holds == FieldType::Money);
        }
        Action::PayOut(_) => {
            needs_section(Kind::Payout, "commission");
            if !before.iter().any(|(step, _)| step.action == Action::Pay) {
                let message = "`payout` shares what was paid: put it after a step with do = \
                               \"pay\"";
                section.wrong(word, message);
            }
        }
        Action::Deliver { .. } => needs_section(Kind::Delivery, "path and steps"),
    }
}

/// What the flow grants by itself is granted when the next step is done; so there must be one.
pub(super) fn granted_by_a_later_step(report: &Report<'_>, steps: &[Placed]) {
    let Some((last, at)) = steps.last() else {
        return;
    };
    let by_flow = Action::Approve {
        by: Granting::NextStep,
    };
    if last.action == by_flow {
        let message = "with by = \"flow\" the next step grants this, but it is the last: add a \
                       step after it, or leave `by` out";
        report.at(at, message);
    }
}

/// Notes a step that waits for a request when no request means that.
pub(super) fn commanded(report: &Report<'_>, steps: &[Placed], rules: &[CommandRule]) {
    for (step, at) in steps {
        let awaited = match (step.action, step.mode) {
            (Action::Deliver { .. }, Mode::Command) => CommandAction::AdvanceDelivery,
            (Action::Pay, Mode::Command) => CommandAction::PayOrder,
            (
                Action::Approve {
                    by: Granting::Person,
                },
                _,
            ) => CommandAction::GrantApproval,
            _ => continue,
        };
        if !rules.iter().any(|rule| rule.action == awaited) {
            let message = format!(
                "this step waits for a command, but no request means it: add a [[command]] with \
                 do = \"{}\"",
                awaited.name()
            );
            report.at(at, message);
        }
    }
}

/// Listings that wait for a yes need somebody who can say it, and numbers that tell them from
/// orders that do.
pub(super) fn listings_approved(
    top: &Section<'_>,
    listing: &ListingRules,
    shares_numbers: bool,
    steps: &[Placed],
    rules: &[CommandRule],
) {
    if !listing.approval {
        return;
    }
    let Some(section) = top.section(Kind::Listing.name()) else {
        return;
    };
    let place = section.place("approval");
    if !top.has(Kind::Approval.name()) {
        let message = "listings that wait for approval need a section [approval]";
        section.report.at(&place, message);
    }
    let grants = [CommandAction::GrantApproval, CommandAction::OpenListing];
    if !rules.iter().any(|rule| grants.contains(&rule.action)) {
        let message = "listings wait for approval, but no request grants it: add a [[command]] \
                       with do = \"approval.grant\"";
        section.report.at(&place, message);
    }
    let of_orders = |(step, _): &Placed| matches!(step.action, Action::Approve { .. });
    if !shares_numbers && steps.iter().any(of_orders) {
        let message = "orders and listings both wait for approval, and an approval has the number \
                       of what it is about: add numbers = \"shared\" at the top of the file";
        section.report.at(&place, message);
    }
}
