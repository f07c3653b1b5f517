//! The part of a path that is counted.

use std::hint::black_box;

/// What callgrind is told to collect while it is in: [`part`].
pub(crate) const FUNCTION: &str = "*instructions*counted*part*";

/// Does what is counted. callgrind collects from entering this function until it is left.
#[inline(never)]
pub(crate) fn part(work: &mut dyn FnMut()) {
    work();
    // So that the call is no jump, which would leave the function before the work.
    black_box(());
}
