//! The side of the process that serves: who comes to take over, one at a time.

use std::{
    fs, io,
    net::TcpListener,
    os::{fd::AsFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use actix_web::rt;
use tokio::{
    net::{UnixListener, UnixStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinHandle,
};

use super::{
    PROTOCOL, SOCKET,
    conversation::{Conversation, Word},
};
use crate::store::directory::Directory;

/// How long somebody who came may take to say so.
const HELLO_WAIT: Duration = Duration::from_secs(5);

/// How long it may read the directory before it takes it. A journal of 100 GB takes a minute or so.
const CHECK_WAIT: Duration = Duration::from_mins(30);

/// The socket at which a successor comes. Dropping it removes it.
#[derive(Debug)]
pub(in crate::app) struct Control {
    path: PathBuf,
    successors: mpsc::Receiver<Successor>,
    task: JoinHandle<()>,
}

/// A process that wants the directory now.
#[derive(Debug)]
pub(in crate::app) struct Successor {
    conversation: Conversation,
    /// Its process, where the system says so.
    pub(in crate::app) pid: Option<i32>,
    /// Its version.
    pub(in crate::app) version: String,
    /// While it is held, others are refused.
    _only: OwnedSemaphorePermit,
}

impl Control {
    /// Listens in this directory. What another process left there is replaced. Where that is not
    /// possible nobody can take over, and nothing else is lost.
    pub(in crate::app) fn listen(directory: &Directory) -> Option<Self> {
        let listening = Self::try_listen(directory.path());
        let failed = |error: &io::Error| {
            tracing::warn!(%error, "no other process can take over: there is no control socket");
        };
        listening.inspect_err(failed).ok()
    }

    fn try_listen(directory: &Path) -> io::Result<Self> {
        let path = directory.join(SOCKET);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        let (found, successors) = mpsc::channel(1);
        let task = rt::spawn(accept(listener, found));
        Ok(Self {
            path,
            successors,
            task,
        })
    }

    /// The next one that wants the directory.
    pub(in crate::app) async fn next(&mut self) -> Successor {
        match self.successors.recv().await {
            Some(successor) => successor,
            // Nobody listens any more: nobody comes.
            None => std::future::pending().await,
        }
    }

    /// Whether some process listens in this directory.
    pub(in crate::app) async fn is_there(directory: &Path) -> bool {
        UnixStream::connect(directory.join(SOCKET)).await.is_ok()
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.task.abort();
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, "the control socket cannot be removed");
        }
    }
}

async fn accept(listener: UnixListener, found: mpsc::Sender<Successor>) {
    let only = Arc::new(Semaphore::new(1));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the control socket cannot be listened to");
                return;
            }
        };
        let credentials = stream.peer_cred();
        let ours = rustix::process::geteuid().as_raw();
        if !credentials.as_ref().is_ok_and(|peer| peer.uid() == ours) {
            tracing::warn!("somebody else came to the control socket, and was not heard");
            continue;
        }
        let pid = credentials.ok().and_then(|peer| peer.pid());
        let (only, found) = (Arc::clone(&only), found.clone());
        rt::spawn(async move {
            match heard(Conversation::new(stream), pid, &only).await {
                Ok(Some(successor)) => drop(found.try_send(successor)),
                Ok(None) => {}
                Err(error) => tracing::info!(%error, "who came to take over left again"),
            }
        });
    }
}

/// Somebody who wants the directory, if that is what it came for.
async fn heard(
    mut conversation: Conversation,
    pid: Option<i32>,
    only: &Arc<Semaphore>,
) -> io::Result<Option<Successor>> {
    let word = match conversation.hear_within(HELLO_WAIT).await {
        // It only wanted to know whether somebody is here.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        word => word?,
    };
    let Word::Hello(protocol, version) = word else {
        return Err(word.means_nothing());
    };
    if protocol != PROTOCOL {
        let why = format!(
            "version {} cannot hand over to version {version}; stop it, then start the other",
            env!("CARGO_PKG_VERSION")
        );
        conversation.say(&Word::Refused(why)).await?;
        return Ok(None);
    }
    let Ok(only) = Arc::clone(only).try_acquire_owned() else {
        let why = "another process is taking over already".to_owned();
        conversation.say(&Word::Refused(why)).await?;
        return Ok(None);
    };
    tracing::info!(
        pid,
        version,
        "a process came to take over; it reads the directory first"
    );
    let hello = Word::Hello(PROTOCOL, env!("CARGO_PKG_VERSION").to_owned());
    conversation.say(&hello).await?;
    let word = conversation.hear_within(CHECK_WAIT).await?;
    if let Word::Failed(why) = &word {
        tracing::warn!(pid, why, "the process that came cannot take over");
        return Ok(None);
    }
    if word != Word::Take {
        return Err(word.means_nothing());
    }
    Ok(Some(Successor {
        conversation,
        pid,
        version,
        _only: only,
    }))
}

impl Successor {
    /// Gives it the listening socket, which stays open here too.
    pub(in crate::app) async fn give(&self, listener: &TcpListener) -> io::Result<()> {
        let word = Word::Listener;
        self.conversation.say_with(&word, listener.as_fd()).await
    }

    /// Tells it that the directory is free.
    pub(in crate::app) async fn release(&self) -> io::Result<()> {
        self.conversation.say(&Word::Released).await
    }

    /// Waits until it serves. The error is why it does not, or that it died.
    pub(in crate::app) async fn serves(&mut self) -> Result<(), String> {
        match self.conversation.hear().await {
            Ok(Word::Serving) => Ok(()),
            Ok(Word::Failed(why)) => Err(why),
            Ok(word) => Err(word.means_nothing().to_string()),
            Err(error) => Err(format!("it died, or does not speak ({error})")),
        }
    }

    /// Ready when it has ended.
    pub(in crate::app) async fn ended(&mut self) {
        while self.conversation.hear().await.is_ok() {}
    }
}
