//! Servers that take turns under the same load: what disturbs the machine then disturbs all of them.

use std::{any::Any, cell::RefCell, io, net::SocketAddr, sync::Arc, thread, time::Duration};

use super::{
    cpu,
    load::{self, Report, THREAD_NAME, Until, drive},
    progress::Progress,
};

/// How long a server is watched at a time for whether it still works.
const QUIET: Duration = Duration::from_millis(10);

/// How often, at most, it is watched after a round.
const QUIET_LOOKS_MAX: usize = 50;

/// Someone who takes part: a server that answers on an address until this is dropped.
pub(crate) struct Server {
    /// What it is called in the table.
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    /// Further processes, with their children, whose CPU time counts.
    pub(crate) processes: Vec<u32>,
    /// Dropped with it; stops it.
    #[expect(dead_code, reason = "held, not read")]
    pub(crate) keep: Box<dyn Any>,
}

/// How much is measured.
#[derive(Debug, Default)]
pub(crate) struct Contest {
    /// Of each contestant under each load; odd, so that there is a median.
    pub(crate) rounds: usize,
    /// How long a round is.
    pub(crate) round: Duration,
    /// Only whether it works is asked for; a workload also makes its stock small then.
    pub(crate) is_test: bool,
    /// Whether Jumun that counts nothing for `/metrics` takes part.
    pub(crate) with_counting: bool,
    /// Which workloads are wanted; all if empty.
    pub(crate) names: Vec<String>,
    /// Says what is under way.
    pub(crate) progress: Progress,
    /// What did not go as it has to: a sentence each. The run ends with them.
    pub(crate) failures: RefCell<Vec<String>>,
}

/// Appends the request with this number to the buffer.
pub(crate) type Write = dyn Fn(u64, &mut Vec<u8>) + Send + Sync;

/// What is asked of a server.
#[derive(Clone)]
pub(crate) struct Load {
    /// Connections, each with one request under way.
    pub(crate) connections: usize,
    /// The status of every answer; anything else fails the contestant.
    pub(crate) status: u16,
    pub(crate) write: Arc<Write>,
}

/// One server under one load for one round.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) report: Report,
    /// Of the server's threads and processes, each response, in nanoseconds; `None` where the system
    /// does not tell.
    pub(crate) cpu_ns: Option<u64>,
}

impl Contest {
    /// Whether a workload is to be run.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|own| name.contains(own.as_str()))
    }

    /// How long so many contestants take with all their rounds, about.
    pub(crate) fn turns_take(&self, contestants: u32) -> Duration {
        let rounds = u32::try_from(self.rounds).unwrap_or(u32::MAX);
        (self.round * rounds + self.round / 3) * contestants
    }

    /// The rounds of each, in the order of `entrants`, after a third of a round to warm up.
    ///
    /// Who fails has no rounds, and its failure is kept.
    pub(crate) fn turns(&self, title: &str, entrants: &[(&Server, Load)]) -> Vec<Vec<Round>> {
        let turns = self.turns_and(title, entrants, &mut |_| Ok(()));
        turns.expect("nothing else is done that could fail")
    }

    /// The same, where something else, told how long, takes its turn as well. Its errors end it all.
    pub(crate) fn turns_and(
        &self,
        title: &str,
        entrants: &[(&Server, Load)],
        also: &mut dyn FnMut(Duration) -> io::Result<()>,
    ) -> io::Result<Vec<Vec<Round>>> {
        let mut all: Vec<Option<Vec<Round>>> = entrants.iter().map(|_| Some(Vec::new())).collect();
        for at in 0..=self.rounds {
            let length = if at == 0 { self.round / 3 } else { self.round };
            for ((server, load), own) in entrants.iter().zip(&mut all) {
                let Some(rounds) = own else { continue };
                let name = server.name;
                self.progress.round(title, name, at, self.rounds);
                match self.round(server, load, length) {
                    Ok(_warm) if at == 0 => {}
                    Ok(round) => rounds.push(round),
                    Err(error) => {
                        self.fail(format!("{title}: {name} {error}"));
                        *own = None;
                    }
                }
            }
            if at > 0 {
                also(length)?;
            }
        }
        Ok(all.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// Something did not go as it has to; the run ends with this sentence.
    pub(crate) fn fail(&self, what: String) {
        self.failures.borrow_mut().push(what);
    }

    /// One round. What the server still does afterwards counts as its CPU time, and disturbs nobody.
    ///
    /// The error goes on where a sentence begins with the server's name.
    pub(crate) fn round(
        &self,
        server: &Server,
        load: &Load,
        length: Duration,
    ) -> io::Result<Round> {
        let until = if self.is_test {
            Until::Requests(2 * load.connections as u64)
        } else {
            Until::Elapsed(length)
        };
        let before = cpu::used(THREAD_NAME, &server.processes);
        let report = driven(server, load, until)?;
        let after = calm(server);
        let used = after.zip(before);
        let used = used.map(|(after, before)| after.saturating_sub(before).as_nanos());
        let count = u128::from(report.responses());
        let cpu_ns = used.and_then(|used| u64::try_from(used / count).ok());
        Ok(Round { report, cpu_ns })
    }

    /// Asks for so many things at once that a server has something to tell.
    pub(crate) fn stock(&self, server: &Server, load: &Load, count: u64) -> io::Result<()> {
        self.progress
            .say(&format!("{} is given {count} orders", server.name));
        driven(server, load, Until::Requests(count))?;
        calm(server);
        Ok(())
    }
}

impl Load {
    /// The same request again and again.
    pub(crate) fn same(connections: usize, status: u16, request: Vec<u8>) -> Self {
        Self {
            connections,
            status,
            write: Arc::new(move |_, buffer| buffer.extend_from_slice(&request)),
        }
    }
}

/// Drives a server, and takes nothing but what was to be answered.
fn driven(server: &Server, load: &Load, until: Until) -> io::Result<Report> {
    let write = Arc::clone(&load.write);
    let report = drive(
        server.address,
        load.connections,
        until,
        move |at, buffer| {
            write(at, buffer);
        },
    )?;
    let count = report.responses();
    let as_wanted = report.statuses.get(&load.status).copied().unwrap_or(0);
    if report.broken == 0 && as_wanted == count && count > 0 {
        return Ok(report);
    }
    let (wanted, broken, statuses) = (load.status, report.broken, &report.statuses);
    let what = format!(
        "was to answer {wanted} and answered, by status, {statuses:?}; {broken} requests had no answer"
    );
    Err(io::Error::other(what))
}

/// Waits until a server has nothing more to do, half a second at most; its CPU time until then.
fn calm(server: &Server) -> Option<Duration> {
    let mut used = cpu::used(THREAD_NAME, &server.processes)?;
    for _ in 0..QUIET_LOOKS_MAX {
        thread::sleep(QUIET);
        let now = cpu::used(THREAD_NAME, &server.processes)?;
        let is_calm = now.saturating_sub(used) < QUIET / 10;
        used = now;
        if is_calm {
            break;
        }
    }
    Some(used)
}

/// Asks once and answers the whole response.
///
/// An error where the status is not `status` says what was answered.
pub(crate) fn ask(server: &Server, request: &[u8], status: u16) -> io::Result<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let mut response = Vec::new();
    let answered = runtime.block_on(async {
        let mut stream = tokio::net::TcpStream::connect(server.address).await?;
        load::exchange(&mut stream, request, &mut response).await
    })?;
    if answered == status {
        return Ok(response);
    }
    let what = format!(
        "{} answered {answered} instead of {status} to {}: {}",
        server.name,
        String::from_utf8_lossy(request),
        String::from_utf8_lossy(&response),
    );
    Err(io::Error::other(what))
}

/// A `GET` of this path.
pub(crate) fn get(server: &Server, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", server.address).into_bytes()
}

/// A `POST` of this JSON.
pub(crate) fn post(server: &Server, path: &str, body: &str) -> Vec<u8> {
    let (address, length) = (server.address, body.len());
    format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
