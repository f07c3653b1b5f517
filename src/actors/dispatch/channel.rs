//! The errand of a channel: what a storefront's people are told over it, message by message.

use std::{cell::OnceCell, ops::ControlFlow, rc::Rc};

use super::errand::{Errand, Found, Outcome};
use crate::{
    actors::handles::{Engine, Failure, Notification},
    clock::Clock,
    domain::{storefront::Channel, subscriber::Subscriber},
    outbound::{
        channel::{Message, Sender, Trouble},
        http::{Client, Waits},
    },
};

/// The most notifications that are looked at for one lease; those of other channels count too.
const LOOKED_AT_MAX: usize = 1_024;

/// A channel's stream and its way out.
pub(in crate::actors) struct ChannelErrand {
    engine: Engine,
    clock: Clock,
    storefront: usize,
    channel: Channel,
    sender: Sender,
    waits: Waits,
    /// Made when it is needed.
    client: OnceCell<Rc<Client>>,
}

impl ChannelErrand {
    /// The errand of this storefront's channel.
    pub(in crate::actors) const fn new(
        engine: Engine,
        clock: Clock,
        storefront: usize,
        channel: Channel,
        sender: Sender,
        waits: Waits,
    ) -> Self {
        Self {
            engine,
            clock,
            storefront,
            channel,
            sender,
            waits,
            client: OnceCell::new(),
        }
    }

    fn client(&self) -> Rc<Client> {
        let made = || Rc::new(Client::new(self.waits));
        Rc::clone(self.client.get_or_init(made))
    }

    /// What is sent; `None` if the storefront's file does not say it any more.
    fn message(&self, name: u64) -> Result<Option<Message>, Failure> {
        let found = self.engine.notification_named(self.storefront, name)?;
        let notification = found.map(|told| told.notification);
        let notification = notification.filter(|own| own.channel == self.channel);
        Ok(notification.map(|notification| self.written(notification)))
    }

    fn written(&self, notification: Notification) -> Message {
        let storefront = &self.engine.storefronts()[self.storefront];
        let about = notification.subject;
        let resource = storefront.resource(about.kind);
        let path = resource.filter(|own| own.is_exposed());
        let path = path.map_or_else(|| about.kind.name(), |own| &own.path);
        let (position, part) = (notification.position, notification.part);
        Message {
            id: format!("{}-{position}-{part}", storefront.name),
            storefront: storefront.name.to_string(),
            about: format!("{path}/{}", about.number),
            language: notification.language.code(),
            headline: notification.headline().map(str::to_owned),
            text: notification.text().to_owned(),
            event: notification.event,
            to: notification.to,
            address: notification.address,
            template: notification.template,
            at: notification.at,
        }
    }
}

impl Errand for ChannelErrand {
    async fn find(&self, _: &Subscriber, after: u64, max: usize) -> Result<Found, Failure> {
        let mut items = Vec::new();
        let mut looked_at = 0;
        let mut each = |notification: &Notification| {
            looked_at += 1;
            if notification.channel == self.channel {
                items.push((notification.name(), notification.subject));
            }
            if items.len() == max || looked_at == LOOKED_AT_MAX {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let engine = &self.engine;
        let seen_to = engine.notifications_behind(self.storefront, after, &mut each)?;
        Ok(Found { items, seen_to })
    }

    async fn more(&self, after: u64) -> bool {
        let mut views = self.engine.views();
        loop {
            views.mark_unchanged();
            // What cannot be read is told by `find`.
            let newest = self.engine.newest_notification(self.storefront);
            if newest.is_ok_and(|newest| newest > after) {
                return true;
            }
            if views.changed().await.is_err() {
                return false;
            }
        }
    }

    async fn send(self: Rc<Self>, _: Rc<Subscriber>, item: u64, _attempt: u32) -> Outcome {
        let message = match self.message(item) {
            Ok(Some(message)) => message,
            Ok(None) => return Outcome::Delivered,
            Err(failure) => {
                return Outcome::Later {
                    not_before_ms: None,
                    why: failure.to_string(),
                };
            }
        };
        let (storefront, id) = (message.storefront.clone(), message.id.clone());
        let now = self.clock.now();
        let sent = self.sender.send(&message, &self.client(), now).await;
        let channel = self.channel.name();
        match sent {
            Ok(()) => {
                tracing::debug!(target: "notification", storefront, channel, id, "sent");
                Outcome::Delivered
            }
            Err(Trouble::Later { not_before_ms, why }) => {
                tracing::info!(target: "notification", storefront, channel, id, why, "not sent yet");
                Outcome::Later { not_before_ms, why }
            }
            Err(Trouble::Refused { why }) => {
                tracing::warn!(target: "notification", storefront, channel, id, why, "not sent");
                Outcome::Refused { why }
            }
        }
    }

    fn uncertain(&self) -> Option<&'static str> {
        self.sender.uncertain()
    }
}
