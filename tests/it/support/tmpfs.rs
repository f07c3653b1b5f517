//! A small disk: a tmpfs in a mount namespace of its own, which needs no privileges.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::fs::{FallocateFlags, fallocate, fstatvfs};
use tempfile::TempDir;

use super::process::{Process, jumun};

/// What a tmpfs hands out.
const PAGE_BYTES: u64 = 4096;

/// Lives until it is dropped. What is on it is gone then.
#[derive(Debug)]
pub(crate) struct Tmpfs {
    /// Keeps the namespace.
    holder: Child,
    dir: TempDir,
}

impl Tmpfs {
    /// A disk of so many MiB. `None` where the system allows no such namespace.
    pub(crate) fn new(mebibytes: u32) -> Option<Self> {
        let dir = TempDir::new().unwrap();
        let script =
            format!("mount -t tmpfs -o size={mebibytes}m none \"$0\" && echo held && read -r end");
        let mut holder = Command::new("unshare")
            .args(["-Urm", "sh", "-c", &script])
            .arg(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut said = String::new();
        let mut out = BufReader::new(holder.stdout.take().unwrap());
        out.read_line(&mut said).unwrap();
        let held = Self { holder, dir };
        (said == "held\n").then_some(held)
    }

    /// Where a file of it is for a process on it.
    pub(crate) fn on_it(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Where the same file is for us.
    pub(crate) fn seen_from_here(&self, name: &str) -> PathBuf {
        let path = self.on_it(name);
        let root = format!("/proc/{}/root", self.holder.id());
        Path::new(&root).join(path.strip_prefix("/").unwrap())
    }

    /// The binary with these arguments, on it.
    pub(crate) fn jumun(&self, arguments: &[&str]) -> Command {
        let plain = jumun(arguments);
        let mut command = Command::new("nsenter");
        let holder = self.holder.id().to_string();
        command.args(["-t", &holder, "-U", "-m", "--preserve-credentials"]);
        command.arg(plain.get_program()).args(plain.get_args());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// Serves its directory `data` with these settings.
    pub(crate) fn serve(&self, settings: &str) -> Process {
        Process::start(&mut self.serving(settings))
    }

    /// The command for that.
    pub(crate) fn serving(&self, settings: &str) -> Command {
        let config = "settings.toml";
        // Beside the disk, which may have no room for it.
        let beside = self.dir.path().with_extension(config);
        fs::write(&beside, settings).unwrap();
        let mut command = self.jumun(&["serve", "--listen", "127.0.0.1:0", "--root", "flowers"]);
        command.arg("--data").arg(self.on_it("data"));
        command.arg("--config").arg(beside);
        command
    }

    /// Fills it up, but for so many bytes.
    pub(crate) fn fill(&self, but: u64) {
        let ballast = self.seen_from_here("ballast");
        let file = fs::File::create(&ballast).unwrap();
        let (mut len, mut step) = (0, u64::MAX);
        // Others write meanwhile, so less may be free than was just seen.
        while step >= PAGE_BYTES {
            let found = fstatvfs(&file).unwrap();
            let free = (found.f_bavail * found.f_frsize).saturating_sub(but);
            step = step.min(free);
            if fallocate(&file, FallocateFlags::empty(), len, step).is_ok() {
                len += step;
            } else {
                step /= 2;
            }
        }
    }

    /// Makes the room again that [`fill`](Self::fill) took.
    pub(crate) fn free(&self) {
        fs::remove_file(self.seen_from_here("ballast")).unwrap();
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        drop(self.holder.kill());
        drop(self.holder.wait());
        drop(fs::remove_file(
            self.dir.path().with_extension("settings.toml"),
        ));
    }
}
