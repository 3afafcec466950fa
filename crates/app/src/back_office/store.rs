//! All SQL of the back office's lists and sums.

use stoa_domain::catalog::{Media, Status};
use stoa_domain::fulfilment::OrderFulfilment;
use stoa_domain::order::{OrderStatus, PaymentStatus};
use stoa_kernel::{
    CategoryId, Currency, CustomerId, LocationId, Money, OrderId, ProductId, Timestamp,
};
use stoa_sql::{Param, Row, Sql, Tx, sql};

use crate::error::StoreError;
use crate::order;
use crate::sales::store::Sales;

/// A variant with so many pieces or fewer runs low.
pub const LOW_STOCK: i64 = 5;

const DATABASE_BYTES: Sql = sql!(
    sqlite: "select page_count * page_size from pragma_page_count, pragma_page_size",
    postgres: "select pg_database_size(current_database())",
);

const SALES_BETWEEN: Sql = sql!(
    "select count(*), cast(coalesce(sum(total), 0) as bigint) from orders
    where placed_at >= $1 and placed_at < $2 and status = 'placed' and currency = $3"
);

/// Orders as lists show them, with the rest of the statement.
macro_rules! order_rows {
    ($name:literal, $rest:literal) => {
        concat!(
            "select o.id, o.number, o.status, p.status, o.email, o.total, o.currency,
                coalesce(o.placed_at, o.created_at), p.updated_at,
                (select cast(coalesce(sum(l.quantity), 0) as bigint) from order_lines l
                    where l.order_id = o.id), o.fulfilment_status, ",
            $name,
            " from orders o join payments p on p.order_id = o.id ",
            $rest
        )
    };
    ($rest:literal) => {
        Sql {
            sqlite: order_rows!("json_extract(o.details, '$.shipping_address.name')", $rest),
            postgres: order_rows!("o.details -> 'shipping_address' ->> 'name'", $rest),
            locking: order_rows!("o.details -> 'shipping_address' ->> 'name'", $rest),
        }
    };
}

const ORDERS: Sql = order_rows!(
    "where o.id < $1 and ($2 = '' or o.status = $2)
        and ($3 = '%' or lower(o.email) like $3 escape '\\')
    order by o.id desc limit $4"
);

const ORDER_BY_NUMBER: Sql = order_rows!("where o.number = $1 and ($2 = '' or o.status = $2)");

const OF_CUSTOMER: Sql = order_rows!(
    "join customer_orders c on c.order_id = o.id where c.customer_id = $1
    order by o.id desc limit $2"
);

// Whatever waits for the outside world has a job, and there are few of them.
const ATTENTION: Sql = order_rows!(
    "where o.id in (select order_id from jobs) and p.updated_at < $1
    order by p.updated_at limit $2"
);

// As the partial index says it.
const TO_FULFIL: Sql = order_rows!(
    "where o.status = 'placed' and o.fulfilment_status <> 'fulfilled' and o.id > $1
    order by o.id limit $2"
);

const TO_FULFIL_COUNT: Sql = sql!(
    "select count(*) from orders where status = 'placed' and fulfilment_status <> 'fulfilled'"
);

const ATTENTION_COUNT: Sql = sql!(
    "select count(*) from payments p
    where p.order_id in (select order_id from jobs) and p.updated_at < $1"
);

/// Which products a list shows: `$1` status or empty, `$2` a LIKE pattern, `$3` a category or null,
/// `$4` `in`, `low`, `out` or empty, `$5` what counts as low.
macro_rules! matching {
    ($head:literal, $tail:literal) => {
        concat!(
            $head,
            "($1 = '' or p.status = $1)
            and ($2 = '%' or lower(p.title) like $2 escape '\\' or p.handle like $2 escape '\\'
                or exists (select 1 from variants v where v.product_id = p.id
                    and (lower(v.sku) like $2 escape '\\' or v.barcode like $2 escape '\\')))
            and (p.category_id in (
                with recursive shelf (id) as (
                    select id from categories where id = $3
                    union all
                    select c.id from categories c join shelf on c.parent_id = shelf.id
                ) select id from shelf) or $3 is null)
            and case $4
                when 'in' then exists (select 1 from variants v where v.product_id = p.id
                    and (select coalesce(sum(s.on_hand - s.reserved), 0) from stock_levels s
                        where s.variant_id = v.id) > 0)
                when 'out' then not exists (select 1 from variants v where v.product_id = p.id
                    and (select coalesce(sum(s.on_hand - s.reserved), 0) from stock_levels s
                        where s.variant_id = v.id) > 0)
                when 'low' then exists (select 1 from variants v where v.product_id = p.id
                    and (select cast(coalesce(sum(s.on_hand - s.reserved), 0) as bigint)
                        from stock_levels s where s.variant_id = v.id) <= $5)
                else 1 = 1 end",
            $tail
        )
    };
}

macro_rules! both {
    ($text:expr) => {
        Sql { sqlite: $text, postgres: $text, locking: $text }
    };
}

const PRODUCTS: Sql = both!(matching!(
    "with chosen as (select p.id from products p where ",
    " and p.id < $6 order by p.id desc limit $7)
    select p.id, p.handle, p.title, p.status, p.brand, p.category_id, p.media, p.updated_at,
        (select min(r.amount) from variants v join prices r on r.variant_id = v.id
            where v.product_id = p.id and r.currency = $8),
        (select max(r.amount) from variants v join prices r on r.variant_id = v.id
            where v.product_id = p.id and r.currency = $8),
        (select count(*) from variants v where v.product_id = p.id),
        (select cast(coalesce(sum(s.on_hand - s.reserved), 0) as bigint)
            from variants v join stock_levels s on s.variant_id = v.id
            where v.product_id = p.id)
    from chosen join products p on p.id = chosen.id order by p.id desc"
));

const PRODUCTS_COUNT: Sql = both!(matching!("select count(*) from products p where ", ""));

const BRANDS: Sql = sql!(
    "select brand from products where brand is not null group by brand order by brand limit $1"
);

const LOCATIONS: Sql = sql!("select id, code, name from stock_locations order by position, id");

/// Every statement of this page.
pub const STATEMENTS: &[&Sql] = &[
    &DATABASE_BYTES,
    &SALES_BETWEEN,
    &ORDERS,
    &ORDER_BY_NUMBER,
    &OF_CUSTOMER,
    &ATTENTION,
    &ATTENTION_COUNT,
    &TO_FULFIL,
    &TO_FULFIL_COUNT,
    &PRODUCTS,
    &PRODUCTS_COUNT,
    &BRANDS,
    &LOCATIONS,
];

/// Sales from a time until before another.
///
/// # Errors
/// The store failed.
pub async fn sales_between(
    tx: &mut Tx,
    from: Timestamp,
    to: Timestamp,
    currency: Currency,
) -> Result<Sales, StoreError> {
    let params = [from.into(), to.into(), currency.code().into()];
    let found = tx
        .query_opt(&SALES_BETWEEN, &params, |row| Ok::<_, StoreError>((row.int(0)?, row.int(1)?)))
        .await?;
    let (n_orders, minor) = found.unwrap_or((0, 0));
    Ok(Sales { from, n_orders, revenue: Money::new(minor, currency) })
}

/// An order as the back office lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRow {
    /// Its id.
    pub id: OrderId,
    /// Its number, once placed.
    pub number: Option<i64>,
    /// What became of it.
    pub status: OrderStatus,
    /// What became of its payment.
    pub payment_status: PaymentStatus,
    /// How much of it was sent.
    pub fulfilment_status: OrderFulfilment,
    /// Who ordered.
    pub email: String,
    /// Who receives it.
    pub customer: String,
    /// What it comes to.
    pub total: Money,
    /// When it was placed, or made.
    pub at: Timestamp,
    /// Since when its payment is as it is.
    pub payment_since: Timestamp,
    /// Pieces in all lines.
    pub n_items: i64,
}

fn order_row(row: &Row<'_>) -> Result<OrderRow, StoreError> {
    let (status, payment_status) = (row.text(2)?, row.text(3)?);
    Ok(OrderRow {
        id: OrderId::from_uuid(row.uuid(0)?),
        number: row.opt_int(1)?,
        status: OrderStatus::parse(status)
            .ok_or_else(|| StoreError::bad_row("orders.status", status))?,
        payment_status: PaymentStatus::parse(payment_status)
            .ok_or_else(|| StoreError::bad_row("payments.status", payment_status))?,
        email: row.string(4)?,
        total: Money::new(row.int(5)?, row.text(6)?.parse()?),
        at: row.time(7)?,
        payment_since: row.time(8)?,
        n_items: row.int(9)?,
        fulfilment_status: order::store::fulfilment_status(row, 10)?,
        customer: row.opt_string(11)?.unwrap_or_default(),
    })
}

/// What a list of orders shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Only orders in this state.
    pub status: Option<OrderStatus>,
    /// Only the order with this number (`1001` or `#1001`) or those of this e-mail address; empty
    /// for all.
    pub text: String,
    /// Only orders made before this one.
    pub after: Option<OrderId>,
    /// At most so many.
    pub limit: i64,
}

/// Orders, newest first.
///
/// # Errors
/// The store failed.
pub async fn orders(tx: &mut Tx, filter: &OrderFilter) -> Result<Vec<OrderRow>, StoreError> {
    let status = filter.status.map_or("", OrderStatus::as_str);
    let text = filter.text.trim().to_lowercase();
    if let Ok(number) = text.trim_start_matches('#').parse::<i64>() {
        return tx.query(&ORDER_BY_NUMBER, &[number.into(), status.into()], order_row).await;
    }
    let after = filter.after.unwrap_or(OrderId::from_uuid(uuid::Uuid::max()));
    let pattern = contains(&text);
    let params = [after.into(), status.into(), Param::Text(&pattern), filter.limit.into()];
    tx.query(&ORDERS, &params, order_row).await
}

/// The newest orders of a customer.
///
/// # Errors
/// The store failed.
pub async fn orders_of(
    tx: &mut Tx,
    customer: CustomerId,
    limit: i64,
) -> Result<Vec<OrderRow>, StoreError> {
    tx.query(&OF_CUSTOMER, &[customer.into(), limit.into()], order_row).await
}

/// Orders whose payment or refund is as it is since before a time and still waits, the longest
/// waiting first.
///
/// # Errors
/// The store failed.
pub async fn attention(
    tx: &mut Tx,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<OrderRow>, StoreError> {
    tx.query(&ATTENTION, &[before.into(), limit.into()], order_row).await
}

/// Orders of which pieces still wait to be sent, the longest waiting first, after one.
///
/// # Errors
/// The store failed.
pub async fn to_fulfil(
    tx: &mut Tx,
    after: Option<OrderId>,
    limit: i64,
) -> Result<Vec<OrderRow>, StoreError> {
    let after = after.unwrap_or(OrderId::from_uuid(uuid::Uuid::nil()));
    tx.query(&TO_FULFIL, &[after.into(), limit.into()], order_row).await
}

/// How many [`to_fulfil`] would give without a limit.
///
/// # Errors
/// The store failed.
pub async fn to_fulfil_count(tx: &mut Tx) -> Result<i64, StoreError> {
    let row = |row: &Row<'_>| Ok::<_, StoreError>(row.int(0)?);
    Ok(tx.query_opt(&TO_FULFIL_COUNT, &[], row).await?.unwrap_or(0))
}

/// How many [`attention`] would give without a limit.
///
/// # Errors
/// The store failed.
pub async fn attention_count(tx: &mut Tx, before: Timestamp) -> Result<i64, StoreError> {
    let row = |row: &Row<'_>| Ok::<_, StoreError>(row.int(0)?);
    Ok(tx.query_opt(&ATTENTION_COUNT, &[before.into()], row).await?.unwrap_or(0))
}

/// A choice of products by their stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockFilter {
    /// Some variant can be sold.
    In,
    /// Some variant has at most [`LOW_STOCK`] pieces.
    Low,
    /// No variant can be sold.
    Out,
}

impl StockFilter {
    /// The word used in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Low => "low",
            Self::Out => "out",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::In, Self::Low, Self::Out].into_iter().find(|choice| choice.as_str() == text)
    }
}

/// What a list of products shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductFilter {
    /// Only products in this state.
    pub status: Option<Status>,
    /// Only products whose title, handle, SKU or barcode contains this; empty for all.
    pub text: String,
    /// Only products of this category and those below it.
    pub category: Option<CategoryId>,
    /// Only products with such stock.
    pub stock: Option<StockFilter>,
    /// Only products made before this one.
    pub after: Option<ProductId>,
    /// At most so many.
    pub limit: i64,
}

/// A product as the back office lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductRow {
    /// Its id.
    pub id: ProductId,
    /// Its handle.
    pub handle: String,
    /// Its name.
    pub title: String,
    /// Who may see it.
    pub status: Status,
    /// Manufacturer or vendor.
    pub brand: Option<String>,
    /// Its category.
    pub category_id: Option<CategoryId>,
    /// Its first picture.
    pub image: Option<Media>,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Lowest and highest price.
    pub prices: Option<(Money, Money)>,
    /// How many variants it has.
    pub n_variants: i64,
    /// Pieces of all variants that can be sold.
    pub available: i64,
}

/// Products in any state, newest first, and how many there are in all.
///
/// # Errors
/// The store failed.
pub async fn products(
    tx: &mut Tx,
    filter: &ProductFilter,
    currency: Currency,
) -> Result<(Vec<ProductRow>, i64), StoreError> {
    let pattern = contains(&filter.text);
    let chosen: [Param<'_>; 5] = [
        filter.status.map_or("", Status::as_str).into(),
        Param::Text(&pattern),
        filter.category.into(),
        filter.stock.map_or("", StockFilter::as_str).into(),
        LOW_STOCK.into(),
    ];
    let after = filter.after.unwrap_or(ProductId::from_uuid(uuid::Uuid::max()));
    let page = [after.into(), filter.limit.into(), currency.code().into()];
    let params: Vec<Param<'_>> = chosen.into_iter().chain(page).collect();
    let rows = tx
        .query(&PRODUCTS, &params, |row| {
            let status = row.text(3)?;
            let media: Vec<Media> = serde_json::from_str(row.text(6)?)?;
            let money = |column| {
                Ok::<_, StoreError>(row.opt_int(column)?.map(|minor| Money::new(minor, currency)))
            };
            Ok::<_, StoreError>(ProductRow {
                id: ProductId::from_uuid(row.uuid(0)?),
                handle: row.string(1)?,
                title: row.string(2)?,
                status: Status::parse(status)
                    .ok_or_else(|| StoreError::bad_row("products.status", status))?,
                brand: row.opt_string(4)?,
                category_id: row.opt_uuid(5)?.map(CategoryId::from_uuid),
                image: media.into_iter().next(),
                updated_at: row.time(7)?,
                prices: money(8)?.zip(money(9)?),
                n_variants: row.int(10)?,
                available: row.int(11)?,
            })
        })
        .await?;
    let row = |row: &Row<'_>| Ok::<_, StoreError>(row.int(0)?);
    let total = tx.query_opt(&PRODUCTS_COUNT, &chosen, row).await?;
    Ok((rows, total.unwrap_or(0)))
}

/// Bytes of the database.
///
/// # Errors
/// The store failed.
pub async fn database_bytes(tx: &mut Tx) -> Result<u64, StoreError> {
    let row = |row: &Row<'_>| Ok::<_, StoreError>(row.int(0)?);
    let bytes = tx.query_opt(&DATABASE_BYTES, &[], row).await?.unwrap_or(0);
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// A LIKE pattern for texts that contain this, in lower case.
pub(crate) fn contains(text: &str) -> String {
    let text = text.trim().to_lowercase();
    if text.is_empty() {
        return "%".to_owned();
    }
    let mut pattern = String::from("%");
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// Brands in use, in order.
///
/// # Errors
/// The store failed.
pub async fn brands(tx: &mut Tx, limit: i64) -> Result<Vec<String>, StoreError> {
    tx.query(&BRANDS, &[limit.into()], |row| Ok(row.string(0)?)).await
}

/// A place that holds stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Its id.
    pub id: LocationId,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
}

/// All locations, first the one that is drawn on first.
///
/// # Errors
/// The store failed.
pub async fn locations(tx: &mut Tx) -> Result<Vec<Location>, StoreError> {
    tx.query(&LOCATIONS, &[], |row| {
        Ok(Location {
            id: LocationId::from_uuid(row.uuid(0)?),
            code: row.string(1)?,
            name: row.string(2)?,
        })
    })
    .await
}
