//! The storefronts to serve: those that are embedded, and the user's own files.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::mistakes;
use crate::{
    domain::storefront::{
        Storefront,
        read::{self, Mistake},
    },
    store::kept::TEXT_BYTES_MAX,
};

/// The definition files in `storefronts/`, as name and text.
const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/definitions.rs"));

/// A storefront, with the text that it was read from: a data directory keeps the text, to compare
/// it with what a later start brings.
#[derive(Clone, Debug)]
pub struct Definition {
    storefront: Arc<Storefront>,
    text: Arc<str>,
}

impl Definition {
    /// The definition that this text is, or everything that is wrong with it.
    pub fn read(text: &str) -> Result<Self, Vec<Mistake>> {
        Ok(Self {
            storefront: Arc::new(read::storefront(text)?),
            text: text.into(),
        })
    }

    /// What it defines.
    pub const fn storefront(&self) -> &Arc<Storefront> {
        &self.storefront
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.storefront.name
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Why the storefronts cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Files have mistakes.
    #[error("the definitions have mistakes; correct them:\n\n{0}")]
    Mistakes(String),
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", .path.display())]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no storefront of this name.
    #[error("there is no storefront `{wanted}`; there are: {known}")]
    Unknown {
        /// The name given.
        wanted: String,
        /// The names there are.
        known: String,
    },
    /// A collection of the storefront at the root has the name of another storefront.
    #[error(
        "`{root}` cannot be at the root: its /{path} would be the storefront `{path}`; rename one \
         of them, or start without --root"
    )]
    Hidden {
        /// The storefront that is to be at the root.
        root: String,
        /// The path of its collection.
        path: String,
    },
}

/// The embedded storefronts, then those of the files (`*.toml`) in `directory`, by file name.
/// What is wrong with any of them is told all at once.
pub fn load(directory: Option<&Path>) -> Result<Vec<Definition>, Error> {
    let mut all = Definitions::embedded()?;
    let mut wrong = Vec::new();
    for path in directory.map(files).transpose()?.unwrap_or_default() {
        match all.add_file(&path) {
            Err(Error::Mistakes(mistakes)) => wrong.push(mistakes),
            other => drop(other?),
        }
    }
    if wrong.is_empty() {
        Ok(all.definitions)
    } else {
        Err(Error::Mistakes(wrong.join("\n\n")))
    }
}

/// Definitions that can be served beside each other.
#[derive(Debug, Default)]
pub struct Definitions {
    definitions: Vec<Definition>,
    /// Where each is from.
    files: Vec<String>,
}

impl Definitions {
    /// Those that are embedded.
    pub fn embedded() -> Result<Self, Error> {
        let mut all = Self::default();
        for (file, text) in EMBEDDED {
            all.add(file, "is embedded", text)?;
        }
        Ok(all)
    }

    /// Adds what the file at `path` defines.
    pub fn add_file(&mut self, path: &Path) -> Result<&Definition, Error> {
        let text = read_file(path).map_err(|source| Error::Io {
            path: path.to_owned(),
            source,
        })?;
        let file = path.display().to_string();
        self.add(&file, &format!("is defined in {file}"), &text)
    }

    /// All of them, in the order they were added.
    pub fn all(&self) -> &[Definition] {
        &self.definitions
    }

    fn add(&mut self, file: &str, from: &str, text: &str) -> Result<&Definition, Error> {
        let told = |wrong: &[Mistake]| Error::Mistakes(mistakes::told(file, text, wrong));
        let fresh = Definition::read(text).map_err(|wrong| told(&wrong))?;
        let known = self.definitions.iter().zip(&self.files);
        let taken = known
            .into_iter()
            .find(|(own, _)| own.name() == fresh.name());
        if let Some((own, other)) = taken {
            let name = own.name();
            let message = format!("a storefront `{name}` {other} already: choose another name");
            return Err(told(&[read::mistake_at_name(text, message)]));
        }
        self.files.push(from.to_owned());
        self.definitions.push(fresh);
        Ok(self.definitions.last().expect("it was just added"))
    }
}

/// The place of the storefront with this name.
pub fn place(definitions: &[Definition], wanted: &str) -> Result<usize, Error> {
    let mut all = definitions.iter();
    all.position(|own| own.name() == wanted).ok_or_else(|| {
        let known: Vec<&str> = definitions.iter().map(Definition::name).collect();
        Error::Unknown {
            wanted: wanted.to_owned(),
            known: known.join(", "),
        }
    })
}

/// The place of the storefront that is to be served at the root too. Its collections must not have
/// the names of storefronts: these are looked for first.
pub fn root(definitions: &[Definition], wanted: &str) -> Result<usize, Error> {
    let at = place(definitions, wanted)?;
    match hidden(definitions, &definitions[at]) {
        None => Ok(at),
        Some(path) => Err(Error::Hidden {
            root: wanted.to_owned(),
            path: path.to_owned(),
        }),
    }
}

/// A storefront's name that is also a path of one of this storefront's collections.
pub fn hidden<'a>(definitions: &'a [Definition], of: &Definition) -> Option<&'a str> {
    let own = of.storefront();
    let is_path = |name: &&str| own.resource_at(name).is_some() || own.view_at(name).is_some();
    definitions.iter().map(Definition::name).find(is_path)
}

fn files(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let list = || -> io::Result<Vec<PathBuf>> {
        let paths = fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path()));
        let mut paths = paths.collect::<io::Result<Vec<_>>>()?;
        paths.retain(|path| is_definition(path));
        paths.sort();
        Ok(paths)
    };
    list().map_err(|source| Error::Io {
        path: directory.to_owned(),
        source,
    })
}

/// Whether a directory of definitions is searched for files of this name.
pub fn is_definition(path: &Path) -> bool {
    path.extension().is_some_and(|own| own == "toml")
}

fn read_file(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > TEXT_BYTES_MAX {
        return Err(io::Error::other(format!(
            "it has more than {TEXT_BYTES_MAX} bytes"
        )));
    }
    fs::read_to_string(path)
}
