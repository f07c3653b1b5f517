//! `[channels]`: how people are told what the storefronts' notices say.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Range;

/// How people are told. A channel that is not set up is replaced by a line in the log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channels {
    /// How long one attempt may take, in milliseconds.
    pub timeout_ms: u64,
    /// Messages that one channel of one storefront sends at once.
    pub concurrent_max: usize,
    /// The pauses between the attempts for one message, in milliseconds; after the last of them there
    /// is one more.
    pub pauses_ms: Vec<u64>,
    /// Mails.
    pub mail: Option<Mail>,
    /// KakaoTalk.
    pub kakao: Option<Kakao>,
    /// Signed requests.
    pub webhook: Option<Hook>,
    /// What differs for a storefront, by its name.
    #[serde(default)]
    pub storefronts: BTreeMap<String, ChannelsOf>,
}

/// How mails are sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The server that takes them, as `host:port`.
    pub server: String,
    /// How the connection is encrypted.
    #[serde(default)]
    pub encryption: Encryption,
    /// Whom the server knows, if it asks.
    pub user: Option<String>,
    /// The password, or `env:NAME` for where it is.
    pub password: Option<String>,
    /// Whom mails are from, such as `꽃 구독 <shop@example.com>`.
    pub from: String,
}

/// How the connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// From its greeting on (RFC 3207), usually on port 587; without it nothing is sent.
    #[default]
    Starttls,
    /// From the beginning (RFC 8314), usually on port 465.
    Tls,
    /// Not at all: for a server on this machine.
    None,
}

/// Who sends KakaoTalk messages for us.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kakao {
    /// Where messages are posted to.
    pub url: String,
    /// The key of the shop's KakaoTalk channel, or `env:NAME` for where it is.
    pub sender_key: String,
    /// Further headers, such as an authorization; each value, or `env:NAME` for where it is.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// Where messages are posted to, signed as Standard Webhooks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// Where to.
    pub url: String,
    /// What is signed with: `whsec_` and base64, or `env:NAME` for where it is.
    pub secret: String,
}

/// What differs for a storefront.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelsOf {
    /// Whom its mails are from.
    pub mail_from: Option<String>,
    /// The key of its own KakaoTalk channel.
    pub kakao_sender_key: Option<String>,
    /// Where its messages are posted to.
    pub webhook_url: Option<String>,
    /// What they are signed with.
    pub webhook_secret: Option<String>,
}

/// The most attempts for one message, less one.
const PAUSES_MAX: usize = 32;

/// The longest pause between two attempts, in milliseconds: a day.
const PAUSE_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

/// What a value begins with that is to be taken from the environment.
const FROM_ENVIRONMENT: &str = "env:";

impl Channels {
    /// The same for this storefront alone.
    #[must_use]
    pub fn of(&self, storefront: &str) -> Self {
        let own = self.storefronts.get(storefront);
        let own = own.cloned().unwrap_or_default();
        let mut all = Self {
            storefronts: BTreeMap::new(),
            ..self.clone()
        };
        if let (Some(mail), Some(from)) = (&mut all.mail, own.mail_from) {
            mail.from = from;
        }
        if let (Some(kakao), Some(key)) = (&mut all.kakao, own.kakao_sender_key) {
            kakao.sender_key = key;
        }
        if let Some(hook) = &mut all.webhook {
            hook.url = own.webhook_url.unwrap_or_else(|| hook.url.clone());
            hook.secret = own.webhook_secret.unwrap_or_else(|| hook.secret.clone());
        }
        all
    }

    /// Replaces what stands as `env:NAME` by what `look` finds under that name. The name that it does
    /// not find, if any.
    pub(super) fn fill(&mut self, look: impl Fn(&str) -> Option<String>) -> Result<(), String> {
        let mut secrets: Vec<&mut String> = Vec::new();
        if let Some(mail) = &mut self.mail {
            secrets.extend(mail.password.as_mut());
        }
        if let Some(kakao) = &mut self.kakao {
            secrets.push(&mut kakao.sender_key);
            secrets.extend(kakao.headers.values_mut());
        }
        secrets.extend(self.webhook.as_mut().map(|hook| &mut hook.secret));
        for own in self.storefronts.values_mut() {
            secrets.extend(own.kakao_sender_key.as_mut());
            secrets.extend(own.webhook_secret.as_mut());
        }
        for secret in secrets {
            if let Some(name) = secret.strip_prefix(FROM_ENVIRONMENT) {
                *secret = look(name).ok_or_else(|| name.to_owned())?;
            }
        }
        Ok(())
    }

    pub(super) fn ranges(&self) -> Vec<Range> {
        let pauses = self.pauses_ms.len() as u64;
        let longest = self.pauses_ms.iter().copied().max().unwrap_or_default();
        vec![
            ("channels.timeout_ms", self.timeout_ms, 10, 600_000),
            (
                "channels.concurrent_max",
                self.concurrent_max as u64,
                1,
                1_024,
            ),
            (
                "the number of channels.pauses_ms",
                pauses,
                0,
                PAUSES_MAX as u64,
            ),
            (
                "the longest of channels.pauses_ms",
                longest,
                0,
                PAUSE_MS_MAX,
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const FILE: &str = r#"
        [channels.mail]
        server   = "127.0.0.1:25"
        password = "env:WORD"
        from     = "shop@example.org"
        [channels.kakao]
        url        = "http://127.0.0.1:9/"
        sender_key = "key"
        headers    = { Authorization = "env:WORD" }
        [channels.storefronts.slow]
        kakao_sender_key = "own"
    "#;

    #[test]
    fn secrets_come_from_the_environment_and_a_storefront_has_its_own() {
        let mut channels = Config::read(Some(FILE)).unwrap().channels;
        let missing = channels.clone().fill(|_| None);
        assert_eq!(missing, Err("WORD".to_owned()));
        channels.fill(|name| Some(name.to_lowercase())).unwrap();
        let [slow, other] = ["slow", "other"].map(|name| channels.of(name));
        let mail = slow.mail.unwrap();
        assert_eq!(mail.password.as_deref(), Some("word"));
        assert_eq!(mail.encryption, Encryption::Starttls);
        assert_eq!(slow.kakao.unwrap().sender_key, "own");
        let kakao = other.kakao.unwrap();
        assert_eq!(kakao.sender_key, "key");
        assert_eq!(kakao.headers["Authorization"], "word");
        assert_eq!(other.webhook, None);
    }
}
