//! The command line.

use std::{
    env,
    io::{self, Write},
    time::Duration,
};

use super::{contest::Contest, workload::Workload};

/// Odd, so that there is a median.
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);

/// With `--test`.
const TEST_ROUND: Duration = Duration::from_millis(30);

/// Reads the command line; `None` if help is asked for. Cargo's own flags are passed over.
///
/// An error says what an option takes.
pub(crate) fn read() -> io::Result<Option<Contest>> {
    let mut contest = Contest {
        rounds: ROUNDS,
        round: ROUND,
        ..Contest::default()
    };
    let mut given = env::args().skip(1);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--help" => return Ok(None),
            "--test" => {
                contest.is_test = true;
                contest.rounds = 1;
                contest.round = TEST_ROUND;
            }
            "--counting" => contest.with_counting = true,
            "--rounds" => {
                let rounds = given.next().and_then(|own| own.parse().ok());
                let rounds = rounds.filter(|rounds| *rounds > 0);
                let wrong = || io::Error::other("--rounds takes a number from 1 on");
                contest.rounds = rounds.ok_or_else(wrong)?;
            }
            "--seconds" => {
                let seconds = given.next().and_then(|own| own.parse().ok());
                let round = seconds.and_then(|own| Duration::try_from_secs_f64(own).ok());
                let round = round.filter(|round| *round >= TEST_ROUND);
                let wrong = || io::Error::other("--seconds takes a number from 0.03 on");
                contest.round = round.ok_or_else(wrong)?;
            }
            flag if flag.starts_with('-') => {}
            name => contest.names.push(name.to_owned()),
        }
    }
    Ok(Some(contest))
}

/// Writes down what can be asked for.
pub(crate) fn help(out: &mut impl Write, all: &[Workload]) -> io::Result<()> {
    writeln!(
        out,
        "cargo bench --bench versus -- [OPTION]... [NAME]...

Runs the workloads whose names contain a NAME, or all of them:
"
    )?;
    for workload in all {
        writeln!(out, "  {:<8} {}", workload.name, workload.about)?;
    }
    writeln!(
        out,
        "
  --rounds N    rounds of each, which take turns; the median counts ({ROUNDS})
  --seconds S   how long a round is ({})
  --counting    adds `uncounted`: Jumun that counts nothing for /metrics
  --test        each once and short, to see that all of it works; measures nothing
  --help        this",
        ROUND.as_secs()
    )
}
