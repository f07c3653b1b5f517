//! Subscribers: what they are told, and what is known of them. `domain::subscriber` says how they
//! are used.

use super::{Engine, Entity, Error, Failure, Item};
use crate::{
    actors::{coordinator::Asked, handles::Context, numbers::shard_of, turn::Subject},
    domain::{
        Kind,
        subscriber::{Command, Role, SUBSCRIBERS_MAX, Subscriber, number_of},
    },
};

impl Engine {
    /// Carries a command to a subscriber out. The answer is the subscriber as the command left it,
    /// and comes only after everything is durable. One that never was is made by
    /// [`Command::Subscribe`] alone.
    ///
    /// Runs on even if the returned future is dropped, once it has begun.
    ///
    /// ```no_run
    /// # use jumun::{actors::handles::{Context, Engine, Error}, domain::{EntityKey, Timestamp}};
    /// # use jumun::domain::subscriber::{Command, Role, Settings, Wanted};
    /// # async fn example(engine: &Engine, now: Timestamp, found: Vec<(u64, EntityKey)>) -> Result<(), Error> {
    /// let ask = |command| engine.subscriber(0, Role::Group, "engineers", command, Context::default());
    /// let (name, settings) = ("engineers".to_owned(), Box::default());
    /// let state = ask(Command::Subscribe { role: Role::Group, name, settings, from: 0 }).await?;
    /// // `found`: what it wants of the stream after `state.seen_to`, looked at up to 1,000.
    /// let wanted = Wanted {
    ///     lease: 4_711,
    ///     member: "kim".to_owned(),
    ///     now,
    ///     until: now.plus_ms(state.settings.lease_ms),
    ///     max: 10,
    ///     found,
    ///     from: state.seen_to,
    ///     seen_to: 1_000,
    /// };
    /// let state = ask(Command::Lease(Box::new(wanted))).await?;
    /// let items = state.held_by(4_711).map(|(item, _)| item).collect();
    /// ask(Command::Acknowledge { lease: 4_711, items, now }).await?;
    /// # Ok(()) }
    /// ```
    pub async fn subscriber(
        &self,
        storefront: usize,
        role: Role,
        name: &str,
        command: Command,
        context: Context,
    ) -> Result<Subscriber, Error> {
        if let Some(failure) = self.not_ready() {
            return Err(failure.into());
        }
        let subject = Subject {
            storefront,
            number: number_of(role, name),
            kind: Kind::Subscriber,
        };
        let shard = shard_of(subject.number, self.inner.shards.len());
        let asked = Asked::Subscriber(Box::new(command));
        let item = self.ask(shard, || subject, asked, context).await?;
        let state = state_of(item);
        Ok(state.ok_or(Failure::Crashed)?)
    }

    /// The storefront's subscriber of this role and name, as it is stored; `None` if nobody is
    /// subscribed.
    pub fn subscribed(
        &self,
        storefront: usize,
        role: Role,
        name: &str,
    ) -> Result<Option<Subscriber>, Failure> {
        let number = number_of(role, name);
        let found: Option<Subscriber> = self.state(storefront, Kind::Subscriber, number)?;
        Ok(found.filter(|own| own.is_subscribed && own.role == role && own.name == name))
    }

    /// The storefront's subscribers of a role, by their names.
    pub fn subscribers(&self, storefront: usize, role: Role) -> Result<Vec<Subscriber>, Failure> {
        let limit = usize::try_from(SUBSCRIBERS_MAX)
            .unwrap_or(usize::MAX)
            .saturating_mul(2);
        let page = self.items(storefront, Kind::Subscriber, 0, limit)?;
        let all = page.items.into_iter().filter_map(state_of);
        let mut own: Vec<Subscriber> = all.filter(|own| own.role == role).collect();
        own.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(own)
    }
}

fn state_of(item: Item) -> Option<Subscriber> {
    if let Entity::Subscriber(state) = item.entity {
        Some(*state)
    } else {
        None
    }
}
