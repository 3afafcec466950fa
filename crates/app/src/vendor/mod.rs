//! Vendors, as the merchant keeps them. What belongs to one is read and changed in transactions of
//! the vendor ([`stoa_sql::Db::begin_scoped`]), which the database holds to its rows.

pub mod store;

use stoa_domain::Refusal;
use stoa_domain::event::{Event, EventBody};
use stoa_domain::vendor::{Vendor, VendorDraft};
use stoa_kernel::{Ctx, VendorId};
use stoa_sql::{Db, Tx};

use crate::catalog::SaveError;
use crate::error::StoreError;
use crate::event_log;

/// Makes a vendor.
///
/// # Errors
/// The draft is wrong, its handle is taken, or the store failed.
pub async fn create(db: &Db, ctx: &mut Ctx, draft: VendorDraft) -> Result<Vendor, SaveError> {
    let mut tx = db.begin().await?;
    let vendor = create_in(&mut tx, ctx, draft).await?;
    tx.commit().await?;
    Ok(vendor)
}

/// The same within a transaction of the caller, who commits it, or drops it after an error.
///
/// # Errors
/// As [`create`].
pub async fn create_in(
    tx: &mut Tx,
    ctx: &mut Ctx,
    draft: VendorDraft,
) -> Result<Vendor, SaveError> {
    let draft = draft.check().map_err(Refusal::Invalid)?;
    tx.lock("vendors").await?;
    if store::id_of_handle(tx, &draft.handle).await?.is_some() {
        return Err(Refusal::Taken { what: "handle", value: draft.handle }.into());
    }
    let vendor = Vendor {
        id: ctx.vendor_id(),
        handle: draft.handle,
        name: draft.name,
        email: draft.email,
        status: draft.status,
        version: 1,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    store::insert(tx, &vendor).await?;
    let body = EventBody::VendorCreated { vendor_id: vendor.id, handle: vendor.handle.clone() };
    append(tx, ctx, &vendor, body).await?;
    Ok(vendor)
}

/// Changes a vendor's name, address and status; at this version, where the caller says. The draft's
/// handle is not looked at: a vendor keeps its own.
///
/// # Errors
/// The draft is wrong, there is no such vendor, it is at another version, or the store failed.
pub async fn update_in(
    tx: &mut Tx,
    ctx: &mut Ctx,
    id: VendorId,
    expected_version: Option<i64>,
    draft: VendorDraft,
) -> Result<Vendor, SaveError> {
    tx.lock("vendors").await?;
    let before = store::find(tx, id).await?.ok_or(Refusal::NotFound("vendor"))?;
    if expected_version.is_some_and(|expected| expected != before.version) {
        return Err(Refusal::Stale.into());
    }
    let draft = VendorDraft { handle: before.handle.clone(), ..draft };
    let draft = draft.check().map_err(Refusal::Invalid)?;
    let mut vendor =
        Vendor { name: draft.name, email: draft.email, status: draft.status, ..before.clone() };
    if vendor == before {
        return Ok(before);
    }
    vendor.version += 1;
    vendor.updated_at = ctx.now;
    store::update(tx, &vendor).await?;
    let body = EventBody::VendorUpdated { vendor_id: vendor.id, handle: vendor.handle.clone() };
    append(tx, ctx, &vendor, body).await?;
    Ok(vendor)
}

async fn append(
    tx: &mut Tx,
    ctx: &mut Ctx,
    vendor: &Vendor,
    body: EventBody,
) -> Result<(), StoreError> {
    let subject = format!("vendor/{}", vendor.id);
    event_log::append(tx, ctx, &[Event { subject, sequence: vendor.version, body }]).await
}
