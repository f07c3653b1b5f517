//! A server is asked for its figures.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use awc::{Client, http::header::ACCEPT};

use super::{Error, look::Look};

/// How long a server may take. One whose shard does not answer takes a second for it.
const WAIT: Duration = Duration::from_secs(5);

/// The most that is read of an answer: many times what a server with many shops says.
const BYTES_MAX: usize = 16 * 1_024 * 1_024;

/// A server that is asked again and again.
pub(super) struct Server {
    address: String,
    client: Client,
}

impl Server {
    /// The server at this address, which may be without its scheme.
    pub(super) fn at(address: &str) -> Result<Self, Error> {
        let address = address.trim_end_matches('/');
        let address = if address.contains("://") {
            address.to_owned()
        } else {
            format!("http://{address}")
        };
        // Where the machine has no root certificates, awc panics.
        let client = catch_unwind(AssertUnwindSafe(|| {
            Client::builder().timeout(WAIT).finish()
        }));
        let client = client.map_err(|_panic| {
            let trouble =
                "this machine's root certificates cannot be read: install ca-certificates";
            Error::NoServer(trouble.to_owned())
        })?;
        Ok(Self { address, client })
    }

    /// Where it is.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Its figures, or a sentence why there are none.
    pub(super) async fn look(&self) -> Result<Look, String> {
        let address = format!("{}/metrics", self.address);
        let asked = self.client.get(&address);
        let sent = asked.insert_header((ACCEPT, "text/plain")).send();
        let mut answer = sent
            .await
            .map_err(|error| format!("{address} does not answer: {error}"))?;
        if !answer.status().is_success() {
            return Err(format!("{address} answers {}", answer.status()));
        }
        let body = answer.body().limit(BYTES_MAX).await;
        let body = body.map_err(|error| format!("{address} answers half: {error}"))?;
        Look::read(&String::from_utf8_lossy(&body))
            .ok_or_else(|| format!("{address} has no figures of jumun; is it another program's?"))
    }
}
