//! The real server inside the test's process: the same [`App`] as the binary's, on port 0.

use std::{net::SocketAddr, sync::mpsc, thread::JoinHandle};

use jumun::{
    app::{self, App, Options},
    config::Config,
};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::{Client, Recorded, client::LOOKS_MAX, process::verify};

/// How a server is to be started.
pub(crate) struct Setup {
    config: String,
    data: TempDir,
    change: Box<dyn FnOnce(&mut Options) + Send>,
}

/// A running server. Dropping it stops it without looking at how that went.
pub(crate) struct Server {
    address: SocketAddr,
    data: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), app::Error>>>,
}

impl Setup {
    /// A fresh directory, and the flower shop at `/` too.
    pub(crate) fn new() -> Self {
        Self::of("flowers")
    }

    /// A fresh directory, and this storefront at `/` too.
    pub(crate) fn of(root: &str) -> Self {
        Self {
            config: format!("root = \"{root}\"\n"),
            data: TempDir::new().unwrap(),
            change: Box::new(|_| {}),
        }
    }

    /// With these lines in the configuration file.
    pub(crate) fn config(mut self, lines: &str) -> Self {
        self.config.push_str(lines);
        self
    }

    /// On a directory that is there already.
    pub(crate) fn on(mut self, data: TempDir) -> Self {
        self.data = data;
        self
    }

    /// With something replaced.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Options) + Send + 'static) -> Self {
        self.change = Box::new(change);
        self
    }

    /// Starts it; it must start.
    pub(crate) fn start(self) -> Server {
        self.try_start()
            .unwrap_or_else(|error| panic!("it does not start: {error}"))
    }

    /// Starts it, or says why it does not start.
    pub(crate) fn try_start(self) -> Result<Server, app::Error> {
        let Self {
            config,
            data,
            change,
        } = self;
        let mut config = Config::read(Some(&config)).unwrap().check().unwrap();
        config.data = data.path().join("data");
        if config.limits.shards == 0 {
            // Whatever the machine has: orders and listings shall live on different ones.
            config.limits.shards = 2;
        }
        let (stop, stopped) = oneshot::channel();
        let (started, starting) = mpsc::sync_channel(1);
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let mut options = Options::new(&config)?;
                change(&mut options);
                let app = App::start(config, options)?;
                let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                let address = listener.local_addr().unwrap();
                started.send(address).unwrap();
                app.serve(listener, async { drop(stopped.await) }).await
            })
        });
        let Ok(address) = starting.recv() else {
            let outcome = thread
                .join()
                .expect("a start that fails says why, without a panic");
            return Err(outcome.expect_err("it ended before it began to serve"));
        };
        let (stop, thread) = (Some(stop), Some(thread));
        Ok(Server {
            address,
            data,
            stop,
            thread,
        })
    }
}

impl Server {
    /// A fresh server, with the flower shop at `/` too.
    pub(crate) fn start() -> Self {
        Setup::new().start()
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client of it.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Stops it, which must go well, and hands its directory over.
    pub(crate) fn stop(mut self) -> TempDir {
        self.end()
            .unwrap_or_else(|error| panic!("it does not stop well: {error}"));
        std::mem::replace(&mut self.data, TempDir::new().unwrap())
    }

    /// Waits until it stops by itself.
    pub(crate) fn ended(mut self) -> (TempDir, Result<(), app::Error>) {
        let thread = self.thread.take().unwrap();
        let outcome = thread.join().expect("the server's thread does not panic");
        (
            std::mem::replace(&mut self.data, TempDir::new().unwrap()),
            outcome,
        )
    }

    /// Waits for what follows by itself and shows nowhere: until its journal has so many of `what`.
    pub(crate) fn until_recorded(&self, what: &str, count: usize) {
        let path = self.data.path().join("data");
        let has = |recorded: Recorded| recorded.count(what) >= count;
        let mut looks = std::iter::repeat_with(|| Recorded::by_now(&path)).take(LOOKS_MAX);
        let found = looks.any(|recorded| recorded.is_some_and(has));
        assert!(found, "there are not {count} of {what}");
    }

    /// Waits until everything that is expected has happened, also what follows by itself; then stops
    /// it, verifies what it leaves, and nothing more of that may have happened.
    pub(crate) fn ends_with(self, expected: &[(&str, usize)]) {
        self.until_all(expected);
        self.verified().has(expected);
    }

    /// The same without `verify`, which knows only the shops that are shipped.
    pub(crate) fn records(self, expected: &[(&str, usize)]) {
        self.until_all(expected);
        self.recorded().has(expected);
    }

    fn until_all(&self, expected: &[(&str, usize)]) {
        for (what, count) in expected {
            self.until_recorded(what, *count);
        }
    }

    /// Stops it and reads what its journal has.
    pub(crate) fn recorded(self) -> Recorded {
        Recorded::read(&self.stop().path().join("data"))
    }

    /// The same, after `jumun verify` found nothing wrong with the directory.
    pub(crate) fn verified(self) -> Recorded {
        let data = self.stop();
        let data = data.path().join("data");
        verify(&data);
        Recorded::read(&data)
    }

    fn end(&mut self) -> Result<(), app::Error> {
        drop(self.stop.take());
        let thread = self.thread.take();
        thread.map_or(Ok(()), |thread| {
            thread.join().expect("the server's thread does not panic")
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
