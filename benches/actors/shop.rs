//! An engine on threads of its own, as the `jumun` binary has it, with orders that rest and some that
//! cannot: a provider that does not answer keeps them awake.

use std::{
    io, iter,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use actix::System;
use jumun::{
    actors::{
        handles::{Context, Engine, Error, Failure, Request},
        provider::{Answer, Call, Provider, Settles},
        simulator::{Behaviour, Simulator},
    },
    app::{App, Options, definitions},
    config::Config,
};
use tempfile::TempDir;
use tokio::{
    runtime::Runtime,
    sync::{Semaphore, oneshot},
    task::LocalSet,
    time::sleep,
};

use crate::flower;

/// Orders placed at once while a shop is filled.
const TOGETHER: usize = 64;

/// Before an order is placed again for which there was no room.
const PAUSE: Duration = Duration::from_millis(10);

/// How long the checkpoints have to write down what was placed.
const SETTLES: Duration = Duration::from_secs(1);

/// So few pages are kept in memory that hardly a resting order is in one of them: one for each stripe of
/// the cache.
const PAGES_MAX: usize = 64;

/// The shop whose orders rest.
const FLOWERS: &str = "flowers";

/// What makes another shop of it, whose customers do not wait for the provider, and whose provider may take
/// longer than anything here.
const PATIENT: [(&str, &str); 3] = [
    ("name = \"flowers\"", "name = \"patient\""),
    ("mode = \"sync\"", "mode = \"async\""),
    ("deadline_ms = 300", "deadline_ms = 60000"),
];

/// It lives until [`Shop::close`].
pub(crate) struct Shop {
    pub(crate) engine: Engine,
    /// The place of the shop whose orders rest, and of the one whose orders are awake.
    pub(crate) resting: usize,
    pub(crate) awake: usize,
    held: Arc<Semaphore>,
    end: oneshot::Sender<()>,
    system: JoinHandle<()>,
    _data: TempDir,
}

impl Shop {
    /// Opens it and has so many orders placed, paid, and come to rest, and so many that stay awake.
    ///
    /// It has one shard, so that every request goes to the same thread.
    pub(crate) fn open(runtime: &Runtime, resting: u64, awake: u64) -> io::Result<Self> {
        let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let mut config = Config::read(None).map_err(io::Error::other)?;
        config.data = data.path().join("data");
        config.limits.shards = 1;
        config.limits.pages_max = PAGES_MAX;
        let held = Arc::new(Semaphore::new(0));
        let options = options(&config, &held)?;
        let place = |name| definitions::place(&options.storefronts, name).map_err(io::Error::other);
        let places = [place(FLOWERS)?, place("patient")?];
        let (started, engine) = mpsc::channel();
        let (end, ended) = oneshot::channel();
        let system = thread::spawn(move || {
            System::new().block_on(async {
                let app = App::start(config, options).expect("the directory is new");
                let told = started.send(app.engine().clone());
                told.expect("whoever started it waits");
                drop(ended.await);
                app.close().await.expect("the disk takes it");
            });
        });
        let shop = Self {
            engine: engine.recv().map_err(io::Error::other)?,
            resting: places[0],
            awake: places[1],
            held,
            end,
            system,
            _data: data,
        };
        shop.fill(runtime, shop.resting, resting);
        shop.fill(runtime, shop.awake, awake);
        runtime.block_on(async { sleep(SETTLES).await });
        Ok(shop)
    }

    fn fill(&self, runtime: &Runtime, storefront: usize, orders: u64) {
        let customers = LocalSet::new();
        for customer in 0..TOGETHER as u64 {
            let engine = self.engine.clone();
            let own = (customer..orders).step_by(TOGETHER);
            customers.spawn_local(async move {
                for _ in own {
                    let request = || Request::place(flower::fields(), Some(flower::AMOUNT));
                    let place = || engine.perform(storefront, request(), Context::default());
                    // A disk that is busy with other things makes an engine say that it is, too.
                    while let Err(error) = place().await {
                        assert_eq!(error, Error::Failed(Failure::Overloaded));
                        sleep(PAUSE).await;
                    }
                }
            });
        }
        runtime.block_on(customers);
    }

    /// Lets the provider answer, and closes.
    pub(crate) fn close(self) {
        self.held.close();
        drop(self.end);
        self.system.join().expect("the shop is closed in peace");
    }
}

/// With the patient shop beside the embedded ones.
fn options(config: &Config, held: &Arc<Semaphore>) -> io::Result<Options> {
    let mut options = Options::new(config).map_err(io::Error::other)?;
    let flowers = definitions::place(&options.storefronts, FLOWERS).map_err(io::Error::other)?;
    let mut text = options.storefronts[flowers].text().to_owned();
    for (line, instead) in PATIENT {
        assert!(text.contains(line), "flowers.toml has no {line:?}");
        text = text.replacen(line, instead, 1);
    }
    let patient = definitions::Definition::read(&text);
    let patient = patient.map_err(|mistakes| io::Error::other(format!("{mistakes:?}")))?;
    let simulator: Arc<dyn Provider> = Arc::new(Simulator::new(Behaviour::default(), 1));
    let simulators = options.storefronts.iter().map(|_| Arc::clone(&simulator));
    let silent: Arc<dyn Provider> = Arc::new(Silent(Arc::clone(held)));
    options.providers = Some(simulators.chain(iter::once(silent)).collect());
    options.storefronts.push(patient);
    Ok(options)
}

/// A provider that answers no call before this is closed.
struct Silent(Arc<Semaphore>);

impl Provider for Silent {
    fn settles(&self) -> Settles {
        Settles::Elsewhere
    }

    fn call(&self, _call: Call) -> Answer {
        let held = Arc::clone(&self.0);
        Answer::Later(Box::pin(async move {
            drop(held.acquire().await);
            Ok(())
        }))
    }
}
