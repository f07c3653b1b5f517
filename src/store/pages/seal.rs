//! The seal of a database that was closed: which files it had, so that an untouched one need not
//! be checked again.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::store::directory;

/// Far more than the names of a healthy database's files need.
const SEAL_BYTES_MAX: u64 = 1 << 20;

/// Seals the database of a data directory. Its files are synced, and nobody has them open.
pub(super) fn write(dir: &Path) -> io::Result<()> {
    directory::write_synced(&path(dir), describe(dir)?.as_bytes())
}

/// Breaks the seal, durably, and says whether it was whole and the files are as they were.
pub(super) fn take(dir: &Path) -> io::Result<bool> {
    let path = path(dir);
    let sealed = match fs::metadata(&path) {
        Ok(metadata) if metadata.len() <= SEAL_BYTES_MAX => Some(fs::read(&path)?),
        Ok(_) => None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    directory::remove_synced(&path)?;
    Ok(sealed == Some(describe(dir)?.into_bytes()))
}

/// Whether there is one, whole or not.
pub(super) fn is_there(dir: &Path) -> bool {
    path(dir).exists()
}

/// All files below a directory, sorted.
pub(super) fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else {
            found.push(entry.path());
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Makes all files below a directory durable, and their names.
pub(super) fn sync_tree(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    directory::sync_directory(path)
}

fn path(dir: &Path) -> PathBuf {
    dir.join("seal")
}

fn describe(dir: &Path) -> io::Result<String> {
    let mut text = String::from("jumun seal 1\n");
    for file in files(&dir.join("sled"))? {
        let metadata = fs::metadata(&file)?;
        writeln!(
            text,
            "{} {}.{:09} {} {}",
            metadata.len(),
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.ino(),
            file.strip_prefix(dir).unwrap_or(&file).display()
        )
        .expect("a String takes everything");
    }
    let sum = crc32c::crc32c(text.as_bytes());
    writeln!(text, "{sum:08x}").expect("a String takes everything");
    Ok(text)
}
