//! The gates to the payment providers, as an operator sees them.

use super::{Engine, Gauge};
use crate::domain::breaker::Hold;

impl Engine {
    /// How the gate to a storefront's payment provider is now. The storefront must be there.
    pub fn payment_gauge(&self, storefront: usize) -> Gauge {
        self.inner.breakers.gauge(storefront)
    }

    /// Holds the breaker of a storefront's payments open or closed, or lets it decide by itself. It
    /// is forgotten at the end of the process. The storefront must be there.
    pub fn hold_payments(&self, storefront: usize, hold: Hold) {
        self.inner.breakers.hold(storefront, hold);
        let storefront = &self.inner.storefronts[storefront].name;
        let hold = hold.name();
        tracing::warn!(%storefront, hold, "an operator decided about the payments' breaker");
    }
}
