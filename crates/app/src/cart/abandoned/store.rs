//! All SQL on `abandoned_carts`.

use stoa_domain::cart::{AbandonedCart, CartBody};
use stoa_kernel::{AbandonedCartId, Money, OrderId, Timestamp, TokenHash};
use stoa_sql::{Column, Param, Row, Sql, Tx, Type, Verb, Write, sql};

use crate::cart::store::behind;
use crate::error::StoreError;

// Those in a page of all carts, in the order of their keys, that may have been abandoned since they
// were last looked at.
const LEFT: Sql = sql!(
    sqlite: "select token_hash from carts
        where token_hash > $1 and token_hash <= $2 and state = 'open' and updated_at <= $3
            and json_extract(body, '$.email') is not null
            and not exists (select 1 from abandoned_carts where cart_key = token_hash)",
    postgres: "select token_hash from carts
        where token_hash > $1 and token_hash <= $2 and state = 'open' and updated_at <= $3
            and body -> 'email' is not null
            and not exists (select 1 from abandoned_carts where cart_key = token_hash)",
);

const KNOWN: Sql = sql!(
    sqlite: "select cart_key from abandoned_carts where cart_key = $1",
    postgres: "select cart_key from abandoned_carts where cart_key = any($1)",
);

const OF_ORDERS: Sql = sql!(
    sqlite: "select a.id, a.cart_key, a.total, a.currency, a.abandoned_at, a.order_id, o.id
        from orders o join abandoned_carts a on a.cart_key = o.cart_key
        where o.id = $1 and a.order_id is null",
    postgres: "select a.id, a.cart_key, a.total, a.currency, a.abandoned_at, a.order_id, o.id
        from orders o join abandoned_carts a on a.cart_key = o.cart_key
        where o.id = any($1) and a.order_id is null",
);

const ANY_OPEN: Sql = sql!("select 1 from abandoned_carts where order_id is null limit 1");

/// Carts as they are shown, with the rest of the statement.
macro_rules! shown {
    (text $rest:literal) => {
        concat!(
            "select a.id, a.cart_key, a.total, a.currency, a.abandoned_at, a.order_id,
                o.number, c.body, c.updated_at
            from abandoned_carts a join carts c on c.token_hash = a.cart_key
                left join orders o on o.id = a.order_id ",
            $rest
        )
    };
    ($rest:literal) => {
        Sql { sqlite: shown!(text $rest), postgres: shown!(text $rest), locking: shown!(text $rest) }
    };
}

const FIND: Sql = shown!("where a.id = $1");

// `$2` is `abandoned`, `recovered` or empty.
const LIST: Sql = shown!(
    "where a.id < $1 and ($2 = '' or ($2 = 'recovered') = (a.order_id is not null))
    order by a.id desc limit $3"
);

const COUNT: Sql = sql!(
    "select count(*) from abandoned_carts
    where $1 = '' or ($1 = 'recovered') = (order_id is not null)"
);

const KEY: &[Column] = &[("id", Type::Uuid)];
static INSERT: Write = Write::new(
    Verb::Insert,
    "abandoned_carts",
    KEY,
    &[
        ("cart_key", Type::Bytes),
        ("total", Type::Int),
        ("currency", Type::Text),
        ("abandoned_at", Type::Time),
    ],
);
static RECOVER: Write =
    Write::new(Verb::Update, "abandoned_carts", KEY, &[("order_id", Type::Uuid)]);

/// Every statement of this page.
pub const STATEMENTS: &[&Sql] = &[&LEFT, &KNOWN, &OF_ORDERS, &ANY_OPEN, &FIND, &LIST, &COUNT];
/// Every set-based write of this page.
pub static WRITES: &[&Write] = &[&INSERT, &RECOVER];

fn from_row(row: &Row<'_>) -> Result<AbandonedCart, StoreError> {
    Ok(AbandonedCart {
        id: AbandonedCartId::from_uuid(row.uuid(0)?),
        key: row.hash(1)?,
        total: Money::new(row.int(2)?, row.text(3)?.parse()?),
        abandoned_at: row.time(4)?,
        recovered: row.opt_uuid(5)?.map(OrderId::from_uuid),
    })
}

/// Carts with keys after one and up to another that nobody has touched since a time, that have an
/// address to write to, and that are not known to be abandoned.
pub(super) async fn left(
    tx: &mut Tx,
    after: Option<TokenHash>,
    up_to: TokenHash,
    since: Timestamp,
) -> Result<Vec<TokenHash>, StoreError> {
    let params = [Param::Bytes(behind(&after)), (&up_to).into(), since.into()];
    tx.query(&LEFT, &params, |row| Ok(row.hash(0)?)).await
}

/// Which of these carts are known to be abandoned.
pub(super) async fn known(tx: &mut Tx, carts: &[TokenHash]) -> Result<Vec<TokenHash>, StoreError> {
    tx.query_keys(&KNOWN, carts.iter().map(Param::from), &[], |row| Ok(row.hash(0)?)).await
}

/// Adds carts.
pub(super) async fn insert(tx: &mut Tx, carts: &[AbandonedCart]) -> Result<(), StoreError> {
    let rows = carts.iter().map(|cart| {
        [
            Param::from(cart.id),
            (&cart.key).into(),
            cart.total.minor.into(),
            cart.total.currency.code().into(),
            cart.abandoned_at.into(),
        ]
    });
    tx.write(&INSERT, rows).await?;
    Ok(())
}

/// Abandoned carts that these orders came of, and which, as far as that is not noted yet.
pub(super) async fn of_orders(
    tx: &mut Tx,
    orders: impl IntoIterator<Item = OrderId>,
) -> Result<Vec<(AbandonedCart, OrderId)>, StoreError> {
    let keys = orders.into_iter().map(Param::from);
    let row = |row: &Row<'_>| Ok((from_row(row)?, OrderId::from_uuid(row.uuid(6)?)));
    tx.query_keys(&OF_ORDERS, keys, &[], row).await
}

/// Notes which orders came of carts.
pub(super) async fn recover(tx: &mut Tx, carts: &[AbandonedCart]) -> Result<(), StoreError> {
    let rows = carts.iter().map(|cart| [Param::from(cart.id), cart.recovered.into()]);
    tx.write(&RECOVER, rows).await?;
    Ok(())
}

/// Whether any cart is abandoned of which no order has come.
pub(super) async fn any_open(tx: &mut Tx) -> Result<bool, StoreError> {
    let row = |row: &Row<'_>| Ok::<_, StoreError>(row.int(0)?);
    Ok(tx.query_opt(&ANY_OPEN, &[], row).await?.is_some())
}

/// An abandoned cart and what is in it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The cart.
    pub cart: AbandonedCart,
    /// The number of the order that came of it.
    pub number: Option<i64>,
    /// What is in it now.
    pub body: CartBody,
    /// When it last changed.
    pub updated_at: Timestamp,
}

fn shown(row: &Row<'_>) -> Result<Shown, StoreError> {
    Ok(Shown {
        cart: from_row(row)?,
        number: row.opt_int(6)?,
        body: serde_json::from_str(row.text(7)?)?,
        updated_at: row.time(8)?,
    })
}

/// One of them.
///
/// # Errors
/// The store failed.
pub async fn find(tx: &mut Tx, id: AbandonedCartId) -> Result<Option<Shown>, StoreError> {
    tx.query_opt(&FIND, &[id.into()], shown).await
}

/// What an abandoned cart has become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// Nothing yet.
    Abandoned,
    /// An order.
    Recovered,
}

impl Became {
    /// What this one has become.
    pub const fn of(cart: &AbandonedCart) -> Self {
        if cart.recovered.is_some() { Self::Recovered } else { Self::Abandoned }
    }

    /// The word used outside.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Abandoned => "abandoned",
            Self::Recovered => "recovered",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Abandoned, Self::Recovered].into_iter().find(|one| one.as_str() == text)
    }
}

/// Abandoned carts, newest first, those before one.
///
/// # Errors
/// The store failed.
pub async fn list(
    tx: &mut Tx,
    became: Option<Became>,
    before: Option<AbandonedCartId>,
    limit: i64,
) -> Result<Vec<Shown>, StoreError> {
    let before = before.unwrap_or(AbandonedCartId::from_uuid(uuid::Uuid::max()));
    let became = became.map_or("", Became::as_str);
    tx.query(&LIST, &[before.into(), became.into(), limit.into()], shown).await
}

/// How many there are.
///
/// # Errors
/// The store failed.
pub async fn count(tx: &mut Tx, became: Option<Became>) -> Result<i64, StoreError> {
    let became = became.map_or("", Became::as_str);
    let n = tx.query_opt(&COUNT, &[became.into()], |row| Ok::<_, StoreError>(row.int(0)?)).await?;
    Ok(n.unwrap_or(0))
}
