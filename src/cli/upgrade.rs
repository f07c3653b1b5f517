//! `jumun check-upgrade`: what a start of this version would say, before anything is stopped.

use std::{io::Write, process::ExitCode};

use super::{Error, Offline};
use crate::{
    app::{self, definitions, upgrade},
    telemetry,
};

pub(super) fn check(given: &Offline, out: &mut dyn Write) -> Result<ExitCode, Error> {
    telemetry::start(telemetry::Form::Text, None)?;
    let storefronts = definitions::load(given.storefronts.as_deref())?;
    let found = upgrade::check(&given.data, &storefronts).map_err(app::Error::Open)?;
    writeln!(out, "{}:", given.data.display())?;
    writeln!(
        out,
        "  journal    {} events, each of which this version knows",
        found.events
    )?;
    writeln!(
        out,
        "  shops      {} definitions, which fit what is stored",
        storefronts.len()
    )?;
    let trees = if found.rebuilds {
        "a start makes snapshots and views again from all events before it serves, since the \
         definitions or this version have another form of them; requests wait, or are answered 503"
    } else {
        "snapshots and views stay as they are"
    };
    writeln!(out, "  trees      {trees}")?;
    for notice in &found.notices {
        writeln!(out, "  note       {notice}")?;
    }
    writeln!(out, "Version {} can serve it.", env!("CARGO_PKG_VERSION"))?;
    Ok(ExitCode::SUCCESS)
}
