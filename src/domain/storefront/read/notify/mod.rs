//! `[[notify]]`: who is told what, when, and over which channels. `[notices]`: what all of them say
//! that do not say otherwise.

mod known;
mod ways;

use std::{collections::BTreeMap, sync::Arc};

use self::known::{known, known_at_all};
use super::{
    section::{Section, Word, expected},
    words::events,
};
use crate::domain::{
    Kind,
    storefront::{
        Channel, Language, MESSAGES_PER_EVENT_MAX, NOTICE_CHARS_MAX, Notice, Resource, Spoken,
        Title,
    },
};

/// The words in braces that are no field.
const OTHERS: [&str; 4] = ["status", "event", "number", "amount"];

/// What a notice can say, and `[notices]` for all of them.
const SHARED: [&str; 7] = [
    "channel", "channels", "kakao", "language", "mail", "subject", "to",
];

/// What only a notice can say.
const OWN: [&str; 3] = ["on", "template", "text"];

/// The longest code of a KakaoTalk template, in characters: longer ones are not approved.
const TEMPLATE_CHARS_MAX: usize = 32;

/// The longest subject of a mail, in characters of its text here.
const SUBJECT_CHARS_MAX: usize = 200;

/// Reads who is told what.
pub(super) fn notices(top: &Section<'_>, resources: &[Resource]) -> Vec<Notice> {
    let shared = top.section("notices");
    let sections = top.sections("notify");
    if let Some(shared) = &shared {
        check_shared(shared, resources, sections.is_empty());
    }
    let mut counts = BTreeMap::new();
    let notices = sections.iter().map(|section| {
        let both = Both {
            own: section,
            shared: shared.as_ref(),
        };
        let notice = notice(&both, resources);
        check_count(section, &notice, &mut counts);
        notice
    });
    notices.collect()
}

/// Notes what is wrong with what is said for all, whatever each of them makes of it.
fn check_shared(shared: &Section<'_>, resources: &[Resource], is_for_none: bool) {
    shared.only(&SHARED);
    let known = known_at_all(resources);
    for key in ["to", "mail", "kakao"] {
        if let Some(word) = shared.text(key) {
            is_known(shared, &word, &known);
        }
    }
    if let Some(word) = shared.text("language") {
        is_language(shared, &word, &known);
    }
    if is_for_none {
        let message = "[notices] says what every [[notify]] says, and there is none";
        shared.report.at(&shared.at, message);
    }
}

/// Notes an event that causes more messages than can be told apart.
fn check_count(
    section: &Section<'_>,
    notice: &Notice,
    counts: &mut BTreeMap<(Kind, Arc<str>), usize>,
) {
    for event in &notice.on {
        let count = counts.entry(event.clone()).or_default();
        *count = count.saturating_add(notice.ways.len());
        if *count > MESSAGES_PER_EVENT_MAX {
            let (kind, name) = event;
            let message = format!(
                "`{kind}.{name}` causes more than {MESSAGES_PER_EVENT_MAX} messages, one for each \
                 channel of each notice: leave some out"
            );
            section.report.at(&section.place("on"), message);
        }
    }
}

/// A notice, and what all of them say.
struct Both<'a, 'r> {
    own: &'a Section<'r>,
    shared: Option<&'a Section<'r>>,
}

impl<'r> Both<'_, 'r> {
    /// Where this is said: in the notice, or else for all.
    fn place(&self, key: &str) -> Option<&Section<'r>> {
        let places = [Some(self.own), self.shared];
        places.into_iter().flatten().find(|place| place.has(key))
    }

    /// A field that must be known: its own at once, that of all where this notice knows it.
    fn field(&self, key: &str, known: &[&str]) -> Option<Arc<str>> {
        if let Some(word) = self.own.text(key) {
            return is_known(self.own, &word, known).then(|| word.text.into());
        }
        let word = self.shared?.text(key)?;
        known.contains(&word.text).then(|| word.text.into())
    }
}

/// Notes a field that is not among these.
fn is_known(section: &Section<'_>, word: &Word<'_>, known: &[&str]) -> bool {
    let is_known = known.contains(&word.text);
    if !is_known {
        let message = format!(
            "there is no field `{}` that says who is told: {}",
            word.text,
            expected(word.text, known)
        );
        section.wrong(word, message);
    }
    is_known
}

fn notice(both: &Both<'_, '_>, resources: &[Resource]) -> Notice {
    let section = both.own;
    section.only(&[&OWN[..], &SHARED].concat());
    let on: Vec<(Kind, Arc<str>)> = section
        .texts("on")
        .iter()
        .filter_map(|word| event(section, word, resources))
        .collect();
    if section.texts("on").is_empty() {
        let message = format!(
            "{} needs `on`, such as: on = [\"order.placed\"]",
            section.name
        );
        section.report.at(&section.place("on"), message);
    }
    let known = known(&on, resources);
    let ways = ways::ways(both, &known);
    let has = |channel| ways.iter().any(|way| way.channel == channel);
    let subject = both.place("subject").filter(|_| has(Channel::Mail));
    let subject = subject.map(|place| title(place, "subject", SUBJECT_CHARS_MAX, &known));
    let template = template(section);
    if has(Channel::Mail) && subject.is_none() {
        let message = "a mail needs `subject`, such as: subject = { ko = \"주문 {number}번\", \
                       en = \"Order {number}\" }";
        section.report.at(&section.at, message);
    }
    if has(Channel::Kakao) && !section.has("template") {
        let message = "KakaoTalk needs `template`, the code under which it has approved the text, \
                       such as: template = \"order_placed\"";
        section.report.at(&section.at, message);
    }
    if !section.has("text") {
        let example = "text = { ko = \"{status}입니다\", en = \"It is {status}\" }";
        let message = format!("{} needs `text`, such as: {example}", section.name);
        section.report.at(&section.at, message);
    }
    Notice {
        to: both.field("to", &known),
        spoken: spoken(both, &known),
        text: title(section, "text", NOTICE_CHARS_MAX, &known),
        on,
        ways,
        subject,
        template,
    }
}

/// `language`: `ko`, `en`, or the field that says so.
fn spoken(both: &Both<'_, '_>, known: &[&str]) -> Spoken {
    let word = both.place("language").and_then(|own| own.text("language"));
    match word.as_ref().map(|word| word.text) {
        Some("en") => Spoken::In(Language::English),
        Some(field) if known.contains(&field) => Spoken::As(field.into()),
        Some(_) | None => {
            // What is said for all is not for those that do not know the field.
            if let Some(own) = both.own.text("language") {
                is_language(both.own, &own, known);
            }
            Spoken::In(Language::default())
        }
    }
}

/// Notes what is neither a language nor a field.
fn is_language(section: &Section<'_>, word: &Word<'_>, known: &[&str]) {
    let all = [&["ko", "en"], known].concat();
    if !all.contains(&word.text) {
        let message = format!(
            "`language` cannot be `{}`, which is neither a language nor a field that says one: {}",
            word.text,
            expected(word.text, &all)
        );
        section.wrong(word, message);
    }
}

fn template(section: &Section<'_>) -> Option<Arc<str>> {
    let word = section.text("template")?;
    let length = word.text.chars().count();
    if !(1..=TEMPLATE_CHARS_MAX).contains(&length) {
        let message = format!("`template` has 1 to {TEMPLATE_CHARS_MAX} characters");
        section.wrong(&word, message);
    }
    Some(word.text.into())
}

/// `order.placed` as whose event it is and which.
fn event(
    section: &Section<'_>,
    word: &Word<'_>,
    resources: &[Resource],
) -> Option<(Kind, Arc<str>)> {
    let (kind_name, name) = word.text.split_once('.').unwrap_or((word.text, ""));
    let mut kinds = resources.iter().map(|resource| resource.kind);
    let Some(kind) = kinds.find(|kind| kind.name() == kind_name) else {
        let names: Vec<&str> = resources.iter().map(|own| own.kind.name()).collect();
        let message = format!(
            "nothing has the event `{}`: before its point, {}",
            word.text,
            expected(kind_name, &names)
        );
        section.wrong(word, message);
        return None;
    };
    if !events(kind).contains(&name) {
        let expected = expected(name, events(kind));
        let message = format!("[{kind}] has no event `{name}`: {expected}");
        section.wrong(word, message);
        return None;
    }
    Some((kind, name.into()))
}

/// A text in both languages.
fn title(section: &Section<'_>, key: &str, chars_max: usize, known: &[&str]) -> Title {
    let text = section.section(key);
    if let Some(text) = &text {
        text.only(&["ko", "en"]);
    }
    let language = |key| {
        let text = text.as_ref()?;
        let word = text.required(key, &format!("{key} = \"…\""))?;
        if word.text.chars().count() > chars_max {
            text.wrong(&word, format!("expected {chars_max} characters at most"));
        }
        placeholders(text, &word, known);
        Some(word.text.to_owned())
    };
    Title {
        ko: language("ko").unwrap_or_default(),
        en: language("en").unwrap_or_default(),
    }
}

/// Notes what stands in braces and is not known.
fn placeholders(section: &Section<'_>, word: &Word<'_>, known: &[&str]) {
    let mut rest = word.text;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else {
            section.wrong(word, "a `{` has no `}` after it: expected both");
            return;
        };
        let name = name.trim();
        if !known.contains(&name) && !OTHERS.contains(&name) {
            let all: Vec<&str> = OTHERS.iter().chain(known).copied().collect();
            let expected = expected(name, &all);
            section.wrong(
                word,
                format!("nothing is known as `{{{name}}}`: {expected}"),
            );
        }
        rest = behind;
    }
}
