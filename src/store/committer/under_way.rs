//! How many requests are being worked on and may still submit something.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// A gauge of requests that are accepted and have not submitted their batch yet. The committer
/// waits a moment for them, so that one sync covers them too. Clones share the count.
#[derive(Clone, Debug, Default)]
pub struct UnderWay(Arc<AtomicUsize>);

/// One request under way. Dropped right before it submits, or when it turns out that it will not.
///
/// Dropped later, it makes the committer wait for a request that it has already.
#[derive(Debug)]
pub struct Guard(UnderWay);

impl UnderWay {
    /// Counts one more, for as long as the guard lives.
    #[must_use]
    pub fn begin(&self) -> Guard {
        self.0.fetch_add(1, Ordering::Relaxed);
        Guard(self.clone())
    }

    /// How many there are now. Only a hint: others may begin or end at any moment.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
