//! An order in PostgreSQL: in several statements, or in one.

use std::{cell::Cell, sync::Arc};

use deadpool_postgres::{Object, Pool};
use tokio_postgres::{Statement, error::SqlState, types::ToSql};

use crate::contestant::peer::{Books, EVENTS, Failed, PAID, Wanted};

/// Numbers that a worker takes at once: what the sequence goes on by.
const NUMBERS: i64 = 50;

const TAKE_NUMBERS: &str = "SELECT nextval('order_numbers')";
const ORDER: &str = "INSERT INTO orders VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const PAYMENT: &str = "INSERT INTO payments VALUES ($1, $2, $3)";
const MY_PAGE: &str = "INSERT INTO my_pages VALUES ($1, $2, $3, $4, $5, $6, $7)";
const ORDER_DETAIL: &str = "INSERT INTO order_details VALUES ($1, $2, $3, $4, $5, $6, $7)";
const EVENT_ROWS: &str = "INSERT INTO events (order_number, type, body) VALUES \
    ($1, $2, $3::text::json), ($1, $4, $5::text::json), ($1, $6, $7::text::json)";
const KEY: &str = "INSERT INTO idempotency_keys VALUES ($1, $2)";

/// All of it: $1 to $9 are the order, $10 what is charged, $11 to $16 the events.
const ALL: &str = "WITH \
    placed AS (INSERT INTO orders VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)), \
    paid AS (INSERT INTO payments VALUES ($1, $10, $5)), \
    page AS (INSERT INTO my_pages VALUES ($1, $2, $3, $4, $5, $6, $7)), \
    detail AS (INSERT INTO order_details VALUES ($1, $2, $3, $4, $5, $6, $7)) \
    INSERT INTO events (order_number, type, body) VALUES \
    ($1, $11, $12::text::json), ($1, $13, $14::text::json), ($1, $15, $16::text::json)";

/// The same with a key, $17.
const ALL_KEYED: &str = "WITH \
    named AS (INSERT INTO idempotency_keys VALUES ($17, $1)), \
    placed AS (INSERT INTO orders VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)), \
    paid AS (INSERT INTO payments VALUES ($1, $10, $5)), \
    page AS (INSERT INTO my_pages VALUES ($1, $2, $3, $4, $5, $6, $7)), \
    detail AS (INSERT INTO order_details VALUES ($1, $2, $3, $4, $5, $6, $7)) \
    INSERT INTO events (order_number, type, body) VALUES \
    ($1, $11, $12::text::json), ($1, $13, $14::text::json), ($1, $15, $16::text::json)";

/// How an order is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// `BEGIN`, an `INSERT` for each table, `COMMIT`; all sent at once.
    Several,
    /// One statement.
    One,
}

impl Form {
    /// Each has a database of its own.
    pub(super) const fn database(self) -> &'static str {
        match self {
            Self::Several => "several",
            Self::One => "one",
        }
    }
}

/// One worker's end of the shop.
pub(super) struct Shop {
    pool: Pool,
    form: Form,
    /// The next number, and the end of those taken.
    numbers: Cell<(i64, i64)>,
}

type Parameters<'a> = [&'a (dyn ToSql + Sync)];

impl Shop {
    pub(super) const fn new(pool: Pool, form: Form) -> Self {
        Self {
            pool,
            form,
            numbers: Cell::new((0, 0)),
        }
    }

    /// A fresh number. Two who find none left both take some; a gap does no harm.
    async fn number(&self, client: &Object) -> Result<i64, Failed> {
        let (next, end) = self.numbers.get();
        if next < end {
            self.numbers.set((next + 1, end));
            return Ok(next);
        }
        let statement = prepared(client, TAKE_NUMBERS).await?;
        let row = client.query_one(&statement, &[]).await.map_err(failed)?;
        let first: i64 = row.get(0);
        self.numbers.set((first + 1, first + NUMBERS));
        Ok(first)
    }
}

impl Books for Shop {
    async fn place(&self, wanted: &Arc<Wanted>) -> Result<i64, Failed> {
        let client = self.pool.get().await;
        let client = client.map_err(|error| Failed::Store(error.to_string()))?;
        let number = self.number(&client).await?;
        match self.form {
            Form::Several => several(&client, wanted, number).await?,
            Form::One => one(&client, wanted, number).await?,
        }
        Ok(number)
    }
}

/// The connection sends what was begun in the order in which it was begun, and takes the answers in the
/// same order. After one that failed, those that follow fail too, and `COMMIT` rolls back.
async fn several(client: &Object, wanted: &Wanted, number: i64) -> Result<(), Failed> {
    let (asked, amount, told) = (&wanted.asked, wanted.amount(), wanted.told());
    let begin = prepared(client, "BEGIN").await?;
    let order = prepared(client, ORDER).await?;
    let payment = prepared(client, PAYMENT).await?;
    let my_page = prepared(client, MY_PAGE).await?;
    let order_detail = prepared(client, ORDER_DETAIL).await?;
    let events = prepared(client, EVENT_ROWS).await?;
    let named = prepared(client, KEY).await?;
    let commit = prepared(client, "COMMIT").await?;

    let fields: [&(dyn ToSql + Sync); 9] = [
        &number,
        &asked.phone_number,
        &asked.address,
        &asked.customer_name,
        &PAID,
        &asked.flower_type,
        &asked.price,
        &asked.email,
        &asked.language,
    ];
    let row = &fields[..7];
    let paid: &Parameters<'_> = &[&number, &amount, &PAID];
    let [placed, captured, confirmed] = EVENTS;
    let happened: &Parameters<'_> = &[
        &number, &placed, &told[0], &captured, &told[1], &confirmed, &told[2],
    ];
    let outcomes = tokio::join!(
        biased;
        client.execute(&begin, &[]),
        client.execute(&order, &fields),
        client.execute(&payment, paid),
        client.execute(&my_page, row),
        client.execute(&order_detail, row),
        client.execute(&events, happened),
        async {
            match &wanted.key {
                Some(key) => client.execute(&named, &[key, &number]).await,
                None => Ok(0),
            }
        },
        client.execute(&commit, &[]),
    );
    let (first, two, three, four, five, six, seven, last) = outcomes;
    for outcome in [first, two, three, four, five, six, seven, last] {
        outcome.map_err(failed)?;
    }
    Ok(())
}

async fn one(client: &Object, wanted: &Wanted, number: i64) -> Result<(), Failed> {
    let (asked, amount, told) = (&wanted.asked, wanted.amount(), wanted.told());
    let statement = match wanted.key {
        Some(_) => ALL_KEYED,
        None => ALL,
    };
    let statement = prepared(client, statement).await?;
    let [placed, captured, confirmed] = EVENTS;
    let parameters: [&(dyn ToSql + Sync); 17] = [
        &number,
        &asked.phone_number,
        &asked.address,
        &asked.customer_name,
        &PAID,
        &asked.flower_type,
        &asked.price,
        &asked.email,
        &asked.language,
        &amount,
        &placed,
        &told[0],
        &captured,
        &told[1],
        &confirmed,
        &told[2],
        &wanted.key,
    ];
    let count = statement.params().len();
    let inserted = client.execute(&statement, &parameters[..count]).await;
    inserted.map(drop).map_err(failed)
}

/// Prepared once on each connection.
async fn prepared(client: &Object, statement: &str) -> Result<Statement, Failed> {
    let prepared = client.prepare_cached(statement).await;
    prepared.map_err(failed)
}

#[expect(clippy::needless_pass_by_value, reason = "so that it can be named")]
fn failed(error: tokio_postgres::Error) -> Failed {
    if error.code() == Some(&SqlState::UNIQUE_VIOLATION) {
        return Failed::KeyTaken;
    }
    let said = error.as_db_error().map(ToString::to_string);
    Failed::Store(said.unwrap_or_else(|| error.to_string()))
}
