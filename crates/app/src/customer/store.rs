//! All SQL on customers.

use std::collections::BTreeMap;

use stoa_domain::address::canonical_email;
use stoa_domain::customer::Customer;
use stoa_kernel::{CustomerId, Money, OrderId, Timestamp};
use stoa_sql::{Column, Param, Row, Sql, Tx, Type, Verb, Write, sql};

use crate::back_office::store::contains;
use crate::error::StoreError;

const FIND: Sql = sql!(
    "select id, email, name, note, version, created_at, updated_at from customers where id = $1",
    locks: "for update"
);

const BY_EMAIL: Sql = sql!(
    sqlite: "select id, email from customers where email = $1",
    postgres: "select id, email from customers where email = any($1)",
);

// `$1` a LIKE pattern, `$2` the id before which the page begins.
const LIST: Sql = sql!(
    "select id, email, name, note, version, created_at, updated_at from customers
    where ($1 = '%' or email like $1 escape '\\' or lower(name) like $1 escape '\\') and id < $2
    order by id desc limit $3"
);

const COUNT: Sql = sql!(
    "select count(*) from customers
    where $1 = '%' or email like $1 escape '\\' or lower(name) like $1 escape '\\'"
);

const SPENT: Sql = sql!(
    sqlite: "select c.customer_id, o.currency, count(*), sum(o.total)
        from customer_orders c join orders o on o.id = c.order_id
        where c.customer_id = $1 and o.status = 'placed' group by c.customer_id, o.currency
        order by o.currency",
    postgres: "select c.customer_id, o.currency, count(*), cast(sum(o.total) as bigint)
        from customer_orders c join orders o on o.id = c.order_id
        where c.customer_id = any($1) and o.status = 'placed' group by c.customer_id, o.currency
        order by o.currency",
);

// Not locked: none of it changes once an order is placed.
const BUYERS: Sql = sql!(
    sqlite: "select id, email, placed_at, coalesce(json_extract(details, '$.billing_address.name'), '')
        from orders where id = $1 and number is not null",
    postgres: "select id, email, placed_at, coalesce(details -> 'billing_address' ->> 'name', '')
        from orders where id = any($1) and number is not null",
);

const UNKNOWN: Sql = sql!(
    "select count(*) from events where kind = 'order.placed' and log_offset >
        (select coalesce(max(log_offset), 0) from subscribers where name = $1)"
);

const FAULTS: Sql = sql!(
    "select o.number from orders o where o.number is not null
        and not exists (select 1 from customer_orders c where c.order_id = o.id)
    order by o.number limit 20"
);

const KEY: &[Column] = &[("id", Type::Uuid)];
static INSERT: Write = Write::new(
    Verb::Insert,
    "customers",
    KEY,
    &[
        ("email", Type::Text),
        ("name", Type::Text),
        ("note", Type::Text),
        ("version", Type::Int),
        ("created_at", Type::Time),
        ("updated_at", Type::Time),
    ],
);
static UPDATE: Write = Write::new(
    Verb::Update,
    "customers",
    KEY,
    &[
        ("name", Type::Text),
        ("note", Type::Text),
        ("version", Type::Int),
        ("updated_at", Type::Time),
    ],
);
static LINK: Write = Write::new(
    Verb::Upsert,
    "customer_orders",
    &[("order_id", Type::Uuid)],
    &[("customer_id", Type::Uuid)],
);

/// Every statement of this page.
pub const STATEMENTS: &[&Sql] =
    &[&FIND, &BY_EMAIL, &LIST, &COUNT, &SPENT, &BUYERS, &UNKNOWN, &FAULTS];
/// Every set-based write of this page.
pub static WRITES: &[&Write] = &[&INSERT, &UPDATE, &LINK];

fn customer(row: &Row<'_>) -> Result<Customer, StoreError> {
    Ok(Customer {
        id: CustomerId::from_uuid(row.uuid(0)?),
        email: row.string(1)?,
        name: row.string(2)?,
        note: row.string(3)?,
        version: row.int(4)?,
        created_at: row.time(5)?,
        updated_at: row.time(6)?,
    })
}

/// One customer.
pub async fn find(tx: &mut Tx, id: CustomerId) -> Result<Option<Customer>, StoreError> {
    tx.query_opt(&FIND, &[id.into()], customer).await
}

/// Who has these addresses, as [`canonical_email`] spells them.
pub async fn by_email(
    tx: &mut Tx,
    emails: impl IntoIterator<Item = &str>,
) -> Result<BTreeMap<String, CustomerId>, StoreError> {
    let row =
        |row: &Row<'_>| Ok::<_, StoreError>((row.string(1)?, CustomerId::from_uuid(row.uuid(0)?)));
    let keys = emails.into_iter().map(Param::from);
    let found: Vec<_> = tx.query_keys(&BY_EMAIL, keys, &[], row).await?;
    Ok(found.into_iter().collect())
}

/// Customers whose address or name contains a text, the newest first, those before one.
pub async fn list(
    tx: &mut Tx,
    text: &str,
    before: Option<CustomerId>,
    limit: i64,
) -> Result<Vec<Customer>, StoreError> {
    let before = before.unwrap_or(CustomerId::from_uuid(uuid::Uuid::max()));
    let pattern = contains(text);
    let params = [Param::Text(&pattern), before.into(), limit.into()];
    tx.query(&LIST, &params, customer).await
}

/// How many there are.
pub async fn count(tx: &mut Tx, text: &str) -> Result<i64, StoreError> {
    let row = |row: &Row<'_>| Ok::<_, StoreError>(row.int(0)?);
    let n = tx.query_opt(&COUNT, &[Param::Text(&contains(text))], row).await?;
    Ok(n.unwrap_or(0))
}

/// What somebody has bought; cancelled orders do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bought {
    /// Orders that stand.
    pub n_orders: i64,
    /// What they came to, in each currency.
    pub spent: Vec<Money>,
}

/// What these customers have bought; those who have nothing that stands are left out.
pub async fn bought(
    tx: &mut Tx,
    customers: &[CustomerId],
) -> Result<BTreeMap<CustomerId, Bought>, StoreError> {
    let row = |row: &Row<'_>| {
        let spent = Money::new(row.int(3)?, row.text(1)?.parse()?);
        Ok::<_, StoreError>((CustomerId::from_uuid(row.uuid(0)?), row.int(2)?, spent))
    };
    let keys = customers.iter().map(|customer| Param::from(*customer));
    let mut found: BTreeMap<CustomerId, Bought> = BTreeMap::new();
    for (customer, n_orders, spent) in tx.query_keys(&SPENT, keys, &[], row).await? {
        let bought = found.entry(customer).or_default();
        bought.n_orders += n_orders;
        bought.spent.push(spent);
    }
    Ok(found)
}

/// Who placed an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Buyer {
    /// The order.
    pub order: OrderId,
    /// The address given, as [`canonical_email`] spells it.
    pub email: String,
    /// The name on the bill.
    pub name: String,
    /// When it was placed.
    pub at: Timestamp,
}

/// Who placed these orders, in the order of their ids; those that never were are left out.
pub(super) async fn buyers(
    tx: &mut Tx,
    orders: impl IntoIterator<Item = OrderId>,
) -> Result<Vec<Buyer>, StoreError> {
    let row = |row: &Row<'_>| {
        Ok::<_, StoreError>(Buyer {
            order: OrderId::from_uuid(row.uuid(0)?),
            email: canonical_email(row.text(1)?),
            at: row.time(2)?,
            name: row.string(3)?,
        })
    };
    let mut found = tx.query_keys(&BUYERS, orders.into_iter().map(Param::from), &[], row).await?;
    found.sort_by_key(|buyer| buyer.order);
    Ok(found)
}

/// Adds customers.
pub(super) async fn insert(tx: &mut Tx, customers: &[Customer]) -> Result<(), StoreError> {
    let rows = customers.iter().map(|customer| {
        [
            Param::from(customer.id),
            (&customer.email).into(),
            (&customer.name).into(),
            (&customer.note).into(),
            customer.version.into(),
            customer.created_at.into(),
            customer.updated_at.into(),
        ]
    });
    tx.write(&INSERT, rows).await?;
    Ok(())
}

/// Writes a customer as they are now.
pub(super) async fn update(tx: &mut Tx, customer: &Customer) -> Result<(), StoreError> {
    let row = [
        Param::from(customer.id),
        (&customer.name).into(),
        (&customer.note).into(),
        customer.version.into(),
        customer.updated_at.into(),
    ];
    tx.write(&UPDATE, [row]).await?;
    Ok(())
}

/// Notes whose orders these are.
pub(super) async fn link(
    tx: &mut Tx,
    orders: impl IntoIterator<Item = (OrderId, CustomerId)>,
) -> Result<(), StoreError> {
    let rows = orders.into_iter().map(|(order, customer)| [Param::from(order), customer.into()]);
    tx.write(&LINK, rows).await?;
    Ok(())
}

/// Placed orders of nobody, in words; none while there are facts to be looked at.
pub async fn faults(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let count = |row: &Row<'_>| Ok::<_, StoreError>(row.int(0)?);
    let unknown = tx.query_opt(&UNKNOWN, &[super::subscriber::NAME.into()], count).await?;
    if unknown.unwrap_or(0) > 0 {
        return Ok(Vec::new());
    }
    tx.query(&FAULTS, &[], |row| Ok(format!("order {} is of no customer", row.int(0)?))).await
}
