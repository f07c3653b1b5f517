//! What an answer means for what was sent, and when it is tried again.

use std::sync::Arc;

use super::http::{Answer, Trouble};

/// How much a pause is lengthened by chance, at most: one part in this many. So that what failed
/// together does not come back together.
const JITTER_PARTS: u64 = 10;

/// The pauses between attempts, the first after the first attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    pauses_ms: Arc<[u64]>,
}

/// What is done after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is delivered.
    Delivered,
    /// It is tried again, at the earliest after what the receiver asked for, in milliseconds.
    Later {
        /// How long the receiver wants to be left alone.
        not_before_ms: Option<u64>,
    },
    /// The receiver does not take this one, now or later.
    Refused,
    /// The receiver is gone, and wants nothing more (410).
    Gone,
}

impl Backoff {
    /// These pauses, in milliseconds. After the last of them there is one more attempt.
    pub fn new(pauses_ms: &[u64]) -> Self {
        Self {
            pauses_ms: pauses_ms.into(),
        }
    }

    /// How long to wait after this attempt (the first is 1), in milliseconds; `None` if it was the
    /// last.
    pub fn pause_ms(&self, attempt: u32, random: &mut fastrand::Rng) -> Option<u64> {
        let index = usize::try_from(attempt).ok()?.checked_sub(1)?;
        let pause = *self.pauses_ms.get(index)?;
        Some(lengthened(pause, random))
    }

    /// The same for a receiver rather than an attempt: after so many failures in a row, and the last
    /// pause for all that are more. `None` if nothing is ever tried again.
    pub fn pause_after_ms(&self, failures: u32, random: &mut fastrand::Rng) -> Option<u64> {
        let index = usize::try_from(failures).unwrap_or(usize::MAX);
        let index = index.clamp(1, self.pauses_ms.len().max(1)).checked_sub(1)?;
        let pause = self.pauses_ms.get(index)?;
        Some(lengthened(*pause, random))
    }
}

fn lengthened(pause_ms: u64, random: &mut fastrand::Rng) -> u64 {
    pause_ms + random.u64(0..=pause_ms / JITTER_PARTS)
}

impl Verdict {
    /// What an answer, or its absence, means.
    ///
    /// As the Standard Webhooks specification has it: 2xx is delivered, 410 is a receiver that is no
    /// more, and anything else is a failure. Of the failures those of the request itself (other 4xx,
    /// and redirects, which are not followed) would fail again the same way.
    pub fn of(answered: &Result<Answer, Trouble>) -> Self {
        let Ok(answer) = answered else {
            return Self::Later {
                not_before_ms: None,
            };
        };
        match answer.status {
            200..=299 => Self::Delivered,
            410 => Self::Gone,
            408 | 409 | 425 | 429 | 500..=599 => Self::Later {
                not_before_ms: answer.retry_after_ms,
            },
            _ => Self::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_that_of_its_attempt_and_a_tenth_more_at_most() {
        let backoff = Backoff::new(&[100, 1_000]);
        let random = &mut fastrand::Rng::with_seed(1);
        for _ in 0..100 {
            let first = backoff.pause_ms(1, random).unwrap();
            assert!((100..=110).contains(&first), "{first}");
            let second = backoff.pause_ms(2, random).unwrap();
            assert!((1_000..=1_100).contains(&second), "{second}");
        }
        assert_eq!(backoff.pause_ms(3, random), None);
        assert!(backoff.pause_after_ms(3, random).unwrap() >= 1_000);
        assert_eq!(Backoff::new(&[]).pause_after_ms(3, random), None);
    }

    #[test]
    fn a_receivers_answer_says_whether_to_try_again() {
        let check = |status, expected| {
            let answered = Ok(Answer {
                status,
                retry_after_ms: Some(2_000),
                text: String::new(),
            });
            assert_eq!(Verdict::of(&answered), expected, "{status}");
        };
        let later = Verdict::Later {
            not_before_ms: Some(2_000),
        };
        check(204, Verdict::Delivered);
        check(410, Verdict::Gone);
        for status in [408, 409, 425, 429, 500, 503] {
            check(status, later);
        }
        for status in [301, 307, 400, 401, 404, 422] {
            check(status, Verdict::Refused);
        }
        let silent = Verdict::of(&Err(Trouble::TimedOut(1)));
        assert!(matches!(
            silent,
            Verdict::Later {
                not_before_ms: None
            }
        ));
    }
}
