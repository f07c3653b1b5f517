//! SQLite, as a service would embed it: a file in the mode of a write-ahead log (WAL), synced at each
//! commit (`synchronous = FULL`), written by one connection on a thread of its own, since it takes one
//! writer at a time anyway.
//!
//! Two contestants, each with a file of its own:
//!
//! - `sqlite`: a transaction for each order.
//! - `sqlite, grouped`: one transaction for all orders that wait, as a user does who has found out what
//!   a commit costs.
//!
//! Settings beside these two: 64 MB of pages in memory (2 MB), and a checkpoint of the log every 10,000
//! pages (1,000), of which there is one for some 1,500 orders then. Statements are prepared once. SQLite is the
//! one that rusqlite compiles in; it syncs with `fsync`, as its makers compile it, not `fdatasync`.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use jumun::clock::Clock;
use rusqlite::{Connection, OptionalExtension, ToSql, Transaction, TransactionBehavior, params};
use tokio::sync::{mpsc, oneshot};

use super::{
    Joined,
    peer::{self, Books, Counts, EVENTS, Failed, PAID, Wanted},
};
use crate::contest::Server;

/// Orders that wait for the writer; more wait outside.
const WAITING_MAX: usize = 1_024;

/// Orders in one transaction.
const GROUP_MAX: usize = 256;

/// As `postgres/tables.sql`. A primary key of whole numbers is the table's own and costs no index.
const TABLES: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -65536;
    PRAGMA wal_autocheckpoint = 10000;
    CREATE TABLE orders (
        number INTEGER PRIMARY KEY, phone_number TEXT, address TEXT, customer_name TEXT,
        status TEXT NOT NULL, flower_type TEXT, price INTEGER, email TEXT, language TEXT);
    CREATE TABLE payments (
        order_number INTEGER PRIMARY KEY, amount INTEGER NOT NULL, status TEXT NOT NULL);
    CREATE TABLE my_pages (
        order_number INTEGER PRIMARY KEY, phone_number TEXT, address TEXT, customer_name TEXT,
        status TEXT NOT NULL, flower_type TEXT, price INTEGER, delivery_status TEXT);
    CREATE TABLE order_details (
        order_number INTEGER PRIMARY KEY, phone_number TEXT, address TEXT, customer_name TEXT,
        status TEXT NOT NULL, flower_type TEXT, price INTEGER, delivery_status TEXT);
    CREATE TABLE events (
        position INTEGER PRIMARY KEY, order_number INTEGER NOT NULL, type TEXT NOT NULL,
        body TEXT NOT NULL, at INTEGER NOT NULL);
    CREATE TABLE idempotency_keys (
        key TEXT PRIMARY KEY, order_number INTEGER NOT NULL) WITHOUT ROWID;
";

const ORDER: &str = "INSERT INTO orders VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)";
const PAYMENT: &str = "INSERT INTO payments VALUES (?, ?, ?)";
const MY_PAGE: &str = "INSERT INTO my_pages VALUES (?, ?, ?, ?, ?, ?, ?, NULL)";
const ORDER_DETAIL: &str = "INSERT INTO order_details VALUES (?, ?, ?, ?, ?, ?, ?, NULL)";
const EVENT_ROWS: &str = "INSERT INTO events (order_number, type, body, at) VALUES \
    (?1, ?2, ?3, ?8), (?1, ?4, ?5, ?8), (?1, ?6, ?7, ?8)";
const KEY_OF: &str = "SELECT 1 FROM idempotency_keys WHERE key = ?";
const KEY: &str = "INSERT INTO idempotency_keys VALUES (?, ?)";

/// How many prepared statements are kept.
const STATEMENTS: usize = 16;

/// An order on its way to the writer, with who waits for it.
struct Waiting {
    wanted: Arc<Wanted>,
    done: oneshot::Sender<Result<i64, Failed>>,
}

/// One worker's end of the shop.
struct Shop {
    writer: mpsc::Sender<Waiting>,
}

/// A transaction for each order.
pub(crate) fn start() -> io::Result<Server> {
    start_as("sqlite", 1).map(|(server, _path)| server)
}

/// A transaction for all orders that wait.
pub(crate) fn start_grouped() -> io::Result<Server> {
    start_as("sqlite, grouped", GROUP_MAX).map(|(server, _path)| server)
}

/// Whether both keep what they answer.
pub(crate) fn test() -> io::Result<()> {
    for group_max in [1, GROUP_MAX] {
        let (server, path) = start_as("sqlite", group_max)?;
        peer::test(&server, 3, || {
            count(&path).map_err(failed("count what is kept"))
        })?;
    }
    Ok(())
}

fn start_as(name: &'static str, group_max: usize) -> io::Result<(Server, PathBuf)> {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let path = home.path().join("shop.db");
    let connection = open(&path).map_err(failed("make the shop's file"))?;
    let (writer, waiting) = mpsc::channel(WAITING_MAX);
    let thread = thread::Builder::new()
        .name(name.into())
        .spawn(move || write(connection, waiting, group_max))?;
    let server = peer::http(name, move || Shop {
        writer: writer.clone(),
    })?;
    let server = Server {
        // In this order: with the server goes the last who could send the writer anything.
        keep: Box::new((server.keep, Joined(Some(thread)), home)),
        ..server
    };
    Ok((server, path))
}

impl Books for Shop {
    async fn place(&self, wanted: &Arc<Wanted>) -> Result<i64, Failed> {
        let (done, outcome) = oneshot::channel();
        let wanted = Arc::clone(wanted);
        let gone = || Failed::Store("SQLite: the writer's thread has ended".to_owned());
        let sent = self.writer.send(Waiting { wanted, done }).await;
        sent.map_err(|_| gone())?;
        outcome.await.unwrap_or_else(|_| Err(gone()))
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch(TABLES)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Of each table, its rows.
fn count(path: &Path) -> rusqlite::Result<Counts> {
    let connection = Connection::open(path)?;
    let mut counts = Counts::default();
    for (table, count) in peer::TABLES.iter().zip(&mut counts) {
        let statement = format!("SELECT count(*) FROM {table}");
        *count = connection.query_row(&statement, [], |row| row.get(0))?;
    }
    Ok(counts)
}

/// What went wrong, in a sentence.
fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> io::Error {
    move |error| io::Error::other(format!("SQLite: could not {doing}: {error}"))
}

/// Writes what waits, until nobody can send anything any more.
fn write(mut connection: Connection, mut waiting: mpsc::Receiver<Waiting>, group_max: usize) {
    let mut group = Vec::with_capacity(group_max);
    while let Some(first) = waiting.blocking_recv() {
        group.push(first);
        while group.len() < group_max
            && let Ok(next) = waiting.try_recv()
        {
            group.push(next);
        }
        let committed = commit(&mut connection, &group);
        let outcomes = committed.unwrap_or_else(|error| {
            let failed = |_: &Waiting| Err(Failed::Store(format!("SQLite: {error}")));
            group.iter().map(failed).collect()
        });
        for (Waiting { done, .. }, outcome) in group.drain(..).zip(outcomes) {
            // Who hung up has its order all the same.
            drop(done.send(outcome));
        }
    }
}

/// All of a group, or nothing; but for those whose key is taken.
fn commit(
    connection: &mut Connection,
    group: &[Waiting],
) -> rusqlite::Result<Vec<Result<i64, Failed>>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let inserted = group.iter().map(|own| insert(&transaction, &own.wanted));
    let outcomes = inserted.collect::<rusqlite::Result<_>>()?;
    transaction.commit()?;
    Ok(outcomes)
}

fn insert(transaction: &Transaction<'_>, wanted: &Wanted) -> rusqlite::Result<Result<i64, Failed>> {
    if let Some(key) = &wanted.key {
        let mut find = transaction.prepare_cached(KEY_OF)?;
        if find.query_row([key], |_| Ok(())).optional()?.is_some() {
            return Ok(Err(Failed::KeyTaken));
        }
    }
    let run = |statement: &str, values: &[&dyn ToSql]| {
        transaction.prepare_cached(statement)?.execute(values)
    };
    let (asked, amount, told) = (&wanted.asked, wanted.amount(), wanted.told());
    let (phone, address, name) = (&asked.phone_number, &asked.address, &asked.customer_name);
    let (flower, price) = (&asked.flower_type, &asked.price);
    let order = params![
        phone,
        address,
        name,
        PAID,
        flower,
        price,
        asked.email,
        asked.language
    ];
    run(ORDER, order)?;
    let number = transaction.last_insert_rowid();
    run(PAYMENT, params![number, amount, PAID])?;
    let row = params![number, phone, address, name, PAID, flower, price];
    run(MY_PAGE, row)?;
    run(ORDER_DETAIL, row)?;
    let at = Clock::System.now().0;
    let [placed, paid, confirmed] = EVENTS;
    let events = params![
        number, placed, told[0], paid, told[1], confirmed, told[2], at
    ];
    run(EVENT_ROWS, events)?;
    if let Some(key) = &wanted.key {
        run(KEY, params![key, number])?;
    }
    Ok(Ok(number))
}
