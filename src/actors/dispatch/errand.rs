//! What a courier is sent for: where its items come from, and how one is sent.

use std::rc::Rc;

use crate::{
    actors::handles::Failure,
    domain::{EntityKey, subscriber::Subscriber},
};

/// Wanted items of a stream.
#[derive(Debug)]
pub(in crate::actors) struct Found {
    /// In ascending order, each with what it is about.
    pub(in crate::actors) items: Vec<(u64, EntityKey)>,
    /// Up to where the stream was looked at.
    pub(in crate::actors) seen_to: u64,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::actors) enum Outcome {
    /// The receiver has it; or there is nothing to be sent.
    Delivered,
    /// It is to be tried again.
    Later {
        /// How long the receiver wants to be left alone, in milliseconds.
        not_before_ms: Option<u64>,
        /// What was wrong.
        why: String,
    },
    /// It is not to be tried again by itself.
    Refused {
        /// What was wrong.
        why: String,
    },
    /// The receiver wants nothing more.
    Gone {
        /// What it said.
        why: String,
    },
}

/// A stream of numbered items and a way to send them.
pub(in crate::actors) trait Errand: 'static {
    /// What the subscriber wants of the stream after `after`: at most `max` items.
    async fn find(&self, subscriber: &Subscriber, after: u64, max: usize)
    -> Result<Found, Failure>;

    /// Ready once there may be something after `after`; false once there never will be.
    async fn more(&self, after: u64) -> bool;

    /// Makes one attempt to send an item, the first being 1.
    fn send(
        self: Rc<Self>,
        subscriber: Rc<Subscriber>,
        item: u64,
        attempt: u32,
    ) -> impl Future<Output = Outcome> + 'static;

    /// What becomes of items that were being sent when the program ended, and may have arrived: they
    /// are sent again, or are dead letters with this reason.
    fn uncertain(&self) -> Option<&'static str> {
        None
    }
}
