//! Where a test or a demonstration may strike.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::injected::Injected;
use crate::domain::{EntityKey, Kind};

/// A place in the engine where something may go wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// An entity is about to decide on a command.
    Decide,
    /// An entity has half taken in what it decided.
    Apply,
    /// The coordinator is about to let a saga react.
    React,
    /// The coordinator is about to hand a turn, of any shard, to one of its listings.
    Serve,
    /// A view is about to take a batch in.
    View,
    /// A group of batches is about to be appended to the journal.
    Commit,
    /// The journal is about to be synced.
    Sync,
    /// A payment provider is about to be called.
    Provider,
    /// A shard is about to take its next message; nothing there catches a panic.
    Shard,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Decide => "decide",
            Self::Apply => "apply",
            Self::React => "react",
            Self::Serve => "serve",
            Self::View => "view",
            Self::Commit => "commit",
            Self::Sync => "sync",
            Self::Provider => "provider",
            Self::Shard => "shard",
        })
    }
}

/// A place, and what is being worked on there as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point<'a> {
    /// Where.
    pub place: Place,
    /// The storefront's name.
    pub storefront: Option<&'a str>,
    /// The kind of entity.
    pub kind: Option<Kind>,
    /// Its number; the shard's own, counted from 0, at [`Place::Shard`].
    pub number: Option<u64>,
    /// The view's path.
    pub view: Option<&'a str>,
}

impl<'a> Point<'a> {
    /// A place of which nothing more is known.
    pub const fn at(place: Place) -> Self {
        Self {
            place,
            storefront: None,
            kind: None,
            number: None,
            view: None,
        }
    }

    /// A place where an entity of a storefront is worked on.
    pub const fn of(place: Place, storefront: &'a str, entity: EntityKey) -> Self {
        Self {
            storefront: Some(storefront),
            kind: Some(entity.kind),
            number: Some(entity.number),
            ..Self::at(place)
        }
    }
}

/// Decides, at each point, whether something goes wrong there. The engine must survive it.
pub trait Faults: Send + Sync + 'static {
    /// Called at the point, on the thread that works there; may panic, or take its time.
    fn strike(&self, point: Point<'_>);

    /// What operators may set from outside; `None` if they may not.
    fn injected(&self) -> Option<&Injected> {
        None
    }
}

/// No faults: what everyone gets who does not ask for them.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFaults;

impl Faults for NoFaults {
    fn strike(&self, _point: Point<'_>) {}
}
