//! Lets this program run one path under callgrind, and reads how many instructions were counted.

use std::{
    env, fs, io,
    path::{Path as File, PathBuf},
    process::Command,
};

use super::{counted, paths::Path};

/// glibc picks its copying functions by the machine's processor; these features are left out, so that all
/// machines pick the same.
const TUNABLES: &str = "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX2,-AVX,-ERMS,-FSRM,-AVX2_Usable,-AVX_Fast_Unaligned_Load";

/// Whether callgrind can be run.
pub(crate) fn is_there() -> bool {
    let valgrind = Command::new("valgrind").arg("--version").output();
    valgrind.is_ok_and(|own| own.status.success())
}

/// Instructions that one time of a path takes, whatever its preparations took.
pub(crate) fn count(path: &Path) -> io::Result<u64> {
    let out = output(path);
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "-q"])
        .arg(format!("--toggle-collect={}", counted::FUNCTION))
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env::current_exe()?)
        .args(["--path", path.name])
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .env("GLIBC_TUNABLES", TUNABLES)
        .output()?;
    if !run.status.success() {
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        return Err(io::Error::other(format!("{}: {said}", path.name)));
    }
    let total = total(&out)?;
    Ok(total / path.times)
}

/// Where what callgrind found out about a path is kept, for `callgrind_annotate`.
pub(crate) fn output(path: &Path) -> PathBuf {
    let word = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter
        } else {
            '-'
        }
    };
    let name: String = path.name.chars().map(word).collect();
    File::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.callgrind"))
}

fn total(out: &File) -> io::Result<u64> {
    let text = fs::read_to_string(out)?;
    let mut lines = text.lines();
    let total = lines.find_map(|line| line.strip_prefix("totals: "));
    match total.and_then(|own| own.trim().parse().ok()) {
        Some(total) if total > 0 => Ok(total),
        Some(_) | None => Err(io::Error::other(format!(
            "callgrind collected nothing: {} names no function of this program",
            counted::FUNCTION
        ))),
    }
}
