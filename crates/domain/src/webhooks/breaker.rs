//! Whether an endpoint is sent to. One that keeps failing is probed with one delivery at a time,
//! first every half minute, after five days every hour, until it takes one.

use stoa_kernel::Timestamp;

use super::Outcome;

/// Failures in a row that open the breaker.
pub const OPENS_AFTER: i64 = 20;
/// How long an open breaker waits between probes, in seconds.
pub const PROBE_S: i64 = 30;
/// After how long without a success an endpoint counts as disabled, in seconds (5 days).
pub const DISABLES_AFTER_S: i64 = 5 * 86_400;
/// How long a disabled endpoint is left alone between probes, in seconds (1 hour).
pub const DISABLED_PROBE_S: i64 = 3_600;

/// How an endpoint has behaved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Breaker {
    /// Failures since the last success.
    pub failures: i64,
    /// The first of them.
    pub failing_since: Option<Timestamp>,
    /// Before this nothing is sent. Set while the breaker is open.
    pub probe_at: Option<Timestamp>,
    /// The receiver answered 410.
    pub is_gone: bool,
}

/// What an endpoint can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// All that is due.
    Closed,
    /// One delivery now and then: it keeps failing.
    Open,
    /// One delivery an hour: it has failed for days. It comes back by itself.
    Disabled,
    /// Nothing: the receiver said that it is gone. A person brings it back.
    Gone,
}

impl State {
    /// The word for it in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Disabled => "disabled",
            Self::Gone => "gone",
        }
    }
}

impl Breaker {
    /// What the endpoint can be sent at a time.
    pub fn state(&self, now: Timestamp) -> State {
        let failing_s =
            self.failing_since.map_or(0, |since| (now.as_micros() - since.as_micros()) / 1_000_000);
        if self.is_gone {
            State::Gone
        } else if self.failures < OPENS_AFTER {
            State::Closed
        } else if failing_s >= DISABLES_AFTER_S {
            State::Disabled
        } else {
            State::Open
        }
    }

    /// Whether something may be sent now; with an open breaker it is one probe.
    pub fn lets_pass(&self, now: Timestamp) -> bool {
        match self.state(now) {
            State::Closed => true,
            State::Open | State::Disabled => self.probe_at.is_none_or(|at| at <= now),
            State::Gone => false,
        }
    }

    /// How it stands after a try.
    #[must_use]
    pub fn after(self, outcome: Outcome, now: Timestamp) -> Self {
        match outcome {
            Outcome::Taken => Self::default(),
            Outcome::Gone => Self { is_gone: true, ..self },
            Outcome::Failed { .. } => {
                let failures = self.failures.saturating_add(1);
                let failing_since = self.failing_since.or(Some(now));
                let failed = Self { failures, failing_since, ..self };
                let wait_s = match failed.state(now) {
                    State::Closed | State::Gone => return failed,
                    State::Open => PROBE_S,
                    State::Disabled => DISABLED_PROBE_S,
                };
                Self { probe_at: Some(now.plus_seconds(wait_s)), ..failed }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
    const FAILED: Outcome = Outcome::Failed { retry_after_s: None };

    fn failed(n: i64, at: Timestamp) -> Breaker {
        (0..n).fold(Breaker::default(), |breaker, _| breaker.after(FAILED, at))
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_probe_pass_at_its_time() {
        assert_eq!(failed(OPENS_AFTER - 1, NOW).state(NOW), State::Closed);
        let open = failed(OPENS_AFTER, NOW);
        assert_eq!(open.state(NOW), State::Open);
        assert!(!open.lets_pass(NOW.plus_seconds(PROBE_S - 1)));
        assert!(open.lets_pass(NOW.plus_seconds(PROBE_S)));
        assert_eq!(open.after(Outcome::Taken, NOW), Breaker::default());
    }

    #[test]
    fn after_days_it_is_probed_by_the_hour_and_comes_back_at_the_first_success() {
        let later = NOW.plus_seconds(DISABLES_AFTER_S);
        let disabled = failed(OPENS_AFTER, NOW).after(FAILED, later);
        assert_eq!(disabled.state(later), State::Disabled);
        assert_eq!(disabled.probe_at, Some(later.plus_seconds(DISABLED_PROBE_S)));
        assert_eq!(disabled.after(Outcome::Taken, later).state(later), State::Closed);
    }

    #[test]
    fn who_is_gone_stays_so() {
        let gone = Breaker::default().after(Outcome::Gone, NOW);
        assert!(!gone.lets_pass(NOW.plus_seconds(DISABLES_AFTER_S)));
        assert_eq!(gone.after(FAILED, NOW).state(NOW), State::Gone);
    }

    proptest! {
        #[test]
        fn a_success_always_closes_it_and_no_wait_is_longer_than_an_hour(
            steps in prop::collection::vec((0i64..200_000, 0u8..4), 1..200)
        ) {
            let mut now = NOW;
            let mut breaker = Breaker::default();
            for (wait_s, what) in steps {
                now = now.plus_seconds(wait_s);
                let outcome = if what == 0 { Outcome::Taken } else { FAILED };
                breaker = breaker.after(outcome, now);
                prop_assert_eq!(breaker.failures == 0, outcome == Outcome::Taken);
                prop_assert!(breaker.lets_pass(now.plus_seconds(DISABLED_PROBE_S)));
            }
        }
    }
}
