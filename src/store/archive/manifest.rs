//! What a backup says of itself, and which names its parts may have.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::store::{
    commit::Position,
    directory::{COMPONENTS, FORMAT_FILE, JOURNAL, STOREFRONTS},
};

/// The manifest's own names.
pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const MANIFEST_SUM: &str = "manifest.crc32c";

/// What stands in a backup beside its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`](super::FORMAT) of the program that wrote it.
    pub format: u32,
    /// The version of the program that wrote it.
    pub program: String,
    /// When, as RFC 3339 writes it.
    pub made: String,
    /// The last event that it holds.
    pub position: Position,
    /// Everything before the manifest, in order.
    pub parts: Vec<Part>,
}

/// A file of the data directory in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its path in the data directory.
    pub name: String,
    /// How large it is.
    pub bytes: u64,
    /// The checksum of its bytes, in eight hexadecimal digits.
    pub crc32c: String,
}

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Format,
    Components,
    /// Of the storefront with this name.
    Storefront(String),
    /// That begins with this position.
    Segment(Position),
}

impl Name {
    /// The name that a part has; `None` for anything that no data directory holds, so that nothing
    /// is unpacked elsewhere.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text == FORMAT_FILE {
            return Some(Self::Format);
        }
        if text == COMPONENTS {
            return Some(Self::Components);
        }
        let (folder, file) = text.split_once('/')?;
        let name = if folder == STOREFRONTS {
            Self::Storefront(file.strip_suffix(".toml")?.to_owned())
        } else {
            Self::Segment(file.strip_suffix(".log")?.parse().ok()?)
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let is_safe = match &name {
            Self::Storefront(own) => !own.is_empty() && own.bytes().all(is_plain),
            Self::Format | Self::Components | Self::Segment(_) => name.to_string() == text,
        };
        is_safe.then_some(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format => f.write_str(FORMAT_FILE),
            Self::Components => f.write_str(COMPONENTS),
            Self::Storefront(name) => write!(f, "{STOREFRONTS}/{name}.toml"),
            Self::Segment(first) => write!(f, "{JOURNAL}/{first:020}.log"),
        }
    }
}

pub(super) fn hex(crc32c: u32) -> String {
    format!("{crc32c:08x}")
}
