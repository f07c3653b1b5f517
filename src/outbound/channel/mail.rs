//! Mails over SMTP (RFC 5321). What is said step by step, so that it is known for each failure whether
//! the server may have taken the mail: one that may have arrived is not sent again by itself.

use std::time::{Duration, SystemTime};

use lettre::{
    Address, Message as Mail,
    address::Envelope,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        commands,
        extension::ClientId,
    },
};

use super::{Message, Trouble};
use crate::{
    config::{self, Encryption},
    domain::Timestamp,
};

/// What is said of a mail that may have arrived.
const UNCERTAIN: &str = "the server did not say whether it took the mail: send it again by hand if \
                         it has not arrived";

/// How far a conversation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// Nothing about this mail.
    Nothing,
    /// Whom it is from; what is refused now is about whom it is to, or about itself.
    Sender,
    /// All of it: it may have arrived.
    Mail,
}

/// A mail server, and whom mails are from.
#[derive(Clone)]
pub struct Mailer {
    host: String,
    port: u16,
    encryption: Encryption,
    credentials: Option<Credentials>,
    from: Mailbox,
    timeout: Duration,
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailer")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Mailer {
    /// As the settings say, or what is wrong with them.
    pub(super) fn new(settings: &config::Mail, timeout_ms: u64) -> Result<Self, String> {
        let (host, port) = settings
            .server
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host, port.parse().ok()?)))
            .filter(|(host, _)| !host.is_empty())
            .ok_or_else(|| {
                let server = &settings.server;
                format!("`server` is `{server}`: write host:port, such as smtp.example.com:587")
            })?;
        let from = settings.from.parse().map_err(|error| {
            let from = &settings.from;
            format!("`from` is `{from}` ({error}): write Name <name@example.com>")
        })?;
        let credentials = match (&settings.user, &settings.password) {
            (Some(user), Some(password)) => Some(Credentials::new(user.clone(), password.clone())),
            (None, None) => None,
            _ => return Err("write both `user` and `password`, or neither".to_owned()),
        };
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            encryption: settings.encryption,
            credentials,
            from,
            timeout: Duration::from_millis(timeout_ms),
        })
    }

    /// Sends one mail, over a connection of its own.
    pub(super) async fn send(&self, message: &Message, now: Timestamp) -> Result<(), Trouble> {
        let (envelope, mail) = self.write(message, now)?;
        let mut said = Said::Nothing;
        let attempt = self.deliver(&envelope, &mail, &mut said);
        let outcome = tokio::time::timeout(self.timeout, attempt).await;
        match outcome {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(trouble(&error, said)),
            Err(_elapsed) if said == Said::Mail => Err(Trouble::Refused {
                why: UNCERTAIN.to_owned(),
            }),
            Err(_elapsed) => {
                let within_ms = self.timeout.as_millis();
                Err(Trouble::later(format!("no answer within {within_ms} ms")))
            }
        }
    }

    fn write(&self, message: &Message, now: Timestamp) -> Result<(Envelope, Vec<u8>), Trouble> {
        let refused = |why: String| Trouble::Refused { why };
        let address = message.address.as_deref().unwrap_or_default().trim();
        if !address.is_ascii() {
            return Err(refused(format!("`{address}` is not in ASCII")));
        }
        let to: Address = address
            .parse()
            .map_err(|error| refused(format!("`{address}` is no mail address ({error})")))?;
        let id = format!("<{}@{}>", message.id, self.from.email.domain());
        let since = Duration::from_millis(u64::try_from(now.0).unwrap_or_default());
        // RFC 3834: nobody's out-of-office note shall come back.
        let automatic = HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        );
        // A customer's words may stand in it; a header has one line.
        let subject = message.headline.as_deref().unwrap_or(&message.event);
        let subject = subject.replace(char::is_control, " ");
        let mail = Mail::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.clone()))
            .subject(subject)
            .message_id(Some(id))
            .date(SystemTime::UNIX_EPOCH + since)
            .raw_header(automatic)
            .header(ContentType::TEXT_PLAIN)
            .body(format!("{}\r\n", message.text))
            .map_err(|error| refused(format!("the mail cannot be written ({error})")))?;
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![to]);
        let envelope = envelope.map_err(|error| refused(error.to_string()))?;
        Ok((envelope, mail.formatted()))
    }

    /// Says everything that is said to a server, and notes how far that has come.
    async fn deliver(
        &self,
        envelope: &Envelope,
        mail: &[u8],
        said: &mut Said,
    ) -> Result<(), Error> {
        let hello = ClientId::default();
        let tls = || TlsParameters::new(self.host.clone());
        let at_once = match self.encryption {
            Encryption::Tls => Some(tls()?),
            Encryption::Starttls | Encryption::None => None,
        };
        let server = (self.host.as_str(), self.port);
        let timeout = Some(self.timeout);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, timeout, &hello, at_once, None).await?;
        if self.encryption == Encryption::Starttls {
            connection.starttls(tls()?, &hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        let from = envelope.from().cloned();
        connection
            .command(commands::Mail::new(from, vec![]))
            .await?;
        *said = Said::Sender;
        for to in envelope.to() {
            let to = commands::Rcpt::new(to.clone(), vec![]);
            connection.command(to).await?;
        }
        connection.command(commands::Data).await?;
        *said = Said::Mail;
        connection.message(mail).await?;
        // The mail is taken; how the conversation ends does not matter.
        drop(connection.quit().await);
        Ok(())
    }
}

fn trouble(error: &Error, said: Said) -> Trouble {
    let source = std::error::Error::source(error);
    let why = source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
    // A server that does not take mails from this shop is for its operator to mend.
    if said == Said::Nothing || (said == Said::Sender && !error.is_permanent()) {
        return Trouble::later(why);
    }
    if error.is_permanent() {
        Trouble::Refused { why }
    } else if error.is_transient() {
        Trouble::later(why)
    } else {
        let why = format!("{UNCERTAIN} ({why})");
        Trouble::Refused { why }
    }
}
