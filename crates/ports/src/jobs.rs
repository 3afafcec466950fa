//! Jobs: what is done outside a request, each once at a time, again until it has worked or is given
//! up.
//!
//! The store is the truth: a job is a row, written in the transaction that made it necessary, and is
//! removed when it is done. [`JobQueue`] is what workers need of it. Where a broker hands jobs out, the
//! rows are its outbox ([`JobStore`]): it carries their ids, and losing it loses nothing.

use async_trait::async_trait;
use serde_json::Value;
use stoa_kernel::{JobId, Timestamp};
use uuid::Uuid;

/// Why a queue did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// It is away; the same call may work later.
    #[error("the job queue is away: {0}")]
    Unavailable(String),
    /// It refuses or is broken.
    #[error("the job queue: {0}")]
    Internal(String),
}

/// Goes before everything else: someone waits for it.
pub const HIGH: u8 = 8;
/// What most jobs have.
pub const NORMAL: u8 = 5;
/// Can wait: purging, rebuilding.
pub const LOW: u8 = 2;

/// A job to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// What is to be done: `mail.send`.
    pub kind: String,
    /// With what.
    pub args: Value,
    /// 0 to 9; higher goes first.
    pub priority: u8,
    /// Not before.
    pub run_at: Timestamp,
    /// While a job with this key waits or runs, another one is not stored.
    pub unique_key: Option<String>,
    /// How often it is tried before it is given up.
    pub max_attempts: u32,
    /// How long one try may take, in seconds.
    pub timeout_s: u32,
}

impl NewJob {
    /// A job as most are: normal priority, ten tries of a minute each.
    pub fn new(id: JobId, kind: &str, args: Value, run_at: Timestamp) -> Self {
        Self {
            id,
            kind: kind.to_owned(),
            args,
            priority: NORMAL,
            run_at,
            unique_key: None,
            max_attempts: 10,
            timeout_s: 60,
        }
    }
}

/// A job that a worker has. It is the worker's until `lease_until`, or longer if renewed.
#[derive(Debug, Clone, PartialEq)]
pub struct TakenJob {
    /// Its id.
    pub id: JobId,
    /// What is to be done.
    pub kind: String,
    /// With what.
    pub args: Value,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// How many there are.
    pub max_attempts: u32,
    /// How long it may take, in seconds.
    pub timeout_s: u32,
    /// Its priority.
    pub priority: u8,
    /// Names this try: whoever holds an older one has lost the job.
    pub lease: Uuid,
    /// How long a worker has before the job is another's, in milliseconds.
    pub lease_ms: i64,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Things done.
    pub done: i64,
    /// Things there are, where that is known.
    pub total: Option<i64>,
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It is done, and forgotten.
    Done,
    /// It is to be tried again.
    Again {
        /// When.
        run_at: Timestamp,
        /// What went wrong.
        error: String,
    },
    /// It is given up, and kept with its error for someone to look at.
    Dead {
        /// What went wrong.
        error: String,
    },
}

/// How many jobs there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Due now.
    pub due: i64,
    /// For later.
    pub later: i64,
    /// With a worker.
    pub running: i64,
    /// Given up.
    pub dead: i64,
}

/// Where workers get jobs.
#[async_trait]
pub trait JobQueue: std::fmt::Debug + Send + Sync {
    /// What hands the jobs out, for people: `table`, `RabbitMQ`.
    fn name(&self) -> &'static str;

    /// What is wrong with it just now, for people; `None` when nothing is.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Stores jobs; they are durable when this returns. Says which were stored: not those whose
    /// unique key another one has.
    async fn add(&self, jobs: Vec<NewJob>) -> Result<Vec<bool>, QueueError>;

    /// Takes at most so many due jobs, of higher priority first; nobody else gets them while their
    /// leases last. A job whose worker let its lease run out is due again, or dead after its last
    /// try.
    async fn take(&self, limit: usize) -> Result<Vec<TakenJob>, QueueError>;

    /// Returns when something may have come that can be taken. A queue that cannot tell never returns;
    /// workers look now and then all the same.
    async fn arrival(&self) {
        std::future::pending::<()>().await;
    }

    /// Begins the lease anew, and says how far the job is. False when the lease is lost: someone
    /// else may have the job, so leave it.
    async fn renew(&self, job: &TakenJob, progress: Option<Progress>) -> Result<bool, QueueError>;

    /// Says how a try ended. False when the lease was lost, and nothing was changed.
    async fn end(&self, job: &TakenJob, ending: Ending) -> Result<bool, QueueError>;

    /// How many jobs there are.
    async fn counts(&self) -> Result<JobCounts, QueueError>;
}

/// A due job's id on its way through a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// The job.
    pub id: JobId,
    /// Its priority.
    pub priority: u8,
}

/// The store of jobs as a broker needs it.
#[async_trait]
pub trait JobStore: JobQueue {
    /// At most so many due jobs that no broker has yet; from now on one has them. With `lost_before`
    /// also those that were handed over before that time and were not taken since.
    async fn hand_over(
        &self,
        limit: usize,
        lost_before: Option<Timestamp>,
    ) -> Result<Vec<Ticket>, QueueError>;

    /// The broker did not get these after all.
    async fn take_back(&self, jobs: Vec<JobId>) -> Result<(), QueueError>;

    /// Takes these jobs, as far as they are due and nobody has them.
    async fn take_these(&self, jobs: Vec<JobId>) -> Result<Vec<TakenJob>, QueueError>;

    /// The store's time.
    fn now(&self) -> Timestamp;
}

/// The pause before the second try, in milliseconds.
const FIRST_PAUSE_MS: i64 = 2_000;
/// The longest pause, in milliseconds.
const LONGEST_PAUSE_MS: i64 = 6 * 3_600 * 1_000;

/// How long to wait after a try that failed, in milliseconds: twice as long after each, and up to
/// half more or less by `random`, so that what failed together is not tried together.
pub fn pause_ms(attempt: u32, random: u64) -> i64 {
    let pause =
        FIRST_PAUSE_MS.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(LONGEST_PAUSE_MS);
    let spread = i64::try_from(random % 1_000).unwrap_or(0); // thousandths of the pause
    pause / 2 + pause.saturating_mul(spread) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_six_hours_and_are_spread() {
        for attempt in 1..40 {
            let middle = pause_ms(attempt, 500);
            assert!(pause_ms(attempt + 1, 500) == (middle * 2).min(LONGEST_PAUSE_MS));
            for random in [0, 1, 999, 12_345, u64::MAX] {
                let pause = pause_ms(attempt, random);
                assert!(pause * 2 >= middle && pause * 2 <= middle * 3, "{attempt}: {pause}");
            }
        }
        assert_eq!(pause_ms(1, 500), FIRST_PAUSE_MS);
        assert!(pause_ms(u32::MAX, 999) < LONGEST_PAUSE_MS * 2);
    }
}
