//! All SQL on sums of sales.

use stoa_kernel::{Currency, Money, OrderId, Timestamp};
use stoa_sql::{Column, Param, Row, Sql, Tx, Type, Verb, Write, sql};

use crate::error::StoreError;

const FIND: Sql = sql!(
    "select orders, revenue, counted_to from sales_days where day = $1 and currency = $2",
    locks: "for update"
);

const SINCE: Sql = sql!(
    "select day, orders, revenue from sales_days
    where day >= $1 and day < $2 and currency = $3 order by day"
);

// Not locked: none of it changes once an order is placed.
const ORDERS: Sql = sql!(
    sqlite: "select id, placed_at, total, currency from orders where id = $1",
    postgres: "select id, placed_at, total, currency from orders where id = any($1)",
);

const UNCOUNTED: Sql = sql!(
    "select count(*) from events where kind in ('order.placed', 'order.cancelled') and log_offset >
        (select coalesce(max(log_offset), 0) from subscribers where name = $1)"
);

const FAULTS: Sql = sql!(
    sqlite: "select coalesce(o.day, s.day), coalesce(o.orders, 0), coalesce(o.revenue, 0),
            coalesce(s.orders, 0), coalesce(s.revenue, 0)
        from (select placed_at / 86400000000 * 86400000000 as day, currency, count(*) as orders,
                sum(total) as revenue
            from orders where status = 'placed' group by 1, 2) o
        full join sales_days s on s.day = o.day and s.currency = o.currency
        where coalesce(o.orders, 0) <> coalesce(s.orders, 0)
            or coalesce(o.revenue, 0) <> coalesce(s.revenue, 0)",
    postgres: "select coalesce(o.day, s.day), coalesce(o.orders, 0), coalesce(o.revenue, 0),
            coalesce(s.orders, 0), coalesce(s.revenue, 0)
        from (select date_trunc('day', placed_at at time zone 'UTC') at time zone 'UTC' as day,
                currency, count(*) as orders, cast(sum(total) as bigint) as revenue
            from orders where status = 'placed' group by 1, 2) o
        full join sales_days s on s.day = o.day and s.currency = o.currency
        where coalesce(o.orders, 0) <> coalesce(s.orders, 0)
            or coalesce(o.revenue, 0) <> coalesce(s.revenue, 0)",
);

const KEY: &[Column] = &[("day", Type::Time), ("currency", Type::Text)];
static PUT: Write = Write::new(
    Verb::Upsert,
    "sales_days",
    KEY,
    &[("orders", Type::Int), ("revenue", Type::Int), ("counted_to", Type::Int)],
);

/// Every statement of this page.
pub const STATEMENTS: &[&Sql] = &[&FIND, &SINCE, &ORDERS, &UNCOUNTED, &FAULTS];
/// Every set-based write of this page.
pub static WRITES: &[&Write] = &[&PUT];

/// What was sold in some time; cancelled orders do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sales {
    /// When the time begins.
    pub from: Timestamp,
    /// Orders placed.
    pub n_orders: i64,
    /// What they came to.
    pub revenue: Money,
}

/// The sums of a day and currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The sums.
    pub sales: Sales,
    /// The last fact that is in them.
    pub counted_to: i64,
}

/// The sums of a day; zero where there are none yet.
pub async fn find(tx: &mut Tx, day: Timestamp, currency: Currency) -> Result<Day, StoreError> {
    let row = |row: &Row<'_>| Ok::<_, StoreError>((row.int(0)?, row.int(1)?, row.int(2)?));
    let found = tx.query_opt(&FIND, &[day.into(), currency.code().into()], row).await?;
    let (n_orders, minor, counted_to) = found.unwrap_or_default();
    let revenue = Money::new(minor, currency);
    Ok(Day { sales: Sales { from: day, n_orders, revenue }, counted_to })
}

/// Writes the sums of days.
pub async fn put(tx: &mut Tx, days: &[Day]) -> Result<(), StoreError> {
    let rows = days.iter().map(|Day { sales, counted_to }| {
        [
            Param::from(sales.from),
            sales.revenue.currency.code().into(),
            sales.n_orders.into(),
            sales.revenue.minor.into(),
            (*counted_to).into(),
        ]
    });
    tx.write(&PUT, rows).await?;
    Ok(())
}

/// When each of these orders was placed, and what it came to; those that never were are left out.
pub async fn placed(
    tx: &mut Tx,
    orders: impl IntoIterator<Item = OrderId>,
) -> Result<Vec<(OrderId, Timestamp, Money)>, StoreError> {
    let keys = orders.into_iter().map(Param::from);
    let rows = tx
        .query_keys(&ORDERS, keys, &[], |row| {
            let total = Money::new(row.int(2)?, row.text(3)?.parse()?);
            Ok::<_, StoreError>((OrderId::from_uuid(row.uuid(0)?), row.opt_time(1)?, total))
        })
        .await?;
    Ok(rows.into_iter().filter_map(|(id, at, total)| Some((id, at?, total))).collect())
}

/// Sums of the days from one until before another, oldest first; days without sales are left out. They
/// follow the facts by a moment.
pub async fn by_day(
    tx: &mut Tx,
    from: Timestamp,
    to: Timestamp,
    currency: Currency,
) -> Result<Vec<Sales>, StoreError> {
    let params = [from.into(), to.into(), currency.code().into()];
    tx.query(&SINCE, &params, |row| {
        let revenue = Money::new(row.int(2)?, currency);
        Ok(Sales { from: row.time(0)?, n_orders: row.int(1)?, revenue })
    })
    .await
}

/// Days whose sums are not those of the orders, in words; none while there are facts to be counted.
pub async fn faults(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let count = |row: &Row<'_>| Ok::<_, StoreError>(row.int(0)?);
    let uncounted = tx.query_opt(&UNCOUNTED, &[super::subscriber::NAME.into()], count).await?;
    if uncounted.unwrap_or(0) > 0 {
        return Ok(Vec::new());
    }
    tx.query(&FAULTS, &[], |row| {
        let (orders, revenue) = (row.int(1)?, row.int(2)?);
        let (summed, summed_revenue) = (row.int(3)?, row.int(4)?);
        Ok(format!(
            "{}: {summed} orders of {summed_revenue} minor units are summed up, there are \
             {orders} of {revenue}",
            row.time(0)?
        ))
    })
    .await
}
