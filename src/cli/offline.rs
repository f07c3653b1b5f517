//! Commands on a data directory that no process uses.

use std::{io::Write, path::Path, process::ExitCode};

use super::{Error, Offline};
use crate::{
    app::{
        self,
        definitions::{self, Definition},
        kept, open,
        verify::{self as checks, Report},
    },
    store::{
        directory::Directory,
        mark::MarkFile,
        pages::{self, Pages},
    },
    telemetry,
};

pub(super) fn verify(given: &Offline, out: &mut dyn Write) -> Result<ExitCode, Error> {
    telemetry::start(telemetry::Form::Text, None)?;
    let storefronts = definitions::load(given.storefronts.as_deref())?;
    let report =
        checks::verify(&given.data, &storefronts, &super::guard()).map_err(app::Error::Open)?;
    told(&report, &given.data, out)
}

/// Says what was checked, and what is wrong.
pub(super) fn told(report: &Report, of: &Path, out: &mut dyn Write) -> Result<ExitCode, Error> {
    writeln!(out, "{}:", of.display())?;
    writeln!(
        out,
        "  journal    {} files, {} events, every checksum read, every history without a gap",
        report.segments, report.events
    )?;
    writeln!(
        out,
        "  books      {} orders, {} payments captured, each at most once; captured = refunded + \
         commission + paid out + held; no listing oversold",
        report.orders, report.captured
    )?;
    if report.compared > 0 {
        writeln!(
            out,
            "  trees      {} snapshots and rows compared with a replay",
            report.compared
        )?;
    }
    for notice in &report.notices {
        writeln!(out, "  note       {notice}")?;
    }
    if report.problems.is_empty() {
        writeln!(out, "All of it holds.")?;
        return Ok(ExitCode::SUCCESS);
    }
    for problem in &report.problems {
        writeln!(out, "  WRONG      {problem}")?;
    }
    let count = report.problems.len();
    let more = if count == checks::PROBLEMS_MAX {
        " or more"
    } else {
        ""
    };
    writeln!(
        out,
        "{count}{more} problems. If only trees are wrong, rebuild-views mends them."
    )?;
    Ok(ExitCode::FAILURE)
}

pub(super) fn rebuild(given: &Offline, out: &mut dyn Write) -> Result<ExitCode, Error> {
    telemetry::start(telemetry::Form::Text, None)?;
    let storefronts = definitions::load(given.storefronts.as_deref())?;
    discard(&given.data, &storefronts).map_err(app::Error::Open)?;
    let limits = pages::Limits::default();
    let opened = open::open(
        &given.data,
        &storefronts,
        limits,
        &super::guard(),
        open::nothing(),
    )
    .map_err(app::Error::Open)?;
    let events = opened.journal.end();
    opened.pages.checkpoint(events)?;
    opened.pages.close()?;
    writeln!(
        out,
        "Made again from {events} events of {}.",
        given.data.display()
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Says that the trees are healthy, and nothing else: [`pages::Guard::Child`] trusts no other words.
pub(super) fn probe(data: &Path, out: &mut dyn Write) -> Result<ExitCode, Error> {
    pages::limit_memory(pages::probe_memory_bytes_max(data))?;
    writeln!(out, "{}", pages::probe(data)?)?;
    Ok(ExitCode::SUCCESS)
}

fn discard(data: &Path, definitions: &[Definition]) -> Result<(), open::Error> {
    let directory = Directory::open(data)?;
    // What cannot be made again under these definitions is left as it is.
    kept::check(&directory, definitions)?;
    let mark = MarkFile::open(&directory.mark())?;
    Ok(Pages::discard(directory.path(), &mark)?)
}
