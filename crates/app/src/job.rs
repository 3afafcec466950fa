//! Steps of stored workflows that talk to the outside world. Owns the table `jobs`.

use stoa_domain::world::{Job, JobKind};
use stoa_kernel::{OrderId, Timestamp};
use stoa_sql::{Column, Param, Row, Sql, Tx, Type, Verb, Write, sql};

use crate::error::StoreError;

const KEY: &[Column] = &[("kind", Type::Text), ("order_id", Type::Uuid)];

static UPSERT: Write = Write::new(Verb::Upsert, "jobs", KEY, &[("run_at", Type::Time)]);

static DELETE: Write = Write::new(Verb::Delete, "jobs", KEY, &[]);

// Takes due jobs by moving them into the future: the one who took a job has so long to do it.
const TAKE: Sql = sql!(
    sqlite: "update jobs set run_at = $2, attempts = attempts + 1
        where (kind, order_id) in
            (select kind, order_id from jobs where run_at <= $1 order by run_at limit $3)
        returning kind, order_id, attempts",
    postgres: "with due as materialized
            (select kind, order_id from jobs where run_at <= $1 order by run_at limit $3
             for update skip locked)
        update jobs j set run_at = $2, attempts = j.attempts + 1
        from due where j.kind = due.kind and j.order_id = due.order_id
        returning j.kind, j.order_id, j.attempts",
);

const POSTPONE: Sql =
    sql!("update jobs set run_at = $3, last_error = $4 where kind = $1 and order_id = $2");

const OWN_ALL: Sql = sql!("update jobs set run_at = $1 where run_at > $1");

const ANY_DUE: Sql = sql!("select 1 from jobs where run_at <= $1 limit 1");

const LIST: Sql =
    sql!("select kind, order_id, run_at, attempts, last_error from jobs order by run_at limit $1");

const OF_ORDER: Sql = sql!(
    "select kind, order_id, run_at, attempts, last_error from jobs where order_id = $1 and kind = $2"
);

const COUNT: Sql = sql!("select count(*) from jobs");

/// Every statement of this page.
pub const STATEMENTS: &[&Sql] = &[&TAKE, &POSTPONE, &OWN_ALL, &ANY_DUE, &LIST, &OF_ORDER, &COUNT];
/// Every set-based write of this page.
pub static WRITES: &[&Write] = &[&UPSERT, &DELETE];

/// A job that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenJob {
    /// What is to be done.
    pub kind: JobKind,
    /// For which order.
    pub order_id: OrderId,
    /// How often it was taken before, and this time.
    pub attempts: i64,
}

/// Stores jobs, or gives them another time.
pub async fn store(tx: &mut Tx, jobs: &[Job]) -> Result<(), StoreError> {
    let rows = jobs
        .iter()
        .map(|job| [Param::from(job.kind.as_str()), job.order_id.into(), job.run_at.into()]);
    tx.write_later(&UPSERT, rows).await?;
    Ok(())
}

/// Removes jobs that are done.
pub async fn finish(tx: &mut Tx, jobs: &[(JobKind, OrderId)]) -> Result<(), StoreError> {
    let rows = jobs.iter().map(|(kind, order)| [Param::from(kind.as_str()), (*order).into()]);
    tx.write_later(&DELETE, rows).await?;
    Ok(())
}

/// Takes at most `limit` due jobs; nobody else gets them before `until`.
pub async fn take(
    tx: &mut Tx,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<TakenJob>, StoreError> {
    let row = |row: &Row<'_>| {
        let kind = row.text(0)?;
        Ok(TakenJob {
            kind: JobKind::parse(kind).ok_or_else(|| StoreError::bad_row("jobs.kind", kind))?,
            order_id: OrderId::from_uuid(row.uuid(1)?),
            attempts: row.int(2)?,
        })
    };
    tx.query(&TAKE, &[now.into(), until.into(), limit.into()], row).await
}

/// Gives a job another time and says why.
pub async fn postpone(
    tx: &mut Tx,
    kind: JobKind,
    order: OrderId,
    run_at: Timestamp,
    why: &str,
) -> Result<(), StoreError> {
    tx.execute(&POSTPONE, &[kind.as_str().into(), order.into(), run_at.into(), why.into()]).await?;
    Ok(())
}

/// Makes every job due: at the start of the only process, nobody else can be at work on one.
pub async fn own_all(tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(&OWN_ALL, &[now.into()]).await?;
    Ok(())
}

/// How many jobs there are.
pub async fn count(tx: &mut Tx) -> Result<i64, StoreError> {
    Ok(tx.query_opt(&COUNT, &[], |row| Ok::<_, StoreError>(row.int(0)?)).await?.unwrap_or(0))
}

/// Whether any job is due.
pub async fn any_due(tx: &mut Tx, now: Timestamp) -> Result<bool, StoreError> {
    let row = |row: &Row<'_>| Ok::<_, StoreError>(row.int(0)?);
    Ok(tx.query_opt(&ANY_DUE, &[now.into()], row).await?.is_some())
}

/// A step as the store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStep {
    /// What is to be done.
    pub kind: JobKind,
    /// For which order.
    pub order_id: OrderId,
    /// When it is due, or another worker may take it.
    pub run_at: Timestamp,
    /// How often a worker has taken it.
    pub attempts: i64,
    /// Why it is tried again.
    pub last_error: Option<String>,
}

fn step(row: &Row<'_>) -> Result<StoredStep, StoreError> {
    let kind = row.text(0)?;
    Ok(StoredStep {
        kind: JobKind::parse(kind).ok_or_else(|| StoreError::bad_row("jobs.kind", kind))?,
        order_id: OrderId::from_uuid(row.uuid(1)?),
        run_at: row.time(2)?,
        attempts: row.int(3)?,
        last_error: row.opt_string(4)?,
    })
}

/// Some steps, in the order in which they are due.
pub async fn list(tx: &mut Tx, limit: i64) -> Result<Vec<StoredStep>, StoreError> {
    tx.query(&LIST, &[limit.into()], step).await
}

/// The step that an order waits for.
pub async fn of_order(
    tx: &mut Tx,
    kind: JobKind,
    order: OrderId,
) -> Result<Option<StoredStep>, StoreError> {
    tx.query_opt(&OF_ORDER, &[order.into(), kind.as_str().into()], step).await
}
