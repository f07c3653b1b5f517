//! How much CPU time the servers have used: this process outside the load generator's threads, and
//! further processes.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// CPU time used so far by the living threads whose names do not begin with `except`, and by all
/// threads of `processes` and of their living children.
///
/// `None` where the system does not tell (only Linux does, by `/proc/*/task/*/schedstat`).
pub(crate) fn used(except: &str, processes: &[u32]) -> Option<Duration> {
    let mut nanoseconds = of_threads(Path::new("/proc/self"), |name| !name.starts_with(except))?;
    for process in processes {
        nanoseconds += of_family(*process);
    }
    (nanoseconds > 0).then(|| Duration::from_nanos(nanoseconds))
}

/// A process and those that it, and no child of it, has started.
fn of_family(process: u32) -> u64 {
    let home = PathBuf::from(format!("/proc/{process}"));
    let children = home.join(format!("task/{process}/children"));
    let children = fs::read_to_string(children).unwrap_or_default();
    let children = children
        .split_whitespace()
        .map(|child| PathBuf::from("/proc").join(child));
    let all = children.chain([home]);
    all.filter_map(|own| of_threads(&own, |_| true)).sum()
}

fn of_threads(process: &Path, counts: impl Fn(&str) -> bool) -> Option<u64> {
    let mut nanoseconds = 0;
    for task in fs::read_dir(process.join("task")).ok()? {
        nanoseconds += of_thread(&task.ok()?.path(), &counts).unwrap_or(0);
    }
    Some(nanoseconds)
}

fn of_thread(task: &Path, counts: impl Fn(&str) -> bool) -> Option<u64> {
    let name = fs::read_to_string(task.join("comm")).ok()?;
    if !counts(&name) {
        return None;
    }
    let times = fs::read_to_string(task.join("schedstat")).ok()?;
    times.split(' ').next()?.parse().ok()
}
