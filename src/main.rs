//! The `jumun` binary.

fn main() {}
