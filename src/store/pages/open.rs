//! Opening the pages: what is there if it is healthy and whole, else a fresh start.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, RwLock},
};

use super::{
    Collection, Error, Limits, Pages,
    backing::{Backing, Durable, Space},
    cache::Cache,
    checkpoint::Writer,
    checkpointer::Wake,
    counts::Counts,
    disk::{Sled, at},
    figures::Checkpoints,
    guard::{self, Ahead, Guard},
    meta::{self, Meta},
    page::{self, META_KEY},
    seal,
};
use crate::store::{
    commit::Position,
    directory,
    mark::{Mark, MarkFile},
    snapshot,
};

/// Beside the database: the form in which it is made, for those who look while it is in use.
const FORM: &str = "sled.form";

/// The most that is read of that, in bytes.
const FORM_BYTES_MAX: u64 = 256;

/// How many stores that were moved aside are kept.
const DAMAGED_MAX: usize = 2;

/// What to open, and what is known of it.
#[derive(Debug)]
pub struct Opening<'a> {
    /// The data directory. The caller holds its lock.
    pub dir: &'a Path,
    /// Every collection that will be used. Others that are stored are left alone.
    pub collections: Vec<Collection>,
    /// How much of everything.
    pub limits: Limits,
    /// The last event that the journal has.
    pub journal_end: Position,
    /// The high-water mark; checkpoints write it.
    pub mark: Arc<MarkFile>,
    /// Names the definitions and the states' forms; another one than stored is a rebuild.
    pub fingerprint: &'a str,
    /// Where a store that was not closed is checked.
    pub guard: &'a Guard,
    /// The check of it that was begun before, if it was.
    pub ahead: Ahead,
}

/// Open pages, and where the caller must go on.
#[derive(Debug)]
pub struct OpenedPages {
    /// The pages.
    pub pages: Pages,
    /// They hold everything up to here; what the journal has after it is to be replayed. A slot
    /// may be ahead: its own position says what it includes.
    pub complete_to: Position,
    /// Why they were made afresh, if there was something before.
    pub rebuilt: Option<String>,
}

/// What a backing holds, in memory.
struct Contents {
    metas: Vec<Meta>,
    counts: Vec<Counts>,
}

impl Pages {
    /// Opens the pages of a data directory. What is damaged, or does not fit the journal, the mark
    /// or the definitions, is moved to `sled.damaged-N`, and they start empty.
    pub fn open(mut opening: Opening<'_>) -> Result<OpenedPages, Error> {
        check_names(&opening.collections)?;
        let fingerprint = fingerprint(opening.fingerprint);
        let mark = opening.mark.last();
        let mut rebuilt = None;
        if mark.complete_to == 0 {
            // Nothing in it was ever vouched for, or it is already condemned.
            remove(opening.dir)?;
        } else {
            match reopen(&mut opening, &fingerprint, mark)? {
                Ok((sled, contents)) => {
                    keep_form(opening.dir, &fingerprint)?;
                    return Ok(assemble(Box::new(sled), contents, opening, None));
                }
                Err(why) => rebuilt = Some(why),
            }
        }
        if let Some(why) = &rebuilt {
            tracing::warn!(why, "the pages are rebuilt from the journal");
            // Nobody looks at what is moved.
            drop(opening.ahead.outcome());
            // First the mark: a crash from here on finds nothing that it would trust.
            opening.mark.write(mark.position, 0)?;
            move_aside(opening.dir)?;
        }
        let sled = Sled::open(&opening.dir.join("sled"))?;
        let contents = start(&sled, &fingerprint, opening.collections.len())?;
        sled.sync_files()?;
        keep_form(opening.dir, &fingerprint)?;
        Ok(assemble(Box::new(sled), contents, opening, rebuilt))
    }

    /// Pages for simulations: `durable` stands for the disk, and holds what was checkpointed.
    pub fn in_memory(
        durable: &Durable,
        collections: Vec<Collection>,
        limits: Limits,
    ) -> Result<OpenedPages, Error> {
        check_names(&collections)?;
        let contents = if durable.read(Space::ALL[0], META_KEY)?.is_some() {
            contents(durable, &collections)?
        } else {
            start(durable, &fingerprint(""), collections.len())?
        };
        let backing = Box::new(durable.clone());
        Ok(build(backing, contents, collections, limits, None, None))
    }

    /// Whether opening the pages with these definitions would make them afresh because they have
    /// another form. Looked at beside a process that uses them.
    pub fn have_another_form(dir: &Path, definitions: &str) -> Result<bool, Error> {
        let kept = form(dir).map_err(|source| at(&dir.join(FORM), source))?;
        Ok(kept != Some(fingerprint(definitions)))
    }

    /// Throws the stored pages away, for a rebuild from the journal. They must not be open.
    pub fn discard(dir: &Path, mark: &MarkFile) -> Result<(), Error> {
        mark.write(mark.last().position, 0)?;
        remove(dir)
    }
}

fn assemble(
    backing: Box<dyn Backing>,
    contents: Contents,
    opening: Opening<'_>,
    rebuilt: Option<String>,
) -> OpenedPages {
    let Opening {
        collections,
        limits,
        mark,
        ..
    } = opening;
    build(backing, contents, collections, limits, Some(mark), rebuilt)
}

fn build(
    backing: Box<dyn Backing>,
    Contents { metas, counts }: Contents,
    collections: Vec<Collection>,
    limits: Limits,
    mark: Option<Arc<MarkFile>>,
    rebuilt: Option<String>,
) -> OpenedPages {
    let complete_to = metas.iter().map(|meta| meta.complete_to).min();
    let complete_to = complete_to.unwrap_or(0);
    let pages = Pages {
        collections,
        counts: counts.iter().cloned().map(Mutex::new).collect(),
        cache: Cache::new(limits.pages_max, limits.bytes_max),
        notes: Default::default(),
        together: RwLock::default(),
        backing,
        writer: Mutex::new(Writer {
            metas,
            counts,
            mark,
            closed: false,
            failed: None,
        }),
        complete_to: complete_to.into(),
        wake: Wake::default(),
        limits,
        checkpoints: Checkpoints::new(),
    };
    OpenedPages {
        pages,
        complete_to,
        rebuilt,
    }
}

/// Opens what is there, or says why it must not be used.
fn reopen(
    opening: &mut Opening<'_>,
    fingerprint: &str,
    mark: Mark,
) -> Result<Result<(Sled, Contents), String>, Error> {
    let dir = opening.dir;
    let (database, marker) = (dir.join("sled"), guard::opening_at(dir));
    if marker.exists() || guard::checked_at(dir).exists() {
        return Ok(Err("the last start did not survive opening it".into()));
    }
    if !database.is_dir() {
        let known = mark.complete_to;
        return Ok(Err(format!(
            "it is missing, and was complete to event {known}"
        )));
    }
    let limit_ms = opening.limits.probe_ms_max;
    let limit_ms = limit_ms.unwrap_or_else(|| guard::limit_ms(dir));
    if !seal::take(dir).map_err(|source| at(dir, source))? {
        let begun = opening.ahead.outcome();
        let checked = begun.unwrap_or_else(|| opening.guard.probe(dir, limit_ms));
        if let Err(why) = checked {
            return Ok(Err(why));
        }
        directory::write_synced(&marker, b"").map_err(|source| at(&marker, source))?;
    }
    let collections = opening.collections.clone();
    let opened = guard::in_thread(limit_ms, move || {
        let sled = Sled::open(&database)?;
        let contents = contents(&sled, &collections)?;
        Ok((sled, contents))
    });
    let (sled, contents) = match opened {
        Ok(opened) => opened,
        // Its thread may still write to these paths, so nothing can be put in its place.
        Err(broken) if broken.runs_on => return Err(Error::TooSlow(broken.why)),
        Err(broken) => return Ok(Err(broken.why)),
    };
    directory::remove_synced(&marker).map_err(|source| at(&marker, source))?;
    let checked = check(&contents.metas, fingerprint, mark, opening.journal_end);
    Ok(checked.map(|()| (sled, contents)))
}

/// Compares what the trees say with what is known otherwise.
fn check(
    metas: &[Meta],
    fingerprint: &str,
    mark: Mark,
    journal_end: Position,
) -> Result<(), String> {
    for (meta, space) in metas.iter().zip(Space::ALL) {
        let tree = space.name();
        if meta.fingerprint != fingerprint {
            return Err(format!(
                "{tree} was made with other definitions or another form ({} instead of {})",
                meta.fingerprint, fingerprint
            ));
        }
        if meta.complete_to < mark.complete_to {
            return Err(format!(
                "{tree} is complete to event {}, but was known to be to {}",
                meta.complete_to, mark.complete_to
            ));
        }
        if meta.reaches_to > journal_end {
            return Err(format!(
                "{tree} reaches to event {}, but the journal ends at {journal_end}",
                meta.reaches_to
            ));
        }
    }
    Ok(())
}

fn contents(backing: &dyn Backing, collections: &[Collection]) -> Result<Contents, Error> {
    let counts = collections.iter();
    Ok(Contents {
        metas: Meta::read_all(backing)?,
        counts: counts
            .map(|collection| meta::read_counts(backing, collection))
            .collect::<Result<_, _>>()?,
    })
}

/// Writes what an empty store says about itself, so that one that lost everything is no such.
fn start(backing: &dyn Backing, fingerprint: &str, collections: usize) -> Result<Contents, Error> {
    let meta = Meta {
        fingerprint: fingerprint.to_owned(),
        ..Meta::default()
    };
    let batch = vec![(META_KEY.to_vec(), Some(meta.encode()))];
    backing.write(vec![batch; Space::ALL.len()])?;
    Ok(Contents {
        metas: vec![meta; Space::ALL.len()],
        counts: vec![Counts::default(); collections],
    })
}

fn fingerprint(definitions: &str) -> String {
    format!("{}.{}.{definitions}", page::FORMAT, snapshot::FORMAT)
}

/// The form that is kept, if there is one.
fn form(dir: &Path) -> io::Result<Option<String>> {
    let mut text = String::new();
    match File::open(dir.join(FORM)) {
        Ok(file) => file.take(FORM_BYTES_MAX).read_to_string(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(text))
}

fn keep_form(dir: &Path, fingerprint: &str) -> Result<(), Error> {
    let path = dir.join(FORM);
    let keep = || match form(dir)? {
        Some(kept) if kept == fingerprint => Ok(()),
        Some(_) | None => directory::write_synced(&path, fingerprint.as_bytes()),
    };
    keep().map_err(|source| at(&path, source))
}

fn check_names(collections: &[Collection]) -> Result<(), Error> {
    for Collection { name, .. } in collections {
        if name.is_empty() || name.contains('\0') {
            return Err(Error::Name(name.clone()));
        }
    }
    Ok(())
}

/// Removes the database and what is kept beside it.
fn remove(dir: &Path) -> Result<(), Error> {
    remove_beside(dir)?;
    for path in [dir.join("sled"), guard::checked_at(dir)] {
        if path.exists() {
            fs::remove_dir_all(&path)
                .and_then(|()| directory::sync_directory(dir))
                .map_err(|source| at(&path, source))?;
        }
    }
    Ok(())
}

fn remove_beside(dir: &Path) -> Result<(), Error> {
    for name in ["seal", "opening"] {
        let path = dir.join(name);
        directory::remove_synced(&path).map_err(|source| at(&path, source))?;
    }
    Ok(())
}

fn move_aside(dir: &Path) -> Result<(), Error> {
    for path in [dir.join("sled"), guard::checked_at(dir)] {
        if !path.exists() {
            continue;
        }
        let next = damaged(dir)?.last().map_or(1, |(number, _)| number + 1);
        let aside = dir.join(format!("sled.damaged-{next}"));
        fs::rename(&path, &aside)
            .and_then(|()| directory::sync_directory(dir))
            .map_err(|source| at(&path, source))?;
    }
    remove_beside(dir)?;
    let all = damaged(dir)?;
    for (_, path) in &all[..all.len().saturating_sub(DAMAGED_MAX)] {
        fs::remove_dir_all(path).map_err(|source| at(path, source))?;
    }
    Ok(())
}

/// What was moved aside before, oldest first.
fn damaged(dir: &Path) -> Result<Vec<(u64, PathBuf)>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(|source| at(dir, source))? {
        let path = entry.map_err(|source| at(dir, source))?.path();
        let number = path
            .file_name()
            .and_then(|name| name.to_str()?.strip_prefix("sled.damaged-")?.parse().ok());
        if let Some(number) = number {
            found.push((number, path));
        }
    }
    found.sort_unstable();
    Ok(found)
}
