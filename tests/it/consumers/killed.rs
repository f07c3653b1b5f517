//! Members of a group, processes of their own, killed a hundred times at random, and the server a few
//! times beside: nothing is missed, each subject is in order, nobody has what another has.
//!
//! `JUMUN_CONSUMED_EVENTS=100000 cargo test --test it killed_members` is the full length.

#![expect(
    clippy::print_stdout,
    reason = "a member says on its standard output what it does"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
};

use serde_json::json;
use tempfile::TempDir;

use super::{Lease, Member, group, id};
use crate::support::{Client, ORDER, Process, process::verify};

const PATH: &str = "/flowers/consumers/engineers";

/// Members that are killed.
const KILLS: usize = 100;

/// So many members are killed for each time that the server is.
const KILLS_PER_SERVER: usize = 30;

const MEMBERS: [&str; 2] = ["a", "b"];

/// Events, unless the environment says how many.
const EVENTS: usize = 4_000;

/// Where the members of this process find the server; only set for them.
const ADDRESS: &str = "JUMUN_TEST_MEMBER_OF";
const NAME: &str = "JUMUN_TEST_MEMBER";

/// What a member says.
#[derive(Clone, Debug)]
enum Said {
    /// It has these.
    Leased { member: String, lease: Lease },
    /// It did what is to be done.
    Handled(u64),
    /// It is gone.
    Gone,
}

/// A process that is a member.
struct Running {
    child: Child,
    reader: JoinHandle<()>,
}

/// This is a member where the environment says so, and nothing otherwise.
#[test]
fn a_member_handles_what_it_leases_until_it_is_killed() {
    let (Ok(address), Ok(name)) = (std::env::var(ADDRESS), std::env::var(NAME)) else {
        return;
    };
    let client = Client::new(address.parse().unwrap());
    let mut random = fastrand::Rng::new();
    loop {
        let asked = json!({ "member": name, "max": random.u8(1..64), "wait_ms": 5_000 });
        let Some(answer) = post(&client, "leases", &asked) else {
            return;
        };
        let Some(lease) = Lease::read(&answer) else {
            continue;
        };
        say(&format!("leased {answer}"));
        for part in lease.events.chunks(random.usize(1..32)) {
            for event in part {
                say(&format!("handled {}", id(event)));
            }
            let events: Vec<_> = part.iter().map(id).collect();
            let settled = json!({ "lease": lease.id, "events": events });
            if post(&client, "acknowledgements", &settled).is_none() {
                return;
            }
        }
    }
}

fn post(client: &Client, to: &str, body: &serde_json::Value) -> Option<serde_json::Value> {
    let path = format!("{PATH}/{to}");
    let sent = client.request("POST", &path).json(&body.to_string()).send();
    match sent.ok()? {
        (200, reply) => Some(reply.json()),
        (503, _) => None,
        (status, reply) => panic!("{to} was answered {status}: {}", reply.text),
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

impl Running {
    fn start(address: SocketAddr, name: &str, to: &Sender<Said>) -> Self {
        let this = std::env::current_exe().unwrap();
        let mut child = Command::new(this)
            .args(["--exact", "--nocapture"])
            .arg("consumers::killed::a_member_handles_what_it_leases_until_it_is_killed")
            .env(ADDRESS, address.to_string())
            .env(NAME, name)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (to, member) = (to.clone(), name.to_owned());
        let reader = std::thread::spawn(move || {
            // What a kill cut off is no line.
            let said = out.split(b'\n').map_while(Result::ok);
            for line in said {
                if let Some(said) = heard(&member, &String::from_utf8_lossy(&line)) {
                    to.send(said).unwrap();
                }
            }
            to.send(Said::Gone).unwrap();
        });
        Self { child, reader }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.reader.join().unwrap();
    }
}

fn heard(member: &str, line: &str) -> Option<Said> {
    if let Some((_, leased)) = line.split_once("leased ") {
        let answer = serde_json::from_str(leased).ok()?;
        let (member, lease) = (member.to_owned(), Lease::read(&answer)?);
        return Some(Said::Leased { member, lease });
    }
    let (_, handled) = line.split_once("handled ")?;
    handled.parse().ok().map(Said::Handled)
}

/// Customers, who go on ordering whatever happens to the server.
struct Customers {
    address: Arc<Mutex<SocketAddr>>,
    is_enough: Arc<AtomicBool>,
    orders: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<()>>,
}

impl Customers {
    fn start(address: SocketAddr, orders_min: usize) -> Self {
        let address = Arc::new(Mutex::new(address));
        let is_enough = Arc::new(AtomicBool::new(false));
        let orders = Arc::new(AtomicUsize::new(0));
        let threads = (0..4).map(|_| {
            let (address, is_enough) = (Arc::clone(&address), Arc::clone(&is_enough));
            let orders = Arc::clone(&orders);
            std::thread::spawn(move || {
                let mut at = *address.lock().unwrap();
                let mut client = Client::new(at);
                let is_over = || {
                    is_enough.load(Ordering::Relaxed)
                        && orders.load(Ordering::Relaxed) >= orders_min
                };
                while !is_over() {
                    let sent = client.request("POST", "/orders").json(ORDER).send();
                    if let Ok((201, _)) = sent {
                        orders.fetch_add(1, Ordering::Relaxed);
                    }
                    let now = *address.lock().unwrap();
                    if now != at {
                        (at, client) = (now, Client::new(now));
                    }
                }
            })
        });
        let threads = threads.collect();
        Self {
            address,
            is_enough,
            orders,
            threads,
        }
    }

    fn end(self) -> usize {
        self.is_enough.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
        self.orders.load(Ordering::Relaxed)
    }
}

/// Everything that members said.
#[derive(Default)]
struct Log {
    handled: BTreeSet<u64>,
    /// Who had an event, from when until when, in the order it was heard.
    leased: BTreeMap<u64, Vec<(String, String, String)>>,
    /// Of each subject, when each of its events was first given out.
    subjects: BTreeMap<String, BTreeMap<u64, String>>,
    by_member: BTreeMap<String, usize>,
}

impl Log {
    fn note(&mut self, said: Said) {
        match said {
            Said::Leased { member, lease } => {
                *self.by_member.entry(member).or_default() += lease.events.len();
                for event in &lease.events {
                    let position: u64 = id(event).parse().unwrap();
                    let own = (lease.since.clone(), lease.until.clone(), lease.id.clone());
                    self.leased.entry(position).or_default().push(own);
                    let subject = event["subject"].as_str().unwrap().to_owned();
                    let first = self.subjects.entry(subject).or_default();
                    let first = first.entry(position).or_insert_with(|| lease.since.clone());
                    if lease.since < *first {
                        first.clone_from(&lease.since);
                    }
                }
            }
            Said::Handled(position) => drop(self.handled.insert(position)),
            Said::Gone => {}
        }
    }

    /// Nobody had what another had; each subject was given out in order.
    fn check(&mut self) {
        for (position, leases) in &mut self.leased {
            leases.sort();
            for pair in leases.windows(2) {
                assert!(
                    pair[1].0 >= pair[0].1,
                    "{position} was out twice at once: {pair:?}"
                );
            }
        }
        for (subject, first) in &self.subjects {
            let times: Vec<&String> = first.values().collect();
            assert!(times.is_sorted(), "{subject} is out of order: {first:?}");
        }
    }
}

/// Every event of the feed, from its pages.
fn all_events(client: &Client) -> BTreeSet<u64> {
    let mut all = BTreeSet::new();
    let mut after = "beginning".to_owned();
    loop {
        let page = client.get(&format!("/flowers/events?limit=1000&after={after}"));
        let events = page.at("/events");
        let events = events.as_array().unwrap();
        all.extend(events.iter().map(|event| id(event).parse::<u64>().unwrap()));
        after = page.at("/next").as_str().unwrap().to_owned();
        if events.is_empty() && page.at("/horizon").as_str() == Some(&after) {
            return all;
        }
    }
}

/// Takes in what was said by now; blocks for so many sayings of members that live.
fn hear(from: &Receiver<Said>, log: &mut Log, count: usize) {
    let mut heard = 0;
    while heard < count {
        let said = from.recv().unwrap();
        if matches!(said, Said::Gone) {
            return;
        }
        log.note(said);
        heard += 1;
    }
}

/// The server, its customers, two members, and what these said.
struct Trial {
    data: PathBuf,
    process: Process,
    customers: Customers,
    members: [Running; 2],
    to: Sender<Said>,
    from: Receiver<Said>,
    log: Log,
}

impl Trial {
    fn start(dir: &TempDir, events: usize) -> Self {
        let data = dir.path().join("data");
        let process = Process::serve(&data, &["--root", "flowers"]);
        group(&process.client(), PATH, &json!({ "lease_ms": 1_500 }));
        let customers = Customers::start(process.address(), events / 2);
        let (to, from) = channel();
        Self {
            members: MEMBERS.map(|name| Running::start(process.address(), name, &to)),
            data,
            process,
            customers,
            to,
            from,
            log: Log::default(),
        }
    }

    /// Kills one member, and another takes its place.
    fn kill_member(&mut self, victim: usize) {
        let next = Running::start(self.process.address(), MEMBERS[victim], &self.to);
        std::mem::replace(&mut self.members[victim], next).kill();
    }

    /// Kills the server, and starts it again.
    fn kill_server(&mut self) {
        self.process.kill_now();
        self.process = Process::serve(&self.data, &["--root", "flowers"]);
        *self.customers.address.lock().unwrap() = self.process.address();
        (0..MEMBERS.len()).for_each(|member| self.kill_member(member));
    }

    /// Goes on until nothing is left, beside the members. Returns everything that was said.
    fn finish(mut self) -> (Process, Log, usize) {
        let orders = self.customers.end();
        let client = self.process.client();
        let last = Member::new(&client, PATH, "last");
        while client.get(PATH).at("/lag/events") != json!(0) {
            let Some(lease) = last.lease(500, 2_000) else {
                continue;
            };
            last.acknowledge(&lease, &lease.ids());
            for id in lease.ids() {
                self.log.note(Said::Handled(id.parse().unwrap()));
            }
            let member = "last".to_owned();
            self.log.note(Said::Leased { member, lease });
        }
        self.members.into_iter().for_each(Running::kill);
        drop(self.to);
        for said in self.from {
            self.log.note(said);
        }
        (self.process, self.log, orders)
    }
}

#[test]
fn killed_members_and_a_killed_server_miss_nothing_and_share_nothing() {
    let events: usize = std::env::var("JUMUN_CONSUMED_EVENTS")
        .map_or(EVENTS, |events| events.parse().expect("a number"));
    let seed = fastrand::u64(..);
    println!("seed {seed}, {events} events");
    let mut random = fastrand::Rng::with_seed(seed);
    let dir = TempDir::new().unwrap();
    let mut trial = Trial::start(&dir, events);
    let between = (2 * events / KILLS).max(60);
    for kill in 1..=KILLS {
        hear(&trial.from, &mut trial.log, random.usize(1..between));
        if kill % KILLS_PER_SERVER == 0 {
            trial.kill_server();
        } else {
            trial.kill_member(random.usize(..MEMBERS.len()));
        }
    }
    let data = trial.data.clone();
    let (process, mut log, orders) = trial.finish();
    log.check();
    let client = process.client();
    let all = all_events(&client);
    let missed: Vec<&u64> = all.difference(&log.handled).collect();
    assert!(missed.is_empty(), "missed {missed:?}");
    assert!(all.len() >= events.max(2 * orders), "{} events", all.len());
    println!(
        "{} events of {orders} orders, {} leased again; by member: {:?}",
        all.len(),
        client.get(PATH).at("/redelivered"),
        log.by_member
    );
    for member in MEMBERS {
        assert!(
            log.by_member[member] > all.len() / 10,
            "{:?}",
            log.by_member
        );
    }
    process.terminate();
    assert!(process.wait().0.success());
    verify(&data);
}
