//! Where a demonstration takes place: how long it lasts, what it says, and what has to hold.

use std::{
    fmt::Display,
    io::{self, Write},
    path::Path,
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::Instant;

use super::server::Setup;

/// Faults that are shown of each kind.
const SHOWN: usize = 5;

/// How long the demonstrations last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// As their descriptions say.
    Full,
    /// So many seconds of load each.
    Seconds(u64),
    /// A few seconds: shows that they work, and measures nothing.
    Test,
}

/// One demonstration's.
pub(crate) struct Stage<'a> {
    out: &'a mut dyn Write,
    length: Length,
    folder: TempDir,
    failed: Vec<String>,
}

impl<'a> Stage<'a> {
    /// An empty one.
    pub(crate) fn new(out: &'a mut dyn Write, length: Length) -> io::Result<Self> {
        Ok(Self {
            out,
            length,
            folder: tempfile::tempdir()?,
            failed: vec![],
        })
    }

    /// A folder that is removed in the end.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A server of its own in a new folder.
    pub(crate) fn setup(&self, name: &str) -> io::Result<Setup> {
        let folder = self.folder().join(name);
        std::fs::create_dir(&folder)?;
        Setup::new(&folder)
    }

    /// Whether it is only to show that it works.
    pub(crate) fn is_test(&self) -> bool {
        self.length == Length::Test
    }

    /// The flags that say the same.
    pub(crate) fn flags(&self) -> Vec<String> {
        match self.length {
            Length::Full => vec![],
            Length::Seconds(own) => vec!["--seconds".into(), own.to_string()],
            Length::Test => vec!["--test".into()],
        }
    }

    /// How long a load that takes `full_s` seconds in full lasts here.
    pub(crate) fn length(&self, full_s: u64) -> Duration {
        match self.length {
            Length::Full => Duration::from_secs(full_s),
            Length::Seconds(own) => Duration::from_secs(own),
            Length::Test => Duration::from_secs(2),
        }
    }

    /// One of them in full or as given, the other in a test.
    pub(crate) fn or_in_test<T>(&self, full: T, test: T) -> T {
        if self.is_test() { test } else { full }
    }

    /// Writes a line.
    pub(crate) fn say(&mut self, line: impl Display) -> io::Result<()> {
        writeln!(self.out, "{line}")?;
        self.out.flush()
    }

    /// Something that has to hold.
    pub(crate) fn must(&mut self, what: impl Display, holds: bool) -> io::Result<()> {
        if !holds {
            self.failed.push(what.to_string());
        }
        self.say(format_args!(
            "  {} {what}",
            if holds { "ok    " } else { "FAILED" }
        ))
    }

    /// Something that has to hold, and is spoken of only if it does not.
    pub(crate) fn must_quietly(&mut self, what: impl Display, holds: bool) -> io::Result<()> {
        if holds {
            return Ok(());
        }
        self.must(what, false)
    }

    /// Something that has to hold, and the faults that show that it does not.
    pub(crate) fn none(&mut self, what: impl Display, faults: &[String]) -> io::Result<()> {
        for fault in faults.iter().take(SHOWN) {
            self.say(format_args!("  {fault}"))?;
        }
        self.must(what, faults.is_empty())
    }

    /// Something that has to hold when it is measured; in a test it is only shown.
    pub(crate) fn measured(&mut self, what: impl Display, holds: bool) -> io::Result<()> {
        if self.is_test() {
            return self.say(format_args!("  shown  {what}"));
        }
        self.must(what, holds)
    }

    /// `jumun verify` must find nothing wrong.
    pub(crate) fn verify(&mut self, setup: &Setup) -> io::Result<()> {
        let output = setup.run("verify", &[])?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let holds = output.status.success();
        if !holds {
            self.say(format_args!("{said}{errors}"))?;
        }
        let journal = said.lines().find(|line| line.contains("journal"));
        let journal = journal.unwrap_or_default().trim().to_owned();
        self.must(format_args!("verify exits with 0: {journal}"), holds)
    }

    /// What did not hold.
    pub(crate) fn end(self) -> Vec<String> {
        self.failed
    }
}

/// Looks again and again until it is so; false if it is not within `longest`.
pub(crate) fn wait_for(
    longest: Duration,
    mut look: impl FnMut() -> io::Result<bool>,
) -> io::Result<bool> {
    let began = Instant::now();
    while !look()? {
        if began.elapsed() > longest {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(true)
}
