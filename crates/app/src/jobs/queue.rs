//! The job queue on a table: workers take rows. On PostgreSQL they skip those that another one is
//! just taking.

use async_trait::async_trait;
use stoa_kernel::{JobId, Timestamp};
use stoa_ports::jobs::{
    Ending, JobCounts, JobQueue, JobStore, NewJob, Progress, QueueError, TakenJob, Ticket,
};
use stoa_sql::{Db, SqlError};
use uuid::Uuid;

use super::store;
use crate::entropy;
use crate::error::StoreError;

/// How long a worker has for a job unless it renews, in milliseconds. After a crash a job waits so
/// long for the next one.
pub const LEASE_MS: i64 = 15_000;

/// Jobs in the store.
#[derive(Debug, Clone)]
pub struct TableQueue {
    db: Db,
    clock: fn() -> Timestamp,
    lease_ms: i64,
}

impl TableQueue {
    /// The queue in a store.
    pub fn new(db: Db, clock: fn() -> Timestamp) -> Self {
        Self { db, clock, lease_ms: LEASE_MS }
    }

    /// The same with leases of another length.
    #[must_use]
    pub fn with_lease_ms(self, lease_ms: i64) -> Self {
        Self { lease_ms, ..self }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn failed(error: StoreError) -> QueueError {
    if error.is_unavailable() {
        QueueError::Unavailable(error.to_string())
    } else {
        QueueError::Internal(error.to_string())
    }
}

fn sql_failed(error: SqlError) -> QueueError {
    failed(error.into())
}

/// A name for a lease that no other has.
fn lease() -> Result<Uuid, QueueError> {
    let token = entropy::token().map_err(|error| QueueError::Internal(error.to_string()))?;
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(token.hash().0) {
        *to = from;
    }
    Ok(Uuid::from_bytes(half))
}

#[async_trait]
impl JobQueue for TableQueue {
    fn name(&self) -> &'static str {
        "table"
    }

    async fn add(&self, jobs: Vec<NewJob>) -> Result<Vec<bool>, QueueError> {
        let mut tx = self.db.begin().await.map_err(sql_failed)?;
        let stored = store::add(&mut tx, &jobs, (self.clock)()).await.map_err(failed)?;
        tx.commit().await.map_err(sql_failed)?;
        Ok(stored)
    }

    async fn take(&self, limit: usize) -> Result<Vec<TakenJob>, QueueError> {
        let now = (self.clock)();
        let mut tx = self.db.read().await.map_err(sql_failed)?;
        // A transaction that writes would make others wait for nothing.
        if limit == 0 || !store::any_due(&mut tx, now).await.map_err(failed)? {
            return Ok(Vec::new());
        }
        drop(tx);
        let mut tx = self.db.begin().await.map_err(sql_failed)?;
        store::expire(&mut tx, now).await.map_err(failed)?;
        let taken = store::take(&mut tx, now, lease()?, self.lease_ms, limit);
        let taken = taken.await.map_err(failed)?;
        tx.commit().await.map_err(sql_failed)?;
        Ok(taken)
    }

    async fn renew(&self, job: &TakenJob, progress: Option<Progress>) -> Result<bool, QueueError> {
        let until = (self.clock)().plus_millis(self.lease_ms);
        let mut tx = self.db.begin().await.map_err(sql_failed)?;
        let mine = store::renew(&mut tx, job, until, progress).await.map_err(failed)?;
        tx.commit().await.map_err(sql_failed)?;
        Ok(mine)
    }

    async fn end(&self, job: &TakenJob, ending: Ending) -> Result<bool, QueueError> {
        let mut tx = self.db.begin().await.map_err(sql_failed)?;
        let ended = match &ending {
            Ending::Done => store::done(&mut tx, job).await,
            Ending::Again { run_at, error } => store::again(&mut tx, job, *run_at, error).await,
            Ending::Dead { error } => store::dead(&mut tx, job, (self.clock)(), error).await,
        };
        let ended = ended.map_err(failed)?;
        tx.commit().await.map_err(sql_failed)?;
        Ok(ended)
    }

    async fn counts(&self) -> Result<JobCounts, QueueError> {
        let mut tx = self.db.read().await.map_err(sql_failed)?;
        store::counts(&mut tx, (self.clock)()).await.map_err(failed)
    }
}

#[async_trait]
impl JobStore for TableQueue {
    async fn hand_over(
        &self,
        limit: usize,
        lost_before: Option<Timestamp>,
    ) -> Result<Vec<Ticket>, QueueError> {
        let now = (self.clock)();
        let mut tx = self.db.read().await.map_err(sql_failed)?;
        if !store::any_due(&mut tx, now).await.map_err(failed)? {
            return Ok(Vec::new());
        }
        drop(tx);
        let mut tx = self.db.begin().await.map_err(sql_failed)?;
        store::expire(&mut tx, now).await.map_err(failed)?;
        let tickets = store::hand_over(&mut tx, now, limit, lost_before).await.map_err(failed)?;
        tx.commit().await.map_err(sql_failed)?;
        Ok(tickets)
    }

    async fn take_back(&self, jobs: Vec<JobId>) -> Result<(), QueueError> {
        let mut tx = self.db.begin().await.map_err(sql_failed)?;
        for job in jobs {
            store::take_back(&mut tx, job).await.map_err(failed)?;
        }
        tx.commit().await.map_err(sql_failed)
    }

    async fn take_these(&self, jobs: Vec<JobId>) -> Result<Vec<TakenJob>, QueueError> {
        let now = (self.clock)();
        let lease = lease()?;
        let mut tx = self.db.begin().await.map_err(sql_failed)?;
        let mut taken = Vec::with_capacity(jobs.len());
        for job in jobs {
            let one = store::take_one(&mut tx, job, now, lease, self.lease_ms);
            taken.extend(one.await.map_err(failed)?);
        }
        tx.commit().await.map_err(sql_failed)?;
        Ok(taken)
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }
}
