//! Durability: the journal that is the truth, and the sled trees that are rebuilt from it.

pub mod commit;
pub mod directory;
pub mod mark;
pub mod pages;
pub mod snapshot;
