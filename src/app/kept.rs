//! Whether the definitions of this start fit what is stored: they are compared with those that the
//! data directory was served with before.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use super::{definitions::Definition, mistakes, open};
use crate::{
    domain::storefront::{compare, read},
    store::{
        codec,
        directory::Directory,
        journal,
        kept::{self, path_of},
    },
};

/// Why the definitions cannot be served on this directory.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// One changed in a way that does not fit what is stored.
    #[error(
        "the definition of `{storefront}` does not fit the orders that are stored:\n{}\nWith \
         another `name` or another --data it is a new shop and may be anything. What was served \
         last is kept in {}.", list(.changes), .kept.display()
    )]
    Incompatible {
        /// Which storefront.
        storefront: String,
        /// What changed, why that cannot be, and what to do: a sentence each.
        changes: Vec<String>,
        /// Where the text of the definition is that was served last.
        kept: PathBuf,
    },
    /// The kept text is not a definition for this version of the program.
    #[error(
        "the definition {} was served last and cannot be compared, since this version does not \
         read it; start with the version that wrote it, or correct it without changing its \
         meaning:\n\n{mistakes}", .kept.display()
    )]
    Unreadable {
        /// Which file.
        kept: PathBuf,
        /// What is wrong with it.
        mistakes: String,
    },
    /// A kept file.
    #[error(transparent)]
    Store(#[from] kept::Error),
}

fn list(changes: &[String]) -> String {
    let lines: Vec<String> = changes.iter().map(|own| format!("  - {own}.")).collect();
    lines.join("\n")
}

/// Compares the definitions with the kept ones, and changes nothing. Gives back what a person
/// should know.
///
/// As long as no event of a storefront is in the journal, its definition may change in any way.
pub fn check(
    directory: &Directory,
    definitions: &[Definition],
) -> Result<Vec<String>, open::Error> {
    check_with(directory, definitions, || written(directory))
}

/// The same where it may be known already of which storefronts the journal has events.
pub(super) fn check_with(
    directory: &Directory,
    definitions: &[Definition],
    written: impl FnOnce() -> Result<BTreeSet<Arc<str>>, open::Error>,
) -> Result<Vec<String>, open::Error> {
    let mut refused = Vec::new();
    for definition in definitions {
        let refusal = refusal(directory, definition)?;
        refused.extend(refusal.map(|why| (definition.name(), why)));
    }
    if refused.is_empty() {
        return Ok(Vec::new());
    }
    let written = written()?;
    let mut notices = Vec::new();
    for (name, why) in refused {
        if written.contains(name) {
            return Err(why.into());
        }
        notices.push(format!(
            "the definition of `{name}` is another one than before; nothing was stored under that"
        ));
    }
    Ok(notices)
}

/// Keeps the definitions that were accepted, durably.
pub fn keep(directory: &Directory, definitions: &[Definition]) -> Result<(), Error> {
    for definition in definitions {
        let name = definition.name();
        if kept::text(directory, name)?.as_deref() != Some(definition.text()) {
            kept::keep(directory, name, definition.text())?;
        }
    }
    Ok(())
}

/// Why the definition does not fit what may be stored under the kept one.
fn refusal(directory: &Directory, definition: &Definition) -> Result<Option<Error>, Error> {
    let name = definition.name();
    let Some(text) = kept::text(directory, name)?.filter(|text| text != definition.text()) else {
        return Ok(None);
    };
    let kept = path_of(directory, name);
    let stored = match read::storefront(&text) {
        Ok(stored) => stored,
        Err(wrong) => {
            let mistakes = mistakes::told(&kept.display().to_string(), &text, &wrong);
            return Ok(Some(Error::Unreadable { kept, mistakes }));
        }
    };
    let changes = compare::incompatible(&stored, definition.storefront());
    let storefront = name.to_owned();
    Ok((!changes.is_empty()).then_some(Error::Incompatible {
        storefront,
        changes,
        kept,
    }))
}

/// The storefronts of which the journal has events. Reads all of it: only for when it matters.
fn written(directory: &Directory) -> Result<BTreeSet<Arc<str>>, open::Error> {
    let mut names = BTreeSet::new();
    let mut failed = None;
    journal::scan(
        &journal::Files::new(directory.journal()),
        |position, body, _count| match codec::decode(body) {
            Ok(batch) => drop(names.insert(batch.storefront)),
            Err(source) => drop(failed.get_or_insert(open::Error::Record { position, source })),
        },
    )?;
    failed.map_or(Ok(names), Err)
}
