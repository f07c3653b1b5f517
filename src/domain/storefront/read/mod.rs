//! Reads a storefront from its definition file, and finds every mistake in it, each with its line.
//!
//! What comes out is checked: every name that one part uses is known to the other, every state that
//! the flow can reach has a word, no path is taken twice. Nothing is checked again later.
//! `storefronts/flowers.toml` explains every key.

mod command;
mod component;
mod flow;
mod resource;
mod section;
mod segments;
#[cfg(test)]
mod tests;
mod view;

use std::fmt;

use toml::de::DeTable;

use self::{
    resource::Read,
    section::{Report, Section, Span},
    segments::Segments,
};
use super::{Action, CommandAction, Flow, PaymentRules, Resource, Storefront, Title};
use crate::domain::{Kind, money::Currency};

/// A mistake in a definition file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for Mistake {}

/// How long a payment may take, in milliseconds, if the file does not say.
const DEADLINE_MS_DEFAULT: u64 = 1_000;

/// The longest time that a caller may be kept waiting for a payment, in milliseconds.
const DEADLINE_MS_MAX: i64 = 60_000;

/// The storefront that a definition file describes, or everything that is wrong with it.
pub fn storefront(text: &str) -> Result<Storefront, Vec<Mistake>> {
    let report = Report::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let place = error.span().unwrap_or(0..0);
        report.at(&place, format!("this is not TOML: {}", error.message()));
    }
    if !errors.is_empty() {
        return Err(report.into_mistakes());
    }
    let top = Section::new(&report, "the file", 0..0, document.get_ref());
    let storefront = read(&top);
    let mistakes = report.into_mistakes();
    if mistakes.is_empty() {
        Ok(storefront)
    } else {
        Err(mistakes)
    }
}

/// A mistake that shows only beside other definitions, at the place of the storefront's name.
pub fn mistake_at_name(text: &str, message: impl Into<String>) -> Mistake {
    let (document, _) = DeTable::parse_recoverable(text);
    let name = document.get_ref().get("name");
    let report = Report::new(text);
    report.at(&name.map_or(0..0, toml::Spanned::span), message);
    let mistakes = report.into_mistakes();
    let noted = mistakes.into_iter().next();
    noted.expect("what was noted is there")
}

/// Where a mistake was noted, stands something harmless instead.
fn read(top: &Section<'_>) -> Storefront {
    top.only(&[
        "name",
        "title",
        "currency",
        "topic",
        "order",
        "payment",
        "delivery",
        "flow",
        "command",
        "view",
        "components",
    ]);
    let name = top.required("name", "name = \"laundry\"");
    if let Some(name) = &name {
        segments::check(top.report, name);
    }
    let topic = top.text("topic").or_else(|| name.clone());

    let mut segments = Segments::default();
    let reads = resources(top, &mut segments);
    let find = |kind| reads.iter().find(|read| read.resource.kind == kind);
    let steps = find(Kind::Delivery).map_or(0, |read| read.steps);
    let resources: Vec<Resource> = reads.iter().map(|read| read.resource.clone()).collect();
    let flow_steps = flow::steps(top, &resources, steps);
    let rules = command::rules(top, &resources);
    let flow = Flow {
        steps: flow_steps.iter().map(|(step, _)| step.clone()).collect(),
        returns: false,
    };
    flow::check_commanded(top.report, &flow_steps, &rules);
    let cancellable = rules.iter().any(|rule| {
        matches!(
            rule.action,
            CommandAction::CancelOrder | CommandAction::RemoveOrder
        )
    });
    for read in &reads {
        resource::check_words(top.report, read, &flow, cancellable);
    }
    let views: Vec<_> = top
        .sections("view")
        .iter()
        .map(|section| view::view(section, &resources, &mut segments))
        .collect();
    Storefront {
        name: name.map_or("", |name| name.text).into(),
        title: title(top),
        currency: currency(top),
        topic: topic.map_or("", |topic| topic.text).into(),
        components: component::components(top, &resources, &views),
        resources,
        commands: rules,
        flow,
        payment: payment_rules(top),
        listing: super::ListingRules::default(),
        shares_numbers: false,
        parties: None,
        views,
        notices: Vec::new(),
    }
}

fn resources(top: &Section<'_>, segments: &mut Segments) -> Vec<Read> {
    if !top.has("order") {
        let message = "the file needs [order], with its path and fields: orders are what a \
                       storefront is for";
        top.report.at(&top.at, message);
    }
    [Kind::Order, Kind::Payment, Kind::Delivery]
        .into_iter()
        .filter_map(|kind| Some((kind, top.section(kind.name())?)))
        .map(|(kind, section)| resource::resource(&section, kind, segments))
        .collect()
}

fn title(top: &Section<'_>) -> Title {
    let example = "title = { ko = \"세탁소\", en = \"Laundry\" }";
    if !top.has("title") {
        let message = format!("the file needs `title`, such as: {example}");
        top.report.at(&top.at, message);
    }
    let section = top.section("title");
    let language = |key| {
        let text = section.as_ref()?.required(key, &format!("{key} = \"…\""))?;
        Some(text.text.to_owned())
    };
    if let Some(section) = &section {
        section.only(&["ko", "en"]);
    }
    Title {
        ko: language("ko").unwrap_or_default(),
        en: language("en").unwrap_or_default(),
    }
}

fn currency(top: &Section<'_>) -> Currency {
    let Some(code) = top.required("currency", "currency = \"KRW\"") else {
        return Currency::KRW;
    };
    Currency::from_code(code.text).unwrap_or_else(|| {
        let message = format!(
            "`{}` is not a currency: expected the three capital letters of ISO 4217, such as KRW",
            code.text
        );
        top.wrong(&code, message);
        Currency::KRW
    })
}

fn payment_rules(top: &Section<'_>) -> PaymentRules {
    let deadline = top
        .section(Kind::Payment.name())
        .and_then(|payment| payment.number("deadline_ms", 1..=DEADLINE_MS_MAX))
        .and_then(|ms| u64::try_from(ms).ok());
    PaymentRules {
        deadline_ms: deadline.unwrap_or(DEADLINE_MS_DEFAULT),
    }
}

/// Whether an order goes through this kind of step.
fn has_step(flow: &Flow, does: impl Fn(Action) -> bool) -> bool {
    flow.step(does).is_some()
}

/// A place for what was not written down: the section that should hold it.
fn place_or(word: Option<Span>, section: &Section<'_>) -> Span {
    word.unwrap_or_else(|| section.at.clone())
}
