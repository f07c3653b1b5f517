//! Servers that take turns under the same load: what disturbs the machine then disturbs all of them.

use std::{any::Any, io, net::SocketAddr, sync::Arc, time::Duration};

use super::{
    cpu,
    load::{self, Report, THREAD_NAME, Until, drive},
};

/// Someone who takes part: a server that answers on an address until this is dropped.
pub(crate) struct Server {
    /// What it is called in the table.
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    /// Further processes, with their children, whose CPU time counts.
    pub(crate) processes: Vec<u32>,
    /// Dropped with it; stops it.
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
}

/// What is asked of a server.
#[derive(Clone)]
pub(crate) struct Load {
    /// Connections, each with one request under way.
    pub(crate) connections: usize,
    /// The status of every answer; anything else fails the run.
    pub(crate) status: u16,
    /// Appends the request with this number to the buffer.
    pub(crate) write: Arc<dyn Fn(u64, &mut Vec<u8>) + Send + Sync>,
}

/// One server under one load for one round.
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

    /// The rounds of each, in the order of `entrants`, after a third of a round to warm up.
    pub(crate) fn turns(
        &self,
        title: &str,
        entrants: &[(&Server, Load)],
    ) -> io::Result<Vec<Vec<Round>>> {
        for (server, load) in entrants {
            round(title, server, load, self.round / 3)?;
        }
        let mut rounds: Vec<Vec<Round>> = entrants.iter().map(|_| Vec::new()).collect();
        for _ in 0..self.rounds {
            for ((server, load), own) in entrants.iter().zip(&mut rounds) {
                own.push(round(title, server, load, self.round)?);
            }
        }
        Ok(rounds)
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

fn round(title: &str, server: &Server, load: &Load, length: Duration) -> io::Result<Round> {
    let before = cpu::used(THREAD_NAME, &server.processes);
    let write = Arc::clone(&load.write);
    let until = Until::Elapsed(length);
    let report = drive(
        server.address,
        load.connections,
        until,
        move |at, buffer| {
            write(at, buffer);
        },
    )?;
    let used = cpu::used(THREAD_NAME, &server.processes).zip(before);
    let used = used.map(|(after, before)| after.saturating_sub(before).as_nanos());
    let (name, count) = (server.name, report.responses());
    let as_wanted = report.statuses.get(&load.status).copied().unwrap_or(0);
    if report.broken > 0 || as_wanted != count || count == 0 {
        let (wanted, broken) = (load.status, report.broken);
        let statuses = &report.statuses;
        let what = format!(
            "{title}: {name} was to answer {wanted} and answered, by status, {statuses:?}; {broken} \
             connections broke"
        );
        return Err(io::Error::other(what));
    }
    let cpu_ns = used.and_then(|used| u64::try_from(used / u128::from(count)).ok());
    Ok(Round { report, cpu_ns })
}

/// Asks once and answers the response's body.
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
