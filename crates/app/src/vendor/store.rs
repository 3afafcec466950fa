//! All SQL on vendors.

use stoa_domain::vendor::{Vendor, VendorStatus};
use stoa_kernel::VendorId;
use stoa_sql::{Column, Param, Row, Sql, Tx, Type, Verb, Write, sql};

use crate::error::StoreError;

const FIND: Sql = sql!(
    "select id, handle, name, email, status, version, created_at, updated_at
    from vendors where id = $1"
);
const ID_OF_HANDLE: Sql = sql!("select id from vendors where handle = $1");
// `$1` a status or empty; `$2` the id after which the page begins.
const LIST: Sql = sql!(
    "select id, handle, name, email, status, version, created_at, updated_at
    from vendors where ($1 = '' or status = $1) and id > $2 order by id limit $3"
);
const COUNT: Sql = sql!("select count(*) from vendors where $1 = '' or status = $1");
const COUNT_PRODUCTS: Sql =
    sql!("select vendor_id, count(*) from products where vendor_id is not null group by vendor_id");

const FAULTS: Sql = sql!(
    "select 'variant ' || v.sku || ' is not of the vendor of its product'
        from variants v join products p on p.id = v.product_id
        where v.vendor_id is distinct from p.vendor_id
    union all
    select 'stock of ' || v.sku || ' is not of the vendor of its product'
        from stock_levels s join variants v on v.id = s.variant_id
        join products p on p.id = v.product_id
        where s.vendor_id is distinct from p.vendor_id"
);

const KEY: &[Column] = &[("id", Type::Uuid)];
static INSERT: Write = Write::new(
    Verb::Insert,
    "vendors",
    KEY,
    &[
        ("handle", Type::Text),
        ("name", Type::Text),
        ("email", Type::Text),
        ("status", Type::Text),
        ("version", Type::Int),
        ("created_at", Type::Time),
        ("updated_at", Type::Time),
    ],
);
static UPDATE: Write = Write::new(
    Verb::Update,
    "vendors",
    KEY,
    &[
        ("name", Type::Text),
        ("email", Type::Text),
        ("status", Type::Text),
        ("version", Type::Int),
        ("updated_at", Type::Time),
    ],
);

/// Every statement of this page.
pub const STATEMENTS: &[&Sql] = &[&FIND, &ID_OF_HANDLE, &LIST, &COUNT, &COUNT_PRODUCTS, &FAULTS];
/// Every set-based write of this page.
pub static WRITES: &[&Write] = &[&INSERT, &UPDATE];

fn vendor(row: &Row<'_>) -> Result<Vendor, StoreError> {
    let status = row.text(4)?;
    Ok(Vendor {
        id: VendorId::from_uuid(row.uuid(0)?),
        handle: row.string(1)?,
        name: row.string(2)?,
        email: row.string(3)?,
        status: VendorStatus::parse(status)
            .ok_or_else(|| StoreError::bad_row("vendors.status", status))?,
        version: row.int(5)?,
        created_at: row.time(6)?,
        updated_at: row.time(7)?,
    })
}

/// One vendor.
pub async fn find(tx: &mut Tx, id: VendorId) -> Result<Option<Vendor>, StoreError> {
    tx.query_opt(&FIND, &[id.into()], vendor).await
}

/// The vendor with this handle.
pub async fn id_of_handle(tx: &mut Tx, handle: &str) -> Result<Option<VendorId>, StoreError> {
    let row = |row: &Row<'_>| Ok(VendorId::from_uuid(row.uuid(0)?));
    tx.query_opt(&ID_OF_HANDLE, &[handle.into()], row).await
}

/// Vendors in the order of their making, after one; at most `limit`.
pub async fn list(
    tx: &mut Tx,
    status: Option<VendorStatus>,
    after: Option<VendorId>,
    limit: i64,
) -> Result<Vec<Vendor>, StoreError> {
    let after = after.unwrap_or(VendorId::from_uuid(uuid::Uuid::nil()));
    let status = status.map_or("", VendorStatus::as_str);
    tx.query(&LIST, &[status.into(), after.into(), limit.into()], vendor).await
}

/// How many vendors there are, in a state or in all.
pub async fn count(tx: &mut Tx, status: Option<VendorStatus>) -> Result<i64, StoreError> {
    let status = status.map_or("", VendorStatus::as_str);
    let n = tx.query_opt(&COUNT, &[status.into()], |row| Ok::<_, StoreError>(row.int(0)?)).await?;
    Ok(n.unwrap_or(0))
}

/// How many products each vendor has that has any.
pub async fn counts_of_products(tx: &mut Tx) -> Result<Vec<(VendorId, i64)>, StoreError> {
    let row = |row: &Row<'_>| Ok((VendorId::from_uuid(row.uuid(0)?), row.int(1)?));
    tx.query(&COUNT_PRODUCTS, &[], row).await
}

/// Adds a vendor.
pub async fn insert(tx: &mut Tx, vendor: &Vendor) -> Result<(), StoreError> {
    let row = [
        Param::from(vendor.id),
        (&vendor.handle).into(),
        (&vendor.name).into(),
        (&vendor.email).into(),
        vendor.status.as_str().into(),
        vendor.version.into(),
        vendor.created_at.into(),
        vendor.updated_at.into(),
    ];
    tx.write(&INSERT, [row]).await?;
    Ok(())
}

/// Writes a vendor as it is now. Its handle never changes.
pub async fn update(tx: &mut Tx, vendor: &Vendor) -> Result<(), StoreError> {
    let row = [
        Param::from(vendor.id),
        (&vendor.name).into(),
        (&vendor.email).into(),
        vendor.status.as_str().into(),
        vendor.version.into(),
        vendor.updated_at.into(),
    ];
    tx.write(&UPDATE, [row]).await?;
    Ok(())
}

/// Variants and stock that are not of the vendor of their product, in words.
pub async fn faults(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    tx.query(&FAULTS, &[], |row| Ok(row.string(0)?)).await
}
