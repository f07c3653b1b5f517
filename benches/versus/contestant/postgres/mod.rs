//! PostgreSQL, as a service would use it: a pool of connections over a Unix socket, statements that are
//! prepared once, and everything of an order committed together.
//!
//! Two contestants on one cluster, each with a database of its own:
//!
//! - `postgres`: a transaction of several statements, as services behind an ORM write them. Better than
//!   they do: all of it is sent at once (pipelined), where an ORM waits for each answer.
//! - `postgres, 1 statement`: one statement that inserts everything (common table expressions), which
//!   is its own transaction.
//!
//! Each HTTP worker has a pool of its own, so that no connection is driven from another thread; that is
//! faster than one pool for both. How many connections was tried, see [`CONNECTIONS`].
//!
//! Settings of the server: see `cluster.rs`. Where no PostgreSQL is installed, [`start`] says what to
//! install, and the others go on without it.

mod cluster;
mod installed;
mod orders;

use std::{fmt, io, sync::Arc};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use tokio_postgres::NoTls;

use self::{
    cluster::{Cluster, failed},
    orders::{Form, Shop},
};
use super::{WORKERS, peer};
use crate::contest::Server;

/// Connections of each contestant, all workers together: how many orders can share a sync.
///
/// 8, 16, 32 and 64 were tried in turns, on two cores and a disk that others kept busy. With one statement
/// and 64 clients they gave 515, 809, 1,556 and 2,440 orders a second, with 256 clients 668, 1,195, 1,979
/// and 2,417; no more CPU was spent on an order with 64 than with 16.
const CONNECTIONS: usize = 64;

/// Why PostgreSQL does not take part.
#[derive(Debug)]
pub(crate) struct Skipped(&'static str);

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Starts a cluster, and both contestants on it.
///
/// An error where PostgreSQL is installed and does not start.
pub(crate) fn start() -> io::Result<Result<[Server; 2], Skipped>> {
    let cluster = match Cluster::start()? {
        Ok(cluster) => Arc::new(cluster),
        Err(skipped) => return Ok(Err(skipped)),
    };
    let several = contestant("postgres", &cluster, Form::Several)?;
    let one = contestant("postgres, 1 statement", &cluster, Form::One)?;
    Ok(Ok([several, one]))
}

/// Whether both keep what they answer, where PostgreSQL is installed.
pub(crate) fn test() -> io::Result<Result<(), Skipped>> {
    let cluster = match Cluster::start()? {
        Ok(cluster) => Arc::new(cluster),
        Err(skipped) => return Ok(Err(skipped)),
    };
    for form in [Form::Several, Form::One] {
        let server = contestant("postgres", &cluster, form)?;
        peer::test(&server, 3, || cluster.count(form.database()))?;
    }
    Ok(Ok(()))
}

fn contestant(name: &'static str, cluster: &Arc<Cluster>, form: Form) -> io::Result<Server> {
    let database = cluster.create(form.database())?;
    let open = move || {
        let config = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(database.clone(), NoTls, config);
        let size = CONNECTIONS.div_ceil(WORKERS);
        let pool = Pool::builder(manager).max_size(size).build();
        Shop::new(pool.expect("a pool without timeouts needs nothing"), form)
    };
    let server = peer::http(name, open).map_err(failed("start the server"))?;
    Ok(Server {
        processes: vec![cluster.process()],
        // In this order: the cluster ends when nobody asks it for anything.
        keep: Box::new((server.keep, Arc::clone(cluster))),
        ..server
    })
}
