//! The storefronts to serve: those that are embedded, and the user's own files.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::domain::storefront::{Storefront, read};

/// The definition files in `storefronts/`, as name and text.
const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/definitions.rs"));

/// More than this is not a definition.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Why the storefronts cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file has mistakes.
    #[error("{file} has mistakes:\n{mistakes}")]
    Mistakes {
        /// Which file.
        file: String,
        /// All of them, a line each.
        mistakes: String,
    },
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", .path.display())]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Two files define a storefront of the same name.
    #[error("two definitions are named `{0}`; rename one of them")]
    Twice(Arc<str>),
    /// There is no storefront of this name.
    #[error("there is no storefront `{wanted}`; there are: {known}")]
    Unknown {
        /// The name given.
        wanted: String,
        /// The names there are.
        known: String,
    },
}

/// The embedded storefronts, then those of the files (`*.toml`) in `directory`, by file name.
pub fn load(directory: Option<&Path>) -> Result<Vec<Arc<Storefront>>, Error> {
    let mut all = Vec::new();
    for (file, text) in EMBEDDED {
        add(&mut all, file, text)?;
    }
    for path in directory.map(files).transpose()?.unwrap_or_default() {
        let text = read_file(&path).map_err(|source| Error::Io {
            path: path.clone(),
            source,
        })?;
        add(&mut all, &path.display().to_string(), &text)?;
    }
    Ok(all)
}

/// The place of the storefront with this name.
pub fn place(storefronts: &[Arc<Storefront>], wanted: &str) -> Result<usize, Error> {
    storefronts
        .iter()
        .position(|own| *own.name == *wanted)
        .ok_or_else(|| {
            let known: Vec<&str> = storefronts.iter().map(|own| &*own.name).collect();
            Error::Unknown {
                wanted: wanted.to_owned(),
                known: known.join(", "),
            }
        })
}

fn add(all: &mut Vec<Arc<Storefront>>, file: &str, text: &str) -> Result<(), Error> {
    let storefront = read::storefront(text).map_err(|mistakes| {
        let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        Error::Mistakes {
            file: file.to_owned(),
            mistakes: mistakes.join("\n"),
        }
    })?;
    if all.iter().any(|known| known.name == storefront.name) {
        return Err(Error::Twice(storefront.name));
    }
    all.push(Arc::new(storefront));
    Ok(())
}

fn files(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let list = || -> io::Result<Vec<PathBuf>> {
        let paths = fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path()));
        let mut paths = paths.collect::<io::Result<Vec<_>>>()?;
        paths.retain(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        });
        paths.sort();
        Ok(paths)
    };
    list().map_err(|source| Error::Io {
        path: directory.to_owned(),
        source,
    })
}

fn read_file(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > FILE_BYTES_MAX {
        return Err(io::Error::other(format!(
            "it has more than {FILE_BYTES_MAX} bytes"
        )));
    }
    fs::read_to_string(path)
}
