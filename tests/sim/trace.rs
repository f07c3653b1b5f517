//! What happened in a run, in one number, or in full for who wants to read it.

use std::{
    cell::RefCell,
    hash::{DefaultHasher, Hash, Hasher},
    rc::Rc,
};

/// Clones share the trace.
#[derive(Clone, Debug)]
pub(crate) struct Trace(Rc<RefCell<State>>);

#[derive(Debug)]
struct State {
    hasher: DefaultHasher,
    lines: Option<Vec<String>>,
}

impl Trace {
    pub(crate) fn new(in_full: bool) -> Self {
        let (hasher, lines) = (DefaultHasher::new(), in_full.then(Vec::new));
        Self(Rc::new(RefCell::new(State { hasher, lines })))
    }

    pub(crate) fn note(&self, what: impl FnOnce() -> String) {
        let mut state = self.0.borrow_mut();
        let line = what();
        line.hash(&mut state.hasher);
        if let Some(lines) = &mut state.lines {
            lines.push(line);
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.0.borrow().hasher.finish()
    }

    pub(crate) fn text(&self) -> String {
        self.0
            .borrow()
            .lines
            .as_ref()
            .map(|lines| lines.join("\n"))
            .unwrap_or_default()
    }
}
