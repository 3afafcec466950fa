//! Customers in the store. Owns `customers` and `customer_orders`.

pub mod store;
pub mod subscriber;

use stoa_domain::Refusal;
use stoa_domain::customer::{Customer, CustomerDraft};
use stoa_domain::event::{Event, EventBody};
use stoa_kernel::{Ctx, CustomerId};
use stoa_sql::Tx;

use crate::catalog::SaveError;
use crate::event_log;

fn subject(id: CustomerId) -> String {
    format!("customer/{id}")
}

/// Changes what is known of a customer, at this version where the caller says, within a transaction of
/// the caller, who commits it, or drops it after an error.
///
/// # Errors
/// The draft is wrong, there is no such customer, they are at another version, or the store failed.
pub async fn update_in(
    tx: &mut Tx,
    ctx: &mut Ctx,
    id: CustomerId,
    expected_version: Option<i64>,
    draft: CustomerDraft,
) -> Result<Customer, SaveError> {
    let before = store::find(tx, id).await?.ok_or(Refusal::NotFound("customer"))?;
    if expected_version.is_some_and(|expected| expected != before.version) {
        return Err(Refusal::Stale.into());
    }
    let CustomerDraft { name, note } = draft.check().map_err(Refusal::Invalid)?;
    let mut customer = Customer { name, note, ..before.clone() };
    if customer == before {
        return Ok(before);
    }
    customer.version += 1;
    customer.updated_at = ctx.now;
    store::update(tx, &customer).await?;
    let body = EventBody::CustomerUpdated { customer_id: id };
    let event = Event { subject: subject(id), sequence: customer.version, body };
    event_log::append(tx, ctx, &[event]).await?;
    Ok(customer)
}
