//! KakaoTalk messages (Alimtalk): posted to one of the companies that KakaoTalk lets send them, in the
//! form that they have in common. Which address and which headers, each company says.

use serde::Serialize;

use super::{Message, Trouble, beginning, settled};
use crate::{
    config,
    outbound::{
        address::Address,
        http::{Client, Post},
    },
};

/// What names a request for ever, so that one that is repeated is taken for the same.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Digits of a Korean telephone number, with its leading zero.
const DIGITS: std::ops::RangeInclusive<usize> = 9..=11;

/// Where messages are posted to, and as whom.
#[derive(Clone)]
pub struct Sender {
    to: Address,
    key: String,
    headers: Vec<(String, String)>,
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender")
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

/// What is posted.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    request_id: &'a str,
    sender_key: &'a str,
    template_code: &'a str,
    recipient_list: [Recipient<'a>; 1],
}

#[derive(Serialize)]
struct Recipient<'a> {
    #[serde(rename = "recipientNo")]
    number: &'a str,
    content: &'a str,
    #[serde(rename = "recipientGroupingKey")]
    key: &'a str,
}

impl Sender {
    /// As the settings say, or what is wrong with them.
    pub(super) fn new(settings: &config::Kakao) -> Result<Self, String> {
        let to = settings.url.parse();
        let headers = settings.headers.iter();
        Ok(Self {
            to: to.map_err(|error| format!("`url`: {error}"))?,
            key: settings.sender_key.clone(),
            headers: headers
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        })
    }

    /// Sends one message.
    pub(super) async fn send(&self, message: &Message, client: &Client) -> Result<(), Trouble> {
        let address = message.address.as_deref().unwrap_or_default();
        let Some(number) = national(address) else {
            let why = format!("`{address}` is no telephone number of Korea");
            return Err(Trouble::Refused { why });
        };
        let body = Body {
            request_id: &message.id,
            sender_key: &self.key,
            template_code: message.template.as_deref().unwrap_or_default(),
            recipient_list: [Recipient {
                number: &number,
                content: &message.text,
                key: &message.id,
            }],
        };
        let mut headers = self.headers.clone();
        headers.push((IDEMPOTENCY_KEY.to_owned(), message.id.clone()));
        let post = Post {
            to: self.to.clone(),
            content_type: "application/json;charset=UTF-8",
            headers,
            body: serde_json::to_vec(&body).expect("texts are JSON"),
        };
        let answer = settled(client.post(post).await)?;
        match said_no(&answer.text) {
            Some(why) => Err(Trouble::Refused { why }),
            None => Ok(()),
        }
    }
}

/// Some senders say no with a status of 200: `{"header": {"isSuccessful": false, …}}`.
fn said_no(text: &str) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_str(text).ok()?;
    let header = answer.get("header")?;
    if header.get("isSuccessful")?.as_bool()? {
        return None;
    }
    let why = header.get("resultMessage").and_then(|why| why.as_str());
    Some(format!("refused: {}", beginning(why.unwrap_or(text))))
}

/// The digits of a telephone number, with the leading zero that it has within Korea.
fn national(text: &str) -> Option<String> {
    let is_part = |letter: char| letter.is_ascii_digit() || "+-. ()".contains(letter);
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    // Some shops keep numbers as numbers, and lose the zero.
    let own = digits.strip_prefix("82").filter(|own| own.len() >= 8);
    let own = own.unwrap_or(&digits).trim_start_matches('0');
    let number = format!("0{own}");
    (DIGITS.contains(&number.len()) && text.chars().all(is_part)).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telephone_numbers_are_those_that_are_dialled_within_korea() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(national(text).as_deref(), expected, "{text}");
        };
        check("01012341234", Some("01012341234"));
        check("010-1234-1234", Some("01012341234"));
        check("1012341234", Some("01012341234"));
        check("+82 10-1234-1234", Some("01012341234"));
        check("02-123-4567", Some("021234567"));
        check("PARK CHANG SEON", None);
        check("", None);
        check("112", None);
        check("+1 202 555 0123 99", None);
    }

    #[test]
    fn a_no_with_a_status_of_200_is_a_no() {
        let no = r#"{"header": {"isSuccessful": false, "resultMessage": "no such template"}}"#;
        assert_eq!(said_no(no).as_deref(), Some("refused: no such template"));
        assert_eq!(said_no(r#"{"header": {"isSuccessful": true}}"#), None);
        assert_eq!(said_no("ok"), None);
    }
}
