//! Read models: folds over the journal, each with its own position, safe to delete and rebuild.
//!
//! A view never asks an actor and never refuses an event. What it shows was durable first.

pub mod fold;
pub mod follower;
pub mod history;
pub mod kept;
pub mod model;
pub mod notices;
pub mod projector;
mod rows;
pub mod stops;
#[cfg(test)]
mod tests;
