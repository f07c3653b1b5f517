//! Jumun (주문, "order"): a store's back office in one binary.

pub mod actors;
pub mod clock;
pub mod config;
pub mod domain;
pub mod http;
pub mod store;
pub mod telemetry;
pub mod views;
