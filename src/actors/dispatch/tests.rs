//! Couriers on a running engine, with errands of the tests' own.

use std::{cell::RefCell, rc::Rc};

use tokio::sync::{Notify, mpsc};

use super::{Bureau, Changed, Courier, Errand, Pace, Who, errand::Found, errand::Outcome};
use crate::{
    actors::handles::{Context, Engine, Failure},
    app::{self, App, Options},
    clock::Clock,
    config::Config,
    domain::{
        EntityKey, Kind,
        subscriber::{Command, Role, Settings, Subscriber},
    },
    outbound::retry::Backoff,
};

/// Items of the errand: so many, and one of each three is about the same.
const ITEMS: u64 = 90;

/// Room for all of them, some twice.
const SENT_MAX: usize = 200;

/// Sends numbers to the test, and panics over some of them the first time.
struct Numbers {
    panics_at: Vec<u64>,
    panicked: RefCell<Vec<u64>>,
    sent: mpsc::Sender<u64>,
    never: Notify,
}

impl Errand for Numbers {
    async fn find(&self, _: &Subscriber, after: u64, max: usize) -> Result<Found, Failure> {
        let found = (after + 1..=ITEMS).take(max);
        let items = found.map(|item| (item, EntityKey::new(Kind::Order, item % 3 + 1)));
        Ok(Found {
            items: items.collect(),
            seen_to: ITEMS,
        })
    }

    async fn more(&self, _: u64) -> bool {
        self.never.notified().await;
        false
    }

    async fn send(self: Rc<Self>, _: Rc<Subscriber>, item: u64, _: u32) -> Outcome {
        if self.panics_at.contains(&item) && !self.panicked.borrow().contains(&item) {
            self.panicked.borrow_mut().push(item);
            panic!("over {item}, on purpose");
        }
        self.sent.try_send(item).unwrap();
        Outcome::Delivered
    }
}

fn pace() -> Pace {
    Pace {
        backoff: Backoff::new(&[1]),
        concurrent_max: 4,
        dead_after_ms: 60_000,
        dead_attempts_min: 100,
    }
}

async fn subscribe(engine: &Engine, name: &str) {
    let command = Command::Subscribe {
        role: Role::Channel,
        name: name.to_owned(),
        settings: Box::<Settings>::default(),
        from: 0,
    };
    let asked = engine.subscriber(0, Role::Channel, name, command, Context::default());
    asked.await.unwrap();
}

/// A courier that panics goes out again and takes up what it held; another one does not notice.
#[test]
fn a_courier_that_panics_goes_out_again_and_nothing_is_skipped() {
    let dir = tempfile::TempDir::new().unwrap();
    let mut config = Config::read(None).unwrap();
    config.data = dir.path().join("data");
    app::in_system(async {
        let options = Options::new(&config).unwrap();
        let app = App::start(config, options).unwrap();
        let engine = app.engine();
        let bureau = Bureau::start();
        let mut addresses = Vec::new();
        let mut ends = Vec::new();
        for (name, panics_at) in [("calm", vec![]), ("nervous", vec![1, 7, 50])] {
            subscribe(engine, name).await;
            let (sent, items) = mpsc::channel(SENT_MAX);
            let engine = engine.clone();
            let who = Who {
                storefront: 0,
                role: Role::Channel,
                name: name.to_owned(),
            };
            addresses.push(bureau.send_out(move || {
                let errand = Numbers {
                    panics_at,
                    panicked: RefCell::default(),
                    sent,
                    never: Notify::new(),
                };
                Courier::new(engine, Clock::System, who, pace(), errand)
            }));
            ends.push((name, items));
        }
        addresses[0].try_send(Changed).unwrap();
        for (name, mut items) in ends {
            let mut first = Vec::new();
            while (first.len() as u64) < ITEMS {
                let item = items.recv().await.unwrap();
                let is_again = first.contains(&item);
                assert!(!is_again || name == "nervous", "{name} sent {item} twice");
                if !is_again {
                    first.push(item);
                }
            }
            for subject in 0..3 {
                let own = first.iter().filter(|item| *item % 3 == subject);
                assert!(own.is_sorted(), "{name}: {first:?}");
            }
        }
        drop(addresses);
        app.close().await.unwrap();
    });
}
