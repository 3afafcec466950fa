//! What all processes that serve one shop must agree on.

use stoa_kernel::Timestamp;
use stoa_sql::{Db, Sql, SqlError, Tx, sql};

use crate::error::StoreError;

const FIND: Sql = sql!("select value from installation where name = $1");
const ADD: Sql = sql!(
    "insert into installation (name, value, created_at) values ($1, $2, $3) \
     on conflict (name) do nothing"
);

/// Every statement, for the test that prepares them.
pub const STATEMENTS: &[&Sql] = &[&FIND, &ADD];

const SECRET: &str = "secret";

async fn find(tx: &mut Tx) -> Result<Option<[u8; 32]>, StoreError> {
    let found = tx.query_opt(&FIND, &[SECRET.into()], |row| row.hash(0)).await?;
    Ok(found.map(|value| value.0))
}

/// The shop's secret. Where there is none yet, `fresh` makes it; of several processes that ask at
/// once, one stores its own and all get that.
///
/// # Errors
/// The store failed, or `fresh` did.
pub async fn secret<E: From<StoreError> + From<SqlError>>(
    db: &Db,
    now: Timestamp,
    fresh: impl FnOnce() -> Result<[u8; 32], E>,
) -> Result<[u8; 32], E> {
    let mut tx = db.read().await?;
    if let Some(secret) = find(&mut tx).await? {
        return Ok(secret);
    }
    drop(tx);
    let fresh = fresh()?;
    let mut tx = db.begin().await?;
    // On PostgreSQL this waits for whoever else is adding one.
    let value = stoa_sql::Param::Bytes(&fresh);
    tx.execute(&ADD, &[SECRET.into(), value, now.into()]).await?;
    let kept = find(&mut tx).await?;
    tx.commit().await?;
    Ok(kept.unwrap_or(fresh))
}
