//! All SQL about who follows the event log. Owns `subscribers`.

use stoa_kernel::Timestamp;
use stoa_sql::{Row, Sql, Tx, sql};

use crate::error::StoreError;

const FIND: Sql = sql!(
    "select name, log_offset, kind, moved_at, attempts, failures, failing_since, retry_at, last_error
    from subscribers where name = $1",
    locks: "for update skip locked"
);

const LIST: Sql = sql!(
    "select name, log_offset, kind, moved_at, attempts, failures, failing_since, retry_at, last_error
    from subscribers order by kind desc, name"
);

const ADD: Sql = sql!(
    "insert into subscribers (name, log_offset, kind, moved_at) values ($1, $2, $3, $4)
    on conflict (name) do nothing"
);

const MOVE: Sql = sql!(
    "update subscribers set log_offset = $3, moved_at = $4,
        attempts = 0, failing_since = null, retry_at = null, last_error = null
    where name = $1 and log_offset = $2"
);

const SET: Sql = sql!(
    "update subscribers set log_offset = $2, moved_at = $3,
        attempts = 0, failing_since = null, retry_at = null, last_error = null
    where name = $1"
);

const FAILED: Sql = sql!(
    "update subscribers set attempts = attempts + 1, failures = failures + 1,
        failing_since = coalesce(failing_since, $3), retry_at = $4, last_error = $5
    where name = $1 and log_offset = $2"
);

const RETRY: Sql = sql!("update subscribers set retry_at = null where name = $1");

/// Every statement of this page.
pub const STATEMENTS: &[&Sql] = &[&FIND, &LIST, &ADD, &MOVE, &SET, &FAILED, &RETRY];

type Result<T> = std::result::Result<T, StoreError>;

/// Characters of an error that are kept.
const ERROR_CHARS: usize = 1_000;

/// Who a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A part of the shop.
    Subscriber,
    /// Somebody outside, who asks under a name.
    Reader,
}

impl Kind {
    /// The word that the store keeps.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Subscriber => "subscriber",
            Self::Reader => "reader",
        }
    }

    fn parse(word: &str) -> Result<Self> {
        [Self::Subscriber, Self::Reader]
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| StoreError::bad_row("subscribers.kind", word))
    }
}

/// A subscriber as the store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub name: String,
    /// The last fact that it has taken, or that it need not take.
    pub offset: i64,
    /// Who it is.
    pub kind: Kind,
    /// When the offset moved last.
    pub moved_at: Option<Timestamp>,
    /// Failures since then.
    pub attempts: i64,
    /// Failures in all.
    pub failures: i64,
    /// When the first of those since then was.
    pub failing_since: Option<Timestamp>,
    /// Before this time it is not tried again.
    pub retry_at: Option<Timestamp>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

fn stored(row: &Row<'_>) -> Result<Stored> {
    Ok(Stored {
        name: row.string(0)?,
        offset: row.int(1)?,
        kind: Kind::parse(row.text(2)?)?,
        moved_at: row.opt_time(3)?,
        attempts: row.int(4)?,
        failures: row.int(5)?,
        failing_since: row.opt_time(6)?,
        retry_at: row.opt_time(7)?,
        last_error: row.opt_string(8)?,
    })
}

/// A subscriber. In a transaction that writes it stays locked to its end, and one that somebody else
/// has locked is not found.
pub async fn find(tx: &mut Tx, name: &str) -> Result<Option<Stored>> {
    tx.query_opt(&FIND, &[name.into()], stored).await
}

/// All subscribers, then all readers.
pub async fn list(tx: &mut Tx) -> Result<Vec<Stored>> {
    tx.query(&LIST, &[], stored).await
}

/// Adds one that begins after an offset; leaves one that is there.
pub async fn add(tx: &mut Tx, name: &str, offset: i64, kind: Kind, now: Timestamp) -> Result<()> {
    let params = [name.into(), offset.into(), kind.as_str().into(), now.into()];
    tx.execute(&ADD, &params).await?;
    Ok(())
}

/// Moves an offset on; false when it is not where it was.
pub async fn advance(tx: &mut Tx, name: &str, from: i64, to: i64, now: Timestamp) -> Result<bool> {
    let params = [name.into(), from.into(), to.into(), now.into()];
    Ok(tx.execute(&MOVE, &params).await? == 1)
}

/// Sets an offset, wherever it was; false when there is no such subscriber.
pub async fn set(tx: &mut Tx, name: &str, offset: i64, now: Timestamp) -> Result<bool> {
    Ok(tx.execute(&SET, &[name.into(), offset.into(), now.into()]).await? == 1)
}

/// Writes a failure down, unless the offset has moved meanwhile.
pub async fn failed(
    tx: &mut Tx,
    name: &str,
    offset: i64,
    now: Timestamp,
    retry_at: Timestamp,
    error: &str,
) -> Result<()> {
    let error: String = error.chars().filter(|c| *c != '\0').take(ERROR_CHARS).collect();
    let params = [name.into(), offset.into(), now.into(), retry_at.into(), error.as_str().into()];
    tx.execute(&FAILED, &params).await?;
    Ok(())
}

/// Lets one be tried again at once; false when there is no such subscriber.
pub async fn retry(tx: &mut Tx, name: &str) -> Result<bool> {
    Ok(tx.execute(&RETRY, &[name.into()]).await? == 1)
}
