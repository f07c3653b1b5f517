//! What a service manager (systemd) gives to this program, wants to know of it, and asks of it.
//! Nothing of it happens where none is there.

use std::{
    env, io,
    net::TcpListener,
    process::{Command, Stdio},
    thread,
};

use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::spawn_local,
};

use crate::app::Phase;

/// The variable with the socket at which the service manager listens.
const NOTIFY_SOCKET: &str = "NOTIFY_SOCKET";

/// The flag with which a process takes over from this one.
const TAKEOVER: &str = "--takeover";

/// The listening socket that was opened for this process, if one was. More than one are too many.
pub(super) fn listener() -> io::Result<Option<TcpListener>> {
    let mut passed = ListenFd::from_env();
    if passed.len() > 1 {
        let what = format!(
            "{} sockets were passed (LISTEN_FDS); pass one",
            passed.len()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    passed.take_tcp_listener(0)
}

/// Tells the service manager how far the process has come.
pub(super) fn tell(phase: Phase) {
    let told = match phase {
        Phase::Serving => sd_notify::notify(&[NotifyState::Ready]),
        Phase::TakenOver(pid) => {
            // The other one cannot say so itself: it is not the main process before this is said.
            let pid = pid.and_then(|pid| u32::try_from(pid).ok());
            let main = pid.map(NotifyState::MainPid);
            let states: Vec<NotifyState<'_>> =
                main.into_iter().chain([NotifyState::Ready]).collect();
            sd_notify::notify(&states)
        }
        Phase::NotTakenOver(why) => {
            let status = format!("Not taken over: {}", why.replace('\n', " "));
            sd_notify::notify(&[NotifyState::Status(&status), NotifyState::Ready])
        }
        Phase::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
    };
    heard(told);
}

fn heard(told: io::Result<()>) {
    if let Err(error) = told {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

/// From now on, SIGHUP (`systemctl reload`) starts the program anew, as it is on the disk by then,
/// with the same arguments, to take over from this process. Only under a service manager: elsewhere
/// SIGHUP says that the terminal is gone.
pub(super) fn renew_on_hangup() -> io::Result<()> {
    if env::var_os(NOTIFY_SOCKET).is_none() {
        return Ok(());
    }
    let mut hangup = signal(SignalKind::hangup())?;
    drop(spawn_local(async move {
        while hangup.recv().await.is_some() {
            let begins = NotifyState::monotonic_usec_now()
                .and_then(|now| sd_notify::notify(&[NotifyState::Reloading, now]));
            heard(begins);
            if let Err(error) = renew() {
                tracing::error!(%error, "the program cannot be started anew; this process goes on");
                tell(Phase::NotTakenOver(error.to_string()));
            }
        }
    }));
    Ok(())
}

fn renew() -> io::Result<()> {
    let mut arguments = env::args_os();
    // Not the file that this process runs: that may have been replaced.
    let program = arguments.next().ok_or(io::ErrorKind::NotFound)?;
    let rest: Vec<_> = arguments.collect();
    let mut command = Command::new(program);
    if !rest.iter().any(|own| own == TAKEOVER) {
        command.arg(TAKEOVER);
    }
    let mut child = command.args(rest).stdin(Stdio::null()).spawn()?;
    let follow = move || match child.wait() {
        Ok(status) => {
            tracing::warn!(%status, "the program that was started anew has ended");
            if !status.success() {
                tell(Phase::NotTakenOver(format!(
                    "the new process ended: {status}"
                )));
            }
        }
        Err(error) => tracing::warn!(%error, "the program started anew cannot be followed"),
    };
    // It ends with this process, or before.
    drop(
        thread::Builder::new()
            .name("renewal".to_owned())
            .spawn(follow)?,
    );
    Ok(())
}
