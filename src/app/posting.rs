//! What leaves by itself for other machines: webhooks, and messages over the channels that are set up.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::Error;
use crate::{
    actors::handles::{
        Engine,
        channels::{self, Channels},
        webhooks::Webhooks,
    },
    clock::Clock,
    config::{self, Config},
    domain::storefront::{Channel, Storefront},
    outbound::channel::Unusable,
    views::projector::Elsewhere,
};

/// How long what is on its way may take when the program stops; what is not answered by then is posted
/// once more at the next start, if it may be.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// Everything that is sent.
#[derive(Debug)]
pub(super) struct Posting {
    pub(super) channels: Channels,
    pub(super) webhooks: Webhooks,
}

impl Posting {
    /// Begins to send, as the settings say.
    pub(super) fn start(engine: &Engine, clock: &Clock, config: &Config) -> Result<Self, Error> {
        let (own, time) = (engine.clone(), clock.clone());
        let webhooks = Webhooks::start(own, time, config.webhooks.clone());
        let webhooks = webhooks.map_err(|failure| {
            tracing::error!(%failure, "the webhooks cannot be read");
            Error::StoreFailed
        })?;
        let (own, time) = (engine.clone(), clock.clone());
        Ok(Self {
            channels: Channels::start(own, time, config.channels.clone())?,
            webhooks,
        })
    }

    /// Lets what is on its way arrive, for as long as `wait`, and begins nothing.
    pub(super) async fn stop(&self, wait: Duration) {
        let wait = wait.min(WAIT_MAX);
        tokio::join!(self.channels.stop(wait), self.webhooks.stop(wait));
    }
}

/// The channels that are set up, of each storefront by its place. Says once what is not.
pub(super) fn elsewhere(
    storefronts: &[Arc<Storefront>],
    settings: &config::Channels,
) -> Result<Elsewhere, Unusable> {
    let mut all = Elsewhere::new();
    let mut missing = BTreeSet::new();
    for (at, storefront) in storefronts.iter().enumerate() {
        let in_use = channels::in_use(storefront, settings)?;
        let in_use: Vec<Channel> = in_use.into_iter().map(|(channel, _)| channel).collect();
        missing.extend(channels::named(storefront).filter(|own| !in_use.contains(own)));
        all.extend(in_use.into_iter().map(|channel| (at, channel)));
    }
    if !missing.is_empty() {
        let names: Vec<&str> = missing.into_iter().map(Channel::name).collect();
        tracing::info!(
            channels = names.join(", "),
            "channels that the storefronts name and [channels] does not set up: what is told over \
             them goes to the log"
        );
    }
    Ok(all)
}
