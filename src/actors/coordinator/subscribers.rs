//! What is asked of a subscriber. It has no saga: a turn is the one command, and what it decides.

use super::{Asked, Coordinator, meaning::Meaning};
use crate::{
    actors::{
        handles::{Error, Expected},
        turn::Subject,
    },
    domain::{
        Cause, EntityKey, Kind, Refusal,
        saga::Command,
        subscriber::{self, SUBSCRIBERS_MAX},
    },
};

impl Asked {
    /// What it is in a story, unless the caller says so itself.
    pub(super) const fn cause(&self) -> Cause {
        match self {
            Self::Request(request) => Cause::Command(request.action),
            Self::Subscriber(_) => Cause::Subscriber,
        }
    }
}

impl Coordinator {
    /// What is asked for, as commands; and what the caller takes for granted.
    pub(super) fn meant(
        &mut self,
        key: Subject,
        asked: Asked,
    ) -> (Option<Expected>, Result<Meaning, Error>) {
        match asked {
            Asked::Request(mut request) => {
                let expected = request.expected.take();
                (expected, self.meaning(key, request))
            }
            Asked::Subscriber(command) => (None, self.meaning_for_subscriber(key, command)),
        }
    }

    fn meaning_for_subscriber(
        &self,
        key: Subject,
        command: Box<subscriber::Command>,
    ) -> Result<Meaning, Error> {
        if matches!(*command, subscriber::Command::Subscribe { .. }) {
            self.has_room(key)?;
        }
        let command = Command::Subscriber(command);
        Ok(Meaning::new([command], Kind::Subscriber, false))
    }

    /// Several that begin at once on different shards may each find the last place free; what is
    /// bounded is the order of magnitude.
    fn has_room(&self, key: Subject) -> Result<(), Error> {
        let entity = EntityKey::new(Kind::Subscriber, key.number);
        let slot = self.local.slot(key.storefront, entity)?;
        let collection = self.local.layout.entities(key.storefront, entity.kind);
        let is_there = slot.is_some_and(|slot| slot.listed);
        if !is_there && self.local.pages.listed(collection) >= SUBSCRIBERS_MAX {
            let max = SUBSCRIBERS_MAX;
            return Err(Refusal::TooManySubscribers { max }.into());
        }
        Ok(())
    }
}
