//! The counts that were recorded, and what is said of new ones beside them.

use std::{collections::BTreeMap, env::consts, fmt, process::Command};

use serde::{Deserialize, Serialize};

/// Growth beyond this many of 1,000 has to be meant.
pub(crate) const GROWTH_PER_MILLE_MAX: u64 = 50;

/// What else decides how many instructions there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    rustc: String,
    lto: String,
    codegen_units: String,
    target: String,
}

/// Recorded counts: a file that stands in the repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Baseline {
    pub(crate) settings: Settings,
    /// Instructions of one time, by the path's name.
    pub(crate) paths: BTreeMap<String, u64>,
}

/// What a count is beside the recorded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As good as the same.
    Same,
    /// More than it may be.
    More,
    /// So much less that the file should say it, or later growth would not be noticed.
    Less,
    /// The file does not have it.
    New,
}

impl Settings {
    /// Those that this program was built with.
    pub(crate) fn own() -> Self {
        let compiler = Command::new("rustc").arg("--version").output();
        let says = compiler.map(|own| String::from_utf8_lossy(&own.stdout).into_owned());
        let release = says.unwrap_or_default();
        let release = release.split(' ').nth(1).unwrap_or("unknown");
        // As `[profile.bench]` in `Cargo.toml` has them.
        let lto =
            option_env!("CARGO_PROFILE_BENCH_LTO").or(option_env!("CARGO_PROFILE_RELEASE_LTO"));
        let units = option_env!("CARGO_PROFILE_BENCH_CODEGEN_UNITS")
            .or(option_env!("CARGO_PROFILE_RELEASE_CODEGEN_UNITS"));
        Self {
            rustc: release.into(),
            lto: lto.unwrap_or("fat").into(),
            codegen_units: units.unwrap_or("1").into(),
            target: format!("{}-{}", consts::ARCH, consts::OS),
        }
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rustc,
            lto,
            codegen_units,
            target,
        } = self;
        write!(
            f,
            "rustc {rustc}, lto {lto}, codegen units {codegen_units}, {target}"
        )
    }
}

impl Baseline {
    /// What this count of a path is.
    pub(crate) fn judge(&self, path: &str, count: u64) -> Verdict {
        let Some(recorded) = self.paths.get(path) else {
            return Verdict::New;
        };
        let differs = count.abs_diff(*recorded) * 1_000 > recorded * GROWTH_PER_MILLE_MAX;
        match (differs, count > *recorded) {
            (false, _) => Verdict::Same,
            (true, true) => Verdict::More,
            (true, false) => Verdict::Less,
        }
    }
}

/// How much more or less a count is than another, as in `+1.2 %`.
pub(crate) fn change(count: u64, recorded: u64) -> String {
    let per_mille = count.abs_diff(recorded) * 1_000 / recorded.max(1);
    let sign = match count.cmp(&recorded) {
        std::cmp::Ordering::Less => "-",
        std::cmp::Ordering::Equal => "",
        std::cmp::Ordering::Greater => "+",
    };
    format!("{sign}{}.{} %", per_mille / 10, per_mille % 10)
}
