//! Where a test or a demonstration may strike.

use crate::domain::EntityKey;

/// A place in the engine where a fault may be injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// An entity is about to decide on a command.
    Decide(EntityKey),
    /// An entity has half taken in what it decided.
    Apply(EntityKey),
    /// The coordinator is about to let a saga react.
    React(u64),
}

/// Decides, at each point, whether to panic there. The engine must survive it.
pub trait Faults: Send + Sync + 'static {
    /// Called at the point; may panic.
    fn strike(&self, point: Point);
}

/// No faults: what everyone gets who does not ask for them.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFaults;

impl Faults for NoFaults {
    fn strike(&self, _point: Point) {}
}
