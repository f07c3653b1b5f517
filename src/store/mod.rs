//! Durability: the journal that is the truth, and the sled trees that are rebuilt from it.

pub mod answers;
pub mod archive;
pub mod codec;
pub mod commit;
pub mod committer;
pub mod components;
pub mod directory;
pub mod journal;
pub mod kept;
pub mod keys;
pub mod layout;
pub mod letters;
pub mod mark;
pub mod pages;
pub mod snapshot;
pub mod space;
pub mod tally;
pub mod timers;
