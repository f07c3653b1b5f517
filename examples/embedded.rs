//! Another program with a flower shop inside: it starts the server on a listener of its own, orders
//! through the library and reads over HTTP, and shuts the server down.
//!
//! `cargo run --example embedded`

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
};

use jumun::{
    actors::handles::{Context, Engine, Entity, Request},
    app::{App, Options, definitions},
    config::Config,
    domain::{Kind, Money},
};
use tokio::sync::oneshot;

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let data = tempfile::tempdir()?;
    let mut config = Config::read(None)?;
    config.data = data.path().join("shop");
    actix_web::rt::System::new().block_on(run(config))
}

async fn run(config: Config) -> Result<(), Error> {
    let mut out = std::io::stdout();
    let options = Options::new(&config)?;
    let shop = definitions::place(&options.storefronts, "flowers")?;
    let app = App::start(config, options)?;
    let engine = app.engine().clone();

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (close, closing) = oneshot::channel::<()>();
    let server = actix_web::rt::spawn(app.serve(listener, async { drop(closing.await) }));
    writeln!(out, "The shop is open at http://{address}/flowers")?;

    let number = order(&engine, shop).await?;
    writeln!(out, "Ordered through the library: order {number}, durable")?;

    let item = engine
        .item(shop, Kind::Order, number)?
        .ok_or("the order is not there")?;
    if let Entity::Order(order) = item.entity {
        let amount = order
            .amount
            .map_or_else(String::new, |amount| amount.to_string());
        writeln!(out, "Read through the library: {:?}, {amount}", order.state)?;
    }

    let path = format!("/flowers/orders/{number}");
    let reply = actix_web::rt::task::spawn_blocking(move || get(address, &path)).await??;
    writeln!(out, "Read over HTTP:\n{reply}")?;

    drop(close);
    server.await??;
    writeln!(
        out,
        "The shop is closed, and everything is safe in its directory."
    )?;
    Ok(())
}

/// Places an order for 10,000 won and returns its number, once it is paid and durable.
async fn order(engine: &Engine, shop: usize) -> Result<u64, Error> {
    let currency = engine.storefronts()[shop].currency;
    let fields = [
        ("customerName".into(), "KIM".into()),
        ("flowerType".into(), "MixBox".into()),
        ("price".into(), 10_000_i64.into()),
    ];
    let amount = Money::new(10_000, currency);
    let request = Request::place(fields.into_iter().collect(), Some(amount));
    Ok(engine
        .perform(shop, request, Context::default())
        .await?
        .number)
}

/// The body of an answer. A real program has a client for this.
fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer
        .split_once("\r\n\r\n")
        .map_or_else(String::new, |(_, body)| body.to_owned()))
}
