//! Durability: the journal that is the truth, and the sled trees that are rebuilt from it.

pub mod codec;
pub mod commit;
pub mod committer;
pub mod journal;
