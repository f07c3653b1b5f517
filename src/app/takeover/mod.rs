//! Handing a data directory and its listening socket from a running process to the next one, so that
//! no connection is refused and no request lost.
//!
//! The process that serves listens at `control.sock` in its data directory; the next one comes there:
//!
//! | the next one says | the one that serves says | and then |
//! |---|---|---|
//! | `hello` | `hello`, or `refused` | the next one reads the directory, beside the other |
//! | `take` | `listener`, with the socket | stops accepting, finishes what is under way, closes |
//! | | `released` | the next one opens, and serves |
//! | `serving` | | the one before passes on what still comes to it, and ends |
//! | or `failed`, or it dies | | the one before opens again and goes on |
//!
//! New connections wait in the kernel meanwhile; requests on old ones wait at the
//! [gate](crate::http::Gate).

mod control;
mod conversation;
mod predecessor;

pub(super) use control::{Control, Successor};
pub use predecessor::{Predecessor, Refused};

/// The version of what is said. Two that differ do not take over from each other.
const PROTOCOL: u32 = 1;

/// The socket's name in the data directory.
const SOCKET: &str = "control.sock";
