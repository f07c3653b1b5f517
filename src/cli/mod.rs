//! The command line: what can be asked of the binary, and what it says.

mod backup;
mod greeting;
mod offline;
mod service;
mod start;
mod storefronts;
mod tail;
mod top;
mod upgrade;

use std::{io::Write, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    app::{self, Options, definitions, takeover::Refused},
    config::{self, Config},
    store::pages::{self, Guard},
    telemetry::{
        self, panics,
        spans::{self, Spans},
    },
};

/// A store's back office in one binary: orders, payments, deliveries and what follows from them,
/// kept safe in one directory.
///
/// Start it without arguments, and try the command that it prints.
#[derive(Debug, Parser)]
#[command(name = "jumun", version, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the storefronts over HTTP (what `jumun` alone does too).
    Serve(Serve),
    /// Check a data directory that no process uses, or a backup: every checksum, every order's
    /// books, and that what is stored is what a replay gives. Exits with 0 only if all of it holds.
    Verify(Verify),
    /// Back a data directory up into one file, also while it is served. The backup is read back and
    /// checked.
    Backup(backup::Backup),
    /// Make a data directory of a backup, and verify it.
    Restore(backup::Restore),
    /// Throw the trees of snapshots and views away and make them again from the journal.
    RebuildViews(Offline),
    /// Check whether this version, with these definitions, could serve a data directory: all that a
    /// start would refuse, before anything is stopped. Works beside a process that serves it, and
    /// changes nothing. Exits with 0 only if it could.
    CheckUpgrade(Offline),
    /// Show how a running server does, again and again: orders, times, shards, shops and the disk.
    Top(top::Top),
    /// Check definition files of storefronts, and list those there are.
    #[command(subcommand, after_help = storefronts::EXAMPLE)]
    Storefronts(storefronts::Command),
    /// Show what happens in the shops of a running server, as it happens: a line an event. Connects
    /// again when the server is restarted, and misses nothing. Ends with Ctrl-C.
    #[command(after_help = tail::EXAMPLES)]
    Tail(tail::Tail),
    /// Read the stored trees once, in a process that may die of it. Used by `serve` itself.
    #[command(hide = true)]
    ProbeStore {
        #[arg(long)]
        data: PathBuf,
    },
}

/// Settings of `serve`; what is not given comes from the file, then from the defaults.
#[derive(Debug, Default, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
struct Serve {
    /// Where to listen [default: 127.0.0.1:8080]
    #[arg(long, env = "JUMUN_LISTEN", value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The data directory; made if it is not there [default: ./jumun-data]
    #[arg(long, env = "JUMUN_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Serve this storefront at / too, so that its original's clients work unchanged
    #[arg(long, env = "JUMUN_ROOT", value_name = "NAME")]
    root: Option<String>,
    /// Serve the storefronts of these definition files (*.toml) too
    #[arg(long, env = "JUMUN_STOREFRONTS", value_name = "DIR")]
    storefronts: Option<PathBuf>,
    /// Settings from a file; `config.default.toml` has all of them, explained
    #[arg(long, env = "JUMUN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Take over from the process that serves this data directory, with its listening socket: no
    /// request is lost, and if this one cannot serve, the other goes on. Starts as usual if there
    /// is none
    #[arg(long)]
    takeover: bool,
    /// The network is trusted: listen beyond this machine without authentication
    #[arg(long, env = "JUMUN_ALLOW_UNAUTHENTICATED")]
    allow_unauthenticated: bool,
    /// Let PUT /ops/faults make panics, stalls and failures on purpose; loopback addresses only
    #[arg(long, env = "JUMUN_FAULT_INJECTION")]
    fault_injection: bool,
    /// What to log: a level, or levels of parts, such as `info,jumun::turns=debug` for a line of
    /// each turn [default: `RUST_LOG`, else info]
    #[arg(long, env = "JUMUN_LOG", value_name = "FILTER")]
    log: Option<String>,
    /// How to log: `text`, or `json` with one object a line [default: text]
    #[arg(long, env = "JUMUN_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// Send traces to an OpenTelemetry collector that takes OTLP over HTTP, such as
    /// `http://127.0.0.1:4318`; for programs built with the feature `otlp` [default: what
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` names, if anything]
    #[arg(long, env = "JUMUN_OTLP", value_name = "URL")]
    otlp: Option<String>,
    /// How many of a thousand traces that begin here are sent; those of callers are as these wish
    #[arg(
        long,
        env = "JUMUN_OTLP_PER_MILLE",
        value_name = "COUNT",
        default_value_t = spans::PER_MILLE,
        value_parser = clap::value_parser!(u16).range(0..=1_000)
    )]
    otlp_per_mille: u16,
    /// The same as --log-format json
    #[arg(long, env = "JUMUN_LOG_JSON", hide = true)]
    log_json: bool,
}

/// How to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

#[derive(Debug, Args)]
struct Offline {
    /// The data directory
    #[arg(
        long,
        env = "JUMUN_DATA",
        default_value = "./jumun-data",
        value_name = "DIR"
    )]
    data: PathBuf,
    /// Where the definition files of more storefronts are
    #[arg(long, env = "JUMUN_STOREFRONTS", value_name = "DIR")]
    storefronts: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Verify {
    #[command(flatten)]
    offline: Offline,
    /// Check this backup instead
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
}

/// Why the command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The settings' file.
    #[error("{} cannot be read: {source}", .path.display())]
    ConfigFile {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// What is to be logged.
    #[error(transparent)]
    Log(#[from] telemetry::BadFilter),
    /// Where traces go.
    #[error(transparent)]
    Spans(#[from] spans::Error),
    /// The program.
    #[error(transparent)]
    App(#[from] app::Error),
    /// The definitions.
    #[error(transparent)]
    Definitions(#[from] definitions::Error),
    /// A backup.
    #[error(transparent)]
    Backup(#[from] app::backup::Error),
    /// The address.
    #[error("cannot listen on {address}: {source}; name another with --listen")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The process that serves is not taken over.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Somebody asked to stop before it was there.
    #[error("it was asked to stop before it served; nothing was changed")]
    Interrupted,
    /// A server that was to be asked.
    #[error("{0}; name a running server with --server")]
    NoServer(String),
    /// The signals.
    #[error("signals cannot be waited for: {0}")]
    Signals(std::io::Error),
    /// The pages.
    #[error(transparent)]
    Pages(#[from] pages::Error),
    /// The feed of a server.
    #[error(transparent)]
    Tail(#[from] tail::Trouble),
    /// What was to be said could not be written.
    #[error("the output cannot be written: {0}")]
    Output(#[from] std::io::Error),
}

/// Carries out the command; what it has to say goes to `out`.
pub fn run(arguments: Arguments, out: &mut dyn Write) -> Result<ExitCode, Error> {
    match arguments.command {
        None => serve(&arguments.serve, out),
        Some(Command::Serve(given)) => serve(&given.or(arguments.serve), out),
        Some(Command::Verify(Verify {
            offline,
            backup: Some(file),
        })) => backup::check(&file, offline.storefronts.as_deref(), out),
        Some(Command::Verify(given)) => offline::verify(&given.offline, out),
        Some(Command::Backup(given)) => backup::back_up(&given, out),
        Some(Command::Restore(given)) => backup::restore(&given, out),
        Some(Command::RebuildViews(given)) => offline::rebuild(&given, out),
        Some(Command::CheckUpgrade(given)) => upgrade::check(&given, out),
        Some(Command::Top(given)) => top::run(&given, out),
        Some(Command::Storefronts(command)) => storefronts::run(&command, out),
        Some(Command::Tail(given)) => tail::run(&given, out),
        Some(Command::ProbeStore { data }) => offline::probe(&data, out),
    }
}

impl Serve {
    /// What is given after `serve`, else what is given before it.
    fn or(self, before: Self) -> Self {
        Self {
            listen: self.listen.or(before.listen),
            data: self.data.or(before.data),
            root: self.root.or(before.root),
            storefronts: self.storefronts.or(before.storefronts),
            config: self.config.or(before.config),
            takeover: self.takeover || before.takeover,
            allow_unauthenticated: self.allow_unauthenticated || before.allow_unauthenticated,
            fault_injection: self.fault_injection || before.fault_injection,
            log: self.log.or(before.log),
            otlp: self.otlp.or(before.otlp),
            otlp_per_mille: self.otlp_per_mille.min(before.otlp_per_mille),
            log_format: self.log_format.or(before.log_format),
            log_json: self.log_json || before.log_json,
        }
    }

    fn form(&self) -> telemetry::Form {
        match self.log_format {
            Some(LogFormat::Text) => telemetry::Form::Text,
            None if !self.log_json => telemetry::Form::Text,
            Some(LogFormat::Json) | None => telemetry::Form::Json,
        }
    }

    /// Where spans go.
    fn spans(&self) -> Result<Spans, spans::Error> {
        match self.otlp.as_deref() {
            Some(collector) => Spans::to(Some(collector), self.otlp_per_mille),
            None => Spans::of_environment(self.otlp_per_mille),
        }
    }

    /// The checked settings.
    fn config(&self) -> Result<Config, Error> {
        let file = self.config.as_ref().map(|path| {
            std::fs::read_to_string(path).map_err(|source| Error::ConfigFile {
                path: path.clone(),
                source,
            })
        });
        let mut config = Config::read(file.transpose()?.as_deref())?;
        config.listen = self.listen.unwrap_or(config.listen);
        config.data = self.data.clone().unwrap_or(config.data);
        config.root = self.root.clone().or(config.root);
        config.storefronts = self.storefronts.clone().or(config.storefronts);
        config.fault_injection |= self.fault_injection;
        config.allow_unauthenticated |= self.allow_unauthenticated;
        Ok(config.check()?)
    }
}

fn serve(given: &Serve, out: &mut dyn Write) -> Result<ExitCode, Error> {
    telemetry::start(given.form(), given.log.as_deref())?;
    panics::log();
    let config = given.config()?;
    let mut options = Options::new(&config)?;
    options.guard = guard();
    options.hands_over = true;
    options.spans = given.spans()?;
    let spans = options.spans.clone();
    let served = app::in_system(start::start(given.takeover, config, options, out));
    spans.close();
    served
}

/// A store that was not closed is looked at by a process of its own first.
fn guard() -> Guard {
    std::env::current_exe().map_or(Guard::InProcess, Guard::Child)
}
