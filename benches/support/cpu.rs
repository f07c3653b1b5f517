//! How much CPU time the process has used outside the load generator's threads.

use std::{fs, path::Path, time::Duration};

/// CPU time used so far by the living threads whose names do not begin with `except`.
///
/// `None` where the system does not tell (only Linux does, by `/proc/self/task/*/schedstat`).
pub(crate) fn used(except: &str) -> Option<Duration> {
    let mut nanoseconds = 0;
    for task in fs::read_dir("/proc/self/task").ok()? {
        nanoseconds += of_thread(&task.ok()?.path(), except).unwrap_or(0);
    }
    (nanoseconds > 0).then(|| Duration::from_nanos(nanoseconds))
}

fn of_thread(task: &Path, except: &str) -> Option<u64> {
    let name = fs::read_to_string(task.join("comm")).ok()?;
    if name.starts_with(except) {
        return None;
    }
    let times = fs::read_to_string(task.join("schedstat")).ok()?;
    times.split(' ').next()?.parse().ok()
}
