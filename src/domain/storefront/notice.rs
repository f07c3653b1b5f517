//! Who is told what, in which language, and over which channels.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Title;
use crate::domain::Kind;

/// The most characters of a text in one language.
pub const NOTICE_CHARS_MAX: usize = 1_000;

/// The most messages that one event may cause: their places fit into four bits of a message's number.
pub const MESSAGES_PER_EVENT_MAX: usize = 16;

/// Over what somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Channel {
    /// A line in the log, and no more.
    Log,
    /// A signed request to an address of the shop's.
    Webhook,
    /// A mail.
    Mail,
    /// A KakaoTalk message, by way of one of its senders.
    Kakao,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Kakao, Self::Log, Self::Mail, Self::Webhook];

    /// Its name in definitions, settings and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kakao => "kakao",
            Self::Log => "log",
            Self::Mail => "mail",
            Self::Webhook => "webhook",
        }
    }

    /// Whether a message needs an address of the person's own.
    pub const fn needs_address(self) -> bool {
        matches!(self, Self::Kakao | Self::Mail)
    }
}

/// A language in which texts are shipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// Korean.
    #[default]
    Korean,
    /// English.
    English,
}

impl Language {
    /// As it is called in definitions and answers (ISO 639-1).
    pub const fn code(self) -> &'static str {
        match self {
            Self::Korean => "ko",
            Self::English => "en",
        }
    }

    /// The one that a text such as `en` or `en-GB` names; Korean, if it is neither.
    pub fn of(text: &str) -> Self {
        let is_english = text
            .get(..2)
            .is_some_and(|it| it.eq_ignore_ascii_case("en"));
        if is_english {
            Self::English
        } else {
            Self::Korean
        }
    }
}

/// In which language somebody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// Always in this one.
    In(Language),
    /// In the one that this field of the order or the listing names.
    As(Arc<str>),
}

/// One channel of a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Which.
    pub channel: Channel,
    /// The field with the person's address there; who is told, where the channel needs none.
    pub address: Option<Arc<str>>,
}

/// Which text tells whom about which events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The events, each as whose it is and the domain's word for it.
    pub on: Vec<(Kind, Arc<str>)>,
    /// The field of the order or the listing that says who is told; nobody in particular without.
    pub to: Option<Arc<str>>,
    /// Over what; at least one, each once.
    pub ways: Vec<Way>,
    /// In which language.
    pub spoken: Spoken,
    /// What a mail has as its subject.
    pub subject: Option<Title>,
    /// The code of the template that KakaoTalk has approved for the text.
    pub template: Option<Arc<str>>,
    /// What they are told; `{name}` stands for a field, `{status}` and `{event}` for the words.
    pub text: Title,
}

impl Notice {
    /// The names that stand in braces in its texts, and those of the fields that it looks at.
    pub fn mentions(&self) -> impl Iterator<Item = &str> {
        let titles = [Some(&self.text), self.subject.as_ref()];
        let texts = titles.into_iter().flatten();
        let texts = texts.flat_map(|title| [&*title.ko, &*title.en]);
        let spoken = match &self.spoken {
            Spoken::As(field) => Some(&**field),
            Spoken::In(_) => None,
        };
        let addresses = self.ways.iter().filter_map(|way| way.address.as_deref());
        let fields = self
            .to
            .as_deref()
            .into_iter()
            .chain(addresses)
            .chain(spoken);
        texts.flat_map(braced).chain(fields)
    }
}

/// The names in braces.
fn braced(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split('{').skip(1);
    parts.filter_map(|part| Some(part.split_once('}')?.0.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_told_by_its_first_letters() {
        let check = |text: &str, expected| assert_eq!(Language::of(text), expected, "{text}");
        check("en", Language::English);
        check("EN-gb", Language::English);
        check("ko", Language::Korean);
        check("한국어", Language::Korean);
        check("", Language::Korean);
    }
}
