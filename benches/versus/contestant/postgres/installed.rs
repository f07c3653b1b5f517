//! Where PostgreSQL is installed, and as whom it may run.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Where packages put it, beside the search path: Debian's, its own, Red Hat's, Homebrew's. A star is any
/// text.
const PLACES: [&str; 5] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/local/pgsql*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
];

/// A user of the system.
#[derive(Clone, Copy, Debug)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// The folder with its programs; the last by name where there are several.
pub(super) fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let searched = env::split_paths(&path).find(|folder| has_programs(folder));
    searched.or_else(|| PLACES.iter().find_map(|place| last_of(place)))
}

/// Whom it runs as in place of root.
pub(super) fn user() -> Option<User> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let of = |name: &str| {
        users.lines().find_map(|line| {
            let mut parts = line.strip_prefix(name)?.strip_prefix(':')?.split(':');
            let uid = parts.nth(1)?.parse().ok()?;
            let gid = parts.next()?.parse().ok()?;
            Some(User { uid, gid })
        })
    };
    of("postgres").or_else(|| of("nobody"))
}

fn has_programs(folder: &Path) -> bool {
    ["initdb", "postgres"]
        .iter()
        .all(|program| folder.join(program).is_file())
}

fn last_of(place: &str) -> Option<PathBuf> {
    let (before, after) = place.split_once('*')?;
    let (parent, begin) = before.rsplit_once('/')?;
    let entries = fs::read_dir(parent).ok()?.filter_map(Result::ok);
    let named = entries.filter(|entry| {
        let name = entry.file_name();
        name.to_str().is_some_and(|name| name.starts_with(begin))
    });
    let folders = named.map(|entry| entry.path().join(after.trim_start_matches('/')));
    folders.filter(|folder| has_programs(folder)).max()
}
