//! Counters of the engine, for metrics and the back office.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Counters that only grow, since the start of the process.
#[derive(Debug, Default)]
pub struct Stats {
    batches: AtomicU64,
    commands: AtomicU64,
    refused: AtomicU64,
    replayed: AtomicU64,
    failed: AtomicU64,
    overloaded: AtomicU64,
    busy_us: AtomicU64,
    commit_us: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Batches run.
    pub batches: u64,
    /// Commands in them.
    pub commands: u64,
    /// Commands refused.
    pub refused: u64,
    /// Commands answered from an idempotency key.
    pub replayed: u64,
    /// Commands whose batch could not be committed.
    pub failed: u64,
    /// Commands turned away because the queue was full.
    pub overloaded: u64,
    /// Time spent on batches, in microseconds.
    pub busy_us: u64,
    /// Time from the beginning of commits until they were durable; the next batch may be at work.
    pub commit_us: u64,
    /// Commands that wait now.
    pub queued: usize,
}

impl Stats {
    pub(super) fn batch(&self, commands: usize, busy: Duration) {
        self.batches.fetch_add(1, Relaxed);
        self.commands.fetch_add(u64::try_from(commands).unwrap_or(0), Relaxed);
        self.busy_us.fetch_add(u64::try_from(busy.as_micros()).unwrap_or(0), Relaxed);
    }

    pub(super) fn committed(&self, commit: Duration) {
        self.commit_us.fetch_add(u64::try_from(commit.as_micros()).unwrap_or(0), Relaxed);
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    pub(super) fn replayed(&self) {
        self.replayed.fetch_add(1, Relaxed);
    }

    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Relaxed);
    }

    pub(super) fn overloaded(&self) {
        self.overloaded.fetch_add(1, Relaxed);
    }

    pub(super) fn snapshot(&self, queued: usize) -> Snapshot {
        Snapshot {
            batches: self.batches.load(Relaxed),
            commands: self.commands.load(Relaxed),
            refused: self.refused.load(Relaxed),
            replayed: self.replayed.load(Relaxed),
            failed: self.failed.load(Relaxed),
            overloaded: self.overloaded.load(Relaxed),
            busy_us: self.busy_us.load(Relaxed),
            commit_us: self.commit_us.load(Relaxed),
            queued,
        }
    }
}
