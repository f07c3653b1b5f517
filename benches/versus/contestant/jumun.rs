//! The whole of Jumun with the shipped storefronts, on a directory of its own.

use std::io;

use jumun::{
    app::{self, Options},
    config::Config,
};

use super::{WORKERS, host};
use crate::contest::Server;

/// With everything on that is on by default.
pub(crate) fn start() -> io::Result<Server> {
    start_as("jumun", true)
}

/// Without counting requests and events for `/metrics`.
pub(crate) fn start_uncounted() -> io::Result<Server> {
    start_as("uncounted", false)
}

fn start_as(name: &'static str, counts: bool) -> io::Result<Server> {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut config = Config::read(None).map_err(io::Error::other)?;
    config.data = directory.path().join("data");
    config.limits.workers = WORKERS;
    host(name, move |listener, ready, stop| async move {
        let app = Options::new(&config)
            .map(|options| Options { counts, ..options })
            .map_err(app::Error::from)
            .and_then(|options| app::App::start(config, options));
        let app = match app {
            Ok(app) => app,
            Err(error) => return drop(ready.send(Err(io::Error::other(error)))),
        };
        drop(ready.send(Ok(())));
        let stop = async { drop(stop.await) };
        let served = app.serve(listener, stop).await;
        served.expect("the disk of the benchmark is well");
        drop(directory);
    })
}
