//! All SQL on `carts`.

use stoa_domain::cart::{Cart, CartState};
use stoa_kernel::{OrderId, Timestamp, TokenHash};
use stoa_sql::{Column, Param, Row, Sql, Tx, Type, Verb, Write, sql};

use crate::error::StoreError;

const SELECT: Sql = sql!(
    sqlite: "select token_hash, state, order_id, version, currency, body, created_at, updated_at
        from carts where token_hash = $1",
    postgres: "select token_hash, state, order_id, version, currency, body, created_at, updated_at
        from carts where token_hash = any($1) order by token_hash",
    locks: "for update",
);

const KEY: &[Column] = &[("token_hash", Type::Bytes)];

static INSERT: Write = Write::new(
    Verb::Insert,
    "carts",
    KEY,
    &[
        ("state", Type::Text),
        ("order_id", Type::Uuid),
        ("version", Type::Int),
        ("currency", Type::Text),
        ("body", Type::Json),
        ("created_at", Type::Time),
        ("updated_at", Type::Time),
    ],
);

static UPDATE: Write = Write::new(
    Verb::Update,
    "carts",
    KEY,
    &[
        ("state", Type::Text),
        ("order_id", Type::Uuid),
        ("version", Type::Int),
        ("body", Type::Json),
        ("updated_at", Type::Time),
    ],
);

// A page of all carts, in the order of their keys.
const PAGE: Sql =
    sql!("select token_hash from carts where token_hash > $1 order by token_hash limit $2");

const PURGE: Sql = sql!(
    "delete from carts
    where token_hash > $1 and token_hash <= $2 and state = 'open' and updated_at < $3"
);

/// Every statement of this page.
pub const STATEMENTS: &[&Sql] = &[&SELECT, &PAGE, &PURGE];
/// Every set-based write of this page.
pub static WRITES: &[&Write] = &[&INSERT, &UPDATE];

fn from_row(row: &Row<'_>) -> Result<Cart, StoreError> {
    let order = row.opt_uuid(2)?.map(OrderId::from_uuid);
    let state = match (row.text(1)?, order) {
        ("open", None) => CartState::Open,
        ("paying", Some(id)) => CartState::Paying(id),
        ("completed", Some(id)) => CartState::Completed(id),
        (other, _) => return Err(StoreError::bad_row("carts.state", other)),
    };
    Ok(Cart {
        key: row.hash(0)?,
        state,
        version: row.int(3)?,
        currency: row.text(4)?.parse()?,
        body: serde_json::from_str(row.text(5)?)?,
        created_at: row.time(6)?,
        updated_at: row.time(7)?,
    })
}

/// The carts with these keys, as far as they exist.
pub async fn load(tx: &mut Tx, keys: &[TokenHash]) -> Result<Vec<Cart>, StoreError> {
    tx.query_keys(&SELECT, keys.iter().map(Param::from), &[], from_row).await
}

/// Says that [`load`] will be asked for these.
pub async fn ahead(tx: &mut Tx, keys: &[TokenHash]) -> Result<(), StoreError> {
    Ok(tx.ahead_keys(&SELECT, keys.iter().map(Param::from), &[]).await?)
}

/// Writes carts as they are now. `is_new` tells those that are not stored yet.
pub async fn save(
    tx: &mut Tx,
    carts: &[&Cart],
    is_new: impl Fn(&TokenHash) -> bool,
) -> Result<(), StoreError> {
    let bodies = carts.iter().map(|cart| serde_json::to_string(&cart.body));
    let bodies: Vec<String> = bodies.collect::<Result<_, _>>()?;
    let all = || carts.iter().zip(&bodies);
    let state = |cart: &Cart| match cart.state {
        CartState::Open => ("open", None),
        CartState::Paying(id) => ("paying", Some(id)),
        CartState::Completed(id) => ("completed", Some(id)),
    };
    let new = all().filter(|(cart, _)| is_new(&cart.key)).map(|(cart, body)| {
        let (state, order) = state(cart);
        [
            Param::from(&cart.key),
            state.into(),
            order.into(),
            cart.version.into(),
            cart.currency.code().into(),
            Param::Json(body),
            cart.created_at.into(),
            cart.updated_at.into(),
        ]
    });
    tx.write_later(&INSERT, new).await?;
    let changed = all().filter(|(cart, _)| !is_new(&cart.key)).map(|(cart, body)| {
        let (state, order) = state(cart);
        [
            Param::from(&cart.key),
            state.into(),
            order.into(),
            cart.version.into(),
            Param::Json(body),
            cart.updated_at.into(),
        ]
    });
    tx.write_later(&UPDATE, changed).await?;
    Ok(())
}

/// A page of carts that is looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Carts in it.
    pub seen: usize,
    /// The last of them; `None` after the last page.
    pub last: Option<TokenHash>,
}

/// Carts looked at in one transaction.
const PAGE_CARTS: i64 = 1_000;

/// The key that a page begins behind; less than any where it is the first.
pub(super) fn behind(after: &Option<TokenHash>) -> &[u8] {
    after.as_ref().map_or(&[], |hash| &hash.0)
}

/// The page of carts after one in the order of their keys.
pub async fn page(tx: &mut Tx, after: Option<TokenHash>) -> Result<Page, StoreError> {
    let page = [Param::Bytes(behind(&after)), Param::Int(PAGE_CARTS)];
    let page = tx.query(&PAGE, &page, |row| Ok::<_, StoreError>(row.hash(0)?)).await?;
    Ok(Page { seen: page.len(), last: page.last().copied() })
}

/// Forgets the carts in the page after one that are open and were not touched since a time.
pub async fn purge(
    tx: &mut Tx,
    after: Option<TokenHash>,
    before: Timestamp,
) -> Result<Page, StoreError> {
    let page = page(tx, after).await?;
    if let Some(last) = &page.last {
        tx.execute(&PURGE, &[Param::Bytes(behind(&after)), last.into(), before.into()]).await?;
    }
    Ok(page)
}
