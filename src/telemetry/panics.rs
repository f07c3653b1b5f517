//! Panics in the log.
//!
//! The standard library writes a panic's backtrace from the thread that panicked, and looks its names up
//! before. With the debug information of this program that took 2.3 s for the first one, and until then the
//! shard carried out nothing (`cargo bench --bench demonstrations -- panics`). So only the frames are taken
//! there, and a thread of its own names them. What is written is lines of the log like all others.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic::{self, PanicHookInfo},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

/// A backtrace is being named. Whoever takes another meanwhile waits for that, inside the standard library.
static IS_NAMING: AtomicBool = AtomicBool::new(false);

/// Has every panic of the program logged from now on, where it used to be written to standard error. Its
/// backtrace follows if `RUST_BACKTRACE` asks for one, unless the one of another panic is still to follow.
pub fn log() {
    panic::set_hook(Box::new(tell));
}

fn tell(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string);
    let text = info.payload_as_str().unwrap_or("without a message");
    tracing::error!(
        thread = thread::current().name(),
        place,
        text,
        "something panicked"
    );
    if IS_NAMING.swap(true, Ordering::AcqRel) {
        return;
    }
    let backtrace = Backtrace::capture();
    if backtrace.status() != BacktraceStatus::Captured {
        return named();
    }
    let naming = thread::Builder::new().name("backtrace".to_owned());
    let naming = naming.spawn(move || {
        tracing::error!(place, %backtrace, "where it panicked");
        named();
    });
    if let Err(error) = naming {
        tracing::error!(%error, "no thread can be started for the backtrace");
        named();
    }
}

fn named() {
    IS_NAMING.store(false, Ordering::Release);
}
