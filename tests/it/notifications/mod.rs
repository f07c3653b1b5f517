//! What people are told, by real mail servers and KakaoTalk senders, and what happens to it when these
//! do not do as they should.

mod shops;
mod trouble;

use serde_json::Value;

use crate::support::{Client, Server, Setup, mailbox::Mail};

/// Retries without a wait worth mentioning.
const AT_ONCE: &str = "[channels]\npauses_ms = [20, 20, 20]\n";

/// A server with these channels.
fn server(settings: &[String]) -> Server {
    setup(settings).start()
}

fn setup(settings: &[String]) -> Setup {
    Setup::new().config(AT_ONCE).config(&settings.concat())
}

/// The texts of the mails to this address, in the order in which they came.
fn texts(mails: &[Mail], to: &str) -> Vec<String> {
    let own = mails.iter().filter(|mail| mail.to == [to]);
    own.map(Mail::body).collect()
}

/// A storefront's notifications.
fn told(client: &Client) -> Vec<Value> {
    let told = client.get("/notifications");
    let told = told.at("/_embedded/notifications");
    told.as_array().expect("a list").clone()
}

/// Waits until a notification is in this state.
fn until(client: &Client, number: u64, state: &str) -> Value {
    let path = format!("/notifications/{number}");
    client.until(&path, "/state", state).json()
}
