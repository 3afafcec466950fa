//! All SQL on orders.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use stoa_domain::fulfilment::OrderFulfilment;
use stoa_domain::order::{Order, OrderLine, OrderStatus, Payment, PaymentStatus};
use stoa_domain::pricing::{LineTotals, Totals};
use stoa_kernel::{
    Currency, LineId, Money, OrderId, PaymentId, ProductId, Timestamp, VariantId, VendorId,
};
use stoa_sql::{Column, Param, Row, Sql, Tx, Type, Verb, Write, sql};

use crate::back_office::store::contains;
use crate::error::StoreError;
use crate::fulfilment;

const SELECT: Sql = sql!(
    sqlite: "select o.id, o.number, o.token_hash, o.cart_key, o.status, o.version, o.currency,
            o.email, o.subtotal, o.discount, o.shipping, o.shipping_tax, o.tax, o.tax_included,
            o.total, o.details, o.placed_at, o.created_at, o.updated_at,
            p.id, p.provider, p.status, p.amount, p.token, p.reference, p.detail
        from orders o join payments p on p.order_id = o.id where o.id = $1",
    postgres: "select o.id, o.number, o.token_hash, o.cart_key, o.status, o.version, o.currency,
            o.email, o.subtotal, o.discount, o.shipping, o.shipping_tax, o.tax, o.tax_included,
            o.total, o.details, o.placed_at, o.created_at, o.updated_at,
            p.id, p.provider, p.status, p.amount, p.token, p.reference, p.detail
        from orders o join payments p on p.order_id = o.id
        where o.id = any($1) order by o.id",
    locks: "for update of o",
);

const HEADS: Sql = sql!(
    sqlite: "select id, version, updated_at from orders where id = $1",
    postgres: "select id, version, updated_at from orders where id = any($1) order by id",
    locks: "for update",
);

const LINES: Sql = sql!(
    sqlite: "select order_id, id, variant_id, product_id, sku, title, variant_title, quantity,
            unit_price, subtotal, discount, tax, total, allocations, vendor_id
        from order_lines where order_id = $1 order by position",
    postgres: "select order_id, id, variant_id, product_id, sku, title, variant_title, quantity,
            unit_price, subtotal, discount, tax, total, allocations, vendor_id
        from order_lines where order_id = any($1) order by order_id, position",
);

const ORDER_KEY: &[Column] = &[("id", Type::Uuid)];

static INSERT_ORDER: Write = Write::new(
    Verb::Insert,
    "orders",
    ORDER_KEY,
    &[
        ("number", Type::Int),
        ("token_hash", Type::Bytes),
        ("cart_key", Type::Bytes),
        ("status", Type::Text),
        ("version", Type::Int),
        ("currency", Type::Text),
        ("email", Type::Text),
        ("subtotal", Type::Int),
        ("discount", Type::Int),
        ("shipping", Type::Int),
        ("shipping_tax", Type::Int),
        ("tax", Type::Int),
        ("tax_included", Type::Bool),
        ("total", Type::Int),
        ("details", Type::Json),
        ("placed_at", Type::Time),
        ("created_at", Type::Time),
        ("updated_at", Type::Time),
    ],
);

static UPDATE_ORDER: Write = Write::new(
    Verb::Update,
    "orders",
    ORDER_KEY,
    &[
        ("number", Type::Int),
        ("status", Type::Text),
        ("version", Type::Int),
        ("placed_at", Type::Time),
        ("updated_at", Type::Time),
        ("fulfilment_status", Type::Text),
    ],
);

static INSERT_LINE: Write = Write::new(
    Verb::Insert,
    "order_lines",
    &[("order_id", Type::Uuid), ("position", Type::Int)],
    &[
        ("id", Type::Uuid),
        ("variant_id", Type::Uuid),
        ("product_id", Type::Uuid),
        ("sku", Type::Text),
        ("title", Type::Text),
        ("variant_title", Type::Text),
        ("quantity", Type::Int),
        ("unit_price", Type::Int),
        ("subtotal", Type::Int),
        ("discount", Type::Int),
        ("tax", Type::Int),
        ("total", Type::Int),
        ("allocations", Type::Json),
        ("vendor_id", Type::Uuid),
    ],
);

static INSERT_PAYMENT: Write = Write::new(
    Verb::Insert,
    "payments",
    &[("id", Type::Uuid)],
    &[
        ("order_id", Type::Uuid),
        ("provider", Type::Text),
        ("status", Type::Text),
        ("amount", Type::Int),
        ("currency", Type::Text),
        ("token", Type::Text),
        ("reference", Type::Text),
        ("detail", Type::Text),
        ("created_at", Type::Time),
        ("updated_at", Type::Time),
    ],
);

static UPDATE_PAYMENT: Write = Write::new(
    Verb::Update,
    "payments",
    &[("id", Type::Uuid)],
    &[
        ("status", Type::Text),
        ("token", Type::Text),
        ("reference", Type::Text),
        ("detail", Type::Text),
        ("updated_at", Type::Time),
    ],
);

const NEXT_NUMBER: Sql =
    sql!("select value from counters where name = 'order_number'", locks: "for update");
static SET_NEXT_NUMBER: Write =
    Write::new(Verb::Update, "counters", &[("name", Type::Text)], &[("value", Type::Int)]);

const BY_NUMBER: Sql = sql!("select id from orders where number = $1");
const BY_PAYMENT: Sql = sql!("select order_id from payments where id = $1");

// A list page, newest first; an empty status means all that ever stood. `$2` is the id after which
// the page begins.
const LIST: Sql = sql!(
    "select o.id, o.number, o.status, p.status, o.email, o.total, o.currency, o.placed_at,
        o.created_at,
        (select cast(coalesce(sum(l.quantity), 0) as bigint) from order_lines l
            where l.order_id = o.id), o.fulfilment_status
    from orders o join payments p on p.order_id = o.id
    where o.id < $2
        and case $1 when '' then o.status in ('placed', 'cancelled') else o.status = $1 end
        and ($3 = '' or lower(o.email) like $5 escape '\\' or cast(o.number as text) = $3)
        and ($6 = '' or o.fulfilment_status = $6)
    order by o.id desc limit $4"
);

const COUNT: Sql = sql!(
    "select count(*) from orders o
    where case $1 when '' then o.status in ('placed', 'cancelled') else o.status = $1 end
        and ($2 = '' or lower(o.email) like $3 escape '\\' or cast(o.number as text) = $2)
        and ($4 = '' or o.fulfilment_status = $4)"
);

// Lines of orders that stood, newest order first; in a transaction of a vendor, the vendor's. `$1`
// and `$2` are the line after which the page begins, `$3` a status or empty.
const VENDOR_LINES: Sql = sql!(
    "select l.order_id, l.position, o.number, o.status, o.currency, o.placed_at, l.variant_id,
        l.product_id, l.sku, l.title, l.variant_title, l.quantity, l.unit_price, l.subtotal,
        l.discount, l.tax, l.total
    from order_lines l join orders o on o.id = l.order_id
    where (l.order_id < $1 or (l.order_id = $1 and l.position > $2))
        and case $3 when '' then o.status in ('placed', 'cancelled') else o.status = $3 end
    order by l.order_id desc, l.position limit $4"
);

const PLACED_SINCE: Sql = sql!(
    "select placed_at, total, currency, status from orders where placed_at >= $1 order by placed_at"
);

const TOTALS_FAULTS: Sql = sql!(
    "select o.id, o.subtotal, o.discount, o.tax - o.shipping_tax,
        cast(sum(l.subtotal) as bigint), cast(sum(l.discount) as bigint),
        cast(sum(l.tax) as bigint), cast(sum(l.total) as bigint)
    from orders o join order_lines l on l.order_id = o.id
    group by o.id
    having o.subtotal <> sum(l.subtotal) or o.discount <> sum(l.discount)
        or o.tax - o.shipping_tax <> sum(l.tax)
        or o.total - o.shipping - case when o.tax_included then 0 else o.shipping_tax end
            <> sum(l.total)"
);

const STATE_FAULTS: Sql = sql!(
    "select o.id, o.status, p.status from orders o join payments p on p.order_id = o.id
    where not (
        (o.status = 'pending' and p.status in ('pending', 'requires_action'))
        or (o.status = 'placed' and p.status = 'paid')
        or (o.status = 'failed' and p.status = 'declined')
        or (o.status = 'cancelled' and p.status in ('refund_pending', 'refunded'))
    )"
);

/// Every statement of this page.
pub const STATEMENTS: &[&Sql] = &[
    &SELECT,
    &HEADS,
    &LINES,
    &NEXT_NUMBER,
    &BY_NUMBER,
    &BY_PAYMENT,
    &LIST,
    &COUNT,
    &PLACED_SINCE,
    &PAYMENTS,
    &TOTALS_FAULTS,
    &STATE_FAULTS,
    &VENDOR_LINES,
];
/// Every set-based write of this page.
pub static WRITES: &[&Write] = &[
    &INSERT_ORDER,
    &UPDATE_ORDER,
    &INSERT_LINE,
    &INSERT_PAYMENT,
    &UPDATE_PAYMENT,
    &SET_NEXT_NUMBER,
];

fn order(row: &Row<'_>) -> Result<Order, StoreError> {
    let currency: Currency = row.text(6)?.parse()?;
    let money = |column| Ok::<_, StoreError>(Money::new(row.int(column)?, currency));
    let status = row.text(4)?;
    let payment_status = row.text(21)?;
    Ok(Order {
        id: OrderId::from_uuid(row.uuid(0)?),
        number: row.opt_int(1)?,
        token_hash: row.hash(2)?,
        cart_key: row.hash(3)?,
        status: OrderStatus::parse(status)
            .ok_or_else(|| StoreError::bad_row("orders.status", status))?,
        version: row.int(5)?,
        currency,
        email: row.string(7)?,
        totals: Totals {
            subtotal: money(8)?,
            discount: money(9)?,
            shipping: money(10)?,
            tax: money(12)?,
            tax_included: row.bool(13)?,
            total: money(14)?,
        },
        shipping_tax: money(11)?,
        details: serde_json::from_str(row.text(15)?)?,
        lines: Vec::new(),
        fulfilments: Vec::new(),
        payment: Payment {
            id: PaymentId::from_uuid(row.uuid(19)?),
            provider: row.string(20)?,
            status: PaymentStatus::parse(payment_status)
                .ok_or_else(|| StoreError::bad_row("payments.status", payment_status))?,
            amount: money(22)?,
            token: row.opt_string(23)?,
            reference: row.opt_string(24)?,
            detail: row.opt_string(25)?,
        },
        placed_at: row.opt_time(16)?,
        created_at: row.time(17)?,
        updated_at: row.time(18)?,
    })
}

/// How much of an order was sent, as its row says.
pub(crate) fn fulfilment_status(
    row: &Row<'_>,
    column: usize,
) -> Result<OrderFulfilment, StoreError> {
    let word = row.text(column)?;
    OrderFulfilment::parse(word)
        .ok_or_else(|| StoreError::bad_row("orders.fulfilment_status", word))
}

/// An order that is to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderKey {
    /// Its id.
    pub id: OrderId,
    /// What the reader remembers of it, which is taken as long as version and time are those of the row; see
    /// [`CartKey`](crate::cart::store::CartKey).
    pub copy: Option<Arc<Order>>,
}

fn ids(keys: &[OrderKey]) -> impl Iterator<Item = Param<'static>> + '_ {
    keys.iter().map(|key| Param::from(key.id))
}

/// The orders with these keys, as far as they exist, with lines and payment.
pub async fn load(tx: &mut Tx, keys: &[OrderKey]) -> Result<Vec<Order>, StoreError> {
    let mut current = HashSet::new();
    let mut orders = Vec::with_capacity(keys.len());
    if keys.iter().any(|key| key.copy.is_some()) {
        let head = |row: &Row<'_>| {
            Ok::<_, StoreError>((OrderId::from_uuid(row.uuid(0)?), row.int(1)?, row.time(2)?))
        };
        let heads: HashSet<_> =
            tx.query_keys(&HEADS, ids(keys), &[], head).await?.into_iter().collect();
        let copies = keys.iter().filter_map(|key| key.copy.as_deref());
        orders.extend(
            copies
                .filter(|copy| heads.contains(&(copy.id, copy.version, copy.updated_at)))
                .cloned(),
        );
        current.extend(orders.iter().map(|order| order.id));
    }
    let others: Vec<OrderId> =
        keys.iter().map(|key| key.id).filter(|id| !current.contains(id)).collect();
    if !others.is_empty() {
        orders.extend(load_all(tx, &others).await?);
    }
    Ok(orders)
}

/// Says that [`load`] will be asked for these.
pub async fn ahead(tx: &mut Tx, keys: &[OrderKey]) -> Result<(), StoreError> {
    if keys.iter().any(|key| key.copy.is_some()) {
        tx.ahead_keys(&HEADS, ids(keys), &[]).await?;
    }
    let others = || keys.iter().filter(|key| key.copy.is_none()).map(|key| Param::from(key.id));
    if others().next().is_some() {
        for statement in [&SELECT, &LINES] {
            tx.ahead_keys(statement, others(), &[]).await?;
        }
    }
    Ok(())
}

async fn load_all(tx: &mut Tx, ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
    let keys = || ids.iter().map(|id| Param::from(*id));
    let mut orders: Vec<Order> = tx.query_keys(&SELECT, keys(), &[], order).await?;
    let places: HashMap<OrderId, (usize, Currency)> = orders
        .iter()
        .enumerate()
        .map(|(place, order)| (order.id, (place, order.currency)))
        .collect();
    let lines = tx
        .query_keys(&LINES, keys(), &[], |row| {
            let order_id = OrderId::from_uuid(row.uuid(0)?);
            let (place, currency) = places.get(&order_id).copied().unwrap_or((0, Currency::USD));
            let money = |column| Ok::<_, StoreError>(Money::new(row.int(column)?, currency));
            let line = OrderLine {
                id: LineId::from_uuid(row.uuid(1)?),
                variant_id: VariantId::from_uuid(row.uuid(2)?),
                product_id: ProductId::from_uuid(row.uuid(3)?),
                vendor_id: row.opt_uuid(14)?.map(VendorId::from_uuid),
                sku: row.string(4)?,
                title: row.string(5)?,
                variant_title: row.string(6)?,
                quantity: row.int(7)?,
                unit_price: money(8)?,
                totals: LineTotals {
                    subtotal: money(9)?,
                    discount: money(10)?,
                    tax: money(11)?,
                    total: money(12)?,
                },
                allocations: serde_json::from_str(row.text(13)?)?,
            };
            Ok::<_, StoreError>((place, line))
        })
        .await?;
    for (place, line) in lines {
        if let Some(order) = orders.get_mut(place) {
            order.lines.push(line);
        }
    }
    // Of others nothing was ever sent: while a shopper pays, nobody asks.
    let stood =
        |order: &&Order| matches!(order.status, OrderStatus::Placed | OrderStatus::Cancelled);
    let ids: Vec<OrderId> = orders.iter().filter(stood).map(|order| order.id).collect();
    let mut fulfilments = fulfilment::store::load(tx, &ids).await?;
    for order in &mut orders {
        order.fulfilments = fulfilments.remove(&order.id).unwrap_or_default();
    }
    Ok(orders)
}

/// One order, with lines and payment.
pub async fn find(tx: &mut Tx, id: OrderId) -> Result<Option<Order>, StoreError> {
    Ok(load_all(tx, &[id]).await?.pop())
}

/// The order with this number.
pub async fn id_of_number(tx: &mut Tx, number: i64) -> Result<Option<OrderId>, StoreError> {
    tx.query_opt(&BY_NUMBER, &[number.into()], |row| Ok(OrderId::from_uuid(row.uuid(0)?))).await
}

/// The order that a payment is for.
pub async fn id_of_payment(tx: &mut Tx, id: PaymentId) -> Result<Option<OrderId>, StoreError> {
    tx.query_opt(&BY_PAYMENT, &[id.into()], |row| Ok(OrderId::from_uuid(row.uuid(0)?))).await
}

/// Writes orders as they are now. `is_new` tells those that are not stored yet.
pub async fn save(
    tx: &mut Tx,
    orders: &[&Order],
    is_new: impl Fn(OrderId) -> bool,
) -> Result<(), StoreError> {
    let (new, changed): (Vec<&Order>, Vec<&Order>) =
        orders.iter().partition(|order| is_new(order.id));
    insert(tx, &new).await?;
    update(tx, &changed).await
}

async fn insert(tx: &mut Tx, orders: &[&Order]) -> Result<(), StoreError> {
    let details = orders.iter().map(|order| serde_json::to_string(&order.details));
    let details: Vec<String> = details.collect::<Result<_, _>>()?;
    let rows = orders.iter().zip(&details).map(|(order, details)| {
        let totals = &order.totals;
        [
            Param::from(order.id),
            order.number.into(),
            (&order.token_hash).into(),
            (&order.cart_key).into(),
            order.status.as_str().into(),
            order.version.into(),
            order.currency.code().into(),
            (&order.email).into(),
            totals.subtotal.minor.into(),
            totals.discount.minor.into(),
            totals.shipping.minor.into(),
            order.shipping_tax.minor.into(),
            totals.tax.minor.into(),
            totals.tax_included.into(),
            totals.total.minor.into(),
            Param::Json(details),
            order.placed_at.into(),
            order.created_at.into(),
            order.updated_at.into(),
        ]
    });
    tx.write_later(&INSERT_ORDER, rows).await?;
    let lines = || {
        orders.iter().flat_map(|order| {
            (0_i64..).zip(&order.lines).map(move |(position, line)| (order.id, position, line))
        })
    };
    let allocations = lines().map(|(.., line)| serde_json::to_string(&line.allocations));
    let allocations: Vec<String> = allocations.collect::<Result<_, _>>()?;
    let rows = lines().zip(&allocations).map(|((order, position, line), allocations)| {
        [
            Param::from(order),
            position.into(),
            line.id.into(),
            line.variant_id.into(),
            line.product_id.into(),
            (&line.sku).into(),
            (&line.title).into(),
            (&line.variant_title).into(),
            line.quantity.into(),
            line.unit_price.minor.into(),
            line.totals.subtotal.minor.into(),
            line.totals.discount.minor.into(),
            line.totals.tax.minor.into(),
            line.totals.total.minor.into(),
            Param::Json(allocations),
            line.vendor_id.into(),
        ]
    });
    tx.write_later(&INSERT_LINE, rows).await?;
    let rows = orders.iter().map(|order| {
        let payment = &order.payment;
        [
            Param::from(payment.id),
            order.id.into(),
            (&payment.provider).into(),
            payment.status.as_str().into(),
            payment.amount.minor.into(),
            payment.amount.currency.code().into(),
            payment.token.as_deref().into(),
            payment.reference.as_deref().into(),
            payment.detail.as_deref().into(),
            order.created_at.into(),
            order.updated_at.into(),
        ]
    });
    tx.write_later(&INSERT_PAYMENT, rows).await?;
    Ok(())
}

async fn update(tx: &mut Tx, orders: &[&Order]) -> Result<(), StoreError> {
    let rows = orders.iter().map(|order| {
        [
            Param::from(order.id),
            order.number.into(),
            order.status.as_str().into(),
            order.version.into(),
            order.placed_at.into(),
            order.updated_at.into(),
            order.fulfilment_status().as_str().into(),
        ]
    });
    tx.write_later(&UPDATE_ORDER, rows).await?;
    let rows = orders.iter().map(|order| {
        let payment = &order.payment;
        [
            Param::from(payment.id),
            payment.status.as_str().into(),
            payment.token.as_deref().into(),
            payment.reference.as_deref().into(),
            payment.detail.as_deref().into(),
            order.updated_at.into(),
        ]
    });
    tx.write_later(&UPDATE_PAYMENT, rows).await?;
    fulfilment::store::save(tx, orders).await
}

/// The number that the next placed order gets.
pub async fn next_number(tx: &mut Tx) -> Result<i64, StoreError> {
    let value = tx.query_opt(&NEXT_NUMBER, &[], |row| Ok::<_, StoreError>(row.int(0)?)).await?;
    value.ok_or_else(|| StoreError::bad_row("counters.order_number", "nothing"))
}

/// Says that [`next_number`] will be asked for.
pub async fn next_number_ahead(tx: &mut Tx) -> Result<(), StoreError> {
    Ok(tx.ahead(&NEXT_NUMBER, &[]).await?)
}

/// Sets the number that the next placed order gets.
pub async fn set_next_number(tx: &mut Tx, number: i64) -> Result<(), StoreError> {
    Ok(tx.write_later(&SET_NEXT_NUMBER, [["order_number".into(), number.into()]]).await?)
}

/// An order as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderSummary {
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
    /// What it comes to.
    pub total: Money,
    /// When it was paid.
    pub placed_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Pieces in all lines.
    pub n_items: i64,
}

/// What a list of orders shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Only orders in this state; `None` means placed and cancelled ones.
    pub status: Option<OrderStatus>,
    /// Only orders of which so much was sent.
    pub fulfilment: Option<OrderFulfilment>,
    /// Only orders with this number, or with this in their e-mail address; empty for all.
    pub text: String,
    /// Only orders made before this one.
    pub after: Option<OrderId>,
    /// At most so many.
    pub limit: i64,
}

/// Orders, newest first.
pub async fn list(tx: &mut Tx, filter: &OrderFilter) -> Result<Vec<OrderSummary>, StoreError> {
    let after = filter.after.unwrap_or(OrderId::from_uuid(uuid::Uuid::max()));
    let status = filter.status.map_or("", OrderStatus::as_str);
    let text = filter.text.trim();
    let pattern = contains(text);
    let fulfilment = filter.fulfilment.map_or("", OrderFulfilment::as_str);
    let params = [
        status.into(),
        after.into(),
        text.into(),
        filter.limit.into(),
        (&pattern).into(),
        fulfilment.into(),
    ];
    tx.query(&LIST, &params, |row| {
        let status = row.text(2)?;
        let payment_status = row.text(3)?;
        Ok(OrderSummary {
            id: OrderId::from_uuid(row.uuid(0)?),
            number: row.opt_int(1)?,
            status: OrderStatus::parse(status)
                .ok_or_else(|| StoreError::bad_row("orders.status", status))?,
            payment_status: PaymentStatus::parse(payment_status)
                .ok_or_else(|| StoreError::bad_row("payments.status", payment_status))?,
            fulfilment_status: fulfilment_status(row, 10)?,
            email: row.string(4)?,
            total: Money::new(row.int(5)?, row.text(6)?.parse()?),
            placed_at: row.opt_time(7)?,
            created_at: row.time(8)?,
            n_items: row.int(9)?,
        })
    })
    .await
}

/// A line of an order as its vendor sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoldLine {
    /// The order.
    pub order_id: OrderId,
    /// The line's place in the order, from 0.
    pub position: i64,
    /// The number people use.
    pub number: Option<i64>,
    /// What became of the order.
    pub status: OrderStatus,
    /// When the order was paid.
    pub placed_at: Option<Timestamp>,
    /// What was bought.
    pub variant_id: VariantId,
    /// The product it belonged to.
    pub product_id: ProductId,
    /// SKU when it was bought.
    pub sku: String,
    /// Title when it was bought.
    pub title: String,
    /// Option values when it was bought.
    pub variant_title: String,
    /// Pieces.
    pub quantity: i64,
    /// Price of one piece.
    pub unit_price: Money,
    /// What the pieces came to.
    pub totals: LineTotals,
}

/// Lines of orders that stand or were cancelled, newest order first, after a line; at most `limit`. In
/// a transaction of a vendor these are the lines of the vendor's products.
///
/// # Errors
/// The store failed.
pub async fn sold_lines(
    tx: &mut Tx,
    status: Option<OrderStatus>,
    after: Option<(OrderId, i64)>,
    limit: i64,
) -> Result<Vec<SoldLine>, StoreError> {
    let (order, position) = after.unwrap_or((OrderId::from_uuid(uuid::Uuid::max()), 0));
    let status = status.map_or("", OrderStatus::as_str);
    let params = [order.into(), position.into(), status.into(), limit.into()];
    tx.query(&VENDOR_LINES, &params, |row| {
        let currency: Currency = row.text(4)?.parse()?;
        let money = |column| Ok::<_, StoreError>(Money::new(row.int(column)?, currency));
        let status = row.text(3)?;
        Ok(SoldLine {
            order_id: OrderId::from_uuid(row.uuid(0)?),
            position: row.int(1)?,
            number: row.opt_int(2)?,
            status: OrderStatus::parse(status)
                .ok_or_else(|| StoreError::bad_row("orders.status", status))?,
            placed_at: row.opt_time(5)?,
            variant_id: VariantId::from_uuid(row.uuid(6)?),
            product_id: ProductId::from_uuid(row.uuid(7)?),
            sku: row.string(8)?,
            title: row.string(9)?,
            variant_title: row.string(10)?,
            quantity: row.int(11)?,
            unit_price: money(12)?,
            totals: LineTotals {
                subtotal: money(13)?,
                discount: money(14)?,
                tax: money(15)?,
                total: money(16)?,
            },
        })
    })
    .await
}

/// How many orders a list has in all.
pub async fn count(tx: &mut Tx, filter: &OrderFilter) -> Result<i64, StoreError> {
    let status = filter.status.map_or("", OrderStatus::as_str);
    let text = filter.text.trim();
    let pattern = contains(text);
    let fulfilment = filter.fulfilment.map_or("", OrderFulfilment::as_str);
    let params = [status.into(), text.into(), (&pattern).into(), fulfilment.into()];
    let n = tx.query_opt(&COUNT, &params, |row| Ok::<_, StoreError>(row.int(0)?)).await?;
    Ok(n.unwrap_or(0))
}

/// When each order since a time was placed, what it came to, and whether it still stands.
pub async fn placed_since(
    tx: &mut Tx,
    since: Timestamp,
) -> Result<Vec<(Timestamp, Money, bool)>, StoreError> {
    tx.query(&PLACED_SINCE, &[since.into()], |row| {
        let total = Money::new(row.int(1)?, row.text(2)?.parse()?);
        Ok((row.time(0)?, total, row.text(3)? == "placed"))
    })
    .await
}

/// Orders whose sums or states do not agree, in words.
pub async fn faults(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let totals = |row: &Row<'_>| {
        let order = OrderId::from_uuid(row.uuid(0)?);
        Ok::<_, StoreError>(format!("the lines of order {order} do not sum to its totals"))
    };
    let mut faults: Vec<String> = tx.query(&TOTALS_FAULTS, &[], totals).await?;
    let state = |row: &Row<'_>| {
        let order = OrderId::from_uuid(row.uuid(0)?);
        Ok::<_, StoreError>(format!(
            "order {order} is {} while its payment is {}",
            row.text(1)?,
            row.text(2)?
        ))
    };
    faults.append(&mut tx.query(&STATE_FAULTS, &[], state).await?);
    Ok(faults)
}

const PAYMENTS: Sql = sql!("select id, status, amount, currency from payments where provider = $1");

/// A payment as it is compared with the provider's books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentState {
    /// Its id.
    pub id: PaymentId,
    /// What became of it.
    pub status: PaymentStatus,
    /// How much.
    pub amount: Money,
}

/// All payments by a provider.
pub async fn payments(tx: &mut Tx, provider: &str) -> Result<Vec<PaymentState>, StoreError> {
    tx.query(&PAYMENTS, &[provider.into()], |row| {
        let status = row.text(1)?;
        Ok(PaymentState {
            id: PaymentId::from_uuid(row.uuid(0)?),
            status: PaymentStatus::parse(status)
                .ok_or_else(|| StoreError::bad_row("payments.status", status))?,
            amount: Money::new(row.int(2)?, row.text(3)?.parse()?),
        })
    })
    .await
}
