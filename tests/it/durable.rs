//! No reply leaves before the sync that covers it, and nobody sees what is not durable.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    },
    time::Duration,
};

use jumun::{
    app,
    store::{
        commit::Position,
        journal::{Directory, Medium, Source},
    },
};

use crate::support::{CANCEL, Client, DELIVER, ORDER, Server, Setup};

/// Much longer than a request takes to come to its sync.
const SYNC_TIMEOUT: Duration = Duration::from_secs(20);

/// The journal's files, whose syncs the test holds back or fails.
#[derive(Debug)]
struct Gated {
    files: Directory,
    gate: Arc<Gate>,
}

#[derive(Debug)]
struct Gate {
    is_closed: AtomicBool,
    is_broken: AtomicBool,
    /// Told each time that a sync stands before the closed gate.
    waiting: SyncSender<()>,
    /// Lets one sync through.
    through: Mutex<Receiver<()>>,
}

impl Medium for Gated {
    fn source(&self) -> Arc<dyn Source> {
        self.files.source()
    }

    fn create(&mut self, segment: Position, bytes: u64) -> io::Result<()> {
        self.files.create(segment, bytes)
    }

    fn resume(&mut self, segment: Position, tail: u64) -> io::Result<()> {
        self.files.resume(segment, tail)
    }

    fn cut(&mut self, segment: Position, tail: u64, bytes: u64) -> io::Result<()> {
        self.files.cut(segment, tail, bytes)
    }

    fn remove(&mut self, segment: Position) -> io::Result<()> {
        self.files.remove(segment)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.files.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.gate.is_closed.load(Ordering::SeqCst) {
            // The test that has given up does not hold anything back.
            self.gate.waiting.send(()).ok();
            self.gate.through.lock().unwrap().recv().ok();
        }
        if self.gate.is_broken.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk is gone"));
        }
        self.files.sync()
    }
}

/// A server whose syncs wait for the test while the gate is closed.
struct Held {
    // Dropped before the server, so that a test that fails holds nothing back.
    waiting: Receiver<()>,
    release: SyncSender<()>,
    gate: Arc<Gate>,
    server: Server,
}

impl Held {
    fn start() -> Self {
        Self::start_with("")
    }

    /// With these settings.
    fn start_with(settings: &str) -> Self {
        let (tell, waiting) = sync_channel(0);
        let (release, through) = sync_channel(0);
        let gate = Arc::new(Gate {
            is_closed: AtomicBool::new(false),
            is_broken: AtomicBool::new(false),
            waiting: tell,
            through: Mutex::new(through),
        });
        let own = Arc::clone(&gate);
        let setup = Setup::new().config(settings).with(move |options| {
            options.before_journal = Box::new(move |files| Box::new(Gated { files, gate: own }));
        });
        let server = setup.start();
        // Served at last: what the storefronts begin with is behind it.
        server.client().get("/readyz");
        Self {
            waiting,
            release,
            gate,
            server,
        }
    }

    /// Sends a request while syncs are held back. `unseen` looks at the server when the sync that
    /// covers the request is being waited for.
    fn hold(&self, method: &str, path: &str, body: &str, status: u16, unseen: impl Fn(&Client)) {
        let client = self.server.client();
        self.gate.is_closed.store(true, Ordering::SeqCst);
        std::thread::scope(|scope| {
            let (reply, replied) = sync_channel(1);
            let sender = client.clone();
            scope.spawn(move || {
                let found = sender.request(method, path).json(body).send();
                reply.send(found.map(|(status, _)| status)).unwrap();
            });
            self.waiting
                .recv_timeout(SYNC_TIMEOUT)
                .expect("the request leads to a sync");
            unseen(&client);
            let early = replied.try_recv();
            self.gate.is_closed.store(false, Ordering::SeqCst);
            self.release.send(()).unwrap();
            assert!(
                matches!(early, Err(TryRecvError::Empty)),
                "{method} {path}: {early:?}"
            );
            assert_eq!(replied.recv().unwrap().unwrap(), status, "{method} {path}");
        });
    }
}

#[test]
fn no_reply_leaves_before_its_sync_and_nothing_is_seen_of_it() {
    let held = Held::start();
    let client = held.server.client();
    held.hold("POST", "/orders", ORDER, 201, |client| {
        client.request("GET", "/orders/1").expect(404);
        for collection in ["orders", "payments"] {
            client
                .get(&format!("/{collection}"))
                .has("/page/totalElements", 0);
        }
        client.request("GET", "/myPages/1").expect(404);
    });
    client.get("/orders/1").has("/status", "PaymentConfirmed");
    client.get("/myPages/1").has("/status", "PaymentConfirmed");

    held.hold("POST", "/deliveries", DELIVER, 201, |client| {
        client.get("/orders/1").has("/status", "PaymentConfirmed");
        client.get("/deliveries").has("/page/totalElements", 0);
        client
            .get("/myPages/1")
            .has("/deliveryStatus", serde_json::Value::Null);
    });
    client.get("/myPages/1").has("/deliveryStatus", "Delivered");

    held.hold("PATCH", "/orders/1", CANCEL, 200, |client| {
        client.get("/orders/1").has("/status", "Delivered");
        client.get("/payments/1").has("/status", "PaymentConfirmed");
        client.get("/deliveries/1").has("/status", "Delivered");
    });
    client.get("/orders/1").has("/status", "OrderCancelled");
    client.until("/payments/1", "/status", "PaymentCancelled");
}

#[test]
fn a_sync_that_takes_too_long_leaves_outcomes_unknown_and_nothing_piles_up() {
    let held = Held::start_with(
        "[limits]\nshards = 1\nrequests_per_shard_max = 4\nrequest_ms_max = 200\n",
    );
    let client = held.server.client();
    held.gate.is_closed.store(true, Ordering::SeqCst);
    std::thread::scope(|scope| {
        let place = || client.request("POST", "/orders").json(ORDER).expect(504);
        let unanswered: Vec<_> = (0..4).map(|_| scope.spawn(place)).collect();
        held.waiting
            .recv_timeout(SYNC_TIMEOUT)
            .expect("the first leads to a sync");
        for order in unanswered {
            order.join().unwrap().has("/code", "outcome_unknown");
        }
    });
    // Nobody waits for them any more, and still they are counted: more are not taken.
    for _ in 0..100 {
        let more = client.request("POST", "/orders").json(ORDER).expect(503);
        more.has("/code", "overloaded");
    }
    client.get("/orders").has("/page/totalElements", 0);
    client.get("/livez");
    held.gate.is_closed.store(false, Ordering::SeqCst);
    held.release.send(()).unwrap();
    for number in 1..=4 {
        let path = format!("/orders/{number}");
        client.until(&path, "/status", "PaymentConfirmed");
    }
    client.post("/orders", ORDER);
    client.get("/orders").has("/page/totalElements", 5);
}

#[test]
fn a_sync_that_fails_is_an_error_and_ends_the_server() {
    let Held { server, gate, .. } = Held::start();
    let client = server.client();
    client.post("/orders", ORDER);
    gate.is_broken.store(true, Ordering::SeqCst);
    // Not 503: the order may be found at the next start, so nobody is told to just try again.
    let failed = client.request("POST", "/orders").json(ORDER).expect(504);
    failed.has("/code", "outcome_unknown");
    let (data, outcome) = server.ended();
    assert!(
        matches!(outcome, Err(app::Error::StoreFailed)),
        "{outcome:?}"
    );
    // What was not synced may be there or not; what was acknowledged is.
    let server = Setup::new().on(data).start();
    server
        .client()
        .get("/orders/1")
        .has("/status", "PaymentConfirmed");
}
