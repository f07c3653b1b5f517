//! What the figures were measured on: they mean nothing without it.

use std::{fs, process::Command, thread};

use jiff::Timestamp;

use super::contest::Contest;

/// Facts, each with its name.
pub(crate) type Machine = Vec<(&'static str, String)>;

/// The machine and the run.
pub(crate) fn about(contest: &Contest, began: Timestamp) -> Machine {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let (rounds, seconds) = (contest.rounds, contest.round.as_secs_f32());
    vec![
        ("date", began.strftime("%Y-%m-%d %H:%M UTC").to_string()),
        ("processor", processor()),
        ("cores", format!("{cores}, load generator included")),
        ("kernel", read("/proc/sys/kernel/osrelease")),
        ("compiler", compiler()),
        (
            "rounds",
            format!("{rounds} of {seconds} s each, which took turns; medians"),
        ),
    ]
}

fn processor() -> String {
    let all = read("/proc/cpuinfo");
    let mut lines = all.lines().filter_map(|line| line.split_once(':'));
    let model = lines.find(|(name, _)| name.trim() == "model name");
    model.map_or_else(unknown, |(_, model)| model.trim().to_owned())
}

/// The compiler that is called now, which has built this just before.
fn compiler() -> String {
    let version = Command::new("rustc").arg("--version").output().ok();
    let version = version.and_then(|own| String::from_utf8(own.stdout).ok());
    version.map_or_else(unknown, |version| version.trim().to_owned())
}

fn read(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| unknown(), |text| text.trim().to_owned())
}

fn unknown() -> String {
    "unknown".to_owned()
}
