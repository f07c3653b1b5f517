//! Watches over the shards: one that died, or does not answer, is replaced.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::sync::oneshot;

use super::{
    coordinator::{Census, Work},
    replace::{Error, replace},
    shard::{Ground, Threads},
    table::Ended,
};

/// How many looks fit into the time that a shard may take to answer.
const LOOKS: u64 = 5;

/// The pause before a shard is replaced again that died lately; doubled for each time, ten times at
/// most.
const PAUSE_MS: u64 = 10;

/// How long ago it counts as lately, in milliseconds.
const LATELY_MS: u64 = 60_000;

/// A shard was asked whether it is alive. Its silence is counted in looks and not by the clock: a
/// machine that slept, or whose clock was set, finds no shard stuck.
struct Asked {
    looks: u64,
    answer: oneshot::Receiver<Census>,
}

/// Begins to watch, on the caller's thread, which must run an actix system.
pub(super) fn start(ground: &Arc<Ground>) {
    actix::spawn(of_deaths(Arc::clone(ground)));
    // What has no thread of its own cannot be stuck alone.
    if ground.parts.threads == Threads::Own {
        actix::spawn(of_silence(Arc::clone(ground)));
    }
}

/// Replaces what died.
async fn of_deaths(ground: Arc<Ground>) {
    loop {
        ground.table.noticed().await;
        while let Some(place) = ground.table.next_gone() {
            if ground.is_stopping() {
                return;
            }
            tracing::error!(
                shard = place,
                "a shard died; it is made again from the journal"
            );
            if !again(&ground, place).await {
                return;
            }
        }
    }
}

/// Replaces what does not answer.
async fn of_silence(ground: Arc<Ground>) {
    let longest_ms = ground.parts.settings.stuck_ms_max;
    let look = Duration::from_millis((longest_ms / LOOKS).max(1));
    let mut asked = BTreeMap::<usize, Asked>::new();
    while !ground.is_stopping() {
        tokio::time::sleep(look).await;
        for place in 0..ground.table.len() {
            let looks = listen(&ground, place, &mut asked);
            let silent_ms = looks * longest_ms / LOOKS;
            let is_stuck = looks >= LOOKS;
            ground.table.silent(place, is_stuck.then_some(silent_ms));
            if is_stuck {
                let doing = ground.table.doing(place);
                tracing::error!(shard = place, silent_ms, ?doing, "a shard is stuck");
                let life = ground.table.life(place);
                match replace(&ground, place, life).await {
                    Ok(()) => {
                        let now = ground.parts.clock.now();
                        ground.table.replaced(place, Ended::Stuck, now);
                        asked.remove(&place);
                        ground.table.silent(place, None);
                        ground.table.leaked(ground.parts.settings.stuck_max);
                    }
                    Err(error) => tracing::error!(shard = place, %error, "it is not replaced"),
                }
            }
        }
    }
}

/// For how many looks a shard has not answered.
fn listen(ground: &Ground, place: usize, asked: &mut BTreeMap<usize, Asked>) -> u64 {
    if let Some(Asked { looks, answer }) = asked.get_mut(&place) {
        match answer.try_recv() {
            Err(oneshot::error::TryRecvError::Empty) => {
                if !ground.table.work(place).submits() {
                    *looks += 1;
                }
                return *looks;
            }
            // It answered, or died, which is seen elsewhere.
            Ok(_) | Err(oneshot::error::TryRecvError::Closed) => drop(asked.remove(&place)),
        }
    }
    if let Some(running) = ground.table.running(place) {
        let (reply, answer) = oneshot::channel();
        // A mailbox without room drops the question, and it is asked again.
        if running.coordinator.try_send(Work::Count(reply)).is_ok() {
            asked.insert(place, Asked { looks: 0, answer });
        }
    }
    0
}

/// Replaces a shard, as often as it takes. False if nothing can be replaced any more.
async fn again(ground: &Arc<Ground>, place: usize) -> bool {
    let life = ground.table.life(place);
    loop {
        let lately = ground
            .table
            .replaced_lately(place, ground.parts.clock.now(), LATELY_MS);
        if lately > 0 {
            let doublings = u32::try_from(lately.min(10)).unwrap_or_default();
            tokio::time::sleep(Duration::from_millis(PAUSE_MS << doublings)).await;
        }
        match replace(ground, place, life).await {
            Ok(()) => {
                let now = ground.parts.clock.now();
                ground.table.replaced(place, Ended::Died, now);
                tracing::info!(shard = place, "the shard runs again");
                return true;
            }
            Err(Error::Store) => return false,
            Err(error) => {
                tracing::error!(shard = place, %error, "the shard is not made again yet");
                tokio::time::sleep(Duration::from_millis(PAUSE_MS)).await;
            }
        }
        if ground.is_stopping() {
            return false;
        }
    }
}
