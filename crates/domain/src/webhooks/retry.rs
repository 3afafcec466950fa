//! When a delivery is tried again, and when it is given up.

use stoa_kernel::Timestamp;

/// How long to wait after each failed attempt, in seconds. After the attempt that follows the last
/// of these (the 13th, about 3.9 days after the first) the delivery is given up.
pub const DELAYS_S: [i64; 12] =
    [1, 5, 30, 120, 600, 3_600, 10_800, 21_600, 43_200, 86_400, 86_400, 86_400];

/// The longest time a receiver may ask for with `Retry-After`, in seconds (24 hours).
pub const RETRY_AFTER_MAX_S: i64 = 86_400;

/// How far a delay may be from its nominal length, in thousandths of it, so that deliveries which
/// failed together are not tried again together.
const JITTER_THOUSANDTHS: u64 = 200;

/// What came of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptResult {
    /// A status from 200 to 299.
    Accepted,
    /// 410: the receiver wants nothing more, ever.
    Gone,
    /// Any other status, a redirect among them.
    Refused {
        /// The seconds of its `Retry-After`.
        retry_after_s: Option<i64>,
    },
    /// No answer: no connection, or the time-out.
    Unreachable,
}

impl AttemptResult {
    /// What an answer means.
    pub const fn of_status(status: u16, retry_after_s: Option<i64>) -> Self {
        match status {
            200..=299 => Self::Accepted,
            410 => Self::Gone,
            _ => Self::Refused { retry_after_s },
        }
    }
}

/// One attempt that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Which one it was for this delivery, from 1.
    pub number: u32,
    /// When it ended.
    pub ended: Timestamp,
    /// What came of it.
    pub result: AttemptResult,
}

/// What becomes of the delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is done.
    Delivered,
    /// It is tried again, not before this time.
    RetryAt(Timestamp),
    /// It is given up; the deliveries behind it go on.
    GiveUp,
}

/// What becomes of a delivery after an attempt. `random` spreads the retries: any number, each
/// equally likely.
pub fn after_attempt(attempt: Attempt, random: u64) -> Next {
    let asked_s = match attempt.result {
        AttemptResult::Accepted => return Next::Delivered,
        AttemptResult::Gone => return Next::GiveUp,
        AttemptResult::Refused { retry_after_s } => {
            retry_after_s.unwrap_or(0).clamp(0, RETRY_AFTER_MAX_S)
        }
        AttemptResult::Unreachable => 0,
    };
    let nominal = attempt
        .number
        .checked_sub(1)
        .and_then(|index| usize::try_from(index).ok())
        .and_then(|index| DELAYS_S.get(index));
    let Some(delay_s) = nominal else { return Next::GiveUp };
    // From 0 to 400 thousandths, less 200.
    let spread = i64::try_from(random % (JITTER_THOUSANDTHS * 2 + 1)).unwrap_or(0);
    let jitter = spread - i64::try_from(JITTER_THOUSANDTHS).unwrap_or(0);
    let delay_ms = delay_s * (1_000 + jitter);
    Next::RetryAt(attempt.ended.plus_millis(delay_ms.max(asked_s * 1_000)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ENDED: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn after(number: u32, result: AttemptResult, random: u64) -> Next {
        after_attempt(Attempt { number, ended: ENDED, result }, random)
    }

    #[test]
    fn statuses_mean_what_the_standard_says() {
        assert_eq!(AttemptResult::of_status(204, None), AttemptResult::Accepted);
        assert_eq!(AttemptResult::of_status(410, None), AttemptResult::Gone);
        for status in [100, 301, 302, 307, 400, 404, 429, 500, 503] {
            let refused = AttemptResult::Refused { retry_after_s: Some(7) };
            assert_eq!(AttemptResult::of_status(status, Some(7)), refused, "{status}");
        }
    }

    #[test]
    fn is_given_up_after_the_last_delay() {
        assert!(matches!(after(12, AttemptResult::Unreachable, 0), Next::RetryAt(_)));
        assert_eq!(after(13, AttemptResult::Unreachable, 0), Next::GiveUp);
        assert_eq!(after(1, AttemptResult::Gone, 0), Next::GiveUp);
    }

    #[test]
    fn retry_after_lengthens_and_is_bounded() {
        let refused = |seconds| AttemptResult::Refused { retry_after_s: Some(seconds) };
        assert_eq!(after(1, refused(90), 0), Next::RetryAt(ENDED.plus_seconds(90)));
        assert_eq!(
            after(1, refused(i64::MAX), 0),
            Next::RetryAt(ENDED.plus_seconds(RETRY_AFTER_MAX_S))
        );
        // It never makes a retry earlier than the schedule has it.
        assert_eq!(after(1, refused(-5), 200), Next::RetryAt(ENDED.plus_seconds(1)));
    }

    proptest! {
        #[test]
        fn delays_stay_within_the_jitter(number in 1_u32..=12, random: u64) {
            let Next::RetryAt(at) = after(number, AttemptResult::Unreachable, random) else {
                return Err(TestCaseError::fail("not tried again"));
            };
            let nominal_ms = DELAYS_S[number as usize - 1] * 1_000;
            let delay_ms = (at.as_micros() - ENDED.as_micros()) / 1_000;
            prop_assert!(delay_ms * 10 >= nominal_ms * 8);
            prop_assert!(delay_ms * 10 <= nominal_ms * 12);
        }
    }
}
