//! The process's own figures, under the names that all clients of Prometheus use. Only Linux tells
//! them.

use std::{fs, time::Duration};

use crate::{domain::Timestamp, metrics::Sheet};

/// What the kernel counts CPU time in, in every Linux that this runs on: 1/100 s.
const TICK_MS: u64 = 10;

/// Where the CPU times stand in `/proc/self/stat`, counted behind the name: user and system.
const TIMES_AT: [usize; 2] = [11, 12];

/// Writes down what runs, since when, and what it uses.
pub(super) fn write_figures(started: Timestamp, sheet: &mut Sheet) {
    let family = sheet.info("jumun_build", "The version that runs.");
    family.of(&[("version", env!("CARGO_PKG_VERSION"))], 1_u64);
    let family = sheet.gauge(
        "process_start_time_seconds",
        "When the store was opened, in seconds since 1970.",
    );
    family.is(Duration::from_millis(
        u64::try_from(started.0).unwrap_or_default(),
    ));
    if let Ok(status) = fs::read_to_string("/proc/self/status") {
        write_status(&status, sheet);
    }
    if let Some(used) = fs::read_to_string("/proc/self/stat")
        .ok()
        .and_then(|stat| cpu_time(&stat))
    {
        let family = sheet.counter(
            "process_cpu_seconds",
            "CPU time used, of the system's calls too.",
        );
        family.is(used);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        let family = sheet.gauge(
            "process_open_fds",
            "Open file descriptors: connections and files.",
        );
        family.is(open.count());
    }
    if let Some(most) = fs::read_to_string("/proc/self/limits")
        .ok()
        .and_then(|limits| descriptors_max(&limits))
    {
        let family = sheet.gauge("process_max_fds", "How many file descriptors may be open.");
        family.is(most);
    }
}

fn write_status(status: &str, sheet: &mut Sheet) {
    let figure = |name: &str| {
        let mut lines = status.lines();
        let rest = lines.find_map(|line| line.strip_prefix(name))?;
        rest.split_whitespace().next()?.parse::<u64>().ok()
    };
    if let Some(kib) = figure("VmRSS:") {
        let family = sheet.gauge("process_resident_memory_bytes", "Memory in use.");
        family.is(kib * 1_024);
    }
    if let Some(kib) = figure("VmSize:") {
        let family = sheet.gauge("process_virtual_memory_bytes", "Addresses in use.");
        family.is(kib * 1_024);
    }
    if let Some(threads) = figure("Threads:") {
        let family = sheet.gauge(
            "process_threads",
            "Threads: shards, HTTP workers and the store's.",
        );
        family.is(threads);
    }
}

/// The name may have spaces and parentheses; behind the last of these every field is a word.
fn cpu_time(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let [user, system] = TIMES_AT.map(ticks);
    Some(Duration::from_millis((user? + system?) * TICK_MS))
}

fn descriptors_max(limits: &str) -> Option<u64> {
    let mut lines = limits.lines();
    let rest = lines.find_map(|line| line.strip_prefix("Max open files"))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_any_name() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 9 0 1";
        assert_eq!(cpu_time(stat), Some(Duration::from_secs(2)));
        let limits = "Limit  Soft  Hard  Units\nMax open files            1024   4096    files\n";
        assert_eq!(descriptors_max(limits), Some(1_024));
    }
}
