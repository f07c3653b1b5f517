//! Jumun from outside: through real HTTP, and the real binary.

#![cfg(test)]

mod backup;
mod bad_input;
mod behaviour;
mod breaker;
mod consumers;
mod contract;
mod correlation;
mod crash;
mod damage;
mod definitions;
mod durable;
mod faults;
mod feed;
mod full;
mod laundry;
mod letters;
mod metrics;
mod mixed;
mod notifications;
mod originals;
mod pause;
mod readme;
mod service;
mod support;
mod takeover;
mod views;
mod walk;
mod webhooks;
