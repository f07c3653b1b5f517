//! `jumun storefronts`: what is wrong with definition files, and what those that are fine mean.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Subcommand;

use super::Error;
use crate::{
    app::definitions::{self, Definition, Definitions},
    domain::{
        Kind,
        storefront::{CommandRule, Step, Storefront, Verb},
    },
};

/// What help shows below everything else.
pub(super) const EXAMPLE: &str = "\
Example: make a shop of your own from one that is there.

  mkdir shops
  cp storefronts/FILE.toml shops/laundry.toml    # then change its name, words and steps
  jumun storefronts check shops/laundry.toml
  jumun serve --storefronts shops --root laundry";

/// What can be asked about definition files.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Find every mistake in definition files, or say what they mean
    ///
    /// Each mistake is told with its file, line and column, with the line itself and what was expected, and the exit
    /// code is 1. A file without mistakes is summed up: its collections, views, steps, and which
    /// request means what.
    #[command(after_help = EXAMPLE)]
    Check {
        /// The definition files; they are checked beside each other, as a start would load them
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// List the storefronts that are embedded, and those of a directory
    ///
    /// Example: jumun storefronts list --storefronts shops
    List {
        /// Where the definition files of more storefronts are
        #[arg(long, env = "JUMUN_STOREFRONTS", value_name = "DIR")]
        storefronts: Option<PathBuf>,
    },
}

/// Carries it out; what there is to say goes to `out`.
pub(super) fn run(command: &Command, out: &mut dyn Write) -> Result<ExitCode, Error> {
    match command {
        Command::Check { files } => check(files, out),
        Command::List { storefronts } => list(storefronts.as_deref(), out),
    }
}

fn check(files: &[PathBuf], out: &mut dyn Write) -> Result<ExitCode, Error> {
    let mut all = Definitions::embedded()?;
    let mut wrong = 0;
    for (at, path) in files.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        let added = match all.add_file(path) {
            Ok(added) => added.clone(),
            Err(error) => {
                wrong += 1;
                if let definitions::Error::Mistakes(mistakes) = error {
                    writeln!(out, "{mistakes}")?;
                } else {
                    writeln!(out, "{error}")?;
                }
                continue;
            }
        };
        sum_up(path, added.storefront(), out)?;
        for note in notes(path, &added, all.all()) {
            writeln!(out, "  note         {note}")?;
        }
    }
    if wrong == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    let count = files.len();
    writeln!(out, "\n{wrong} of {count} files cannot be served.")?;
    Ok(ExitCode::FAILURE)
}

fn list(directory: Option<&Path>, out: &mut dyn Write) -> Result<ExitCode, Error> {
    let embedded = Definitions::embedded()?.all().len();
    for (at, definition) in definitions::load(directory)?.iter().enumerate() {
        let Storefront { name, title, .. } = &**definition.storefront();
        let from = if at < embedded { "" } else { "  (yours)" };
        writeln!(out, "{name:<14} {} / {}{from}", title.en, title.ko)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the definition means, on one screen.
fn sum_up(path: &Path, shop: &Storefront, out: &mut dyn Write) -> io::Result<()> {
    let Storefront { name, title, .. } = shop;
    writeln!(out, "{} is fine.", path.display())?;
    let currency = shop.currency.code();
    let titles = format!("{} / {}, in {currency}", title.en, title.ko);
    row(out, name, [titles])?;
    let collections = shop.resources.iter().map(|own| {
        let fields: Vec<&str> = own.fields.iter().map(|field| &*field.name).collect();
        format!("/{name}/{}: {}", own.path, fields.join(", "))
    });
    row(out, "collections", collections)?;
    let views = shop.views.iter();
    row(
        out,
        "views",
        views.map(|own| format!("/{name}/{}", own.path)),
    )?;
    let steps = shop.flow.steps.iter().zip(1..);
    row(out, "flow", steps.map(|(own, at)| step(at, own)))?;
    let asked: Vec<String> = shop
        .commands
        .iter()
        .map(|rule| request(shop, rule))
        .collect();
    let width = asked
        .iter()
        .map(|own| own.chars().count())
        .max()
        .unwrap_or_default();
    let requests = asked.iter().zip(&shop.commands);
    let requests = requests.map(|(own, rule)| format!("{own:<width$}  {}", meaning(shop, rule)));
    row(out, "requests", requests)?;
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let directory = parent.unwrap_or_else(|| Path::new("."));
    let mut directory = directory.display().to_string();
    if directory.contains(char::is_whitespace) {
        directory = format!("'{directory}'");
    }
    let serve = format!("jumun serve --storefronts {directory} --root {name}");
    row(out, "try it", [serve])
}

/// A heading with its lines beside it; nothing if there are none.
fn row(
    out: &mut dyn Write,
    heading: &str,
    lines: impl IntoIterator<Item = String>,
) -> io::Result<()> {
    for (at, line) in lines.into_iter().enumerate() {
        let heading = if at == 0 { heading } else { "" };
        writeln!(out, "  {heading:<12} {line}")?;
    }
    Ok(())
}

fn step(at: usize, step: &Step) -> String {
    let does = format!("{at}. {} ({})", step.action.name(), step.mode.name());
    let then = step
        .then
        .map(|then| format!(", then the order is {}", then.name()));
    let within = step.within_ms.map(|within_ms| {
        let within_s = within_ms / 1_000;
        format!(", within {within_s} s or the order is called off")
    });
    does + &then.unwrap_or_default() + &within.unwrap_or_default()
}

fn request(shop: &Storefront, rule: &CommandRule) -> String {
    let path = shop.resource(rule.kind).map_or("", |own| &own.path);
    let item = if rule.verb == Verb::Post { "" } else { "/{id}" };
    let whens = rule.when.iter();
    let whens: Vec<String> = whens.map(ToString::to_string).collect();
    let with = if whens.is_empty() { "" } else { " with " };
    let (method, name) = (rule.verb.name(), &shop.name);
    format!("{method} /{name}/{path}{item}{with}{}", whens.join(" and "))
}

fn meaning(shop: &Storefront, rule: &CommandRule) -> String {
    let delivery = shop.resource(Kind::Delivery);
    let word = |step| delivery?.words.of_step(step);
    let to = rule.step.and_then(word).map(|word| format!(" to {word}"));
    let until = rule.until.and_then(word);
    let until = until.map(|word| format!(", until {word}"));
    let (to, until) = (to.unwrap_or_default(), until.unwrap_or_default());
    format!("{}{to}{until}", rule.action.name())
}

/// What is not wrong with the file, and keeps it from being served all the same.
fn notes(path: &Path, own: &Definition, all: &[Definition]) -> Vec<String> {
    let mut notes = Vec::new();
    if !definitions::is_definition(path) {
        notes.push("a start looks for *.toml: rename the file".to_owned());
    }
    if let Some(hidden) = definitions::hidden(all, own) {
        notes.push(format!(
            "it cannot be at the root: there, /{hidden} is the storefront `{hidden}`"
        ));
    }
    let others = all.iter().filter(|other| other.name() != own.name());
    for other in others {
        if definitions::hidden(std::slice::from_ref(own), other).is_some() {
            let (name, other) = (own.name(), other.name());
            notes.push(format!(
                "beside it, `{other}` cannot be at the root: there, /{name} is its own collection"
            ));
        }
    }
    notes
}
