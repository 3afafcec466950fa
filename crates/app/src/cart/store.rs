//! All SQL on `carts`.

use std::collections::HashMap;
use std::sync::Arc;

use stoa_domain::cart::{Cart, CartBody, CartState};
use stoa_kernel::{OrderId, Timestamp, TokenHash};
use stoa_sql::{Column, Param, Row, Sql, Tx, Type, Verb, Write, sql};

use crate::error::StoreError;

// A body that the reader has already is not read again.
const SELECT: Sql = sql!(
    sqlite: "select token_hash, state, order_id, version, currency,
            case when version = $2 and updated_at = $3 then null else body end,
            created_at, updated_at
        from carts where token_hash = $1",
    postgres: "select c.token_hash, c.state, c.order_id, c.version, c.currency,
            case when c.version = k.version and c.updated_at = k.updated_at then null else c.body end,
            c.created_at, c.updated_at
        from unnest($1::bytea[], $2::bigint[], $3::timestamptz[]) as k(token_hash, version, updated_at)
        join carts c on c.token_hash = k.token_hash order by c.token_hash",
    locks: "for update of c",
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

static UPDATE_HEAD: Write = Write::new(
    Verb::Update,
    "carts",
    KEY,
    &[
        ("state", Type::Text),
        ("order_id", Type::Uuid),
        ("version", Type::Int),
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
pub static WRITES: &[&Write] = &[&INSERT, &UPDATE, &UPDATE_HEAD];

/// A cart that is to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartKey {
    /// Its key.
    pub key: TokenHash,
    /// What the reader remembers of it. Its body is taken as long as version and time are those of the
    /// row: the version alone would not tell a change that was lost with a server from one made after.
    pub copy: Option<Cart>,
}

impl From<TokenHash> for CartKey {
    fn from(key: TokenHash) -> Self {
        Self { key, copy: None }
    }
}

impl CartKey {
    fn params(&self) -> [Param<'_>; 3] {
        let none = (0, Timestamp::from_micros(0)); // No row has the version 0.
        let (version, updated_at) =
            self.copy.as_ref().map_or(none, |copy| (copy.version, copy.updated_at));
        [Param::from(&self.key), version.into(), updated_at.into()]
    }
}

fn from_row(
    row: &Row<'_>,
    copies: &HashMap<TokenHash, &Arc<CartBody>>,
) -> Result<Cart, StoreError> {
    let key = row.hash(0)?;
    let order = row.opt_uuid(2)?.map(OrderId::from_uuid);
    let state = match (row.text(1)?, order) {
        ("open", None) => CartState::Open,
        ("paying", Some(id)) => CartState::Paying(id),
        ("completed", Some(id)) => CartState::Completed(id),
        (other, _) => return Err(StoreError::bad_row("carts.state", other)),
    };
    let body = match row.opt_text(5)? {
        Some(body) => Arc::new(serde_json::from_str(body)?),
        None => copies
            .get(&key)
            .map(|body| Arc::clone(body))
            .ok_or_else(|| StoreError::bad_row("carts.body", "nothing"))?,
    };
    Ok(Cart {
        key,
        state,
        version: row.int(3)?,
        currency: row.text(4)?.parse()?,
        body,
        created_at: row.time(6)?,
        updated_at: row.time(7)?,
    })
}

/// The carts with these keys, as far as they exist.
pub async fn load(tx: &mut Tx, keys: &[CartKey]) -> Result<Vec<Cart>, StoreError> {
    let copies = keys.iter().filter_map(|key| key.copy.as_ref().map(|copy| (key.key, &copy.body)));
    let copies: HashMap<_, _> = copies.collect();
    let params = keys.iter().map(CartKey::params);
    tx.query_keys(&SELECT, params, &[], |row| from_row(row, &copies)).await
}

/// Says that [`load`] will be asked for these.
pub async fn ahead(tx: &mut Tx, keys: &[CartKey]) -> Result<(), StoreError> {
    Ok(tx.ahead_keys(&SELECT, keys.iter().map(CartKey::params), &[]).await?)
}

/// Writes carts as they are now. `stored` is the body that a cart has in the store, where it is there.
pub async fn save<'a>(
    tx: &mut Tx,
    carts: &[&Cart],
    stored: impl Fn(&TokenHash) -> Option<&'a Arc<CartBody>>,
) -> Result<(), StoreError> {
    let (mut new, mut changed, mut same_body) = (Vec::new(), Vec::new(), Vec::new());
    for cart in carts {
        match stored(&cart.key) {
            Some(body) if Arc::ptr_eq(body, &cart.body) => same_body.push(*cart),
            Some(_) => changed.push((*cart, serde_json::to_string(&*cart.body)?)),
            None => new.push((*cart, serde_json::to_string(&*cart.body)?)),
        }
    }
    let state = |cart: &Cart| match cart.state {
        CartState::Open => ("open", None),
        CartState::Paying(id) => ("paying", Some(id)),
        CartState::Completed(id) => ("completed", Some(id)),
    };
    let new = new.iter().map(|(cart, body)| {
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
    let changed = changed.iter().map(|(cart, body)| {
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
    let same_body = same_body.iter().map(|cart| {
        let (state, order) = state(cart);
        [
            Param::from(&cart.key),
            state.into(),
            order.into(),
            cart.version.into(),
            cart.updated_at.into(),
        ]
    });
    tx.write_later(&UPDATE_HEAD, same_body).await?;
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
