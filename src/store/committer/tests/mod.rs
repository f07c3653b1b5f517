//! Who hears of what, and when: with a disk whose syncs the test holds back, fails, or lets go.

mod alone;

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    time::Duration,
};

use super::*;
use crate::{
    domain::{
        Batch, Cause, Correlation, EntityKey, Kind, Stamped, Timestamp, order, recorded::Answered,
    },
    store::{
        codec::encode,
        commit::{CommitFailed, Committed, Encoded, Settled, Wake},
        journal::{Medium, Memory, Opened, Source},
    },
};

/// Long enough for any machine; reached only when something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// A disk that says when it is being synced, and syncs when it is allowed to.
#[derive(Clone, Debug, Default)]
struct Gate {
    memory: Memory,
    signals: Arc<Mutex<Option<Signals>>>,
}

/// Tells that a sync has been reached, and waits until it is allowed.
type Signals = (Sender<()>, Receiver<()>);

impl Medium for Gate {
    fn source(&self) -> Arc<dyn Source> {
        self.memory.source()
    }
    fn create(&mut self, segment: Position, bytes: u64) -> io::Result<()> {
        self.memory.create(segment, bytes)
    }
    fn resume(&mut self, segment: Position, tail: u64) -> io::Result<()> {
        self.memory.resume(segment, tail)
    }
    fn cut(&mut self, segment: Position, tail: u64, bytes: u64) -> io::Result<()> {
        self.memory.cut(segment, tail, bytes)
    }
    fn remove(&mut self, segment: Position) -> io::Result<()> {
        self.memory.remove(segment)
    }
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.memory.append(bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        if let Some((reached, allowed)) = &*self.signals.lock().unwrap() {
            reached.send(()).map_err(io::Error::other)?;
            allowed.recv_timeout(PATIENCE).map_err(io::Error::other)?;
        }
        self.memory.sync()
    }
}

/// Sends on what it hears.
struct Ear<T>(Sender<Vec<T>>);

impl Lane for Ear<Settled> {
    fn settled(&self, settled: &[Settled]) {
        self.0.send(settled.to_vec()).unwrap();
    }
}

impl Follower for Ear<Position> {
    fn committed(&mut self, group: &[Committed]) -> Option<Wake> {
        let firsts = group.iter().map(|one| one.first).collect();
        self.0.send(firsts).unwrap();
        None
    }
}

struct Rig {
    committer: Committer,
    memory: Memory,
    signals: Arc<Mutex<Option<Signals>>>,
    lanes: Vec<Receiver<Vec<Settled>>>,
    follower: Receiver<Vec<Position>>,
    failure: Receiver<()>,
    under_way: UnderWay,
}

fn rig(gate: Option<Signals>, limits: Limits) -> Rig {
    rig_with(gate, limits, Vec::new())
}

/// With further followers.
fn rig_with(gate: Option<Signals>, limits: Limits, more: Vec<Box<dyn Follower>>) -> Rig {
    let medium = Gate::default();
    let frames = journal::Limits {
        segment_bytes_max: 4096,
        frame_bytes_max: 1024,
    };
    let Opened { journal, .. } = Journal::open(medium.clone(), frames).unwrap();
    *medium.signals.lock().unwrap() = gate;
    let mut lanes = Vec::new();
    let mut ears: Vec<Arc<dyn Lane>> = Vec::new();
    for _ in 0..2 {
        let (sender, lane) = channel();
        ears.push(Arc::new(Ear(sender)));
        lanes.push(lane);
    }
    let (sender, follower) = channel();
    let (failed, failure) = channel();
    let mut followers: Vec<Box<dyn Follower>> = vec![Box::new(Ear::<Position>(sender))];
    followers.extend(more);
    let listeners = Listeners {
        lanes: ears,
        followers,
        on_failure: Box::new(move || failed.send(()).unwrap()),
    };
    let under_way = UnderWay::default();
    Rig {
        committer: Committer::start(journal, listeners, under_way.clone(), limits).unwrap(),
        memory: medium.memory,
        signals: medium.signals,
        lanes,
        follower,
        failure,
        under_way,
    }
}

impl Rig {
    fn submit(&self, lane: usize, ticket: u64, events: usize) -> Result<(), NotTaken> {
        let batch = (events > 0).then(|| encoded(events));
        let submission = Submission {
            lane,
            ticket,
            batch,
            is_straight: true,
        };
        self.committer.submit(submission).map(drop)
    }

    /// What the lane hears next, as ticket and outcome.
    fn hears(&self, lane: usize) -> Vec<(u64, Result<Position, CommitFailed>)> {
        let settled = self.lanes[lane].recv_timeout(PATIENCE).unwrap();
        settled
            .iter()
            .map(|one| (one.ticket, one.outcome))
            .collect()
    }
}

fn encoded(events: usize) -> Encoded {
    let stamped = |version| Stamped {
        entity: EntityKey::new(Kind::Order, 1),
        version,
        event: order::Event::Held.into(),
    };
    let batch = Batch {
        storefront: "s".into(),
        at: Timestamp(0),
        correlation: Correlation::default(),
        named: None,
        trace: None,
        cause: Cause::default(),
        answered: None::<Answered>,
        events: (1..).map(stamped).take(events).collect(),
    };
    Encoded {
        body: encode(&batch),
        batch: Arc::new(batch),
    }
}

#[test]
fn nobody_hears_before_the_sync_and_then_everybody_in_order() {
    let (reached, syncing) = channel();
    let (allow, allowed) = channel();
    let rig = rig(Some((reached, allowed)), Limits::default());
    rig.submit(0, 1, 2).unwrap();
    syncing.recv_timeout(PATIENCE).unwrap();
    for (lane, ticket, events) in [(1, 7, 0), (0, 2, 3), (1, 8, 1), (0, 3, 0), (0, 4, 1)] {
        rig.submit(lane, ticket, events).unwrap();
    }
    assert!(rig.lanes[0].try_recv().is_err(), "not durable yet");
    assert!(rig.follower.try_recv().is_err(), "not durable yet");
    assert_eq!(rig.committer.durable(), 0);

    allow.send(()).unwrap();
    assert_eq!(rig.hears(0), [(1, Ok(1))]);
    syncing.recv_timeout(PATIENCE).unwrap();
    assert_eq!(rig.committer.durable(), 2);
    assert!(
        rig.lanes[1].try_recv().is_err(),
        "waits for what came before it"
    );
    allow.send(()).unwrap();
    assert_eq!(rig.hears(0), [(2, Ok(3)), (3, Ok(6)), (4, Ok(7))]);
    assert_eq!(rig.hears(1), [(7, Ok(2)), (8, Ok(6))]);
    assert_eq!(rig.follower.recv().unwrap(), [1]);
    assert_eq!(rig.follower.recv().unwrap(), [3, 6, 7]);

    rig.submit(1, 9, 0).unwrap();
    assert_eq!(
        rig.hears(1),
        [(9, Ok(7))],
        "nothing to sync, none asked for"
    );
    rig.committer.stop();
    let statistics = rig.committer.statistics();
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    assert_eq!(count(&statistics.groups), 2);
    assert_eq!(count(&statistics.batches), 4);
    assert_eq!(count(&statistics.events), 7);
    assert!(!rig.committer.failed());
    assert!(rig.submit(0, 10, 1).is_err(), "stopped");
    rig.memory.cut_power(|_, _| false);
    let journal = Journal::open(rig.memory.clone(), journal::Limits::default());
    assert_eq!(journal.unwrap().journal.end(), 7);
}

#[test]
fn a_failed_sync_fails_what_waits_and_what_comes() {
    let (reached, syncing) = channel();
    let (allow, allowed) = channel();
    let rig = rig(Some((reached, allowed)), Limits::default());
    rig.submit(0, 1, 1).unwrap();
    syncing.recv_timeout(PATIENCE).unwrap();
    rig.submit(0, 2, 0).unwrap();
    rig.submit(1, 3, 1).unwrap();
    rig.memory.fail();
    allow.send(()).unwrap();
    assert_eq!(rig.hears(0), [(1, Err(CommitFailed))]);
    rig.failure.recv_timeout(PATIENCE).unwrap();
    assert_eq!(rig.hears(0), [(2, Err(CommitFailed))]);
    assert_eq!(rig.hears(1), [(3, Err(CommitFailed))]);
    rig.memory.mend();
    for events in [0, 1] {
        rig.submit(1, 4, events).unwrap();
        assert_eq!(rig.hears(1), [(4, Err(CommitFailed))], "until a restart");
    }
    assert!(rig.committer.failed());
    assert_eq!(rig.committer.durable(), 0);
    assert!(rig.follower.try_recv().is_err());
}

#[test]
fn a_panic_leaves_nobody_waiting() {
    let rig = rig(None, Limits::default());
    drop(rig.follower);
    let submit = |ticket| {
        rig.committer.submit(Submission {
            lane: 0,
            ticket,
            batch: Some(encoded(1)),
            is_straight: true,
        })
    };
    drop(submit(1).unwrap());
    rig.failure.recv_timeout(PATIENCE).unwrap();
    let told = rig.lanes[0].recv_timeout(PATIENCE).unwrap();
    assert_eq!(
        (told[0].ticket, told[0].outcome),
        (1, Ok(1)),
        "it is durable"
    );
    assert!(rig.committer.failed());
    assert!(submit(2).is_err());
}

#[test]
fn what_cannot_be_taken_comes_back_at_once() {
    let (reached, syncing) = channel();
    let (allow, allowed) = channel();
    let limits = Limits {
        queue_max: 2,
        ..Limits::default()
    };
    let rig = rig(Some((reached, allowed)), limits);
    rig.submit(0, 1, 1).unwrap();
    syncing.recv_timeout(PATIENCE).unwrap();
    rig.submit(0, 2, 1).unwrap();
    rig.submit(0, 3, 1).unwrap();
    assert_eq!(rig.submit(0, 4, 1).unwrap_err().0.ticket, 4, "full");
    allow.send(()).unwrap();
    assert_eq!(rig.hears(0).len(), 1);
    allow.send(()).unwrap();
    assert_eq!(
        rig.hears(0),
        [(2, Ok(2)), (3, Ok(3))],
        "all that waited, at once"
    );
    assert!(rig.submit(0, 5, 100).is_err(), "larger than a frame");
    assert!(rig.submit(2, 6, 1).is_err(), "no such lane");
}

#[test]
fn a_group_waits_for_most_of_those_under_way_but_not_for_ever() {
    let long = Limits {
        window_us: 60_000_000,
        ..Limits::default()
    };
    let patient = rig(None, long);
    let guards = [(); 3].map(|()| patient.under_way.begin());
    patient.submit(0, 1, 1).unwrap();
    patient.submit(0, 2, 1).unwrap();
    drop(guards);
    // Who goes without submitting wakes nobody: the end of the window does, or the next submission.
    patient.submit(0, 3, 1).unwrap();
    assert_eq!(patient.hears(0)[..2], [(1, Ok(1)), (2, Ok(2))], "one group");
    assert_eq!(patient.under_way.count(), 0);

    let short = Limits {
        window_us: 1,
        ..Limits::default()
    };
    let hasty = rig(None, short);
    let _never_submit = [(); 2].map(|()| hasty.under_way.begin());
    hasty.submit(0, 1, 1).unwrap();
    assert_eq!(hasty.hears(0), [(1, Ok(1))]);

    let full = Limits {
        group_max: 2,
        ..long
    };
    let bounded = rig(None, full);
    let _never_submit = [(); 3].map(|()| bounded.under_way.begin());
    bounded.submit(0, 1, 1).unwrap();
    bounded.submit(0, 2, 1).unwrap();
    assert_eq!(bounded.hears(0), [(1, Ok(1)), (2, Ok(2))], "full");

    let halved = rig(None, long);
    let _never_submits = halved.under_way.begin();
    halved.submit(0, 1, 1).unwrap();
    assert_eq!(
        halved.hears(0),
        [(1, Ok(1))],
        "as many as are still to come"
    );
}

#[test]
fn a_disk_without_room_keeps_everybody_waiting_and_nothing_is_left_out() {
    let limits = Limits {
        full_retry_ms: 1,
        ..Limits::default()
    };
    let rig = rig(None, limits);
    rig.memory.limit(Some(10));
    rig.submit(0, 1, 2).unwrap();
    while !rig.committer.is_full() {
        thread::yield_now();
    }
    rig.submit(1, 2, 1).unwrap();
    rig.submit(0, 3, 0).unwrap();
    assert!(rig.lanes[0].try_recv().is_err() && !rig.committer.failed());
    rig.memory.limit(None);
    let first = rig.hears(0);
    assert_eq!(first[0], (1, Ok(1)));
    assert_eq!(rig.hears(1), [(2, Ok(3))]);
    assert!(!rig.committer.is_full());
    assert_eq!(rig.committer.durable(), 3);

    // Who stops it does not wait for room.
    rig.memory.limit(Some(0));
    rig.submit(1, 4, 1).unwrap();
    while !rig.committer.is_full() {
        thread::yield_now();
    }
    rig.committer.stop();
    assert_eq!(rig.hears(1), [(4, Err(CommitFailed))]);
    assert!(rig.failure.try_recv().is_err(), "it is stopping anyway");
}
