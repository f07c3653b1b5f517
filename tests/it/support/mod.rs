//! What the tests need to start servers and to talk to them.

pub(crate) mod client;
pub(crate) mod journal;
pub(crate) mod kakao;
pub(crate) mod load;
pub(crate) mod mailbox;
pub(crate) mod process;
pub(crate) mod receiver;
pub(crate) mod server;
pub(crate) mod tmpfs;
pub(crate) mod wire;

pub(crate) use client::Client;
pub(crate) use journal::Recorded;
pub(crate) use process::Process;
pub(crate) use server::{Server, Setup};

/// The body of an order, with numbers as httpie sends them: as text.
pub(crate) const ORDER: &str = r#"{"phoneNumber": "01012341234", "address": "SEOUL",
    "customerName": "KIM", "flowerType": "MixBox", "price": "10000"}"#;

/// The body that cancels an order.
pub(crate) const CANCEL: &str = r#"{"status": "OrderCancelled"}"#;

/// The body with which the florist starts the delivery of order 1.
pub(crate) const DELIVER: &str = r#"{"orderId": "1", "status": "Delivered"}"#;
