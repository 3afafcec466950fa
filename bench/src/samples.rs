//! Latencies and counts of one measurement.

use std::collections::BTreeMap;
use std::time::Duration;

/// Every latency that was seen, in microseconds: percentiles are exact, and a million of them
/// take four megabytes.
#[derive(Debug, Default, Clone)]
pub(crate) struct Latencies {
    micros: Vec<u32>,
}

impl Latencies {
    /// Adds one; longer than an hour counts as an hour.
    pub(crate) fn record(&mut self, latency: Duration) {
        self.micros.push(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX));
    }

    /// What they say together.
    pub(crate) fn summary(mut self) -> Summary {
        self.micros.sort_unstable();
        let at = |per_mille| percentile(&self.micros, per_mille);
        Summary { count: self.micros.len(), p50: at(500), p99: at(990), max: at(1_000) }
    }
}

/// The nearest-rank percentile of sorted values; zero when there are none.
fn percentile(sorted: &[u32], per_mille: usize) -> Duration {
    let rank = (sorted.len() * per_mille).div_ceil(1_000).max(1);
    let micros = sorted.get(rank - 1).copied().unwrap_or(0);
    Duration::from_micros(u64::from(micros))
}

/// The shape of some latencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Summary {
    /// How many there are.
    pub(crate) count: usize,
    /// Half of them are at most this.
    pub(crate) p50: Duration,
    /// 99 of 100 are at most this.
    pub(crate) p99: Duration,
    /// The longest.
    pub(crate) max: Duration,
}

/// What one kind of request was answered.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    /// How long the answers took.
    pub(crate) latencies: Latencies,
    /// How often each status came.
    pub(crate) statuses: BTreeMap<u16, u64>,
}

impl Tally {
    /// Adds an answer.
    pub(crate) fn record(&mut self, status: u16, latency: Duration) {
        self.latencies.record(latency);
        *self.statuses.entry(status).or_default() += 1;
    }

    /// How many answers had a status.
    pub(crate) fn with_status(&self, status: u16) -> u64 {
        self.statuses.get(&status).copied().unwrap_or(0)
    }

    /// How many answers blame the server.
    pub(crate) fn server_errors(&self) -> u64 {
        self.statuses.range(500..).map(|(_, count)| count).sum()
    }

    /// How many answers there were.
    pub(crate) fn count(&self) -> u64 {
        self.statuses.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{Latencies, Tally, percentile};
    use std::time::Duration;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let sorted: Vec<u32> = (1..=200).collect();
        let at = |per_mille| percentile(&sorted, per_mille).as_micros();
        assert_eq!((at(0), at(5), at(500), at(990)), (1, 1, 100, 198));
        assert_eq!((at(995), at(996), at(1_000)), (199, 200, 200));
        assert_eq!(percentile(&[], 990), Duration::ZERO);
        assert_eq!(percentile(&[7], 10), Duration::from_micros(7));
    }

    #[test]
    fn a_summary_does_not_depend_on_the_order_of_recording() {
        let mut latencies = Latencies::default();
        for millis in [30, 10, 20, 40] {
            latencies.record(Duration::from_millis(millis));
        }
        let summary = latencies.summary();
        assert_eq!(summary.count, 4);
        assert_eq!(summary.p50, Duration::from_millis(20));
        assert_eq!(summary.p99, Duration::from_millis(40));
        assert_eq!(summary.max, Duration::from_millis(40));
    }

    #[test]
    fn a_tally_counts_by_status() {
        let mut tally = Tally::default();
        for status in [200, 200, 409, 500, 503] {
            tally.record(status, Duration::from_micros(1));
        }
        assert_eq!(tally.with_status(200), 2);
        assert_eq!(tally.with_status(404), 0);
        assert_eq!(tally.server_errors(), 2);
        assert_eq!(tally.count(), 5);
    }
}
