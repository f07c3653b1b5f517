//! The one screen that a start prints.

use std::{
    io::{self, Write},
    net::SocketAddr,
    sync::Arc,
};

use crate::{
    config::Config,
    domain::storefront::{CommandAction, Storefront, Verb, example},
};

/// Says where it listens, what is mounted, and a command to try.
pub(super) fn write(
    out: &mut dyn Write,
    address: SocketAddr,
    config: &Config,
    storefronts: &[Arc<Storefront>],
    notices: &[String],
) -> io::Result<()> {
    let base = format!("http://{address}");
    writeln!(out, "Jumun {} listens on {base}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "Data in {}\n", config.data.display())?;
    let at_root = |storefront: &Storefront| config.root.as_deref() == Some(&*storefront.name);
    for storefront in storefronts {
        let also = if at_root(storefront) {
            "  (and at /)"
        } else {
            ""
        };
        writeln!(
            out,
            "  /{:<12} {}{also}",
            storefront.name, storefront.title.en
        )?;
    }
    for notice in notices {
        writeln!(out, "\nNote: {notice}")?;
    }
    if config.allow_unauthenticated {
        writeln!(
            out,
            "\nNote: anybody who reaches this address may use it (no authentication)."
        )?;
    }
    if config.fault_injection {
        writeln!(
            out,
            "\nNote: PUT /ops/faults makes it fail on purpose (--fault-injection). Not for real orders."
        )?;
    }
    // Whoever asks for a storefront at the root wants to try that one.
    let wanted = storefronts.iter().find(|storefront| at_root(storefront));
    if let Some(storefront) = wanted.or_else(|| storefronts.first()) {
        writeln!(out, "\nTry it:\n  {}", example(&base, storefront))?;
        writeln!(out, "or open {base}/ in a browser. Ctrl-C stops it.")?;
    }
    out.flush()
}

/// A command that places an order with this storefront, where every storefront can be reached.
fn example(base: &str, storefront: &Storefront) -> String {
    let mut rules = storefront.commands.iter();
    let place = rules.find(|rule| rule.action == CommandAction::PlaceOrder);
    let found = place.and_then(|rule| Some((rule, storefront.resource(rule.kind)?)));
    let Some((rule, order)) = found else {
        return format!("curl {base}/");
    };
    let url = format!("{base}/{}/{}", storefront.name, order.path);
    let method = (rule.verb != Verb::Post).then(|| rule.verb.name());
    example::curl(&url, method, &example::body(order, rule))
}
