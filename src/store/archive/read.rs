//! Reading a backup: checking all of it, looking into its journal, restoring it.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Read, Write},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::{
    Error, FORMAT, Manifest, Part, Progress, failed,
    manifest::{MANIFEST, MANIFEST_SUM, Name, hex},
};
use crate::store::{
    commit::Position,
    directory::{self, Directory, format_of, sync_directory},
    journal::{Source, extent},
};

/// The largest manifest that is read, in bytes: some 100,000 segments of 64 MiB.
const MANIFEST_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// How much is read or copied at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// A backup of which everything was checked. Its journal can be read in place.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    file: File,
    manifest: Manifest,
    places: BTreeMap<Name, Place>,
}

/// Where a part's bytes are in the file.
#[derive(Clone, Copy, Debug)]
struct Place {
    offset: u64,
    bytes: u64,
}

impl Archive {
    /// Opens the backup at `path` and reads all of it: every checksum, and a journal without a gap
    /// that ends where the manifest says.
    pub fn open(path: &Path, progress: Progress<'_>) -> Result<Self, Error> {
        let file = File::open(path).map_err(failed("open", path))?;
        let total = file.metadata().map_err(failed("read", path))?.len();
        let mut found = Found {
            path,
            places: BTreeMap::new(),
            parts: Vec::new(),
        };
        let manifest = found.read(&file, total, progress)?;
        if manifest.parts != found.parts {
            return Err(found.damaged("its parts are not those that its manifest names"));
        }
        let archive = Self {
            path: path.to_owned(),
            file,
            manifest,
            places: found.places,
        };
        archive.check()?;
        Ok(archive)
    }

    /// What it says of itself.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Unpacks it into a directory that is vacant, and makes that a data directory. What it has
    /// unpacked is removed again if that fails.
    pub fn restore(&self, into: &Directory, progress: Progress<'_>) -> Result<(), Error> {
        let done = self.unpack(into, progress);
        if done.is_err() {
            for name in self.places.keys().rev() {
                drop(fs::remove_file(into.path().join(name.to_string())));
            }
            drop(fs::remove_file(into.mark()));
            for folder in [into.journal(), into.storefronts()] {
                drop(fs::remove_dir(folder));
            }
        }
        done
    }

    fn unpack(&self, into: &Directory, progress: Progress<'_>) -> Result<(), Error> {
        let total = self.places.values().map(|place| place.bytes).sum();
        let mut done = 0;
        let folders = [into.journal(), into.storefronts()];
        for folder in &folders {
            directory::create(folder).map_err(failed("create", folder))?;
        }
        for (name, place) in &self.places {
            // Written last, by whoever makes it a data directory.
            if *name == Name::Format {
                continue;
            }
            let path = into.path().join(name.to_string());
            self.copy(*place, &path).map_err(failed("write", &path))?;
            done += place.bytes;
            progress(done, total);
        }
        for folder in &folders {
            sync_directory(folder).map_err(failed("make durable", folder))?;
        }
        Ok(into.complete(self.manifest.position)?)
    }

    fn copy(&self, place: Place, to: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(to)?;
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut at = 0;
        while at < place.bytes {
            let left = usize::try_from(place.bytes - at).unwrap_or(usize::MAX);
            let some = &mut chunk[..left.min(CHUNK_BYTES)];
            self.file.read_exact_at(some, place.offset + at)?;
            file.write_all(some)?;
            at += some.len() as u64;
        }
        file.sync_all()
    }

    /// What only the whole can say.
    fn check(&self) -> Result<(), Error> {
        let damaged = |why: &str| Error::Damaged {
            path: self.path.clone(),
            why: why.to_owned(),
        };
        let format = self.places.get(&Name::Format);
        let format = format.ok_or_else(|| damaged("it has no file FORMAT"))?;
        let mut text = vec![0; usize::try_from(format.bytes).unwrap_or(0).min(CHUNK_BYTES)];
        let read = self.file.read_exact_at(&mut text, format.offset);
        read.map_err(failed("read", &self.path))?;
        match format_of(&text) {
            Some(directory::FORMAT) => {}
            Some(found) => {
                let path = self.path.clone();
                return Err(directory::Error::Newer { path, found }.into());
            }
            None => return Err(damaged("its file FORMAT says nothing that can be read")),
        }
        let mut last = 0;
        for (name, place) in &self.places {
            let Name::Segment(segment) = *name else {
                continue;
            };
            let own = extent::extent(self, segment, Position::MAX)?;
            if segment != last + 1 || own.bytes != place.bytes {
                return Err(damaged("its journal has a gap, or more than events"));
            }
            last = own.last;
        }
        if last != self.manifest.position {
            return Err(damaged("its journal does not end where its manifest says"));
        }
        Ok(())
    }
}

/// What was found so far.
struct Found<'a> {
    path: &'a Path,
    places: BTreeMap<Name, Place>,
    parts: Vec<Part>,
}

impl Found<'_> {
    fn read(&mut self, file: &File, total: u64, progress: Progress<'_>) -> Result<Manifest, Error> {
        let mut tar = tar::Archive::new(BufReader::with_capacity(CHUNK_BYTES, file));
        let entries = tar.entries().map_err(|error| self.damaged(&error))?;
        let mut manifest = None;
        let mut is_whole = false;
        for entry in entries {
            let mut entry = entry.map_err(|error| self.damaged(&error))?;
            let (offset, bytes) = (entry.raw_file_position(), entry.size());
            progress(offset, total);
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if self.parts.is_empty() && path != Name::Format.to_string() {
                return Err(self.not_a_backup(&format!("it begins with `{path}`")));
            }
            if is_whole {
                return Err(self.damaged(&format!("`{path}` is behind its end")));
            }
            match (&*path, &manifest) {
                (MANIFEST, None) => manifest = Some(self.text(&mut entry, bytes)?),
                (MANIFEST_SUM, Some(text)) => {
                    let sum = self.text(&mut entry, bytes)?;
                    if sum.trim() != hex(crc32c::crc32c(text.as_bytes())) {
                        return Err(self.damaged("the checksum of its manifest is wrong"));
                    }
                    is_whole = true;
                }
                _ => self.part(&path, &mut entry, Place { offset, bytes })?,
            }
        }
        let text = manifest.filter(|_| is_whole);
        let text = text.ok_or_else(|| self.damaged("its end is missing"))?;
        self.understand(&text)
    }

    fn part(&mut self, path: &str, bytes: &mut impl Read, place: Place) -> Result<(), Error> {
        let name = Name::parse(path)
            .ok_or_else(|| self.not_a_backup(&format!("`{path}` is in no data directory")))?;
        let (read, sum) = sum_of(bytes).map_err(|error| self.damaged(&error))?;
        if read != place.bytes || self.places.insert(name, place).is_some() {
            return Err(self.damaged(&format!("`{path}` is not whole, or there twice")));
        }
        self.parts.push(Part {
            name: path.to_owned(),
            bytes: place.bytes,
            crc32c: hex(sum),
        });
        Ok(())
    }

    fn text(&self, entry: &mut impl Read, bytes: u64) -> Result<String, Error> {
        let mut text = String::new();
        let read = entry.take(MANIFEST_BYTES_MAX).read_to_string(&mut text);
        read.map_err(|error| self.damaged(&error))?;
        if text.len() as u64 != bytes {
            return Err(self.damaged("its manifest is not whole"));
        }
        Ok(text)
    }

    fn understand(&self, text: &str) -> Result<Manifest, Error> {
        #[derive(serde::Deserialize)]
        struct Form {
            format: u32,
        }
        let form: Form = serde_json::from_str(text).map_err(|error| self.damaged(&error))?;
        if form.format != FORMAT {
            return Err(Error::Newer {
                path: self.path.to_owned(),
                found: form.format,
            });
        }
        serde_json::from_str(text).map_err(|error| self.damaged(&error))
    }

    fn damaged(&self, why: &(impl ToString + ?Sized)) -> Error {
        Error::Damaged {
            path: self.path.to_owned(),
            why: why.to_string(),
        }
    }

    fn not_a_backup(&self, why: &str) -> Error {
        Error::NotABackup {
            path: self.path.to_owned(),
            why: why.to_owned(),
        }
    }
}

fn sum_of(bytes: &mut impl Read) -> io::Result<(u64, u32)> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let (mut read, mut sum) = (0, 0);
    loop {
        let count = bytes.read(&mut chunk)?;
        if count == 0 {
            return Ok((read, sum));
        }
        sum = crc32c::crc32c_append(sum, &chunk[..count]);
        read += count as u64;
    }
}

impl Source for Archive {
    fn segments(&self) -> io::Result<Vec<Position>> {
        let segments = self.places.keys().filter_map(|name| match name {
            Name::Segment(first) => Some(*first),
            Name::Format | Name::Components | Name::Storefront(_) => None,
        });
        Ok(segments.collect())
    }

    fn read(&self, segment: Position, offset: u64, bytes_max: usize) -> io::Result<Vec<u8>> {
        let place = self.places.get(&Name::Segment(segment));
        let place = place.ok_or(io::ErrorKind::NotFound)?;
        let left = place.bytes.saturating_sub(offset);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(bytes_max);
        let mut bytes = vec![0; wanted];
        self.file.read_exact_at(&mut bytes, place.offset + offset)?;
        Ok(bytes)
    }

    fn name(&self, segment: Position) -> String {
        format!("{}: {}", self.path.display(), Name::Segment(segment))
    }

    fn bytes(&self) -> io::Result<u64> {
        let segments = self.places.iter();
        let segments = segments.filter(|(name, _)| matches!(name, Name::Segment(_)));
        Ok(segments.map(|(_, place)| place.bytes).sum())
    }
}
