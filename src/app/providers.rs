//! The payment providers: those that are handed in, or the embedded ones.

use std::sync::Arc;

use super::faulty;
use crate::{
    actors::{
        faults::Faults,
        provider::Provider,
        simulator::{Behaviour, Simulator},
    },
    config::Config,
    domain::storefront::Storefront,
};

/// These providers, or the embedded ones, behind what goes wrong on purpose.
pub(super) fn before(
    faults: &Arc<dyn Faults>,
    given: Option<Vec<Arc<dyn Provider>>>,
    config: &Config,
    storefronts: &[Arc<Storefront>],
) -> Vec<Arc<dyn Provider>> {
    let providers = given.unwrap_or_else(|| simulators(config, storefronts));
    faulty::before_providers(faults, providers)
}

/// The embedded payment provider of each storefront.
fn simulators(config: &Config, storefronts: &[Arc<Storefront>]) -> Vec<Arc<dyn Provider>> {
    let storefronts = (1..).zip(storefronts);
    let simulators = storefronts.map(|(seed, storefront)| {
        let payment = config.payment.of(&storefront.name);
        let behaviour = Behaviour {
            latency_ms_min: payment.latency_ms_min,
            latency_ms_max: payment.latency_ms_max,
            failures_per_mille: payment.failures_per_mille,
            down: payment.down,
        };
        Arc::new(Simulator::new(behaviour, seed)) as Arc<dyn Provider>
    });
    simulators.collect()
}
