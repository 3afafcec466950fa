//! Idempotency keys: rows of the transaction that does the work, so that a repeated request gets
//! the first answer, also after a crash.
//!
//! The store keeps a hash of the key, never the key. Kept answers hold no capability: the caller
//! puts the cart's or order's token back in, which it knows from the request.

use sha2::{Digest, Sha256};
use stoa_kernel::{OrderId, Timestamp, limits};
use stoa_sql::{Column, Param, Row, Sql, Tx, Type, Verb, Write, sql};

use crate::answer::Answer;
use crate::error::StoreError;

const SELECT: Sql = sql!(
    sqlite: "select key, fingerprint, order_id, status, answer
        from idempotency_keys where key = $1",
    postgres: "select key, fingerprint, order_id, status, answer
        from idempotency_keys where key = any($1) order by key",
    locks: "for update",
);

const KEY: &[Column] = &[("key", Type::Bytes)];
const COLUMNS: &[Column] = &[
    ("fingerprint", Type::Bytes),
    ("order_id", Type::Uuid),
    ("status", Type::Int),
    ("answer", Type::Text),
    ("created_at", Type::Time),
    ("vendor_id", Type::Uuid),
];

// Not one upsert: of two processes that have the same new key, one must lose and look again.
static INSERT: Write = Write::new(Verb::Insert, "idempotency_keys", KEY, COLUMNS);
static UPDATE: Write = Write::new(Verb::Update, "idempotency_keys", KEY, COLUMNS);
static ANSWER: Write = Write::new(
    Verb::Update,
    "idempotency_keys",
    KEY,
    &[("status", Type::Int), ("answer", Type::Text)],
);

const WAITING: Sql = sql!(
    sqlite: "select order_id, key from idempotency_keys where order_id = $1 and status is null",
    postgres: "select order_id, key from idempotency_keys
        where order_id = any($1) and status is null",
);

const ANSWER_OPEN: Sql =
    sql!("update idempotency_keys set status = $2, answer = $3 where key = $1 and status is null");

const PURGE: Sql = sql!(
    "delete from idempotency_keys where key in
        (select key from idempotency_keys where created_at < $1 limit $2)"
);

/// Every statement of this page.
pub const STATEMENTS: &[&Sql] = &[&SELECT, &WAITING, &ANSWER_OPEN, &PURGE];
/// Every set-based write of this page.
pub static WRITES: &[&Write] = &[&INSERT, &UPDATE, &ANSWER];

/// A key as the store knows it.
pub type KeyHash = [u8; 32];

/// A key and what it was used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idempotency {
    /// Hash of scope and key.
    pub key: KeyHash,
    /// Hash of method, path and body.
    pub fingerprint: [u8; 32],
}

impl Idempotency {
    /// `scope` separates clients that do not know of each other: the cart's token, the API token,
    /// the client's address. `request` is everything a repeat must have in common with the first.
    pub fn new(scope: &[u8], key: &str, request: &[&[u8]]) -> Self {
        let hash = |parts: &[&[u8]]| -> [u8; 32] {
            let mut hasher = Sha256::new();
            for part in parts {
                hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
                hasher.update(part);
            }
            hasher.finalize().into()
        };
        Self { key: hash(&[scope, key.as_bytes()]), fingerprint: hash(request) }
    }
}

/// What the store knows of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The key.
    pub key: KeyHash,
    /// What it was used for.
    pub fingerprint: [u8; 32],
    /// The order whose payment the answer waits for.
    pub order_id: Option<OrderId>,
    /// The answer; `None` while the work goes on.
    pub answer: Option<Answer>,
}

/// What the store knows of these keys.
pub async fn load(tx: &mut Tx, keys: &[KeyHash]) -> Result<Vec<Kept>, StoreError> {
    let row = |row: &Row<'_>| {
        let answer = match (row.opt_int(3)?, row.opt_string(4)?) {
            (Some(status), Some(body)) => {
                Some(Answer { status: u16::try_from(status).unwrap_or(500), body })
            }
            _ => None,
        };
        Ok(Kept {
            key: row.hash(0)?.0,
            fingerprint: row.hash(1)?.0,
            order_id: row.opt_uuid(2)?.map(OrderId::from_uuid),
            answer,
        })
    };
    tx.query_keys(&SELECT, keys.iter().map(|key| Param::Bytes(key)), &[], row).await
}

/// Says that [`load`] will be asked for these.
pub async fn ahead(tx: &mut Tx, keys: &[KeyHash]) -> Result<(), StoreError> {
    Ok(tx.ahead_keys(&SELECT, keys.iter().map(|key| Param::Bytes(key)), &[]).await?)
}

/// Keeps keys, each with its answer unless an order's payment is to give it. `is_new` tells those
/// that are not stored yet.
pub async fn keep(
    tx: &mut Tx,
    kept: &[&Kept],
    is_new: impl Fn(&KeyHash) -> bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let vendor = tx.vendor();
    for (write, new) in [(&INSERT, true), (&UPDATE, false)] {
        let rows = kept.iter().filter(|kept| is_new(&kept.key) == new).map(|kept| {
            [
                Param::Bytes(&kept.key),
                Param::Bytes(&kept.fingerprint),
                kept.order_id.into(),
                kept.answer.as_ref().map(|answer| i64::from(answer.status)).into(),
                kept.answer.as_ref().map(|answer| answer.body.as_str()).into(),
                now.into(),
                vendor.into(),
            ]
        });
        tx.write_later(write, rows).await?;
    }
    Ok(())
}

/// The keys that wait for these orders' payments.
pub async fn waiting_for(
    tx: &mut Tx,
    orders: &[OrderId],
) -> Result<Vec<(OrderId, KeyHash)>, StoreError> {
    let keys = orders.iter().map(|order| Param::from(*order));
    let row = |row: &Row<'_>| Ok((OrderId::from_uuid(row.uuid(0)?), row.hash(1)?.0));
    tx.query_keys(&WAITING, keys, &[], row).await
}

/// Says that [`waiting_for`] will be asked for these.
pub async fn waiting_ahead(tx: &mut Tx, orders: &[OrderId]) -> Result<(), StoreError> {
    let keys = orders.iter().map(|order| Param::from(*order));
    Ok(tx.ahead_keys(&WAITING, keys, &[]).await?)
}

/// Gives a key its answer if it was kept without one; whoever was told one is told the same again.
pub async fn answer_open(tx: &mut Tx, key: &KeyHash, answer: &Answer) -> Result<(), StoreError> {
    let params = [Param::Bytes(key), i64::from(answer.status).into(), answer.body.as_str().into()];
    tx.execute(&ANSWER_OPEN, &params).await?;
    Ok(())
}

/// Gives keys that wait their answers.
pub async fn answer(tx: &mut Tx, answers: &[(KeyHash, Answer)]) -> Result<(), StoreError> {
    let rows = answers.iter().map(|(key, answer)| {
        [Param::Bytes(key), i64::from(answer.status).into(), answer.body.as_str().into()]
    });
    tx.write_later(&ANSWER, rows).await?;
    Ok(())
}

/// Forgets some keys that are older than they need be; says how many.
pub async fn purge(tx: &mut Tx, now: Timestamp) -> Result<u64, StoreError> {
    let before = now.plus_seconds(-limits::IDEMPOTENCY_KEEP_S);
    Ok(tx.execute(&PURGE, &[before.into(), Param::Int(1_000)]).await?)
}
