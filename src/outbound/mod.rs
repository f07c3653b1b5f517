//! What leaves for other machines: requests that tell them what happened, signed, timed, and tried
//! again.
//!
//! Nothing here knows an order or an actor. Who sends what, and when, is decided by whoever calls;
//! this folder says how it is sent and what an answer means.

pub mod address;
pub mod channel;
pub mod http;
pub mod retry;
pub mod webhook;
