//! The `jumun` binary: arguments in, exit code out. Everything it does is the library's.

use std::{io::Write, process::ExitCode};

use clap::Parser;
use jumun::cli::{self, Arguments};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match cli::run(arguments, &mut std::io::stdout()) {
        Ok(code) => code,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "jumun: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
