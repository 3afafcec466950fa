//! Jobs that keep the shop tidy: purging what is out of date, rebuilding the search index.

use async_trait::async_trait;
use stoa_kernel::limits;
use stoa_sql::Tx;

use super::schedule::Schedule;
use super::{Handlers, JobFailure, JobHandler, Run, store};
use crate::cart::abandoned::{FIND_ABANDONED, FindAbandoned};
use crate::error::StoreError;
use crate::follow;
use crate::shop::Shop;
use crate::{cart, idempotency, staff, webhooks};

/// Forgets idempotency keys that are older than they need be.
pub const PURGE_KEYS: &str = "idempotency.purge";
/// Forgets carts that nobody has touched for long.
pub const PURGE_CARTS: &str = "carts.purge";
/// Forgets sessions and links that have expired.
pub const PURGE_SESSIONS: &str = "sessions.purge";
/// Forgets jobs that were given up long ago.
pub const PURGE_JOBS: &str = "jobs.purge";
/// Forgets deliveries of webhooks that were over long ago.
pub const PURGE_WEBHOOKS: &str = "webhooks.purge";
/// Fills the search index anew.
pub const REBUILD_SEARCH: &str = "search.rebuild";

/// What is done at set times.
///
/// # Errors
/// Never: a test makes them all.
pub fn schedules() -> Result<Vec<Schedule>, stoa_kernel::CronError> {
    Ok(vec![
        Schedule::new(PURGE_KEYS, "*/5 * * * *", 600)?,
        Schedule::new(PURGE_SESSIONS, "10 * * * *", 600)?,
        Schedule::new(FIND_ABANDONED, "35 * * * *", 3_600)?,
        Schedule::new(PURGE_CARTS, "20 3 * * *", 3_600)?,
        Schedule::new(crate::mail::send::PURGE, "50 3 * * *", 600)?,
        Schedule::new(PURGE_JOBS, "40 3 * * *", 600)?,
        Schedule::new(PURGE_WEBHOOKS, "5 4 * * *", 3_600)?,
    ])
}

/// Who does them.
pub(super) fn handlers() -> Handlers {
    Handlers::new()
        .with(PURGE_KEYS, Purge(Old::Keys))
        .with(PURGE_SESSIONS, Purge(Old::Sessions))
        .with(FIND_ABANDONED, FindAbandoned)
        .with(PURGE_CARTS, PurgeCarts)
        .with(PURGE_JOBS, Purge(Old::Jobs))
        .with(PURGE_WEBHOOKS, Purge(Old::Deliveries))
        .with(REBUILD_SEARCH, RebuildSearch)
}

#[derive(Clone, Copy)]
enum Old {
    Keys,
    Sessions,
    Jobs,
    Deliveries,
}

struct Purge(Old);

impl Purge {
    /// Forgets some; says how many.
    async fn some(&self, tx: &mut Tx, shop: &Shop) -> Result<u64, StoreError> {
        let now = (shop.clock)();
        match self.0 {
            Old::Keys => idempotency::purge(tx, now).await,
            Old::Sessions => Ok(staff::store::purge(tx, now).await?),
            Old::Jobs => store::purge_dead(tx, now.plus_seconds(-limits::DEAD_JOB_KEEP_S)).await,
            Old::Deliveries => {
                webhooks::store::purge(tx, now.plus_seconds(-limits::WEBHOOK_KEEP_S)).await
            }
        }
    }
}

#[async_trait]
impl JobHandler for Purge {
    async fn run(&self, shop: &Shop, run: &Run) -> Result<(), JobFailure> {
        let mut gone = 0;
        loop {
            // A transaction for each chunk, so that shoppers do not wait for all of them.
            let mut tx = shop.db.begin().await?;
            let some = self.some(&mut tx, shop).await?;
            tx.commit().await?;
            if some == 0 {
                return Ok(());
            }
            gone += usize::try_from(some).unwrap_or(usize::MAX);
            run.progress(gone, None);
        }
    }
}

struct PurgeCarts;

#[async_trait]
impl JobHandler for PurgeCarts {
    async fn run(&self, shop: &Shop, run: &Run) -> Result<(), JobFailure> {
        let before = (shop.clock)().plus_seconds(-limits::CART_KEEP_S);
        let mut after = None;
        let mut seen = 0;
        loop {
            // Carts have no index by age, which every order would pay for, so all are looked at.
            let mut tx = shop.db.begin().await?;
            let page = cart::store::purge(&mut tx, after, before).await?;
            tx.commit().await?;
            let Some(last) = page.last else { return Ok(()) };
            after = Some(last);
            seen += page.seen;
            run.progress(seen, None);
        }
    }
}

struct RebuildSearch;

#[async_trait]
impl JobHandler for RebuildSearch {
    async fn run(&self, shop: &Shop, run: &Run) -> Result<(), JobFailure> {
        let total = shop.search.len().await.ok().and_then(|n| usize::try_from(n).ok());
        let rebuilt = follow::rebuild(shop, |done| run.progress(done, total)).await;
        rebuilt.map_err(|error| JobFailure::Again(error.to_string()))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schedule_has_a_cron_that_reads_and_someone_who_does_it() {
        let handlers = super::super::handlers();
        for schedule in schedules().unwrap() {
            assert!(handlers.get(schedule.kind).is_some(), "{}", schedule.kind);
        }
    }
}
