//! The one screen that a start prints.

use std::{
    io::{self, Write},
    net::SocketAddr,
    sync::Arc,
};

use crate::{
    config::Config,
    domain::{
        Kind,
        storefront::{FieldType, Storefront},
    },
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
    for storefront in storefronts {
        let at_root = config.root.as_deref() == Some(&*storefront.name);
        let also = if at_root { "  (and at /)" } else { "" };
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
    if let Some(storefront) = storefronts.first() {
        writeln!(out, "\nTry it:\n  {}", example(&base, storefront))?;
        writeln!(out, "or open {base}/ in a browser. Ctrl-C stops it.")?;
    }
    out.flush()
}

/// A command that places an order with this storefront.
fn example(base: &str, storefront: &Storefront) -> String {
    let Some(order) = storefront.resource(Kind::Order) else {
        return format!("curl {base}/");
    };
    let fields: Vec<String> = order
        .fields
        .iter()
        .filter_map(|field| match field.holds {
            FieldType::Text { .. } => Some(format!("\"{}\":\"…\"", field.name)),
            FieldType::Integer { min, .. } => Some(format!("\"{}\":{}", field.name, min.max(1))),
            FieldType::Money => Some(format!("\"{}\":10000", field.name)),
            FieldType::Status | FieldType::Order => None,
        })
        .collect();
    format!(
        "curl {base}/{}/{} -H 'Content-Type: application/json' -d '{{{}}}'",
        storefront.name,
        order.path,
        fields.join(",")
    )
}
