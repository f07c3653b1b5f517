//! Reads a storefront from its definition file, and finds every mistake in it, each with its line.
//!
//! What comes out is checked: every name that one part uses is known to the other, every state that
//! the flow can reach has a word, no path is taken twice. Nothing is checked again later.
//! `docs/storefronts.md` explains every key.

mod command;
mod component;
mod condition;
mod fields;
mod flow;
mod listing;
mod needs;
mod notify;
mod parties;
mod payment;
mod payout;
mod resource;
mod section;
mod segments;
mod shown;
mod source;
#[cfg(test)]
mod tests;
mod told;
mod view;
mod words;

use std::fmt;

use toml::de::DeTable;

use self::{
    needs::Shop,
    resource::Read,
    section::{Report, Section, Span},
    segments::Segments,
    words::Reach,
};
use super::{Flow, Storefront, Title};
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

/// What stands at the top of a file.
const KEYS: [&str; 18] = [
    "name",
    "title",
    "currency",
    "topic",
    "numbers",
    "order",
    "listing",
    "payment",
    "approval",
    "delivery",
    "payout",
    "feed",
    "flow",
    "command",
    "view",
    "notices",
    "notify",
    "components",
];

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
    top.only(&KEYS);
    let name = top.required("name", "name = \"laundry\"");
    if let Some(name) = &name {
        segments::check(top.report, name);
    }
    let topic = top.text("topic").or_else(|| name.clone());

    let mut segments = Segments::default();
    let reads = reads(top, &mut segments);
    let mut resources = shown::resources(&reads);
    told::look_up(&reads, &mut resources);
    let delivery = reads.iter().find(|read| read.kind == Kind::Delivery);
    let steps = delivery.map_or(&[][..], |read| &read.steps);
    let shares_numbers = listing::shares_numbers(top);
    let (listing, returns) = listing::rules(top, &resources);
    let shop = Shop {
        resources: &resources,
        delivery_steps: u8::try_from(steps.len()).unwrap_or(u8::MAX),
        terms: payout::terms(top),
        approves_listings: listing.approval,
    };
    let placed = flow::steps(top, &shop);
    let flow = Flow {
        steps: placed.iter().map(|(step, _)| step.clone()).collect(),
        returns,
    };
    let rules = command::rules(top, &shop, &flow, steps);
    needs::commanded(top.report, &placed, &rules);
    needs::listings_approved(top, &listing, shares_numbers, &placed, &rules);
    let reach = Reach {
        flow: &flow,
        rules: &rules,
        listing: &listing,
    };
    for (read, resource) in reads.iter().zip(&resources) {
        words::check(top.report, read, resource, reach);
    }
    let views: Vec<_> = top
        .sections("view")
        .iter()
        .map(|section| view::view(section, &resources, shares_numbers, &mut segments))
        .collect();
    Storefront {
        name: name.map_or("", |name| name.text).into(),
        title: title(top),
        currency: currency(top),
        topic: topic.map_or("", |topic| topic.text).into(),
        components: component::components(top, &resources, &views),
        parties: parties::parties(top, &resources),
        notices: notify::notices(top, &resources),
        event_put: told::put(top),
        resources,
        commands: rules,
        flow,
        payment: payment::rules(top),
        listing,
        shares_numbers,
        views,
    }
}

fn reads<'r>(top: &Section<'r>, segments: &mut Segments) -> Vec<Read<'r>> {
    if !top.has("order") {
        let message = "the file needs [order], with its path and fields: orders are what a \
                       storefront is for";
        top.report.at(&top.at, message);
    }
    resource::KINDS
        .into_iter()
        .filter_map(|kind| Some((kind, top.section(kind.name())?)))
        .map(|(kind, section)| resource::read(section, kind, segments))
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

/// A place for what was not written down: the section that should hold it.
fn place_or(word: Option<Span>, section: &Section<'_>) -> Span {
    word.unwrap_or_else(|| section.at.clone())
}
