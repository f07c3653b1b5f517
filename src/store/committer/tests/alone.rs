//! What is submitted alone is committed on the thread that submits it, and nothing else changes.

use std::thread::ThreadId;

use super::*;

/// Says which thread wakes those who follow.
struct Waker(Sender<ThreadId>);

impl Follower for Waker {
    fn committed(&mut self, _group: &[Committed]) -> Option<Wake> {
        let woken = self.0.clone();
        Some(Box::new(move || {
            woken.send(thread::current().id()).unwrap();
        }))
    }
}

/// A rig whose last submission was alone, the number of the next ticket, and who wakes.
struct Alone {
    rig: Rig,
    next: u64,
    wakes: Receiver<ThreadId>,
}

impl Alone {
    fn new() -> Self {
        let (woken, wakes) = channel();
        let limits = Limits {
            full_retry_ms: 1,
            ..Limits::default()
        };
        let rig = rig_with(None, limits, vec![Box::new(Waker(woken))]);
        let mut alone = Self {
            rig,
            next: 1,
            wakes,
        };
        // The committer's thread may not sleep yet when the next comes.
        while !alone.is_next_alone() {}
        alone
    }

    fn submit(&mut self) -> Result<Taken, NotTaken> {
        self.next += 1;
        self.rig.committer.submit(submission(0, self.next - 1))
    }

    /// From now on the disk says when it is being synced, and syncs when it is allowed to.
    fn hold_syncs(&self) -> (Receiver<()>, Sender<()>) {
        let (reached, syncing) = channel();
        let (allow, allowed) = channel();
        *self.rig.signals.lock().unwrap() = Some((reached, allowed));
        (syncing, allow)
    }

    /// Submits one more. Whether it was committed on this thread.
    fn is_next_alone(&mut self) -> bool {
        let ticket = self.next;
        drop(self.submit().unwrap());
        assert_eq!(self.rig.hears(0), [(ticket, Ok(ticket))]);
        assert_eq!(self.rig.follower.recv_timeout(PATIENCE).unwrap(), [ticket]);
        self.wakes.recv_timeout(PATIENCE).unwrap() == thread::current().id()
    }
}

fn submission(lane: usize, ticket: u64) -> Submission {
    Submission {
        lane,
        ticket,
        batch: Some(encoded(1)),
        is_straight: true,
    }
}

#[test]
fn it_is_settled_when_submit_returns_and_followers_are_woken_afterwards() {
    let mut alone = Alone::new();
    let taken = alone.submit().unwrap();
    assert_eq!(alone.rig.lanes[0].try_recv().unwrap().len(), 1);
    assert_eq!(alone.rig.committer.durable(), alone.next - 1);
    assert!(alone.wakes.try_recv().is_err(), "the answer comes first");
    drop(taken);
    assert_eq!(alone.wakes.try_recv(), Ok(thread::current().id()));
    alone.rig.committer.stop();
    assert!(alone.submit().is_err(), "stopped");
}

#[test]
fn nobody_is_alone_while_others_are_under_way_nor_without_a_request() {
    let mut alone = Alone::new();
    let other = alone.rig.under_way.begin();
    assert!(!alone.is_next_alone());
    drop(other);
    while !alone.is_next_alone() {}
    let (ticket, me) = (alone.next, thread::current().id());
    let submission = Submission {
        is_straight: false,
        ..submission(0, ticket)
    };
    drop(alone.rig.committer.submit(submission).unwrap());
    assert_eq!(alone.rig.hears(0), [(ticket, Ok(ticket))]);
    assert_ne!(alone.wakes.recv_timeout(PATIENCE), Ok(me));
}

#[test]
fn what_comes_meanwhile_waits_and_is_committed_by_the_committer() {
    let alone = Alone::new();
    let (syncing, allow) = alone.hold_syncs();
    let (rig, first) = (&alone.rig, alone.next);
    let committer = &rig.committer;
    let (lane, other) = (&rig.lanes[0], &rig.lanes[1]);
    thread::scope(|scope| {
        let submitter = scope.spawn(|| committer.submit(submission(0, first)));
        syncing.recv_timeout(PATIENCE).unwrap();
        for ticket in [1, 2] {
            drop(committer.submit(submission(1, ticket)).unwrap());
        }
        assert!(lane.try_recv().is_err() && other.try_recv().is_err());
        allow.send(()).unwrap();
        let taken = submitter.join().unwrap().unwrap();
        assert_eq!(lane.try_recv().unwrap().len(), 1);
        drop(taken);
        syncing.recv_timeout(PATIENCE).unwrap();
        assert!(other.try_recv().is_err());
        allow.send(()).unwrap();
    });
    let both = [(1, Ok(first + 1)), (2, Ok(first + 2))];
    assert_eq!(rig.hears(1), both, "one group");
}

#[test]
fn without_room_it_waits_in_the_queue_and_its_thread_does_not() {
    let mut alone = Alone::new();
    alone.rig.memory.limit(Some(0));
    let ticket = alone.next;
    drop(alone.submit().unwrap());
    while !alone.rig.committer.is_full() {
        thread::yield_now();
    }
    assert!(alone.rig.lanes[0].try_recv().is_err());
    alone.rig.memory.limit(None);
    assert_eq!(alone.rig.hears(0), [(ticket, Ok(ticket))]);
    assert!(!alone.rig.committer.failed());
}

#[test]
fn a_sync_that_fails_is_heard_of_as_ever() {
    let mut alone = Alone::new();
    let durable = alone.rig.committer.durable();
    let (syncing, allow) = alone.hold_syncs();
    let first = alone.next;
    let committer = &alone.rig.committer;
    thread::scope(|scope| {
        let submitter = scope.spawn(|| committer.submit(submission(0, first)).map(drop));
        syncing.recv_timeout(PATIENCE).unwrap();
        alone.rig.memory.fail();
        allow.send(()).unwrap();
        submitter.join().unwrap().unwrap();
    });
    assert_eq!(alone.rig.hears(0), [(first, Err(CommitFailed))]);
    alone.rig.failure.recv_timeout(PATIENCE).unwrap();
    alone.next += 1;
    drop(alone.submit().unwrap());
    assert_eq!(alone.rig.hears(0), [(first + 1, Err(CommitFailed))]);
    assert!(alone.rig.committer.failed());
    assert_eq!(alone.rig.committer.durable(), durable);
}

#[test]
fn a_panic_ends_the_committing_and_not_the_thread_that_submits() {
    let mut alone = Alone::new();
    let ticket = alone.next;
    // The follower has nobody to tell, and panics.
    alone.rig.follower = channel().1;
    drop(alone.submit().unwrap());
    assert_eq!(alone.rig.hears(0), [(ticket, Ok(ticket))], "it is durable");
    alone.rig.failure.recv_timeout(PATIENCE).unwrap();
    assert!(alone.rig.committer.failed());
    assert!(alone.submit().is_err());
}
