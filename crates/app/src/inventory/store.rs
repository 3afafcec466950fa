//! All SQL on stock.

use stoa_domain::inventory::{Movement, StockLevel};
use stoa_kernel::{LocationId, OrderId, Timestamp, VariantId, VendorId};
use stoa_sql::{Param, Row, Sql, Tx, Type, Verb, Write, sql};

use crate::error::StoreError;

const LEVELS: Sql = sql!(
    sqlite: "select variant_id, location_id, on_hand, reserved, version, vendor_id
        from stock_levels where variant_id = $1 order by location_id",
    postgres: "select variant_id, location_id, on_hand, reserved, version, vendor_id
        from stock_levels where variant_id = any($1) order by variant_id, location_id",
    locks: "for update",
);

// As they look: nobody waits for whoever changes them.
const LEVELS_SEEN: Sql = sql!(
    sqlite: "select variant_id, location_id, on_hand, reserved, version, vendor_id
        from stock_levels where variant_id = $1 order by location_id",
    postgres: "select variant_id, location_id, on_hand, reserved, version, vendor_id
        from stock_levels where variant_id = any($1)",
);

const LOCATIONS: Sql = sql!("select id, code from stock_locations order by position, id");

const MOVEMENTS_OF_ORDER: Sql = sql!(
    "select m.kind, m.on_hand_delta, m.reserved_delta, m.created_at, l.code,
        coalesce(v.sku, '')
    from stock_movements m
    join stock_locations l on l.id = m.location_id
    left join variants v on v.id = m.variant_id
    where m.order_id = $1 order by m.id"
);

static UPSERT_LEVEL: Write = Write::new(
    Verb::Upsert,
    "stock_levels",
    &[("variant_id", Type::Uuid), ("location_id", Type::Uuid)],
    &[
        ("on_hand", Type::Int),
        ("reserved", Type::Int),
        ("version", Type::Int),
        ("updated_at", Type::Time),
        ("vendor_id", Type::Uuid),
    ],
);

static INSERT_MOVEMENT: Write = Write::new(
    Verb::Insert,
    "stock_movements",
    &[("id", Type::Uuid)],
    &[
        ("variant_id", Type::Uuid),
        ("location_id", Type::Uuid),
        ("kind", Type::Text),
        ("on_hand_delta", Type::Int),
        ("reserved_delta", Type::Int),
        ("order_id", Type::Uuid),
        ("created_at", Type::Time),
        ("vendor_id", Type::Uuid),
    ],
);

const FAULTS: Sql = sql!(
    "select s.variant_id, s.location_id, s.on_hand, s.reserved,
        cast(coalesce(sum(m.on_hand_delta), 0) as bigint),
        cast(coalesce(sum(m.reserved_delta), 0) as bigint)
    from stock_levels s
    left join stock_movements m
        on m.variant_id = s.variant_id and m.location_id = s.location_id
    group by s.variant_id, s.location_id, s.on_hand, s.reserved
    having s.on_hand <> coalesce(sum(m.on_hand_delta), 0)
        or s.reserved <> coalesce(sum(m.reserved_delta), 0)"
);

const LOW: Sql = sql!(
    "select v.sku, v.title, p.id, p.title,
        cast(sum(s.on_hand - s.reserved) as bigint) as available
    from stock_levels s
    join variants v on v.id = s.variant_id
    join products p on p.id = v.product_id
    where p.status = 'active'
    group by v.id, v.sku, v.title, p.id, p.title
    having cast(sum(s.on_hand - s.reserved) as bigint) <= $1
    order by available, p.title, v.sku limit $2"
);

/// Every statement of this page.
pub const STATEMENTS: &[&Sql] =
    &[&LEVELS, &LEVELS_SEEN, &LOCATIONS, &MOVEMENTS_OF_ORDER, &FAULTS, &LOW];
/// Every set-based write of this page.
pub static WRITES: &[&Write] = &[&UPSERT_LEVEL, &INSERT_MOVEMENT];

fn level(row: &Row<'_>) -> Result<StockLevel, StoreError> {
    Ok(StockLevel {
        variant_id: VariantId::from_uuid(row.uuid(0)?),
        location_id: LocationId::from_uuid(row.uuid(1)?),
        on_hand: row.int(2)?,
        reserved: row.int(3)?,
        version: row.int(4)?,
        vendor_id: row.opt_uuid(5)?.map(VendorId::from_uuid),
    })
}

/// Stock of these variants at all locations, in order of location.
pub async fn levels(tx: &mut Tx, variants: &[VariantId]) -> Result<Vec<StockLevel>, StoreError> {
    tx.query_keys(&LEVELS, variants.iter().map(|id| Param::from(*id)), &[], level).await
}

/// Stock of these variants at all locations as it looks: in a transaction that writes, others may
/// change it meanwhile.
pub async fn levels_seen(
    tx: &mut Tx,
    variants: &[VariantId],
) -> Result<Vec<StockLevel>, StoreError> {
    tx.query_keys(&LEVELS_SEEN, variants.iter().map(|id| Param::from(*id)), &[], level).await
}

/// Says that [`levels_seen`] will be asked for the first, and then [`levels`] for the others.
pub async fn levels_ahead(
    tx: &mut Tx,
    seen: &[VariantId],
    levels: &[VariantId],
) -> Result<(), StoreError> {
    for (statement, ids) in [(&LEVELS_SEEN, seen), (&LEVELS, levels)] {
        tx.ahead_keys(statement, ids.iter().map(|id| Param::from(*id)), &[]).await?;
    }
    Ok(())
}

/// All locations with their codes, first the one that is drawn on first.
pub async fn locations(tx: &mut Tx) -> Result<Vec<(LocationId, String)>, StoreError> {
    let row = |row: &Row<'_>| Ok((LocationId::from_uuid(row.uuid(0)?), row.string(1)?));
    tx.query(&LOCATIONS, &[], row).await
}

/// Writes levels as they are now.
pub async fn save_levels(
    tx: &mut Tx,
    levels: &[&StockLevel],
    now: Timestamp,
) -> Result<(), StoreError> {
    let rows = levels.iter().map(|level| {
        [
            Param::from(level.variant_id),
            level.location_id.into(),
            level.on_hand.into(),
            level.reserved.into(),
            level.version.into(),
            now.into(),
            level.vendor_id.into(),
        ]
    });
    tx.write_later(&UPSERT_LEVEL, rows).await?;
    Ok(())
}

/// Adds movements.
pub async fn add_movements(tx: &mut Tx, movements: &[Movement]) -> Result<(), StoreError> {
    let rows = movements.iter().map(|movement| {
        [
            Param::from(movement.id),
            movement.variant_id.into(),
            movement.location_id.into(),
            movement.kind.as_str().into(),
            movement.on_hand_delta.into(),
            movement.reserved_delta.into(),
            movement.order_id.into(),
            movement.at.into(),
            movement.vendor_id.into(),
        ]
    });
    tx.write_later(&INSERT_MOVEMENT, rows).await?;
    Ok(())
}

/// A movement as an order's page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderMovement {
    /// Why: `reserve`, `release`.
    pub kind: String,
    /// Change of what is on hand.
    pub on_hand_delta: i64,
    /// Change of what is reserved.
    pub reserved_delta: i64,
    /// When.
    pub at: Timestamp,
    /// Code of the location.
    pub location: String,
    /// SKU; empty when the variant is gone.
    pub sku: String,
}

/// What an order did to stock, oldest first.
pub async fn movements_of(tx: &mut Tx, order: OrderId) -> Result<Vec<OrderMovement>, StoreError> {
    let row = |row: &Row<'_>| {
        Ok(OrderMovement {
            kind: row.string(0)?,
            on_hand_delta: row.int(1)?,
            reserved_delta: row.int(2)?,
            at: row.time(3)?,
            location: row.string(4)?,
            sku: row.string(5)?,
        })
    };
    tx.query(&MOVEMENTS_OF_ORDER, &[order.into()], row).await
}

/// Levels that are not the sum of their movements, in words.
pub async fn faults(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let row = |row: &Row<'_>| {
        let variant = VariantId::from_uuid(row.uuid(0)?);
        let location = LocationId::from_uuid(row.uuid(1)?);
        let (on_hand, reserved) = (row.int(2)?, row.int(3)?);
        let (sum_on_hand, sum_reserved) = (row.int(4)?, row.int(5)?);
        Ok(format!(
            "stock of {variant} at {location} is {on_hand} on hand and {reserved} reserved, its \
             movements sum to {sum_on_hand} and {sum_reserved}"
        ))
    };
    tx.query(&FAULTS, &[], row).await
}

/// A variant that is nearly or wholly sold out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LowStock {
    /// Its SKU.
    pub sku: String,
    /// Its option values.
    pub variant_title: String,
    /// Its product.
    pub product_id: stoa_kernel::ProductId,
    /// Its product's title.
    pub title: String,
    /// Pieces that can be sold.
    pub available: i64,
}

/// Variants on sale with at most `threshold` pieces left, fewest first.
pub async fn low(tx: &mut Tx, threshold: i64, limit: i64) -> Result<Vec<LowStock>, StoreError> {
    let row = |row: &Row<'_>| {
        Ok(LowStock {
            sku: row.string(0)?,
            variant_title: row.string(1)?,
            product_id: stoa_kernel::ProductId::from_uuid(row.uuid(2)?),
            title: row.string(3)?,
            available: row.int(4)?,
        })
    };
    tx.query(&LOW, &[threshold.into(), limit.into()], row).await
}
