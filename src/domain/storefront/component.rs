//! The parts of a storefront that can be paused, each with the collections that belong to it.

use std::{fmt, sync::Arc};

/// The most components of one storefront: as many as one word has bits, so that which of them are
/// paused is read at once.
pub const COMPONENTS_MAX: usize = 64;

/// A part of a storefront that can be paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Its name, unique within the storefront.
    pub name: Arc<str>,
    /// The paths of its collections; no two components share one.
    pub paths: Vec<Arc<str>>,
}

/// Whether a component does its work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It does.
    #[default]
    Running,
    /// It answers nothing and does nothing until it runs again.
    Paused,
}

impl State {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Running, Self::Paused];

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
        }
    }

    /// The state with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
