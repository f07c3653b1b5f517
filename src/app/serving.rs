//! Serving HTTP until somebody asks to stop, the store fails, or another process takes over.

use std::{
    net::TcpListener,
    path::Path,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use actix_web::{
    dev::{Server, ServerHandle},
    rt, web,
};

use super::{
    Again, App, Error, opening,
    server::{self, Connections},
    takeover::{Control, Predecessor, Successor},
};
use crate::{
    config::Config,
    http::{self, Gate, KEEP_ALIVE, Left},
    store::directory,
};

/// How a process that does not serve any more came to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was asked to stop. Everything is finished and closed.
    Stopped,
    /// Another process serves now; its number, where the system says so.
    TakenOver(Option<i32>),
}

/// How far a process has come that serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It accepts connections and answers.
    Serving,
    /// Another process does; its number, where the system says so.
    TakenOver(Option<i32>),
    /// Another process tried to, and could not, for this reason. This one serves on.
    NotTakenOver(String),
    /// It was asked to stop, or has to.
    Stopping,
}

/// How often, and after which pause, a directory is tried again whose process has died: the system
/// may take a moment to give its lock back.
const OPEN_TRIES: usize = 100;
const OPEN_PAUSE: Duration = Duration::from_millis(50);

/// A server at work.
struct Serving {
    app: App,
    gate: web::Data<Gate>,
    /// Of the requests that work with `app`.
    left: Left,
    listener: TcpListener,
    handle: ServerHandle,
    connections: Connections,
}

/// What came of a successor.
enum HandedOver {
    /// It serves.
    Yes(Successor),
    /// It does not, for this reason; this process goes on.
    No(Box<Serving>, String),
    /// This process was asked to stop before that was known. Its store is closed.
    Unknown,
}

/// Serves on `listener` until `shutdown` is ready.
pub(super) async fn serve(
    app: App,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
    predecessor: Option<Predecessor>,
    tell: &impl Fn(Phase),
) -> Result<End, Error> {
    let (mut serving, server) = match Serving::begin(app, listener).await {
        Ok(begun) => begun,
        Err(error) => {
            if let Some(predecessor) = predecessor {
                predecessor.failed(&error.to_string()).await;
            }
            return Err(error);
        }
    };
    let ended = rt::spawn(server);
    if let Some(predecessor) = &predecessor {
        predecessor.serving().await;
    }
    tell(Phase::Serving);
    let mut shutdown = pin!(shutdown);
    loop {
        let failure = Arc::clone(&serving.app.failure);
        let engine = serving.app.engine.clone();
        let successor = tokio::select! {
            () = &mut shutdown => {
                tell(Phase::Stopping);
                break serving.stop(ended).await;
            }
            () = failure.notified() => {
                tell(Phase::Stopping);
                serving.stop(ended).await?;
                break Err(Error::StoreFailed);
            }
            () = engine.beyond_repair() => {
                tell(Phase::Stopping);
                serving.stop(ended).await?;
                break Err(Error::Stuck);
            }
            successor = next(&mut serving.app.control) => successor,
        };
        let (handle, connections) = (serving.handle.clone(), serving.connections.clone());
        let data = serving.app.config.data.clone();
        match Box::pin(serving.hand_over(successor, shutdown.as_mut())).await? {
            HandedOver::No(again, why) => {
                tell(Phase::NotTakenOver(why));
                serving = *again;
            }
            HandedOver::Yes(mut successor) => {
                tell(Phase::TakenOver(successor.pid));
                tokio::select! {
                    () = connections.ended() => {}
                    () = tokio::time::sleep(KEEP_ALIVE) => {}
                    () = no_heir(&mut successor, &data) => {}
                    () = &mut shutdown => {}
                }
                handle.stop(true).await;
                drop(ended.await);
                break Ok(End::TakenOver(successor.pid));
            }
            HandedOver::Unknown => {
                tell(Phase::Stopping);
                drop(ended.await);
                break Ok(End::Stopped);
            }
        }
    }
}

async fn next(control: &mut Option<Control>) -> Successor {
    match control {
        Some(control) => control.next().await,
        None => std::future::pending().await,
    }
}

/// Ready when the successor has ended, and nobody came after it to whom requests could be passed.
async fn no_heir(successor: &mut Successor, data: &Path) {
    successor.ended().await;
    if Control::is_there(data).await {
        std::future::pending::<()>().await;
    }
}

impl Serving {
    /// What is to serve, and the server that is to be run for that.
    async fn begin(app: App, listener: TcpListener) -> Result<(Self, Server), Error> {
        if let Err(error) = opening::open(&app.engine).await {
            app.close().await?;
            return Err(error.into());
        }
        let wait = Duration::from_millis(app.config.limits.request_ms_max);
        let gate = web::Data::new(Gate::new(app.clock.clone(), wait));
        let left = gate.open(app.state());
        let connections = Connections::default();
        let workers = app.config.workers();
        let start = || {
            let own = listener.try_clone()?;
            let (gate, connections) = (web::Data::clone(&gate), connections.clone());
            Ok((own, server::start(listener, gate, connections, workers)?))
        };
        let (own, server) = start().map_err(|source| Error::Io {
            doing: "serve HTTP",
            source,
        })?;
        let serving = Self {
            app,
            gate,
            left,
            listener: own,
            handle: server.handle(),
            connections,
        };
        Ok((serving, server))
    }

    /// Stops accepting, finishes what is under way, and closes.
    async fn stop(self, ended: rt::task::JoinHandle<std::io::Result<()>>) -> Result<End, Error> {
        self.app.engine.feed().close();
        self.handle.stop(true).await;
        drop(ended.await);
        self.gate.close();
        self.app.close().await?;
        Ok(End::Stopped)
    }

    /// Hands socket and directory over; takes them back if the successor does not serve.
    async fn hand_over(
        self,
        mut successor: Successor,
        shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<HandedOver, Error> {
        let Self {
            app,
            gate,
            left,
            listener,
            handle,
            connections,
        } = self;
        tracing::info!(
            pid = successor.pid,
            version = successor.version,
            "handing over"
        );
        let mut given = successor.give(&listener).await;
        handle.pause().await;
        let_nobody_in(&gate, &app);
        let drain = Duration::from_millis(app.config.limits.drain_ms_max);
        if !left.within(drain).await {
            tracing::warn!("not every request was answered in time; the rest is given up");
        }
        let (config, again) = (app.config.clone(), app.again.clone());
        if let Err(error) = app.close().await {
            tracing::error!(%error, "it was not closed well; the other process may do better");
        }
        if given.is_ok() {
            given = successor.release().await;
        }
        let outcome = match given {
            Ok(()) => tokio::select! {
                served = successor.serves() => served,
                () = shutdown => {
                    gate.end();
                    handle.stop(true).await;
                    return Ok(HandedOver::Unknown);
                }
            },
            Err(error) => Err(format!("it is gone ({error})")),
        };
        let Err(why) = outcome else {
            let address = listener.local_addr().map_err(|source| Error::Io {
                doing: "find the address to pass requests on to",
                source,
            })?;
            gate.pass_on(address);
            tracing::info!(pid = successor.pid, "the other process serves now");
            return Ok(HandedOver::Yes(successor));
        };
        tracing::error!(why, "the other process did not take over; this one goes on");
        drop(successor);
        let app = match open_again(&config, &again).await {
            Ok(app) => app,
            Err(error) => {
                gate.end();
                handle.stop(true).await;
                return Err(error);
            }
        };
        let left = gate.open(app.state());
        handle.resume().await;
        let again = Self {
            app,
            gate,
            left,
            listener,
            handle,
            connections,
        };
        Ok(HandedOver::No(Box::new(again), why))
    }
}

/// Lets requests wait from now on, and ends the streams, whose clients connect again.
fn let_nobody_in(gate: &Gate, app: &App) {
    gate.close();
    app.engine.feed().close();
}

async fn open_again(config: &Config, again: &Again) -> Result<App, Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        match App::start(config.clone(), again.options()) {
            Err(Error::Open(super::open::Error::Directory(directory::Error::InUse(_))))
                if tries < OPEN_TRIES =>
            {
                tokio::time::sleep(OPEN_PAUSE).await;
            }
            other => return other,
        }
    }
}

impl App {
    fn state(&self) -> http::State {
        http::State {
            engine: self.engine.clone(),
            mounts: http::Mounts { root: self.root },
            clock: self.clock.clone(),
            backups: self.backups(),
            channels: self.posting.channels.clone(),
            webhooks: self.posting.webhooks.clone(),
            traffic: Arc::clone(&self.measured.traffic),
            sources: Arc::clone(&self.measured.sources),
            readers: http::Readers::new(self.config.feed),
        }
    }
}
