//! `jumun tail`: shows what happens in the shops of a server, as it happens.

mod client;
mod follow;
mod print;
mod sse;

use std::{
    cell::RefCell,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use clap::Args;

use self::{
    client::Client,
    follow::{Asked, Follower},
    print::Printer,
};
use super::Error;
use crate::app;

/// What help shows below everything else.
pub(super) const EXAMPLES: &str = "\
Examples:

  jumun tail                                  # everything that happens from now on, in all shops
  jumun tail laundry --type Ordered           # only new orders of one shop
  jumun tail laundry --subject orders/7 --from beginning    # the story of one order
  jumun tail laundry --from 1042              # what came after event 1042
  jumun tail laundry --json | jq .data.price  # CloudEvents, one a line

Each line has the time (UTC), the event's id, what happened, to what, and what the event says of it.";

/// What is asked of it.
#[derive(Debug, Args)]
pub(super) struct Tail {
    /// The shops, by their names in URLs; all of them, if none is named
    #[arg(value_name = "SHOP")]
    shops: Vec<String>,
    /// The server
    #[arg(
        long,
        env = "JUMUN_SERVER",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    server: String,
    /// Only events of this name; several times for several
    #[arg(long = "type", value_name = "NAME")]
    types: Vec<String>,
    /// Only what is about this order or listing, such as orders/7; several times for several
    #[arg(long = "subject", value_name = "PATH/NUMBER")]
    subjects: Vec<String>,
    /// From where on: `now`, `beginning`, or after the event with this id
    #[arg(long, default_value = "now", value_name = "WHERE")]
    from: String,
    /// Print the events as they come, one a line of JSON
    #[arg(long)]
    json: bool,
}

/// Why nothing can be followed.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Nobody answers.
    #[error("{server} cannot be reached ({why}): is it running? name another with --server")]
    Unreachable {
        /// The server.
        server: String,
        /// What went wrong.
        why: String,
    },
    /// The server says no.
    #[error("{0}")]
    Refused(String),
    /// What is there is no Jumun.
    #[error("{0} does not answer as a jumun server does: check --server")]
    Stranger(String),
    /// It cannot be printed.
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
    /// This machine cannot make a client.
    #[error("this machine's root certificates cannot be read: install ca-certificates")]
    NoClient,
}

/// Follows until Ctrl-C, or until nobody reads the output any more.
pub(super) fn run(given: &Tail, out: &mut dyn Write) -> Result<ExitCode, Error> {
    let colours = io::stdout().is_terminal() && !has_no_colour();
    let followed = app::in_system(async {
        tokio::select! {
            followed = follow(given, colours, out) => followed,
            pressed = tokio::signal::ctrl_c() => pressed.map_err(Trouble::Output),
        }
    });
    match followed {
        // `jumun tail | head` has seen enough.
        Err(Trouble::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            Ok(ExitCode::SUCCESS)
        }
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(trouble) => Err(trouble.into()),
    }
}

/// Whether the user wants none (<https://no-color.org>).
fn has_no_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

async fn follow(given: &Tail, colours: bool, out: &mut dyn Write) -> Result<(), Trouble> {
    let client = Client::new(&given.server)?;
    let (shops, are_all) = if given.shops.is_empty() {
        (client.shops().await?, true)
    } else {
        (given.shops.clone(), false)
    };
    let width = shops.iter().map(|shop| shop.chars().count()).max();
    let printer = RefCell::new(Printer {
        out,
        colours,
        json: given.json,
        shop_width: width.filter(|_| shops.len() > 1),
    });
    let asked = Asked {
        types: given.types.clone(),
        subjects: given.subjects.clone(),
        from: given.from.clone(),
        // A shop among several may not have what is asked for.
        lenient: are_all,
    };
    let followers = shops.into_iter().map(|shop| Follower {
        client: &client,
        printer: &printer,
        asked: &asked,
        shop,
    });
    follow::all(followers.collect()).await
}
