//! A request's body, as it arrives.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use actix_web::web;

use super::{BODY_BYTES_MAX, error::ApiError};

/// How long a client may take to send a body.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The body, unless it is too large or does not come.
pub(super) async fn read(payload: web::Payload) -> Result<web::Bytes, ApiError> {
    let mut body = pin!(payload.to_bytes_limited(BODY_BYTES_MAX));
    // Nearly all come with their heads: only one that does not needs a timer.
    let read = match poll_fn(|context| Poll::Ready(body.as_mut().poll(context))).await {
        Poll::Ready(read) => read,
        Poll::Pending => tokio::time::timeout(TIMEOUT, body)
            .await
            .map_err(|_elapsed| late())?,
    };
    match read {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => {
            let detail = format!("the body could not be read: {error}");
            Err(ApiError::new("body_invalid", detail))
        }
        Err(_) => {
            let detail = format!("the body is larger than {BODY_BYTES_MAX} bytes");
            Err(ApiError::new("body_too_large", detail))
        }
    }
}

fn late() -> ApiError {
    let seconds = TIMEOUT.as_secs();
    let detail = format!("the body did not arrive within {seconds} s");
    ApiError::new("body_timed_out", detail)
}

#[cfg(test)]
mod tests {
    use actix_http::h1;
    use actix_web::{FromRequest, dev, test::TestRequest};
    use tokio::time::{Instant, sleep};

    use super::*;

    /// What is read of pieces that come every four seconds, the first at once; and how many seconds that
    /// took.
    async fn check(
        pieces: &[&[u8]],
        is_complete: bool,
        expected: Result<&[u8], &str>,
        seconds: u64,
    ) {
        let (mut sender, payload) = h1::Payload::create(false);
        let request = TestRequest::default().to_http_request();
        let payload = web::Payload::from_request(&request, &mut dev::Payload::H1 { payload });
        let payload = payload.await.unwrap();
        let begun = Instant::now();
        let sends = async {
            for (at, piece) in pieces.iter().enumerate() {
                if at > 0 {
                    sleep(Duration::from_secs(4)).await;
                }
                sender.feed_data(web::Bytes::copy_from_slice(piece));
            }
            if is_complete {
                sender.feed_eof();
            }
        };
        let ((), read) = tokio::join!(sends, read(payload));
        let code = read.as_ref().map_err(ApiError::code);
        assert_eq!(code.map(|bytes| &bytes[..]), expected);
        assert_eq!(begun.elapsed().as_secs(), seconds);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_waited_for_as_long_as_it_may_take_and_no_longer() {
        check(&[b"{}"], true, Ok(b"{}"), 0).await;
        check(&[b"{", b"}"], true, Ok(b"{}"), 4).await;
        check(&[], true, Ok(b""), 0).await;
        check(&[b"{"], false, Err("body_timed_out"), 10).await;
        check(&[], false, Err("body_timed_out"), 10).await;
        check(
            &[&vec![b'['; BODY_BYTES_MAX], b"["],
            true,
            Err("body_too_large"),
            4,
        )
        .await;
    }
}
