//! How many instructions the main paths take, compared with what the repository says they take.
//!
//! Time is another one on every machine and in every run; instructions are the same within a hundredth.
//! So they can be a gate: more than 5 % growth of a path fails, unless the same commit records it.
//! Each path runs in a process of its own under callgrind, on one thread, with what the simulation has
//! in place of a disk, sockets and other threads' turns (`house.rs`).
//!
//! `cargo bench --bench instructions -- --help` lists what can be said.

#[path = "../support/flower.rs"]
mod flower;

mod baseline;
mod callgrind;
mod connection;
mod counted;
mod house;
mod ledger;
mod paths;

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use baseline::{Baseline, GROWTH_PER_MILLE_MAX, Settings, Verdict, change};
use paths::{PATHS, Path};

/// As the `jumun` binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HELP: &str = "\
cargo bench --bench instructions -- [WORDS] [OPTIONS]

  WORDS       only the paths whose names contain them
  --record    write the counts down as the new baseline, which belongs into the commit that meant them
  --required  fail where nothing can be compared: no valgrind, or another compiler's or profile's counts
  --test      run each path once, without counting

What callgrind found out about a path is left in target/tmp, for callgrind_annotate.
";

/// How the counts of the baseline are come by, and these again.
const BUILD: &str = "CARGO_PROFILE_BENCH_LTO=off cargo bench --bench instructions";

/// What is asked for.
#[derive(Default)]
struct Asked {
    what: What,
    words: Vec<String>,
    is_required: bool,
}

#[derive(Default)]
enum What {
    #[default]
    Compare,
    Record,
    Help,
    /// Each path once.
    Test,
    /// One path alone, in this process.
    Run(String),
}

fn main() -> io::Result<ExitCode> {
    let asked = asked(env::args().skip(1));
    let out = &mut io::stdout().lock();
    if let What::Help = asked.what {
        out.write_all(HELP.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    if let What::Run(name) = &asked.what {
        let path = PATHS.iter().find(|own| own.name == name);
        let path = path.ok_or_else(|| io::Error::other(format!("no path is called {name:?}")))?;
        (path.run)(path.times);
        return Ok(ExitCode::SUCCESS);
    }
    let wanted = |path: &&Path| asked.words.iter().all(|word| path.name.contains(word));
    let paths: Vec<&Path> = PATHS.iter().filter(wanted).collect();
    if paths.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    if let What::Test = asked.what {
        for path in paths {
            (path.run)(16);
            writeln!(out, "{}: ran", path.name)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if !callgrind::is_there() {
        writeln!(
            out,
            "valgrind is not installed (apt-get install valgrind): nothing is counted"
        )?;
        return Ok(ended_well(!asked.is_required));
    }
    if let What::Record = asked.what {
        return record(out, &paths);
    }
    compare(out, &paths, asked.is_required)
}

fn asked(arguments: impl Iterator<Item = String>) -> Asked {
    let mut asked = Asked::default();
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        match &*argument {
            "--path" => asked.what = What::Run(arguments.next().unwrap_or_default()),
            "--record" => asked.what = What::Record,
            "--required" => asked.is_required = true,
            "--test" => asked.what = What::Test,
            "--help" | "-h" => asked.what = What::Help,
            // What cargo adds, and what is meant for benches of criterion.
            other if other.starts_with('-') => {}
            word => asked.words.push(word.into()),
        }
    }
    asked
}

/// Prints a line for each path, and says what is not as it was recorded.
fn compare(out: &mut impl Write, paths: &[&Path], is_required: bool) -> io::Result<ExitCode> {
    let (own, recorded) = (Settings::own(), read()?);
    let comparable = recorded
        .as_ref()
        .filter(|recorded| recorded.settings == own);
    writeln!(
        out,
        "{:<52} {:>12} {:>12} {:>9}",
        "path", "instructions", "recorded", "change"
    )?;
    let mut said = Vec::new();
    let mut has_grown = false;
    for path in paths {
        let count = callgrind::count(path)?;
        let before = comparable.and_then(|recorded| recorded.paths.get(path.name));
        let texts = before.map(|own| (own.to_string(), change(count, *own)));
        let (before, change) = texts.unwrap_or_default();
        writeln!(
            out,
            "{:<52} {count:>12} {before:>12} {change:>9}",
            path.name
        )?;
        let verdict = comparable.map_or(Verdict::Same, |own| own.judge(path.name, count));
        has_grown |= matches!(verdict, Verdict::More | Verdict::New);
        said.extend(sentence(verdict, path.name, count, &before, &change));
    }
    writeln!(
        out,
        "\nbuilt with {own}; each time of a path, everything that it calls included"
    )?;
    if let Some(recorded) = recorded.as_ref().filter(|_| comparable.is_none()) {
        let other = &recorded.settings;
        writeln!(out, "nothing is compared: recorded with {other}.")?;
        writeln!(
            out,
            "Build as it was, or record again:\n  {BUILD} -- --record"
        )?;
        return Ok(ended_well(!is_required));
    }
    for sentence in &said {
        writeln!(out, "{sentence}")?;
    }
    if comparable.is_none() {
        writeln!(
            out,
            "nothing is recorded yet. To record:\n  {BUILD} -- --record"
        )?;
    }
    if !said.is_empty() {
        let note = "If that is meant, record it in the same commit, and say there why:";
        writeln!(out, "{note}\n  {BUILD} -- --record")?;
    }
    Ok(ended_well(!has_grown))
}

/// What is to be said of a path, if anything is.
fn sentence(
    verdict: Verdict,
    path: &str,
    count: u64,
    before: &str,
    change: &str,
) -> Option<String> {
    match verdict {
        Verdict::Same => None,
        Verdict::More => Some(format!(
            "FAILED: {path:?} takes {count} instructions and not {before} ({change}); {} % are let through",
            GROWTH_PER_MILLE_MAX / 10
        )),
        Verdict::Less => Some(format!(
            "{path:?} takes only {count} instructions and not {before} ({change}): record it, so that it stays so"
        )),
        Verdict::New => Some(format!("FAILED: {path:?} is not recorded")),
    }
}

/// Writes the counts of these paths down, beside those of the others.
fn record(out: &mut impl Write, paths: &[&Path]) -> io::Result<ExitCode> {
    let settings = Settings::own();
    let before = read()?.filter(|own| own.settings == settings);
    let known = |name: &String| PATHS.iter().any(|path| path.name == name);
    let mut counts: BTreeMap<String, u64> = before.map(|own| own.paths).unwrap_or_default();
    counts.retain(|name, _| known(name));
    for path in paths {
        let count = callgrind::count(path)?;
        writeln!(out, "{:<52} {count:>12}", path.name)?;
        counts.insert(path.name.into(), count);
    }
    let recorded = Baseline {
        settings,
        paths: counts,
    };
    let text = toml::to_string(&recorded).map_err(io::Error::other)?;
    let note = format!(
        "# Instructions of the main paths, one time of each. Recorded by\n# {BUILD} -- --record\n\n"
    );
    fs::write(file(), note + &text)?;
    writeln!(out, "\nrecorded in {}", file().display())?;
    Ok(ExitCode::SUCCESS)
}

/// What is recorded, if anything is.
fn read() -> io::Result<Option<Baseline>> {
    match fs::read_to_string(file()) {
        Ok(text) => toml::from_str(&text).map(Some).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn file() -> PathBuf {
    [
        env!("CARGO_MANIFEST_DIR"),
        "benches",
        "instructions",
        "baseline.toml",
    ]
    .iter()
    .collect()
}

fn ended_well(well: bool) -> ExitCode {
    if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
