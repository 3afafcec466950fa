//! Who may see an order for a while: who looked it up by number and e-mail address, or got a mail about
//! it. The browser or the mail's link holds a random token, the store its hash.

use stoa_kernel::{OrderId, Timestamp, TokenHash};
use stoa_sql::{Column, Db, Sql, Type, Verb, Write, sql};

use crate::error::StoreError;

const FIND: Sql =
    sql!("select order_id from order_lookups where token_hash = $1 and expires_at > $2");
const DELETE_EXPIRED: Sql = sql!("delete from order_lookups where expires_at <= $1");

/// Every statement, for the test that prepares them.
pub const STATEMENTS: &[&Sql] = &[&FIND, &DELETE_EXPIRED];

const KEY: &[Column] = &[("token_hash", Type::Bytes)];

static INSERT: Write = Write::new(
    Verb::Insert,
    "order_lookups",
    KEY,
    &[("order_id", Type::Uuid), ("expires_at", Type::Time)],
);

/// Every set-based write, for the test that prepares them.
pub const WRITES: &[&Write] = &[&INSERT];

/// Lets whoever holds the token see an order until a time.
///
/// # Errors
/// The store failed.
pub async fn grant(
    db: &Db,
    now: Timestamp,
    token: &TokenHash,
    order: OrderId,
    until: Timestamp,
) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    tx.execute(&DELETE_EXPIRED, &[now.into()]).await?;
    tx.write(&INSERT, [[token.into(), order.into(), until.into()]]).await?;
    Ok(tx.commit().await?)
}

/// Whether this token lets in to the order now.
///
/// # Errors
/// The store failed.
pub async fn grants(
    db: &Db,
    now: Timestamp,
    token: &TokenHash,
    order: OrderId,
) -> Result<bool, StoreError> {
    let mut tx = db.read().await?;
    let found = tx.query_opt(&FIND, &[token.into(), now.into()], |row| row.uuid(0)).await?;
    Ok(found == Some(order.uuid()))
}
