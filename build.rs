//! Embeds every definition file in `storefronts/`, so that the binary needs nothing beside it and
//! no source file names a storefront.

use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=storefronts");
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let mut files: Vec<_> = fs::read_dir(Path::new(&root).join("storefronts"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    files.sort();
    let entries: Vec<String> = files
        .iter()
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // Relative to the crate, so that checkouts may share a target directory.
            let path = format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/storefronts/{name}\")");
            format!("({name:?}, include_str!({path})),\n")
        })
        .collect();
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(
        Path::new(&out).join("definitions.rs"),
        format!("&[\n{}]", entries.concat()),
    )
}
