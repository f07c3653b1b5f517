//! The definitions that a data directory was served with: a file for each storefront, with the text
//! as it was. Only what was accepted is kept, and a file is replaced as a whole.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use super::directory::{self, Directory};

/// The longest text that is kept or read, in bytes.
pub const TEXT_BYTES_MAX: u64 = 1024 * 1024;

/// A kept definition cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the kept definition {} cannot be {doing}: {source}", .path.display())]
pub struct Error {
    /// Which file.
    pub path: PathBuf,
    /// `read` or `written`.
    pub doing: &'static str,
    /// What the system says.
    pub source: io::Error,
}

/// Where the storefront's definition is kept. Its name is a path segment, and safe as one.
pub fn path_of(directory: &Directory, storefront: &str) -> PathBuf {
    directory.storefronts().join(format!("{storefront}.toml"))
}

/// The text that is kept for the storefront, if there is one.
pub fn text(directory: &Directory, storefront: &str) -> Result<Option<String>, Error> {
    let path = path_of(directory, storefront);
    let read = || -> io::Result<String> {
        let mut text = String::new();
        let limit = TEXT_BYTES_MAX + 1;
        File::open(&path)?.take(limit).read_to_string(&mut text)?;
        if text.len() as u64 > TEXT_BYTES_MAX {
            let what = format!("it has more than {TEXT_BYTES_MAX} bytes");
            return Err(io::Error::other(what));
        }
        Ok(text)
    };
    match read() {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error {
            path,
            doing: "read",
            source,
        }),
    }
}

/// Keeps this text for the storefront, durably, in the place of the one before.
pub fn keep(directory: &Directory, storefront: &str, text: &str) -> Result<(), Error> {
    let path = path_of(directory, storefront);
    let written = directory::create(&directory.storefronts())
        .and_then(|()| directory::write_synced(&path, text.as_bytes()));
    written.map_err(|source| Error {
        path,
        doing: "written",
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_text_is_kept_as_it_was_and_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let data = Directory::open(dir.path()).unwrap();
        assert_eq!(text(&data, "shop").unwrap(), None);
        for kept in ["name = \"shop\" # 꽃\r\n", "short"] {
            keep(&data, "shop", kept).unwrap();
            assert_eq!(text(&data, "shop").unwrap().as_deref(), Some(kept));
        }
        let files = fs::read_dir(data.storefronts()).unwrap();
        assert_eq!(files.count(), 1, "nothing is left beside it");
        drop(data);
        Directory::open(dir.path()).unwrap();
    }

    #[test]
    fn what_is_no_text_of_ours_is_an_error_that_names_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let data = Directory::open(dir.path()).unwrap();
        let long = vec![b'#'; usize::try_from(TEXT_BYTES_MAX).unwrap() + 1];
        fs::create_dir(data.storefronts()).unwrap();
        for bytes in [&b"\xff"[..], &long] {
            fs::write(path_of(&data, "shop"), bytes).unwrap();
            let error = text(&data, "shop").unwrap_err().to_string();
            assert!(error.contains("storefronts/shop.toml"), "{error}");
        }
    }
}
