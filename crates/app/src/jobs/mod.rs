//! Jobs of the background: what is done outside a request, each once at a time.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`store`] | all SQL; owns `queued_jobs` and `job_schedules` |
//! | [`queue`] | the job queue on a table |
//! | [`worker`] | takes jobs and runs them, in every serving process |
//! | [`schedule`] | makes jobs at set times |
//! | [`housekeeping`] | jobs that purge and rebuild |
//!
//! The steps of order workflows are no such jobs: see [`crate::job`].

pub mod housekeeping;
pub mod queue;
pub mod schedule;
pub mod store;
pub mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;
use stoa_ports::jobs::Progress;

use crate::error::StoreError;
use crate::shop::Shop;

/// Why a try failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobFailure {
    /// Another try may work.
    #[error("{0}")]
    Again(String),
    /// No other try will.
    #[error("{0}")]
    Final(String),
}

impl From<StoreError> for JobFailure {
    fn from(error: StoreError) -> Self {
        Self::Again(error.to_string())
    }
}

impl From<stoa_sql::SqlError> for JobFailure {
    fn from(error: stoa_sql::SqlError) -> Self {
        Self::Again(error.to_string())
    }
}

impl From<serde_json::Error> for JobFailure {
    fn from(error: serde_json::Error) -> Self {
        Self::Final(format!("the job's arguments: {error}"))
    }
}

/// One try of a job.
#[derive(Debug, Clone)]
pub struct Run {
    /// With what.
    pub args: Value,
    /// Which try it is, from 1.
    pub attempt: u32,
    progress: Arc<Mutex<Option<Progress>>>,
}

impl Run {
    fn new(args: Value, attempt: u32) -> Self {
        Self { args, attempt, progress: Arc::new(Mutex::new(None)) }
    }

    /// Says how far it is; people see it a moment later.
    pub fn progress(&self, done: usize, total: Option<usize>) {
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        *self.progress.lock() = Some(Progress { done: number(done), total: total.map(number) });
    }
}

/// What does one kind of job. A try may be cut off at any point and run again, so that its effects
/// must be the same when it is.
#[async_trait]
pub trait JobHandler: Send + Sync {
    /// Does it.
    ///
    /// # Errors
    /// It did not work, and is tried again or given up.
    async fn run(&self, shop: &Shop, run: &Run) -> Result<(), JobFailure>;
}

/// Who does which kind of job.
#[derive(Clone, Default)]
pub struct Handlers(BTreeMap<&'static str, Arc<dyn JobHandler>>);

impl std::fmt::Debug for Handlers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Handlers {
    /// Nobody does anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with someone for a kind of job.
    #[must_use]
    pub fn with(mut self, kind: &'static str, handler: impl JobHandler + 'static) -> Self {
        self.0.insert(kind, Arc::new(handler));
        self
    }

    fn get(&self, kind: &str) -> Option<Arc<dyn JobHandler>> {
        self.0.get(kind).cloned()
    }
}

/// Everybody who does the shop's own jobs.
pub fn handlers() -> Handlers {
    crate::mail::send::handlers(housekeeping::handlers())
}
