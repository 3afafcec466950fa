//! All SQL about jobs of the background. Owns `queued_jobs` and `job_schedules`.

use serde_json::Value;
use stoa_kernel::{JobId, Timestamp};
use stoa_ports::jobs::{JobCounts, NewJob, Progress, TakenJob, Ticket};
use stoa_sql::{Column, Param, Row, Sql, Tx, Type, Verb, Write, sql};
use uuid::Uuid;

use crate::error::StoreError;

static ADD: Write = Write::new(
    Verb::Add,
    "queued_jobs",
    &[("id", Type::Uuid)],
    &[
        ("kind", Type::Text),
        ("args", Type::Json),
        ("priority", Type::Int),
        ("unique_key", Type::Text),
        ("state", Type::Text),
        ("run_at", Type::Time),
        ("attempts", Type::Int),
        ("max_attempts", Type::Int),
        ("timeout_s", Type::Int),
        ("created_at", Type::Time),
    ],
);

// Whose worker is not heard of any more: due again, or given up after the last try.
const EXPIRE: Sql = sql!(
    "update queued_jobs set
        state = case when attempts >= max_attempts then 'dead' else 'waiting' end,
        died_at = case when attempts >= max_attempts then lease_until end,
        last_error = 'the process that ran it went away before it was done',
        lease = null, lease_until = null, published_at = null
    where state = 'running' and lease_until <= $1"
);

const ANY_DUE: Sql = sql!(
    "select 1 where exists (select 1 from queued_jobs where state = 'waiting' and run_at <= $1)
        or exists (select 1 from queued_jobs where state = 'running' and lease_until <= $1)"
);

const TAKE: Sql = sql!(
    sqlite: "update queued_jobs set
            state = 'running', lease = $2, lease_until = $3, attempts = attempts + 1,
            progress_done = null, progress_total = null
        where id in (select id from queued_jobs where state = 'waiting' and run_at <= $1
            order by priority desc, run_at limit $4)
        returning id, kind, args, attempts, max_attempts, timeout_s, priority",
    postgres: "with due as materialized
            (select id from queued_jobs where state = 'waiting' and run_at <= $1
             order by priority desc, run_at limit $4 for update skip locked)
        update queued_jobs j set
            state = 'running', lease = $2, lease_until = $3, attempts = j.attempts + 1,
            progress_done = null, progress_total = null
        from due where j.id = due.id
        returning j.id, j.kind, j.args, j.attempts, j.max_attempts, j.timeout_s, j.priority",
);

const TAKE_ONE: Sql = sql!(
    "update queued_jobs set
        state = 'running', lease = $3, lease_until = $4, attempts = attempts + 1,
        progress_done = null, progress_total = null
    where id = $1 and state = 'waiting' and run_at <= $2
    returning id, kind, args, attempts, max_attempts, timeout_s, priority"
);

const RENEW: Sql = sql!(
    "update queued_jobs set lease_until = $3,
        progress_done = coalesce($4, progress_done), progress_total = coalesce($5, progress_total)
    where id = $1 and lease = $2"
);

const DONE: Sql = sql!("delete from queued_jobs where id = $1 and lease = $2");

const AGAIN: Sql = sql!(
    "update queued_jobs set state = 'waiting', run_at = $3, last_error = $4,
        lease = null, lease_until = null, published_at = null
    where id = $1 and lease = $2"
);

const DEAD: Sql = sql!(
    "update queued_jobs set state = 'dead', died_at = $3, last_error = $4,
        lease = null, lease_until = null, published_at = null
    where id = $1 and lease = $2"
);

const COUNTS: Sql = sql!(
    "select coalesce(sum(case when state = 'waiting' and run_at <= $1 then 1 else 0 end), 0),
        coalesce(sum(case when state = 'waiting' and run_at > $1 then 1 else 0 end), 0),
        coalesce(sum(case when state = 'running' then 1 else 0 end), 0),
        coalesce(sum(case when state = 'dead' then 1 else 0 end), 0)
    from queued_jobs"
);

const HAND_OVER: Sql = sql!(
    sqlite: "update queued_jobs set published_at = $1
        where id in (select id from queued_jobs where state = 'waiting' and run_at <= $1
            and (published_at is null or published_at < $3)
            order by priority desc, run_at limit $2)
        returning id, priority",
    postgres: "with due as materialized
            (select id from queued_jobs where state = 'waiting' and run_at <= $1
             and (published_at is null or published_at < $3)
             order by priority desc, run_at limit $2 for update skip locked)
        update queued_jobs j set published_at = $1
        from due where j.id = due.id returning j.id, j.priority",
);

const TAKE_BACK: Sql =
    sql!("update queued_jobs set published_at = null where id = $1 and state = 'waiting'");

// At the start of the only process, nobody else can be at work on one.
const OWN_ALL: Sql = sql!("update queued_jobs set lease_until = $1 where state = 'running'");

const PURGE_DEAD: Sql = sql!(
    "delete from queued_jobs where id in
        (select id from queued_jobs where state = 'dead' and died_at < $1 limit $2)"
);

const LIST: Sql = sql!(
    "select id, kind, args, priority, unique_key, state, run_at, attempts, max_attempts, timeout_s,
        lease_until, progress_done, progress_total, last_error, created_at, died_at
    from queued_jobs where state = $1
    order by case when state = 'dead' then died_at end desc, run_at, priority desc limit $2"
);

const FIND: Sql = sql!(
    "select id, kind, args, priority, unique_key, state, run_at, attempts, max_attempts, timeout_s,
        lease_until, progress_done, progress_total, last_error, created_at, died_at
    from queued_jobs where id = $1"
);

const RETRY: Sql = sql!(
    "update queued_jobs set state = 'waiting', died_at = null, attempts = 0, run_at = $2, args = $3,
        published_at = null
    where id = $1 and state = 'dead'"
);

const DISCARD: Sql = sql!("delete from queued_jobs where id = $1 and state <> 'running'");

const HURRY: Sql =
    sql!("update queued_jobs set run_at = $2 where id = $1 and state = 'waiting' and run_at > $2");

const SCHEDULES: Sql = sql!("select name, cron, next_at, last_at from job_schedules order by name");

const SCHEDULE_DELETE: Sql = sql!("delete from job_schedules where name = $1");

static SCHEDULE_PUT: Write = Write::new(
    Verb::Upsert,
    "job_schedules",
    &[("name", Type::Text)] as &[Column],
    &[("cron", Type::Text), ("next_at", Type::Time), ("last_at", Type::Time)],
);

/// Every statement of this page.
pub const STATEMENTS: &[&Sql] = &[
    &EXPIRE,
    &ANY_DUE,
    &TAKE,
    &TAKE_ONE,
    &RENEW,
    &DONE,
    &AGAIN,
    &DEAD,
    &COUNTS,
    &HAND_OVER,
    &TAKE_BACK,
    &OWN_ALL,
    &PURGE_DEAD,
    &LIST,
    &FIND,
    &RETRY,
    &DISCARD,
    &HURRY,
    &SCHEDULES,
    &SCHEDULE_DELETE,
];
/// Every set-based write of this page.
pub static WRITES: &[&Write] = &[&ADD, &SCHEDULE_PUT];

type Result<T> = std::result::Result<T, StoreError>;

/// Bytes of an error that are kept.
const ERROR_BYTES: usize = 2_000;

/// An error as it is kept: not longer than anybody reads, and without what text columns cannot hold.
fn kept(error: &str) -> String {
    let mut end = error.len().min(ERROR_BYTES);
    while !error.is_char_boundary(end) {
        end -= 1;
    }
    error.get(..end).unwrap_or_default().replace('\0', " ")
}

/// Stores jobs in the transaction that makes them necessary. Says which were stored: not those
/// whose unique key is taken.
pub async fn add(tx: &mut Tx, jobs: &[NewJob], now: Timestamp) -> Result<Vec<bool>> {
    let args: Vec<String> = jobs.iter().map(|job| job.args.to_string()).collect();
    let rows = jobs.iter().zip(&args).map(|(job, args)| {
        [
            Param::from(job.id),
            (&job.kind).into(),
            Param::Json(args),
            i64::from(job.priority.min(9)).into(),
            job.unique_key.as_deref().into(),
            "waiting".into(),
            job.run_at.into(),
            0_i64.into(),
            i64::from(job.max_attempts.max(1)).into(),
            i64::from(job.timeout_s.max(1)).into(),
            now.into(),
        ]
    });
    Ok(tx.add(&ADD, rows).await?)
}

/// Whether anything can be taken.
pub async fn any_due(tx: &mut Tx, now: Timestamp) -> Result<bool> {
    let row = |row: &Row<'_>| Ok::<_, StoreError>(row.int(0)?);
    Ok(tx.query_opt(&ANY_DUE, &[now.into()], row).await?.is_some())
}

/// Ends leases that have run out.
pub async fn expire(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    Ok(tx.execute(&EXPIRE, &[now.into()]).await?)
}

fn small(column: &'static str, value: i64) -> Result<u32> {
    u32::try_from(value).map_err(|_| StoreError::bad_row(column, &value.to_string()))
}

fn taken(row: &Row<'_>, lease: Uuid, lease_ms: i64) -> Result<TakenJob> {
    Ok(TakenJob {
        id: JobId::from_uuid(row.uuid(0)?),
        kind: row.string(1)?,
        args: serde_json::from_str(row.text(2)?)?,
        attempt: small("queued_jobs.attempts", row.int(3)?)?,
        max_attempts: small("queued_jobs.max_attempts", row.int(4)?)?,
        timeout_s: small("queued_jobs.timeout_s", row.int(5)?)?,
        priority: u8::try_from(row.int(6)?).unwrap_or(0),
        lease,
        lease_ms,
    })
}

/// Takes at most so many due jobs under a lease; higher priorities first.
pub async fn take(
    tx: &mut Tx,
    now: Timestamp,
    lease: Uuid,
    lease_ms: i64,
    limit: usize,
) -> Result<Vec<TakenJob>> {
    let limit = i64::try_from(limit).unwrap_or(1);
    let params = [now.into(), lease.into(), now.plus_millis(lease_ms).into(), limit.into()];
    let mut jobs = tx.query(&TAKE, &params, |row| taken(row, lease, lease_ms)).await?;
    // What a statement returns has no order.
    jobs.sort_by_key(|job| (std::cmp::Reverse(job.priority), job.id));
    Ok(jobs)
}

/// Takes one job, if it is due and nobody has it.
pub async fn take_one(
    tx: &mut Tx,
    id: JobId,
    now: Timestamp,
    lease: Uuid,
    lease_ms: i64,
) -> Result<Option<TakenJob>> {
    let params = [id.into(), now.into(), lease.into(), now.plus_millis(lease_ms).into()];
    tx.query_opt(&TAKE_ONE, &params, |row| taken(row, lease, lease_ms)).await
}

/// Begins a lease anew; false when it is lost.
pub async fn renew(
    tx: &mut Tx,
    job: &TakenJob,
    until: Timestamp,
    progress: Option<Progress>,
) -> Result<bool> {
    let done = progress.map(|progress| progress.done);
    let total = progress.and_then(|progress| progress.total);
    let params = [job.id.into(), job.lease.into(), until.into(), done.into(), total.into()];
    Ok(tx.execute(&RENEW, &params).await? == 1)
}

/// Removes a job that is done; false when its lease is lost.
pub async fn done(tx: &mut Tx, job: &TakenJob) -> Result<bool> {
    Ok(tx.execute(&DONE, &[job.id.into(), job.lease.into()]).await? == 1)
}

/// Puts a job back for later; false when its lease is lost.
pub async fn again(tx: &mut Tx, job: &TakenJob, run_at: Timestamp, error: &str) -> Result<bool> {
    let error = kept(error);
    let params = [job.id.into(), job.lease.into(), run_at.into(), error.as_str().into()];
    Ok(tx.execute(&AGAIN, &params).await? == 1)
}

/// Gives a job up; false when its lease is lost.
pub async fn dead(tx: &mut Tx, job: &TakenJob, now: Timestamp, error: &str) -> Result<bool> {
    let error = kept(error);
    let params = [job.id.into(), job.lease.into(), now.into(), error.as_str().into()];
    Ok(tx.execute(&DEAD, &params).await? == 1)
}

/// How many jobs there are.
pub async fn counts(tx: &mut Tx, now: Timestamp) -> Result<JobCounts> {
    let row = |row: &Row<'_>| {
        Ok::<_, StoreError>(JobCounts {
            due: row.int(0)?,
            later: row.int(1)?,
            running: row.int(2)?,
            dead: row.int(3)?,
        })
    };
    Ok(tx.query_opt(&COUNTS, &[now.into()], row).await?.unwrap_or_default())
}

/// Marks at most so many due jobs as handed to a broker, and gives them, highest priority first.
pub async fn hand_over(
    tx: &mut Tx,
    now: Timestamp,
    limit: usize,
    lost_before: Option<Timestamp>,
) -> Result<Vec<Ticket>> {
    let limit = i64::try_from(limit).unwrap_or(1);
    let params = [now.into(), limit.into(), lost_before.unwrap_or(Timestamp::EPOCH).into()];
    let row = |row: &Row<'_>| {
        Ok::<_, StoreError>(Ticket {
            id: JobId::from_uuid(row.uuid(0)?),
            priority: u8::try_from(row.int(1)?).unwrap_or(0),
        })
    };
    let mut tickets = tx.query(&HAND_OVER, &params, row).await?;
    tickets.sort_by_key(|ticket| (std::cmp::Reverse(ticket.priority), ticket.id));
    Ok(tickets)
}

/// A broker did not get this job after all.
pub async fn take_back(tx: &mut Tx, id: JobId) -> Result<()> {
    tx.execute(&TAKE_BACK, &[id.into()]).await?;
    Ok(())
}

/// Ends the leases of all jobs: at the start of the only process, nobody else can be at work.
pub async fn own_all(tx: &mut Tx, now: Timestamp) -> Result<()> {
    tx.execute(&OWN_ALL, &[now.into()]).await?;
    Ok(())
}

/// Forgets some jobs that died before a time; says how many.
pub async fn purge_dead(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    Ok(tx.execute(&PURGE_DEAD, &[before.into(), Param::Int(1_000)]).await?)
}

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Waits for its time or for a worker.
    Waiting,
    /// A worker has it.
    Running,
    /// Given up.
    Dead,
}

impl JobState {
    /// The word that the store keeps.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Dead => "dead",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Waiting, Self::Running, Self::Dead].into_iter().find(|state| state.as_str() == word)
    }
}

/// A job as the store holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredJob {
    /// Its id.
    pub id: JobId,
    /// What is to be done.
    pub kind: String,
    /// With what.
    pub args: Value,
    /// 0 to 9; higher goes first.
    pub priority: i64,
    /// What no other job may have while it waits or runs.
    pub unique_key: Option<String>,
    /// Where it is.
    pub state: JobState,
    /// Not before.
    pub run_at: Timestamp,
    /// Tries so far.
    pub attempts: i64,
    /// Tries there are.
    pub max_attempts: i64,
    /// How long one may take, in seconds.
    pub timeout_s: i64,
    /// Until when its worker has it.
    pub lease_until: Option<Timestamp>,
    /// How far it is.
    pub progress: Option<Progress>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it was given up.
    pub died_at: Option<Timestamp>,
}

fn stored(row: &Row<'_>) -> Result<StoredJob> {
    let state = row.text(5)?;
    let total = row.opt_int(12)?;
    Ok(StoredJob {
        id: JobId::from_uuid(row.uuid(0)?),
        kind: row.string(1)?,
        args: serde_json::from_str(row.text(2)?)?,
        priority: row.int(3)?,
        unique_key: row.opt_string(4)?,
        state: JobState::parse(state)
            .ok_or_else(|| StoreError::bad_row("queued_jobs.state", state))?,
        run_at: row.time(6)?,
        attempts: row.int(7)?,
        max_attempts: row.int(8)?,
        timeout_s: row.int(9)?,
        lease_until: row.opt_time(10)?,
        progress: row.opt_int(11)?.map(|done| Progress { done, total }),
        last_error: row.opt_string(13)?,
        created_at: row.time(14)?,
        died_at: row.opt_time(15)?,
    })
}

/// Some jobs in a state: those that died by when they did, newest first, others by when they are
/// due.
pub async fn list(tx: &mut Tx, state: JobState, limit: i64) -> Result<Vec<StoredJob>> {
    tx.query(&LIST, &[state.as_str().into(), limit.into()], stored).await
}

/// One job.
pub async fn find(tx: &mut Tx, id: JobId) -> Result<Option<StoredJob>> {
    tx.query_opt(&FIND, &[id.into()], stored).await
}

/// Gives a dead job all its tries again, with these arguments; false when it is not dead.
pub async fn retry(tx: &mut Tx, id: JobId, now: Timestamp, args: &Value) -> Result<bool> {
    let args = args.to_string();
    let params = [id.into(), now.into(), Param::Json(&args)];
    Ok(tx.execute(&RETRY, &params).await? == 1)
}

/// Removes a job that nobody runs; false when there is none.
pub async fn discard(tx: &mut Tx, id: JobId) -> Result<bool> {
    Ok(tx.execute(&DISCARD, &[id.into()]).await? == 1)
}

/// Makes a job due that waits for later; false when it does not.
pub async fn hurry(tx: &mut Tx, id: JobId, now: Timestamp) -> Result<bool> {
    Ok(tx.execute(&HURRY, &[id.into(), now.into()]).await? == 1)
}

/// A schedule as the store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSchedule {
    /// Its name.
    pub name: String,
    /// When, as `cron` writes it.
    pub cron: String,
    /// When it makes its next job.
    pub next_at: Timestamp,
    /// When it made its last.
    pub last_at: Option<Timestamp>,
}

/// All schedules.
pub async fn schedules(tx: &mut Tx) -> Result<Vec<StoredSchedule>> {
    let row = |row: &Row<'_>| {
        Ok::<_, StoreError>(StoredSchedule {
            name: row.string(0)?,
            cron: row.string(1)?,
            next_at: row.time(2)?,
            last_at: row.opt_time(3)?,
        })
    };
    tx.query(&SCHEDULES, &[], row).await
}

/// Stores schedules.
pub async fn put_schedules(tx: &mut Tx, schedules: &[StoredSchedule]) -> Result<()> {
    let rows = schedules.iter().map(|schedule| {
        [
            Param::from(&schedule.name),
            (&schedule.cron).into(),
            schedule.next_at.into(),
            schedule.last_at.into(),
        ]
    });
    tx.write(&SCHEDULE_PUT, rows).await?;
    Ok(())
}

/// Removes a schedule.
pub async fn delete_schedule(tx: &mut Tx, name: &str) -> Result<()> {
    tx.execute(&SCHEDULE_DELETE, &[name.into()]).await?;
    Ok(())
}
