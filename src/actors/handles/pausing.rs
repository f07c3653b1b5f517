//! Pausing a part of a storefront, and letting it run again.

use std::sync::Arc;

use super::{Engine, Failure};
use crate::{
    domain::storefront::ComponentState,
    store::components::{self, Components},
};

/// The most changes of components that wait for the disk at once.
pub(super) const CHANGES_MAX: usize = 16;

impl Engine {
    /// Which components of the storefronts are paused.
    pub fn components(&self) -> &Components {
        &self.inner.components
    }

    /// Pauses a component or lets it run. Once this returns it is so, also after a restart; what it
    /// was already, it stays.
    ///
    /// Both places must be there, as in [`Components::set`]. Runs on even if the returned future is
    /// dropped.
    pub async fn set_component(
        &self,
        storefront: usize,
        component: usize,
        state: ComponentState,
    ) -> Result<(), Failure> {
        if self.inner.ground.is_stopping() {
            return Err(Failure::Stopping);
        }
        let components = Arc::clone(&self.inner.components);
        if components.is_in_memory() {
            let outcome = components.set(storefront, component, state);
            return outcome.map_err(|error| failure(&error));
        }
        let permits = Arc::clone(&self.inner.changes);
        let permit = permits
            .try_acquire_owned()
            .map_err(|_none_left| Failure::Overloaded)?;
        let writing = tokio::task::spawn_blocking(move || {
            let outcome = components.set(storefront, component, state);
            drop(permit);
            outcome
        });
        let outcome = writing.await.map_err(|_panicked| Failure::Crashed)?;
        outcome.map_err(|error| failure(&error))
    }
}

fn failure(error: &components::Error) -> Failure {
    if matches!(error, components::Error::Closed) {
        return Failure::Stopping;
    }
    if let components::Error::Io { source, .. } = error
        && source.kind() == std::io::ErrorKind::StorageFull
    {
        return Failure::StoreFull;
    }
    tracing::error!(%error, "a part of a shop cannot be paused or made to run");
    Failure::Store
}
