//! Jobs at set times. The row of a schedule says when it is due; whoever finds it due makes the job
//! and sets the next time in one transaction, so that of many processes one does.

use stoa_kernel::{Cron, CronError, Ctx};
use stoa_ports::jobs::{LOW, NewJob};
use stoa_sql::Db;

use super::store::{self, StoredSchedule};
use crate::error::StoreError;

/// What is to be done at set times.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Its name, which is also the kind of its jobs.
    pub kind: &'static str,
    /// When.
    pub cron: Cron,
    /// How long one try may take, in seconds.
    pub timeout_s: u32,
}

impl Schedule {
    /// Does `kind` whenever `cron` says.
    ///
    /// # Errors
    /// The text is no schedule.
    pub fn new(kind: &'static str, cron: &str, timeout_s: u32) -> Result<Self, CronError> {
        Ok(Self { kind, cron: cron.parse()?, timeout_s })
    }

    /// A job of it, now. While one waits or runs, another is not stored.
    pub fn job(&self, ctx: &mut Ctx) -> NewJob {
        NewJob {
            priority: LOW,
            unique_key: Some(format!("schedule:{}", self.kind)),
            max_attempts: 5,
            timeout_s: self.timeout_s,
            ..NewJob::new(ctx.job_id(), self.kind, serde_json::json!({}), ctx.now)
        }
    }
}

/// Makes the jobs that are due by their schedules; says how many. Schedules that are gone or have
/// changed are brought up to date.
///
/// # Errors
/// The store failed.
pub async fn tick(db: &Db, ctx: &mut Ctx, schedules: &[Schedule]) -> Result<usize, StoreError> {
    let is_due = |kept: &[StoredSchedule]| {
        kept.len() != schedules.len()
            || schedules.iter().any(|schedule| {
                let kept = kept.iter().find(|kept| kept.name == schedule.kind);
                kept.is_none_or(|kept| {
                    kept.next_at <= ctx.now || kept.cron != schedule.cron.to_string()
                })
            })
    };
    let mut tx = db.read().await?;
    if !is_due(&store::schedules(&mut tx).await?) {
        return Ok(0);
    }
    drop(tx);
    let mut tx = db.begin().await?;
    tx.lock("job schedules").await?;
    let kept = store::schedules(&mut tx).await?;
    let mut jobs = Vec::new();
    let mut changed = Vec::new();
    for schedule in schedules {
        let known = kept.iter().find(|kept| kept.name == schedule.kind);
        let cron = schedule.cron.to_string();
        let due = known.is_some_and(|known| known.next_at <= ctx.now && known.cron == cron);
        if known.is_some_and(|known| known.cron == cron) && !due {
            continue;
        }
        if due {
            jobs.push(schedule.job(ctx));
        }
        let Some(next_at) = schedule.cron.after(ctx.now) else { continue };
        let last_at = if due { Some(ctx.now) } else { known.and_then(|known| known.last_at) };
        let name = schedule.kind.to_owned();
        changed.push(StoredSchedule { name, cron, next_at, last_at });
    }
    for gone in &kept {
        if !schedules.iter().any(|schedule| schedule.kind == gone.name) {
            store::delete_schedule(&mut tx, &gone.name).await?;
        }
    }
    store::put_schedules(&mut tx, &changed).await?;
    store::add(&mut tx, &jobs, ctx.now).await?;
    tx.commit().await?;
    Ok(jobs.len())
}
