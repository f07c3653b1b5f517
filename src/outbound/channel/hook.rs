//! Messages as requests to an address of the shop's, signed as Standard Webhooks: for whatever else
//! can tell people something.

use serde::Serialize;

use super::{Message, Trouble, settled};
use crate::{
    config,
    domain::Timestamp,
    outbound::{
        address::Address,
        http::Client,
        webhook::{self, Secret},
    },
};

/// Where to, and what is signed with.
#[derive(Clone, Debug)]
pub struct Hook {
    to: Address,
    secret: Secret,
}

/// What is posted.
#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    storefront: &'a str,
    event: &'a str,
    about: &'a str,
    to: Option<&'a str>,
    language: &'a str,
    text: &'a str,
    at: String,
}

impl Hook {
    /// As the settings say, or what is wrong with them.
    pub(super) fn new(settings: &config::Hook) -> Result<Self, String> {
        let to = settings.url.parse();
        let secret = settings.secret.parse();
        Ok(Self {
            to: to.map_err(|error| format!("`url`: {error}"))?,
            secret: secret.map_err(|error| format!("`secret`: {error}"))?,
        })
    }

    /// Sends one message.
    pub(super) async fn send(
        &self,
        message: &Message,
        client: &Client,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let body = Body {
            id: &message.id,
            storefront: &message.storefront,
            event: &message.event,
            about: &message.about,
            to: message.to.as_deref(),
            language: message.language,
            text: &message.text,
            at: jiff::Timestamp::from_millisecond(message.at.0)
                .map_or_else(|_| message.at.0.to_string(), |at| at.to_string()),
        };
        let signed = webhook::Message {
            id: message.id.clone(),
            content_type: "application/json",
            body: serde_json::to_string(&body).expect("texts are JSON"),
            headers: vec![],
        };
        let post = signed.signed(self.to.clone(), now, [&self.secret]);
        settled(client.post(post).await).map(drop)
    }
}
