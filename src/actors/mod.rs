//! Time, concurrency and delivery: gives the domain's rules a mailbox, a supervisor and a store.
//!
//! # What an actor here promises
//!
//! - **One message at a time.** From reading its state to deciding, a handler is synchronous: an
//!   `await` in between would lose updates.
//! - **One open turn per order.** A turn (`turn.rs`) is a token that travels from actor to actor; what
//!   waits for the same order waits in its coordinator, bounded. Commits are pipelined: the next
//!   turn may begin once the last is submitted, before it is durable. Answers and provider calls
//!   wait until it is.
//! - **At least once, outward.** After a crash or an unknown outcome a provider is called again,
//!   with the same key. Commands are idempotent, so an answer that arrives twice is no news.
//! - **Restart.** A panic ends the turn it happened in: the caller is told, the entity restarts at
//!   the same address and loads what is durable. Too many, and that order is quarantined. Nobody
//!   else notices.
//! - **A full house is an answer.** Every request carries a permit of its shard until it is
//!   answered. Without one it is refused at once, never queued without end.
//! - **Start and stop.** [`handles::Engine::start`] runs on what is opened and restored;
//!   [`handles::Engine::drain`] takes no more and waits for what is under way.

mod admission;
mod bell;
pub mod breakers;
mod caller;
mod claims;
mod coordinator;
mod crashes;
mod dispatch;
mod entity;
pub mod faults;
mod fence;
mod gateway;
pub mod handles;
mod inbox;
pub mod injected;
pub mod lane;
mod local;
mod mailbox;
mod memory;
mod numbers;
pub mod provider;
mod registry;
mod replace;
pub mod restore;
pub mod settings;
pub mod shard;
mod shelf;
pub mod simulator;
mod table;
mod token;
mod turn;
mod watch;
