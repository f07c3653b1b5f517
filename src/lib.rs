//! Jumun (주문, "order"): a store's back office in one binary.
//!
//! Orders, payments and deliveries, and what undoes them, kept safe in one directory. What a reply
//! says is on disk before it leaves. A shop is data: its paths, fields, words and flow stand in a
//! file under `storefronts/`, and no code knows its name.
//!
//! # Inside another program
//!
//! The same [`App`](app::App) serves the `jumun` binary and yours: your listener, your end, and
//! [`Engine`](actors::handles::Engine) for calls without HTTP. `examples/embedded.rs` has more.
//!
//! ```no_run
//! use jumun::{actors::handles::{Context, Request}, config::Config};
//! use jumun::{app::{self, App, Options}, domain::Money};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     app::in_system(async {
//!         let config = Config::read(None)?;
//!         let options = Options::new(&config)?;
//!         let shop = 0; // the first of `options.storefronts`
//!         let app = App::start(config, options)?;
//!
//!         let engine = app.engine();
//!         let currency = engine.storefronts()[shop].currency;
//!         let fields = [("customerName".into(), "KIM".into())].into_iter().collect();
//!         let request = Request::place(fields, Some(Money::new(10_000, currency)));
//!         let order = engine.perform(shop, request, Context::default()).await?;
//!         println!("order {} is paid and on disk", order.number);
//!
//!         let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//!         // Until this is ready; then it finishes what is under way and closes.
//!         app.serve(listener, std::future::pending()).await?;
//!         Ok(())
//!     })
//! }
//! ```
//!
//! # What is where, in reading order
//!
//! - [`domain`]: the rules. What may happen to an order, and what follows. Pure.
//! - [`outbound`]: what leaves for other machines, signed and tried again.
//! - [`store`]: the journal that is the truth, and the trees that are made again from it.
//! - [`views`]: rows folded from what happened, for people to look at.
//! - [`actors`]: gives the rules a mailbox, a supervisor, durability and time.
//! - [`http`]: the REST surface over the actors' handles.
//! - [`app`]: opens, wires, serves, drains and closes all of it; the offline check.
//! - [`cli`]: the command line over the app.
//! - [`config`]: the settings, checked once.
//! - [`clock`]: the one place that reads the time of day.
//! - [`metrics`]: what is measured, and how that is written down.
//! - [`telemetry`]: what is logged, and where.
//!
//! `ARCHITECTURE.md` says why, and where to look for what.
pub mod actors;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod feed;
pub mod http;
pub mod metrics;
pub mod outbound;
mod represent;
pub mod store;
pub mod telemetry;
pub mod views;
