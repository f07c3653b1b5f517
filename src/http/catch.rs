//! A panic in a handler is an answer. Without this the client sees a closed connection.

use std::{
    any::Any,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::Poll,
};

/// Awaits `future`; a panic inside it becomes an error with its message.
///
/// Nothing of the future is used after it panicked, which is what makes the assertion true. It is
/// pinned where it stands: moved in here, its 2 KiB would be in the caller's future twice.
pub(super) async fn unwind<F: Future>(mut future: Pin<&mut F>) -> Result<F::Output, String> {
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        match polled {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(message(&*panic))),
        }
    })
    .await
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_an_error_with_its_message() {
        let fine = unwind(pin!(async { 1 })).await;
        assert_eq!(fine, Ok(1));
        let breaks = pin!(async { panic!("the {} broke", "glass") });
        let broken: Result<(), String> = unwind(breaks).await;
        assert_eq!(broken, Err("the glass broke".to_owned()));
    }
}
