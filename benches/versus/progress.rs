//! What is under way, and how long it will still take: on the error output, so that the table stays
//! clean. A terminal's line is written over; elsewhere there is a line where something else begins.

use std::{
    cell::{Cell, RefCell},
    io::{self, IsTerminal, Write},
    time::Duration,
};

use tokio::time::Instant;

/// Columns of the line on a terminal.
const COLUMNS: usize = 100;

/// Says what is under way.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Such as "2 of 7".
    workload: RefCell<String>,
    /// When the workload began, and how long it takes.
    began: Cell<Instant>,
    takes: Cell<Duration>,
    /// How long the workloads after it take.
    later: Cell<Duration>,
    /// What was said last, off a terminal.
    said: RefCell<String>,
    is_terminal: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            workload: RefCell::default(),
            began: Cell::new(Instant::now()),
            takes: Cell::default(),
            later: Cell::default(),
            said: RefCell::default(),
            is_terminal: io::stderr().is_terminal(),
        }
    }
}

impl Progress {
    /// A workload begins. `takes` is how long it will take, `later` those after it.
    pub(crate) fn begin(&self, workload: String, takes: Duration, later: Duration) {
        *self.workload.borrow_mut() = workload;
        self.began.set(Instant::now());
        self.takes.set(takes);
        self.later.set(later);
    }

    /// A round begins; the one with the number 0 warms up.
    pub(crate) fn round(&self, title: &str, contestant: &str, at: usize, of: usize) {
        if !self.is_terminal {
            return self.say(title);
        }
        let round = match at {
            0 => "warming up".to_owned(),
            _ => format!("round {at} of {of}"),
        };
        self.say(&format!("{title}: {contestant}, {round}"));
    }

    /// Something else is done that takes time.
    pub(crate) fn say(&self, what: &str) {
        let took = self.began.get().elapsed();
        let left = self.later.get() + self.takes.get().saturating_sub(took);
        let line = format!("[{}] {what}", self.workload.borrow());
        let left = match left.as_secs() {
            0..90 => format!("{} s left", left.as_secs()),
            seconds => format!("about {} min left", seconds.div_ceil(60)),
        };
        if self.is_terminal {
            let room = COLUMNS - left.len() - 2;
            let line: String = line.chars().take(room).collect();
            write(&format!("\r{line:<room$}  {left}"));
        } else if self.said.replace(line.clone()) != line {
            write(&format!("{line}, {left}\n"));
        }
    }

    /// Nothing is under way any more.
    pub(crate) fn end(&self) {
        if self.is_terminal {
            write(&format!("\r{:COLUMNS$}\r", ""));
        }
    }
}

/// Whoever does not take what is said here misses nothing that counts.
fn write(text: &str) {
    let mut out = io::stderr().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}
