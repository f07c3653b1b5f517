//! What is measured, and how that is written down for Prometheus.
//!
//! Three parts, none of which knows what is measured. On the way of a request there are only
//! [counters](std::sync::atomic) and a [`Histogram`]: an atomic addition each. Whoever has such
//! figures writes them into a [`Sheet`] when Prometheus asks, and [`Sources`] are all of those.
//! There is no registry that the whole process shares: two apps in one process count for themselves.

mod histogram;
mod sheet;
mod text;

pub use histogram::{Distribution, Histogram};
pub use sheet::{Family, Sheet, Sources, Value};
pub use text::Form;
