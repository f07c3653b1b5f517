//! The side of the process that takes over.

use std::{io, net::TcpListener, path::Path, time::Duration};

use tokio::net::UnixStream;

use super::{
    PROTOCOL, SOCKET,
    conversation::{Conversation, Word},
};

/// How long the other one may take to answer who comes.
const HELLO_WAIT: Duration = Duration::from_secs(5);

/// How long it may take to give its socket away.
const LISTENER_WAIT: Duration = Duration::from_secs(5);

/// The process that serves now. Held for as long as this one lives: the other one wants to know.
#[derive(Debug)]
pub struct Predecessor {
    conversation: Conversation,
    version: String,
}

/// Why the directory is not handed over. The process that has it goes on.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It says no.
    #[error("the process that serves the data directory cannot be taken over: {0}")]
    Said(String),
    /// It cannot be talked to.
    #[error(
        "the process that serves the data directory does not answer at `control.sock` ({0}); stop \
         it, then start without --takeover"
    )]
    Silent(#[from] io::Error),
}

impl Predecessor {
    /// The process that serves this directory; `None` if there is none.
    pub async fn find(data: &Path) -> Result<Option<Self>, Refused> {
        let stream = match UnixStream::connect(data.join(SOCKET)).await {
            Ok(stream) => stream,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let mut conversation = Conversation::new(stream);
        let hello = Word::Hello(PROTOCOL, env!("CARGO_PKG_VERSION").to_owned());
        conversation.say(&hello).await?;
        let word = expected(conversation.hear_within(HELLO_WAIT).await?)?;
        let Word::Hello(_, version) = word else {
            return Err(word.means_nothing().into());
        };
        Ok(Some(Self {
            conversation,
            version,
        }))
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Takes its socket and its directory. From then on this process must serve, or say that it
    /// [failed](Self::failed), or die.
    ///
    /// Waits for as long as the other one needs to finish what is under way; it has a limit for that.
    pub async fn take(&mut self) -> Result<TcpListener, Refused> {
        self.conversation.say(&Word::Take).await?;
        let word = expected(self.conversation.hear_within(LISTENER_WAIT).await?)?;
        let listener = self.conversation.passed().map(TcpListener::from);
        let Some(listener) = listener.filter(|_| word == Word::Listener) else {
            return Err(word.means_nothing().into());
        };
        let word = expected(self.conversation.hear().await?)?;
        if word != Word::Released {
            return Err(word.means_nothing().into());
        }
        Ok(listener)
    }

    /// Tells it that this process serves. It may be gone by now; then nobody needs to know.
    pub async fn serving(&self) {
        if let Err(error) = self.conversation.say(&Word::Serving).await {
            tracing::info!(%error, "the process before is gone already");
        }
    }

    /// Tells it why this process does not serve: it is to go on.
    pub async fn failed(self, why: &str) {
        let failed = Word::Failed(why.to_owned());
        if let Err(error) = self.conversation.say(&failed).await {
            tracing::warn!(%error, "the process before is gone, too");
        }
    }
}

/// What it said, unless that is no.
fn expected(word: Word) -> Result<Word, Refused> {
    if let Word::Refused(why) = word {
        return Err(Refused::Said(why));
    }
    Ok(word)
}
