//! A data directory: whose it is, which form it has, and that nobody else uses it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::{commit::Position, mark};

/// The form of directory that this program writes. A newer one is refused.
pub const FORMAT: u32 = 1;

/// The most that is read of the file `FORMAT`.
const FORMAT_BYTES_MAX: usize = 64;

/// The files and directories of a data directory that a backup takes along.
pub(super) const FORMAT_FILE: &str = "FORMAT";
pub(super) const JOURNAL: &str = "journal";
pub(super) const COMPONENTS: &str = "components.json";
pub(super) const STOREFRONTS: &str = "storefronts";

/// The directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has it.
    #[error("the data directory {} is in use by another process; stop it first", .0.display())]
    InUse(PathBuf),
    /// A newer program wrote it.
    #[error(
        "the data directory {} has format {found}, this program knows up to {FORMAT}; \
         start it with the newer program that wrote it", .path.display()
    )]
    Newer {
        /// Which directory.
        path: PathBuf,
        /// The format it has.
        found: u32,
    },
    /// It has files, but not ours.
    #[error(
        "{} is not empty and is not a data directory of this program; \
         name an empty or a new directory", .0.display()
    )]
    NotOurs(PathBuf),
    /// It is to be a directory that is restored into, and has something in it already.
    #[error("{} is not empty; restore into a directory that is new or empty", .0.display())]
    NotEmpty(PathBuf),
    /// There is no data directory.
    #[error("{} is not a data directory of this program; name one with --data", .0.display())]
    Missing(PathBuf),
    /// The file `FORMAT` says nothing that can be read.
    #[error("the file {} is damaged; restore the data directory from a backup", .0.display())]
    FormatDamaged(PathBuf),
    /// A file of it cannot be used.
    #[error("the data directory {} cannot be used: {source}", .path.display())]
    Io {
        /// Which directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The high-water mark cannot be made.
    #[error(transparent)]
    Mark(#[from] mark::Error),
}

/// A data directory that this process has to itself until the value is dropped.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    /// Held, never read. None where the directory is only looked at.
    _lock: Option<File>,
}

impl Directory {
    /// Opens the directory at `path`; one that is missing or empty is made a fresh one.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Io {
            path: path.to_owned(),
            source,
        };
        create(path).map_err(io)?;
        if !path.join(FORMAT_FILE).exists() && holds_foreign_files(path).map_err(io)? {
            return Err(Error::NotOurs(path.to_owned()));
        }
        let directory = Self::locked(path)?;
        if !is_known(path)? {
            directory.complete(0)?;
        }
        Ok(directory)
    }

    /// Opens the directory at `path` only if it is one already.
    pub fn existing(path: &Path) -> Result<Self, Error> {
        check(path)?;
        Self::locked(path)
    }

    /// A directory to restore into: a new one, or one that is empty. Until it is
    /// [completed](Self::complete) no start takes it for a data directory.
    pub fn vacant(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Io {
            path: path.to_owned(),
            source,
        };
        create(path).map_err(io)?;
        for entry in fs::read_dir(path).map_err(io)? {
            let name = entry.map_err(io)?.file_name();
            if name != "lock" && name != "lost+found" {
                return Err(Error::NotEmpty(path.to_owned()));
            }
        }
        Self::locked(path)
    }

    /// Makes it a data directory whose journal must reach `position`: writes the mark and, last of
    /// all, the file `FORMAT`, durably.
    pub fn complete(&self, position: Position) -> Result<(), Error> {
        let io = |source| Error::Io {
            path: self.path.clone(),
            source,
        };
        mark::MarkFile::create(&self.mark(), position)?;
        create(&self.journal()).map_err(io)?;
        let format = format!("jumun {FORMAT}\n");
        write_synced(&self.path.join(FORMAT_FILE), format.as_bytes()).map_err(io)
    }

    fn locked(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Io {
            path: path.to_owned(),
            source,
        };
        let lock = open_private(&path.join("lock")).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: Some(lock),
        })
    }

    /// The directory at `path`, which another process may be using: only to be read. `None` if
    /// there is none, or nothing was stored in it yet.
    pub fn look(path: &Path) -> Result<Option<Self>, Error> {
        Ok(is_known(path)?.then(|| Self {
            path: path.to_owned(),
            _lock: None,
        }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The journal's directory.
    pub fn journal(&self) -> PathBuf {
        journal(&self.path)
    }

    /// The pages' directory; may be missing, it can be rebuilt.
    pub fn sled(&self) -> PathBuf {
        self.path.join("sled")
    }

    /// The high-water mark's file.
    pub fn mark(&self) -> PathBuf {
        mark(&self.path)
    }

    /// The file that says which components are paused; missing while none is.
    pub fn components(&self) -> PathBuf {
        self.path.join(COMPONENTS)
    }

    /// Where the definitions are kept that it was served with; made with the first of them.
    pub fn storefronts(&self) -> PathBuf {
        self.path.join(STOREFRONTS)
    }
}

/// That the directory at `path` is one of this program and has a form that it knows. Takes no lock.
pub fn check(path: &Path) -> Result<(), Error> {
    if is_known(path)? {
        return Ok(());
    }
    Err(Error::Missing(path.to_owned()))
}

/// The journal's directory in the data directory at `path`. Takes no lock.
pub fn journal(path: &Path) -> PathBuf {
    path.join(JOURNAL)
}

/// The high-water mark's file in the data directory at `path`. Takes no lock.
pub fn mark(path: &Path) -> PathBuf {
    path.join("mark")
}

/// Whether the directory has a form that this program knows; false if it says nothing of a form.
///
/// `FORMAT` is written last, so a directory that has it has everything else too.
fn is_known(directory: &Path) -> Result<bool, Error> {
    let path = directory.join(FORMAT_FILE);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(source) => {
            return Err(Error::Io {
                path: directory.to_owned(),
                source,
            });
        }
    };
    match format_of(&text) {
        Some(1..=FORMAT) => Ok(true),
        Some(found) if found > FORMAT => Err(Error::Newer {
            path: directory.to_owned(),
            found,
        }),
        Some(_) | None => Err(Error::FormatDamaged(path)),
    }
}

/// The format that the text of a file `FORMAT` names.
pub(super) fn format_of(text: &[u8]) -> Option<u32> {
    let text = Some(text).filter(|text| text.len() <= FORMAT_BYTES_MAX)?;
    let text = str::from_utf8(text).ok()?;
    text.trim().strip_prefix("jumun ")?.parse().ok()
}

/// Creates a directory that only we may read, with those above it, and makes it durable.
pub(super) fn create(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    if !parent.exists() {
        create(parent)?;
    }
    DirBuilder::new().mode(0o700).create(path)?;
    sync_directory(path)?;
    sync_directory(parent)
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Replaces a small file as a whole, durably.
pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = open_private(&fresh)?;
    file.set_len(0)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    sync_directory(path.parent().expect("the file is in a directory"))
}

/// Removes a file, durably. One that is missing is fine.
pub(super) fn remove_synced(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => sync_directory(path.parent().expect("the file is in a directory")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// Whether something is here that a start which was cut short does not leave behind.
fn holds_foreign_files(path: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        let ours = ["lock", "mark", "FORMAT.new", "journal", "lost+found"];
        if !ours.iter().any(|known| name == *known) {
            return Ok(true);
        }
    }
    let journal = path.join("journal");
    Ok(journal.is_dir() && fs::read_dir(journal)?.next().is_some())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_directory_is_ours_alone_and_keeps_its_form() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/data");
        let directory = Directory::open(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "prices and names are nobody else's");
        assert!(directory.journal().is_dir());
        assert_eq!(
            mark::Mark::read(&directory.mark()).unwrap(),
            mark::Mark::default()
        );

        let error = Directory::open(&path).unwrap_err();
        assert!(
            error.to_string().contains("in use by another process"),
            "{error}"
        );
        drop(directory);
        Directory::open(&path).unwrap();
    }

    #[test]
    fn what_a_newer_program_or_someone_else_wrote_is_refused() {
        let check = |name: &str, text: &str| {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(name), text).unwrap();
            let error = Directory::open(dir.path()).unwrap_err();
            assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap(), text);
            error
        };
        let newer = check("FORMAT", "jumun 2\n");
        assert!(matches!(newer, Error::Newer { found: 2, .. }), "{newer}");
        assert!(matches!(check("FORMAT", "jumun"), Error::FormatDamaged(_)));
        assert!(matches!(
            check("FORMAT", "jumun 0"),
            Error::FormatDamaged(_)
        ));
        assert!(matches!(check("thesis.odt", "x"), Error::NotOurs(_)));
    }

    #[test]
    fn a_first_start_that_was_cut_short_is_taken_up_again() {
        let dir = tempfile::tempdir().unwrap();
        Directory::open(dir.path()).unwrap();
        fs::remove_file(dir.path().join("FORMAT")).unwrap();
        Directory::open(dir.path()).unwrap();

        fs::write(dir.path().join("journal/0001.log"), "x").unwrap();
        fs::remove_file(dir.path().join("FORMAT")).unwrap();
        let error = Directory::open(dir.path()).unwrap_err();
        assert!(
            matches!(error, Error::NotOurs(_)),
            "a journal is never taken for fresh"
        );
    }
}
