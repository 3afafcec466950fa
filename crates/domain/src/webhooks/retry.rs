//! When a delivery that failed is tried again.

use stoa_kernel::Timestamp;

use super::Outcome;

/// Seconds from each try to the next. After the last, four days and ten hours from the
/// first, the delivery is given up.
pub const DELAYS_S: [i64; 13] =
    [1, 5, 30, 120, 600, 3_600, 10_800, 21_600, 43_200, 43_200, 86_400, 86_400, 86_400];

/// The longest wait that a receiver can ask for, in seconds.
pub const RETRY_AFTER_MAX_S: i64 = 86_400;

/// What follows a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing: the receiver has it.
    Delivered,
    /// It is tried again then.
    At(Timestamp),
    /// It is given up, and what waits behind it goes on.
    GivenUp,
}

/// What follows the try number `n_tries` (from 1), which ended at `now`. Up to a fifth is added to
/// the wait, chosen by `spread`, so that receivers that come back are not met by all at once.
pub fn next(outcome: Outcome, n_tries: i64, now: Timestamp, spread: u64) -> Next {
    let retry_after_s = match outcome {
        Outcome::Taken => return Next::Delivered,
        Outcome::Failed { retry_after_s } => retry_after_s,
        Outcome::Gone => None,
    };
    let delay = usize::try_from(n_tries - 1).ok().and_then(|n| DELAYS_S.get(n));
    let Some(delay) = delay else { return Next::GivenUp };
    let part = i64::try_from(spread % 201).unwrap_or(0);
    let spread_ms = delay * part;
    let asked = retry_after_s.unwrap_or(0).clamp(0, RETRY_AFTER_MAX_S);
    let own = now.plus_millis(delay * 1_000 + spread_ms);
    Next::At(own.max(now.plus_seconds(asked)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
    const FAILED: Outcome = Outcome::Failed { retry_after_s: None };

    #[test]
    fn waits_grow_to_days_and_then_it_is_given_up() {
        assert_eq!(DELAYS_S.iter().sum::<i64>(), 4 * 86_400 + 10 * 3_600 + 756);
        for (n, delay) in DELAYS_S.iter().enumerate() {
            let n = i64::try_from(n).unwrap() + 1;
            assert_eq!(next(FAILED, n, NOW, 0), Next::At(NOW.plus_seconds(*delay)));
            assert_eq!(next(FAILED, n, NOW, 200), Next::At(NOW.plus_millis(delay * 1_200)));
        }
        assert_eq!(next(FAILED, 14, NOW, 0), Next::GivenUp);
        assert_eq!(next(Outcome::Taken, 14, NOW, 0), Next::Delivered);
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_wait_but_not_for_a_shorter_or_endless_one() {
        let asked = |s| next(Outcome::Failed { retry_after_s: Some(s) }, 3, NOW, 0);
        assert_eq!(asked(60), Next::At(NOW.plus_seconds(60)));
        assert_eq!(asked(-5), Next::At(NOW.plus_seconds(30)));
        assert_eq!(asked(i64::MAX), Next::At(NOW.plus_seconds(RETRY_AFTER_MAX_S)));
    }
}
