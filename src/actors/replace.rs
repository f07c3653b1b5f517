//! A shard that died, or does not answer, is made again from the journal; the others go on.
//!
//! 1. Its fence is closed: nothing of it is submitted or stored any more, nor what a turn of another
//!    shard did to its listings.
//! 2. Something empty is submitted, and waited for. Everything that was submitted before is durable
//!    then, or will never be.
//! 3. What the store misses of the shard is taken from the journal. Then a new coordinator begins
//!    where a start would: with what is durable, and with the timers.
//! 4. The other shards give up what they had waiting there.
//!
//! Callers of what was lost are told so: nothing was done, or the outcome is unknown.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use super::{
    coordinator::Work,
    handles::Failure,
    numbers::shard_of,
    restore::Restorer,
    shard::{self, Ground, Threads},
};
use crate::store::{
    codec,
    commit::{Position, Submission},
    journal::{self, Reader},
    pages,
};

/// The name of the submission that a replacement waits for.
const LAST: u64 = u64::MAX;

/// How soon it is tried again where the committer takes nothing.
const AGAIN: Duration = Duration::from_millis(10);

/// Why a shard could not be made again.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// It is just storing something.
    #[error("it is at work in the store; it is tried again")]
    Busy,
    /// Nothing can be committed any more; the program ends anyway.
    #[error("the store failed")]
    Store,
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// The pages cannot be read or written.
    #[error(transparent)]
    Pages(#[from] pages::Error),
    /// What the journal says does not fit what is stored.
    #[error(transparent)]
    Restore(#[from] super::restore::Error),
    /// An event cannot be read.
    #[error("event {0} of the journal cannot be read: {1}")]
    Record(Position, codec::Error),
    /// Reading panicked.
    #[error("taking the journal in panicked")]
    Panicked,
}

/// Makes a shard again, unless its life is over already and another has begun.
pub(super) async fn replace(ground: &Arc<Ground>, place: usize, life: u64) -> Result<(), Error> {
    let _one_at_a_time = ground.table.replacing.lock().await;
    if ground.table.life(place) != life {
        return Ok(());
    }
    if let Some(old) = ground.table.running(place) {
        if !old.fence.try_close() {
            return Err(Error::Busy);
        }
        old.turn_away(Failure::Restarting);
        old.stop();
    }
    ground.table.run(place, None);
    settle(ground, place).await?;
    let recovering = Arc::clone(ground);
    match ground.parts.threads {
        Threads::Callers => recover(&recovering, place)?,
        Threads::Own => {
            let recovered = tokio::task::spawn_blocking(move || recover(&recovering, place));
            recovered.await.map_err(|_panic| Error::Panicked)??;
        }
    }
    let timers = shard::timers(&ground.parts)?.swap_remove(place);
    ground.claims.release_all_of(place);
    ground.lines.keep(|key| {
        shard_of(key.number, ground.table.len()) != place
            || timers.iter().any(|(_, waiting)| *waiting == key)
    });
    ground.parts.lanes[place].release();
    ground.feed.ring();
    ground
        .table
        .begin(place, shard::start_one(ground, place, timers));
    for (other, shard) in ground.table.all() {
        if other != place && shard.coordinator.try_send(Work::Replaced(place)).is_err() {
            tracing::warn!(
                shard = other,
                "a shard does not hear that another was replaced"
            );
        }
    }
    Ok(())
}

/// Waits until what was submitted by the shard that is replaced, and to its listings, is durable.
async fn settle(ground: &Ground, place: usize) -> Result<(), Error> {
    let lane = &ground.parts.lanes[place];
    let end = lane.renew((ground.parts.durable)());
    let last = || Submission {
        lane: place,
        ticket: LAST,
        batch: None,
        is_straight: false,
    };
    while ground.parts.committer.submit(last()).is_err() {
        if (ground.parts.failed)() {
            return Err(Error::Store);
        }
        tokio::time::sleep(AGAIN).await;
    }
    loop {
        end.woken().await;
        for settled in end.take() {
            if settled.ticket == LAST {
                return settled.outcome.map(drop).map_err(|_failed| Error::Store);
            }
        }
    }
}

/// Takes from the journal what the store misses of the shard, and what its turns did to listings of
/// others. What other shards did to its listings is as far behind as they are, so all lanes say where
/// to begin.
fn recover(ground: &Ground, place: usize) -> Result<(), Error> {
    let parts = &ground.parts;
    let durable = (parts.durable)();
    let complete = parts.lanes.iter().map(|lane| lane.complete_to(durable));
    let from = complete.min().unwrap_or_default() + 1;
    let mut restorer = Restorer::new(
        parts.storefronts.clone(),
        Arc::clone(&parts.layout),
        Arc::clone(&parts.pages),
    )
    .only(place, ground.table.len());
    let mut failed = None;
    let mut reader = Reader::new(Arc::clone(&parts.journal));
    reader.read(from, durable, |first, body, _count| {
        let taken = match codec::decode(body) {
            Ok(batch) => restorer.take(first, batch).map_err(Error::from),
            Err(error) => Err(Error::Record(first, error)),
        };
        match taken {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    failed.map_or(Ok(()), Err)
}
