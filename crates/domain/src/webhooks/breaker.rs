//! Leaves an endpoint alone that does not answer, and lets it come back by itself.

use stoa_kernel::Timestamp;

/// Failures in a row, over all deliveries of an endpoint, that open its breaker.
pub const OPEN_AFTER: u32 = 20;
/// How long an open breaker waits between probes, in seconds.
pub const PROBE_EVERY_S: i64 = 60;
/// How long an endpoint may only fail before it is suspended, in seconds (5 days).
pub const SUSPEND_AFTER_S: i64 = 5 * 86_400;
/// How long a suspended endpoint waits between probes, in seconds (1 hour).
pub const SUSPENDED_PROBE_EVERY_S: i64 = 3_600;
/// How long a probe that was begun keeps others from beginning one, in seconds. More than the
/// time-out of an attempt, so that a second probe begins only if the process of the first was
/// killed.
pub const PROBE_LEASE_S: i64 = 60;

/// The recent history of one endpoint. Its default is that of an endpoint that works.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Breaker {
    /// Failures since the last success.
    pub failures: u32,
    /// When the first of them was; nothing exactly if `failures` is 0.
    pub failing_since: Option<Timestamp>,
    /// When the last of them was; nothing exactly if `failures` is 0.
    pub failed_last: Option<Timestamp>,
    /// The earliest next probe; nothing exactly if the breaker is closed.
    pub probe_at: Option<Timestamp>,
}

/// How an endpoint is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Everything is sent.
    Closed,
    /// Only probes are sent, every [`PROBE_EVERY_S`].
    Open,
    /// It has only failed for [`SUSPEND_AFTER_S`]; probes are sent every
    /// [`SUSPENDED_PROBE_EVERY_S`].
    Suspended,
}

/// What may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Every delivery that is due.
    All,
    /// One delivery, the oldest; [`Breaker::began_probe`] must be stored first.
    Probe,
    /// Nothing before this time.
    Wait(Timestamp),
}

impl Breaker {
    /// How the endpoint is doing.
    pub fn phase(&self) -> Phase {
        if self.failures < OPEN_AFTER {
            return Phase::Closed;
        }
        match (self.failing_since, self.failed_last) {
            (Some(since), Some(last)) if since.plus_seconds(SUSPEND_AFTER_S) <= last => {
                Phase::Suspended
            }
            _ => Phase::Open,
        }
    }

    /// What may be sent now.
    pub fn permit(&self, now: Timestamp) -> Permit {
        match (self.phase(), self.probe_at) {
            (Phase::Closed, _) => Permit::All,
            (_, Some(at)) if at > now => Permit::Wait(at),
            _ => Permit::Probe,
        }
    }

    /// After a probe was begun.
    #[must_use]
    pub fn began_probe(self, now: Timestamp) -> Self {
        Self { probe_at: Some(now.plus_seconds(PROBE_LEASE_S)), ..self }
    }

    /// After the endpoint accepted a delivery, whichever it was: it closes.
    #[must_use]
    pub fn succeeded(self) -> Self {
        Self::default()
    }

    /// After an attempt failed.
    #[must_use]
    pub fn failed(self, now: Timestamp) -> Self {
        let failed = Self {
            failures: self.failures.saturating_add(1),
            failing_since: self.failing_since.or(Some(now)),
            failed_last: self.failed_last.max(Some(now)),
            probe_at: None,
        };
        let probe_at = match failed.phase() {
            Phase::Closed => None,
            Phase::Open => Some(now.plus_seconds(PROBE_EVERY_S)),
            Phase::Suspended => Some(now.plus_seconds(SUSPENDED_PROBE_EVERY_S)),
        };
        Self { probe_at, ..failed }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn opened() -> Breaker {
        (0..OPEN_AFTER).fold(Breaker::default(), |breaker, _| breaker.failed(START))
    }

    #[test]
    fn opens_at_the_limit_and_closes_at_the_first_success() {
        let mut breaker = Breaker::default();
        for _ in 1..OPEN_AFTER {
            breaker = breaker.failed(START);
            assert_eq!(breaker.permit(START), Permit::All);
        }
        breaker = breaker.failed(START);
        assert_eq!(breaker.permit(START), Permit::Wait(START.plus_seconds(PROBE_EVERY_S)));
        assert_eq!(breaker.permit(START.plus_seconds(PROBE_EVERY_S)), Permit::Probe);
        assert_eq!(breaker.succeeded().permit(START), Permit::All);
    }

    #[test]
    fn one_probe_at_a_time_and_another_when_its_process_was_killed() {
        let at = START.plus_seconds(PROBE_EVERY_S);
        let probing = opened().began_probe(at);
        assert_eq!(probing.permit(at), Permit::Wait(at.plus_seconds(PROBE_LEASE_S)));
        assert_eq!(probing.permit(at.plus_seconds(PROBE_LEASE_S)), Permit::Probe);
    }

    #[test]
    fn is_suspended_after_five_days_and_comes_back_by_itself() {
        let mut breaker = opened();
        let mut now = START;
        while let Permit::Wait(at) = breaker.permit(now) {
            if breaker.phase() == Phase::Suspended {
                break;
            }
            now = at;
            breaker = breaker.began_probe(now).failed(now);
        }
        assert_eq!(now, START.plus_seconds(SUSPEND_AFTER_S));
        let next = now.plus_seconds(SUSPENDED_PROBE_EVERY_S);
        assert_eq!(breaker.permit(now), Permit::Wait(next));
        assert_eq!(breaker.permit(next), Permit::Probe);
        assert_eq!(breaker.began_probe(next).succeeded().phase(), Phase::Closed);
    }

    #[test]
    fn an_endpoint_that_was_only_asked_rarely_is_not_suspended_by_one_failure() {
        let late = START.plus_seconds(SUSPEND_AFTER_S * 2);
        assert_eq!(Breaker::default().failed(START).failed(late).phase(), Phase::Closed);
    }

    proptest! {
        #[test]
        fn never_waits_for_ever(steps in prop::collection::vec((any::<bool>(), 0_i64..200_000), 1..200)) {
            let (mut breaker, mut now) = (Breaker::default(), START);
            for (success, seconds) in steps {
                now = now.plus_seconds(seconds);
                match breaker.permit(now) {
                    Permit::Wait(at) => {
                        prop_assert!(at > now);
                        prop_assert!(at <= now.plus_seconds(SUSPENDED_PROBE_EVERY_S));
                        continue;
                    }
                    Permit::Probe => breaker = breaker.began_probe(now),
                    Permit::All => {}
                }
                breaker = if success { breaker.succeeded() } else { breaker.failed(now) };
                prop_assert_eq!(breaker.failures == 0, breaker.failing_since.is_none());
                prop_assert_eq!(breaker.phase() == Phase::Closed, breaker.probe_at.is_none());
            }
        }
    }
}
