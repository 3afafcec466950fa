//! All SQL on fulfilments.

use std::collections::HashMap;

use stoa_domain::fulfilment::{Fulfilment, FulfilmentItem, FulfilmentStatus, Tracking};
use stoa_domain::order::Order;
use stoa_kernel::{FulfilmentId, LineId, LocationId, OrderId, VariantId};
use stoa_sql::{Column, Param, Row, Sql, Tx, Type, Verb, Write, sql};

use crate::error::StoreError;

const OF_ORDERS: Sql = sql!(
    sqlite: "select order_id, id, number, status, carrier, tracking_number, tracking_url,
            created_at, updated_at
        from fulfilments where order_id = $1 order by number",
    postgres: "select order_id, id, number, status, carrier, tracking_number, tracking_url,
            created_at, updated_at
        from fulfilments where order_id = any($1) order by order_id, number",
);

const ITEMS: Sql = sql!(
    sqlite: "select i.fulfilment_id, i.line_id, i.location_id, i.quantity
        from fulfilments f join fulfilment_items i on i.fulfilment_id = f.id
        where f.order_id = $1 order by i.fulfilment_id, i.line_id, i.location_id",
    postgres: "select i.fulfilment_id, i.line_id, i.location_id, i.quantity
        from fulfilments f join fulfilment_items i on i.fulfilment_id = f.id
        where f.order_id = any($1) order by i.fulfilment_id, i.line_id, i.location_id",
);

const ORDER_OF: Sql = sql!("select order_id from fulfilments where id = $1");

const RESERVED_FAULTS: Sql = sql!(
    "select s.variant_id, cast(s.reserved as bigint), cast(coalesce(o.quantity, 0) as bigint)
    from (select variant_id, sum(reserved) as reserved from stock_levels group by variant_id) s
    left join (
        select l.variant_id, sum(l.quantity - coalesce(f.quantity, 0)) as quantity
        from order_lines l join orders o on o.id = l.order_id
        left join (
            select f.order_id, i.line_id, sum(i.quantity) as quantity
            from fulfilments f join fulfilment_items i on i.fulfilment_id = f.id
            where f.status = 'shipped' group by f.order_id, i.line_id
        ) f on f.order_id = l.order_id and f.line_id = l.id
        where o.status in ('pending', 'placed') group by l.variant_id
    ) o on o.variant_id = s.variant_id
    where s.reserved <> coalesce(o.quantity, 0)"
);

const STATUS_FAULTS: Sql = sql!(
    "select o.id, o.fulfilment_status, o.status
    from orders o
    join (select order_id, sum(quantity) as quantity from order_lines group by order_id) l
        on l.order_id = o.id
    left join (
        select f.order_id, sum(i.quantity) as quantity
        from fulfilments f join fulfilment_items i on i.fulfilment_id = f.id
        where f.status = 'shipped' group by f.order_id
    ) s on s.order_id = o.id
    where o.fulfilment_status <> case
            when s.quantity is null then 'unfulfilled'
            when s.quantity < l.quantity then 'partially_fulfilled'
            else 'fulfilled' end
        or (s.quantity is not null and o.status <> 'placed')"
);

const LINE_FAULTS: Sql = sql!(
    "select f.order_id, cast(sum(i.quantity) as bigint), coalesce(l.quantity, 0)
    from fulfilments f join fulfilment_items i on i.fulfilment_id = f.id
    left join order_lines l on l.order_id = f.order_id and l.id = i.line_id
    where f.status = 'shipped'
    group by f.order_id, i.line_id, l.quantity
    having sum(i.quantity) > coalesce(l.quantity, 0)"
);

const KEY: &[Column] = &[("id", Type::Uuid)];
static PUT: Write = Write::new(
    Verb::Upsert,
    "fulfilments",
    KEY,
    &[
        ("order_id", Type::Uuid),
        ("number", Type::Int),
        ("status", Type::Text),
        ("carrier", Type::Text),
        ("tracking_number", Type::Text),
        ("tracking_url", Type::Text),
        ("created_at", Type::Time),
        ("updated_at", Type::Time),
    ],
);

static PUT_ITEM: Write = Write::new(
    Verb::Upsert,
    "fulfilment_items",
    &[("fulfilment_id", Type::Uuid), ("line_id", Type::Uuid), ("location_id", Type::Uuid)],
    &[("quantity", Type::Int)],
);

/// Every statement of this page.
pub const STATEMENTS: &[&Sql] =
    &[&OF_ORDERS, &ITEMS, &ORDER_OF, &RESERVED_FAULTS, &STATUS_FAULTS, &LINE_FAULTS];
/// Every set-based write of this page.
pub static WRITES: &[&Write] = &[&PUT, &PUT_ITEM];

fn fulfilment(row: &Row<'_>) -> Result<(OrderId, Fulfilment), StoreError> {
    let status = row.text(3)?;
    let fulfilment = Fulfilment {
        id: FulfilmentId::from_uuid(row.uuid(1)?),
        number: row.int(2)?,
        status: FulfilmentStatus::parse(status)
            .ok_or_else(|| StoreError::bad_row("fulfilments.status", status))?,
        tracking: Tracking {
            carrier: row.opt_string(4)?,
            number: row.opt_string(5)?,
            url: row.opt_string(6)?,
        },
        items: Vec::new(),
        created_at: row.time(7)?,
        updated_at: row.time(8)?,
    };
    Ok((OrderId::from_uuid(row.uuid(0)?), fulfilment))
}

/// What was sent of these orders, by order, in the order in which it was.
pub async fn load(
    tx: &mut Tx,
    orders: &[OrderId],
) -> Result<HashMap<OrderId, Vec<Fulfilment>>, StoreError> {
    let keys = || orders.iter().map(|id| Param::from(*id));
    let found = tx.query_keys(&OF_ORDERS, keys(), &[], fulfilment).await?;
    if found.is_empty() {
        return Ok(HashMap::new());
    }
    let mut items: HashMap<FulfilmentId, Vec<FulfilmentItem>> = HashMap::new();
    let rows = tx
        .query_keys(&ITEMS, keys(), &[], |row| {
            let item = FulfilmentItem {
                line_id: LineId::from_uuid(row.uuid(1)?),
                location_id: LocationId::from_uuid(row.uuid(2)?),
                quantity: row.int(3)?,
            };
            Ok::<_, StoreError>((FulfilmentId::from_uuid(row.uuid(0)?), item))
        })
        .await?;
    for (id, item) in rows {
        items.entry(id).or_default().push(item);
    }
    let mut by_order: HashMap<OrderId, Vec<Fulfilment>> = HashMap::new();
    for (order, mut fulfilment) in found {
        fulfilment.items = items.remove(&fulfilment.id).unwrap_or_default();
        by_order.entry(order).or_default().push(fulfilment);
    }
    Ok(by_order)
}

/// The order that a fulfilment is of.
pub async fn order_of(tx: &mut Tx, id: FulfilmentId) -> Result<Option<OrderId>, StoreError> {
    tx.query_opt(&ORDER_OF, &[id.into()], |row| Ok(OrderId::from_uuid(row.uuid(0)?))).await
}

/// Writes what was sent of orders as it is now.
pub async fn save(tx: &mut Tx, orders: &[&Order]) -> Result<(), StoreError> {
    let all =
        || orders.iter().flat_map(|order| order.fulfilments.iter().map(move |one| (order.id, one)));
    let rows = all().map(|(order, one)| {
        [
            Param::from(one.id),
            order.into(),
            one.number.into(),
            one.status.as_str().into(),
            one.tracking.carrier.as_deref().into(),
            one.tracking.number.as_deref().into(),
            one.tracking.url.as_deref().into(),
            one.created_at.into(),
            one.updated_at.into(),
        ]
    });
    tx.write_later(&PUT, rows).await?;
    let items = all().flat_map(|(_, one)| one.items.iter().map(move |item| (one.id, item)));
    let rows = items.map(|(id, item)| {
        [Param::from(id), item.line_id.into(), item.location_id.into(), item.quantity.into()]
    });
    tx.write_later(&PUT_ITEM, rows).await?;
    Ok(())
}

/// Orders of which more or less was sent than they, or the stock, say; in words.
pub async fn faults(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let reserved = |row: &Row<'_>| {
        let variant = VariantId::from_uuid(row.uuid(0)?);
        let (reserved, wanted) = (row.int(1)?, row.int(2)?);
        Ok::<_, StoreError>(format!(
            "{reserved} of {variant} are reserved, open orders want {wanted}"
        ))
    };
    let mut faults: Vec<String> = tx.query(&RESERVED_FAULTS, &[], reserved).await?;
    let status = |row: &Row<'_>| {
        let order = OrderId::from_uuid(row.uuid(0)?);
        let (said, status) = (row.text(1)?, row.text(2)?);
        Ok::<_, StoreError>(format!(
            "order {order} is {status} and says it is {said}, its fulfilments say otherwise"
        ))
    };
    faults.append(&mut tx.query(&STATUS_FAULTS, &[], status).await?);
    let line = |row: &Row<'_>| {
        let order = OrderId::from_uuid(row.uuid(0)?);
        let (sent, ordered) = (row.int(1)?, row.int(2)?);
        Ok::<_, StoreError>(format!(
            "{sent} pieces of a line of order {order} were sent, {ordered} were ordered"
        ))
    };
    faults.append(&mut tx.query(&LINE_FAULTS, &[], line).await?);
    Ok(faults)
}
