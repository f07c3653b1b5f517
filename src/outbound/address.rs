//! Where something is sent: an address of HTTP that was looked at before anything is sent there.

use std::{fmt, str::FromStr};

use awc::http::Uri;
use serde::{Deserialize, Serialize};

/// The longest address, in bytes: what receivers and proxies commonly take.
pub const ADDRESS_BYTES_MAX: usize = 2_048;

/// An `http` or `https` address with a host, without a user's name or a fragment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(String);

/// Why a text is no address that something is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAddress {
    /// It is too long.
    #[error("an address has at most {ADDRESS_BYTES_MAX} bytes")]
    TooLong,
    /// It cannot be read.
    #[error("write it as https://example.org/path, in ASCII and without spaces")]
    Unreadable,
    /// Another scheme, or none.
    #[error("an address begins with http:// or https://")]
    Scheme,
    /// There is no host.
    #[error("an address names a host: https://example.org/path")]
    Host,
    /// A user or a password.
    #[error("no user or password stands in an address: a request is known by its signature")]
    User,
    /// A fragment.
    #[error("leave out the `#` and what follows: it is never sent")]
    Fragment,
}

impl Address {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        if text.len() > ADDRESS_BYTES_MAX {
            return Err(NoAddress::TooLong);
        }
        if text.contains('#') {
            return Err(NoAddress::Fragment);
        }
        let address: Uri = text.parse().map_err(|_| NoAddress::Unreadable)?;
        match address.scheme_str() {
            Some("http" | "https") => {}
            Some(_) | None => return Err(NoAddress::Scheme),
        }
        let authority = address.authority().ok_or(NoAddress::Host)?;
        if authority.as_str().contains('@') {
            return Err(NoAddress::User);
        }
        // What cannot be connected to: `http://:80`, `http://a:b`, `http://a:0`.
        let port = authority.as_str().strip_prefix(authority.host());
        let port = port.unwrap_or_default().strip_prefix(':');
        let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        if authority.host().is_empty() || !is_port {
            return Err(NoAddress::Host);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Address {
    type Error = NoAddress;

    fn try_from(text: String) -> Result<Self, NoAddress> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_can_be_sent_to() {
        let check = |text: &str, expected| {
            let found = text.parse::<Address>().map(String::from);
            assert_eq!(found, expected, "{text}");
        };
        for good in [
            "http://127.0.0.1:8080/hook",
            "https://example.org",
            "https://example.org/a?b=c",
            "http://[::1]:9/",
        ] {
            check(good, Ok(good.to_owned()));
        }
        check("example.org", Err(NoAddress::Scheme));
        check("ftp://example.org/", Err(NoAddress::Scheme));
        check("/hook", Err(NoAddress::Scheme));
        check("http://me:pw@example.org/", Err(NoAddress::User));
        check("http://example.org/a#b", Err(NoAddress::Fragment));
        check("http://a b/", Err(NoAddress::Unreadable));
        check("", Err(NoAddress::Unreadable));
        check("http://a:0/", Err(NoAddress::Host));
        let long = format!("http://a/{}", "b".repeat(ADDRESS_BYTES_MAX));
        check(&long, Err(NoAddress::TooLong));
    }
}
