//! Writing a backup, beside a program that goes on writing the journal or of a directory at rest.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufWriter, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{
    Archive, Error, FORMAT, Manifest, Part, Progress, failed,
    manifest::{MANIFEST, MANIFEST_SUM, Name, hex},
};
use crate::{
    domain::Timestamp,
    store::{
        commit::Position,
        components::FILE_BYTES_MAX,
        directory::{self, STOREFRONTS, sync_directory},
        journal::{self, Source, extent},
        kept::TEXT_BYTES_MAX,
    },
};

/// What is backed up.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The data directory.
    pub data: &'a Path,
    /// Everything up to here is durable, and is what the backup holds.
    pub position: Position,
    /// The present instant.
    pub now: Timestamp,
}

/// A backup that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// The last event that it holds.
    pub position: Position,
    /// How large the file is.
    pub bytes: u64,
    /// The checksum of the whole file.
    pub crc32c: u32,
}

/// Makes the backup `to`, which must not be there. It is written beside, as `to` with `.part` at
/// the end, made durable, read back and checked, and only then gets its name. Holds little of it
/// in memory.
pub fn write(origin: &Origin<'_>, to: &Path, progress: Progress<'_>) -> Result<Written, Error> {
    directory::check(origin.data)?;
    if to.exists() {
        return Err(Error::Exists(to.to_owned()));
    }
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let file = begin(&part)?;
    let written = fill(origin, &file, &part, progress).and_then(|written| {
        Archive::open(&part, &mut |_, _| {})?;
        if to.exists() {
            return Err(Error::Exists(to.to_owned()));
        }
        fs::rename(&part, to).map_err(failed("name", to))?;
        sync_directory(&parent(to)).map_err(failed("make durable", to))?;
        Ok(written)
    });
    if written.is_err() {
        drop(fs::remove_file(&part));
    }
    written
}

/// The part's file, empty; locked, so that two backups do not write the same.
fn begin(part: &Path) -> Result<File, Error> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(part)
        .map_err(failed("create", part))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Error::UnderWay(part.to_owned())),
        Err(TryLockError::Error(source)) => return Err(failed("lock", part)(source)),
    }
    file.set_len(0).map_err(failed("empty", part))?;
    Ok(file)
}

fn fill(
    origin: &Origin<'_>,
    file: &File,
    part: &Path,
    progress: Progress<'_>,
) -> Result<Written, Error> {
    let mut out = Out {
        tar: tar::Builder::new(Summed::new(BufWriter::new(file))),
        path: part,
        now_s: u64::try_from(origin.now.0 / 1_000).unwrap_or(0),
        parts: Vec::new(),
    };
    out.add_small_files(origin.data)?;
    out.add_journal(origin, progress)?;
    let made = jiff::Timestamp::from_millisecond(origin.now.0).unwrap_or_default();
    let manifest = Manifest {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        made: made.to_string(),
        position: origin.position,
        parts: std::mem::take(&mut out.parts),
    };
    let mut text = serde_json::to_vec_pretty(&manifest).expect("texts and numbers are always JSON");
    text.push(b'\n');
    out.append(MANIFEST, text.len() as u64, &*text)?;
    let sum = format!("{}\n", hex(crc32c::crc32c(&text)));
    out.append(MANIFEST_SUM, sum.len() as u64, sum.as_bytes())?;
    let mut summed = out.tar.into_inner().map_err(failed("write", part))?;
    summed.flush().map_err(failed("write", part))?;
    file.sync_all().map_err(failed("write", part))?;
    Ok(Written {
        position: origin.position,
        bytes: summed.bytes,
        crc32c: summed.crc32c,
    })
}

/// The file that is being written.
struct Out<'a> {
    tar: tar::Builder<Summed<BufWriter<&'a File>>>,
    path: &'a Path,
    now_s: u64,
    parts: Vec<Part>,
}

impl Out<'_> {
    fn add_small_files(&mut self, data: &Path) -> Result<(), Error> {
        let mut names = vec![Name::Format, Name::Components];
        let kept = data.join(STOREFRONTS);
        let mut texts = Vec::new();
        if kept.is_dir() {
            for entry in fs::read_dir(&kept).map_err(failed("list", &kept))? {
                let name = entry.map_err(failed("list", &kept))?.file_name();
                let name = name.to_str().map(|name| format!("{STOREFRONTS}/{name}"));
                texts.extend(name.as_deref().and_then(Name::parse));
            }
        }
        texts.sort();
        names.extend(texts);
        for name in names {
            let path = data.join(name.to_string());
            match small(&path) {
                Ok(bytes) => self.add(&name, bytes.len() as u64, &*bytes)?,
                // Nothing was paused yet.
                Err(error) if name == Name::Components && is_missing(&error) => {}
                Err(source) => return Err(failed("read", &path)(source)),
            }
        }
        Ok(())
    }

    fn add_journal(&mut self, origin: &Origin<'_>, progress: Progress<'_>) -> Result<(), Error> {
        let to = origin.position;
        let files = journal::Files::new(directory::journal(origin.data));
        let listed = files.segments();
        let mut segments = listed.map_err(failed("list", files.path()))?;
        segments.retain(|first| *first <= to);
        let total = files.bytes().map_err(failed("list", files.path()))?;
        let mut last = 0;
        let mut done = 0;
        for segment in segments {
            if segment != last + 1 {
                let (file, expected) = (files.name(segment), last + 1);
                return Err(journal::Error::Gap { file, expected }.into());
            }
            let path = files.path_of(segment);
            let own = extent::extent(&files, segment, to)?;
            let file = File::open(&path).map_err(failed("open", &path))?;
            self.add(&Name::Segment(segment), own.bytes, file)?;
            last = own.last;
            done += own.bytes;
            progress(done, total);
        }
        if last != to {
            let (file, expected) = (files.path().display().to_string(), last + 1);
            return Err(journal::Error::Gap { file, expected }.into());
        }
        Ok(())
    }

    /// A part of so many bytes of what `from` gives.
    fn add(&mut self, name: &Name, bytes: u64, from: impl Read) -> Result<(), Error> {
        let name = name.to_string();
        let mut from = Summed::new(from.take(bytes));
        self.append(&name, bytes, &mut from)?;
        if from.bytes != bytes {
            let path = Path::new(&name);
            let source = io::ErrorKind::UnexpectedEof.into();
            return Err(failed("read all of", path)(source));
        }
        self.parts.push(Part {
            name,
            bytes,
            crc32c: hex(from.crc32c),
        });
        Ok(())
    }

    fn append(&mut self, name: &str, bytes: u64, from: impl Read) -> Result<(), Error> {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(bytes);
        header.set_mode(0o600);
        header.set_mtime(self.now_s);
        let appended = self.tar.append_data(&mut header, name, from);
        appended.map_err(failed("write", self.path))
    }
}

/// A file of which everything is small.
fn small(path: &Path) -> io::Result<Vec<u8>> {
    let limit = TEXT_BYTES_MAX.max(FILE_BYTES_MAX as u64);
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let what = format!("it has more than {limit} bytes");
        return Err(io::Error::other(what));
    }
    Ok(bytes)
}

fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

fn parent(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|own| !own.as_os_str().is_empty());
    parent.unwrap_or_else(|| Path::new(".")).to_owned()
}

/// A reader or writer that knows the checksum of what went through it.
struct Summed<T> {
    inner: T,
    bytes: u64,
    crc32c: u32,
}

impl<T> Summed<T> {
    const fn new(inner: T) -> Self {
        Self {
            inner,
            bytes: 0,
            crc32c: 0,
        }
    }

    fn take_in(&mut self, bytes: &[u8]) {
        self.crc32c = crc32c::crc32c_append(self.crc32c, bytes);
        self.bytes += bytes.len() as u64;
    }
}

impl<T: Read> Read for Summed<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(bytes)?;
        self.take_in(&bytes[..count]);
        Ok(count)
    }
}

impl<T: Write> Write for Summed<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.take_in(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
