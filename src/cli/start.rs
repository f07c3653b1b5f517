//! A start: from nothing, or after a process that serves.

use std::{
    io::Write,
    net::{SocketAddr, TcpListener},
    pin::pin,
    process::ExitCode,
};

use tokio::task::spawn_blocking;

use super::{Error, greeting, service};
use crate::{
    app::{self, App, End, Options, definitions, takeover::Predecessor, upgrade},
    config::Config,
};

/// Connections that may wait to be accepted, as while another process takes over. The system has a
/// limit of its own (`net.core.somaxconn`, 4096).
const BACKLOG: i32 = 4_096;

/// Opens, serves, and says how that ended.
pub(super) async fn start(
    takes_over: bool,
    config: Config,
    mut options: Options,
    out: &mut dyn Write,
) -> Result<ExitCode, Error> {
    // Before anything is opened: who is asked to end while starting ends properly, too.
    let mut shutdown = pin!(signalled().map_err(Error::Signals)?);
    service::renew_on_hangup().map_err(Error::Signals)?;
    let mut predecessor = None;
    if takes_over {
        predecessor = Predecessor::find(&config.data).await?;
    }
    let listener = match &mut predecessor {
        None => match service::listener()? {
            Some(listener) => listener,
            None => bind(config.listen)?,
        },
        Some(other) => {
            let taken = tokio::select! {
                taken = take_over(other, &config, &mut options) => taken,
                () = &mut shutdown => Err(Error::Interrupted),
            };
            match taken {
                Ok(listener) => listener,
                Err(error) => return Err(give_back(predecessor, error).await),
            }
        }
    };
    let address = listener.local_addr()?;
    let checked = Config {
        listen: address,
        ..config
    };
    let opened = checked.check().map_err(Error::from).and_then(|config| {
        let app = App::start(config.clone(), options)?;
        Ok((config, app))
    });
    let (config, app) = match opened {
        Ok(opened) => opened,
        Err(error) => return Err(give_back(predecessor, error).await),
    };
    let storefronts = app.engine().storefronts();
    greeting::write(out, address, &config, storefronts, app.notices())?;
    let served = app.serve_in_turn(listener, shutdown, predecessor, service::tell);
    match served.await? {
        End::Stopped => writeln!(
            out,
            "Stopped; everything is safe in {}.",
            config.data.display()
        )?,
        End::TakenOver(Some(pid)) => writeln!(out, "Taken over by process {pid}.")?,
        End::TakenOver(None) => writeln!(out, "Taken over by another process.")?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The socket of the process that serves, once that is checked that can be known before.
async fn take_over(
    other: &mut Predecessor,
    config: &Config,
    options: &mut Options,
) -> Result<TcpListener, Error> {
    tracing::info!(
        version = other.version(),
        "taking over; reading the data directory first"
    );
    let (data, storefronts) = (config.data.clone(), options.storefronts.clone());
    if let Some(root) = &config.root {
        definitions::root(&storefronts, root)?;
    }
    let checked = spawn_blocking(move || upgrade::check(&data, &storefronts)).await;
    let checked = checked.map_err(std::io::Error::other)?;
    options.scanned = checked.map_err(app::Error::Open)?.closed;
    Ok(other.take().await?)
}

/// Tells the process that served why this one does not.
async fn give_back(predecessor: Option<Predecessor>, error: Error) -> Error {
    if let Some(other) = predecessor {
        other.failed(&error.to_string()).await;
    }
    error
}

fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    let listen = || {
        let listener = TcpListener::bind(address)?;
        rustix::net::listen(&listener, BACKLOG)?;
        Ok(listener)
    };
    listen().map_err(|source| Error::Listen { address, source })
}

/// Ready when the process is asked to end: SIGTERM, or Ctrl-C.
fn signalled() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
