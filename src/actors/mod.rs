//! Time, concurrency and delivery: gives the domain's rules a mailbox, a supervisor and a store.

pub mod handles;
