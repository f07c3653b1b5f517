//! How people are told something: by mail, by KakaoTalk, or by a signed request to an address of the
//! shop's. Each is set up in the settings, [`Channels`](crate::config::Channels).

mod hook;
mod kakao;
mod mail;

use super::{
    http::{Answer, Client},
    retry::Verdict,
};
use crate::{
    config,
    domain::{Timestamp, storefront::Channel},
};

/// Something that one person is told over one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The same for every attempt, and never again: receivers take what has the same id for the same.
    /// Letters, digits, dots, `-` and `_`.
    pub id: String,
    /// The storefront's name.
    pub storefront: String,
    /// The storefront's name for the event.
    pub event: String,
    /// What it is about, as the collection's path and a number: `orders/7`.
    pub about: String,
    /// Who is told.
    pub to: Option<String>,
    /// Their address on the channel, as they wrote it.
    pub address: Option<String>,
    /// `ko` or `en`.
    pub language: &'static str,
    /// A mail's subject.
    pub headline: Option<String>,
    /// The code of a KakaoTalk template.
    pub template: Option<String>,
    /// What they are told.
    pub text: String,
    /// When what they are told of happened.
    pub at: Timestamp,
}

/// Why a message did not go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It may go out later.
    Later {
        /// How long the receiver wants to be left alone, in milliseconds.
        not_before_ms: Option<u64>,
        /// What was wrong.
        why: String,
    },
    /// It would not go out later either.
    Refused {
        /// What was wrong.
        why: String,
    },
}

impl Trouble {
    /// It may go out later, whenever that is.
    const fn later(why: String) -> Self {
        Self::Later {
            not_before_ms: None,
            why,
        }
    }
}

/// A channel that cannot be what the settings say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("[channels.{channel}] cannot be used: {why}")]
pub struct Unusable {
    /// Which.
    pub channel: &'static str,
    /// What is wrong, and what to write.
    pub why: String,
}

/// A channel that is set up.
#[derive(Clone, Debug)]
pub enum Sender {
    /// Mails.
    Mail(mail::Mailer),
    /// KakaoTalk.
    Kakao(kakao::Sender),
    /// Signed requests.
    Webhook(hook::Hook),
}

impl Sender {
    /// The channel as it is set up; `None` if it is not. The log is none.
    pub fn of(channel: Channel, settings: &config::Channels) -> Result<Option<Self>, Unusable> {
        let made = match channel {
            Channel::Log => Ok(None),
            Channel::Mail => {
                let own = settings.mail.as_ref();
                let made = own.map(|own| mail::Mailer::new(own, settings.timeout_ms));
                made.transpose().map(|made| made.map(Self::Mail))
            }
            Channel::Kakao => {
                let made = settings.kakao.as_ref().map(kakao::Sender::new);
                made.transpose().map(|made| made.map(Self::Kakao))
            }
            Channel::Webhook => {
                let made = settings.webhook.as_ref().map(hook::Hook::new);
                made.transpose().map(|made| made.map(Self::Webhook))
            }
        };
        made.map_err(|why| Unusable {
            channel: channel.name(),
            why,
        })
    }

    /// Makes one attempt to send a message. `client` is for those that speak HTTP.
    pub async fn send(
        &self,
        message: &Message,
        client: &Client,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        match self {
            Self::Mail(mailer) => mailer.send(message, now).await,
            Self::Kakao(sender) => sender.send(message, client).await,
            Self::Webhook(hook) => hook.send(message, client, now).await,
        }
    }

    /// Why a message is not sent again by itself after a crash while it was being sent; `None` if the
    /// receiver knows by its id that it is the same.
    pub const fn uncertain(&self) -> Option<&'static str> {
        match self {
            Self::Mail(_) => Some(
                "it was being sent when the program ended, and may have arrived: send it again by \
                 hand if it has not",
            ),
            Self::Kakao(_) | Self::Webhook(_) => None,
        }
    }
}

/// What an answer over HTTP means. That the sender does not know the shop, or is not there, says nothing
/// about the message: it is for an operator to mend, and the message waits.
fn settled(answered: Result<Answer, super::http::Trouble>) -> Result<Answer, Trouble> {
    let verdict = Verdict::of(&answered);
    let answer = answered.map_err(|trouble| Trouble::later(trouble.to_string()))?;
    let why = || format!("answered {}: {}", answer.status, beginning(&answer.text));
    match verdict {
        Verdict::Delivered => Ok(answer),
        Verdict::Later { not_before_ms } => Err(Trouble::Later {
            not_before_ms,
            why: why(),
        }),
        Verdict::Gone => Err(Trouble::later(why())),
        Verdict::Refused if matches!(answer.status, 300..=399 | 401 | 403 | 404) => {
            Err(Trouble::later(why()))
        }
        Verdict::Refused => Err(Trouble::Refused { why: why() }),
    }
}

/// The first line of an answer, as much as fits beside the rest of a sentence.
fn beginning(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars().take(120).collect()
}
