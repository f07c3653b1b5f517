//! `jumun backup`, `jumun restore` and `jumun verify --backup`.

use std::{
    io::{IsTerminal, Stderr, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use super::{Error, offline};
use crate::{
    app::{
        backup::{self, Restored},
        definitions,
        verify::Report,
    },
    store::archive::Manifest,
    telemetry,
};

/// What is backed up, and where to.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The data directory; it may be served meanwhile
    #[arg(
        long,
        env = "JUMUN_DATA",
        default_value = "./jumun-data",
        value_name = "DIR"
    )]
    data: PathBuf,
    /// The file to make; it must not be there
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// What is restored, and where to.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The backup
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// The data directory to make; it must be new or empty
    #[arg(long, env = "JUMUN_DATA", value_name = "DIR")]
    data: PathBuf,
    /// Where the definition files of more storefronts are
    #[arg(long, env = "JUMUN_STOREFRONTS", value_name = "DIR")]
    storefronts: Option<PathBuf>,
}

pub(super) fn back_up(given: &Backup, out: &mut dyn Write) -> Result<ExitCode, Error> {
    telemetry::start(telemetry::Form::Text, None)?;
    let mut shown = Shown::new();
    let written = backup::back_up(&given.data, &given.to, &mut |done, of| shown.at(done, of))?;
    drop(shown);
    writeln!(
        out,
        "{}: {} events, {} bytes, crc32c {:08x}; read back and checked.",
        given.to.display(),
        written.position,
        written.bytes,
        written.crc32c
    )?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn restore(given: &Restore, out: &mut dyn Write) -> Result<ExitCode, Error> {
    telemetry::start(telemetry::Form::Text, None)?;
    let storefronts = definitions::load(given.storefronts.as_deref())?;
    let mut shown = Shown::new();
    let mut progress = |done, of| shown.at(done, of);
    let (from, data) = (&given.from, &given.data);
    let guard = super::guard();
    let Restored { manifest, report } =
        backup::restore(from, data, &storefronts, &guard, &mut progress)?;
    drop(shown);
    told(&manifest, from, out)?;
    let code = offline::told(&report, data, out)?;
    if report.problems.is_empty() {
        let data = data.display();
        writeln!(
            out,
            "Restored; `jumun serve --data {data}` goes on from there."
        )?;
    }
    Ok(code)
}

pub(super) fn check(
    file: &Path,
    more: Option<&Path>,
    out: &mut dyn Write,
) -> Result<ExitCode, Error> {
    telemetry::start(telemetry::Form::Text, None)?;
    let storefronts = definitions::load(more)?;
    let mut shown = Shown::new();
    let (manifest, report): (_, Report) =
        backup::check(file, &storefronts, &mut |done, of| shown.at(done, of))?;
    drop(shown);
    told(&manifest, file, out)?;
    offline::told(&report, file, out)
}

fn told(manifest: &Manifest, file: &Path, out: &mut dyn Write) -> Result<(), Error> {
    let Manifest {
        position,
        made,
        program,
        ..
    } = manifest;
    let file = file.display();
    writeln!(
        out,
        "{file}: {position} events, made {made} by version {program}."
    )?;
    Ok(())
}

/// How far long work has come, told on a terminal and nowhere else.
struct Shown {
    terminal: Option<Stderr>,
    percent: Option<u64>,
}

impl Shown {
    fn new() -> Self {
        let stderr = std::io::stderr();
        Self {
            terminal: stderr.is_terminal().then_some(stderr),
            percent: None,
        }
    }

    fn at(&mut self, done: u64, of: u64) {
        let percent = done.saturating_mul(100) / of.max(1);
        if let Some(terminal) = &mut self.terminal
            && self.percent.replace(percent) != Some(percent)
        {
            // Only a convenience: a terminal that is gone stops no backup.
            drop(write!(terminal, "\r{percent:3} %"));
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(terminal) = &mut self.terminal {
            drop(write!(terminal, "\r      \r"));
        }
    }
}
