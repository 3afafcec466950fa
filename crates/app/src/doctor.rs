//! Looks for what must never be.

use stoa_sql::Db;

use crate::error::StoreError;
use crate::{customer, event_log, fulfilment, inventory, ledger, order, sales, vendor};

/// What was looked at, and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// What is wrong; empty when nothing is.
    pub faults: Vec<String>,
}

/// Runs every check on the store.
///
/// # Errors
/// The store cannot be read at all.
pub async fn examine(db: &Db) -> Result<Vec<Finding>, StoreError> {
    let integrity = db.integrity_faults().await?;
    let mut tx = db.read().await?;
    let mut vendors = vendor::store::faults(&mut tx).await?;
    if let Some(any) = vendor::store::list(&mut tx, None, None, 1).await?.first() {
        // Without the server's role, vendors are turned away.
        vendors.extend(db.read_scoped(any.id).await.err().map(|error| error.to_string()));
    }
    Ok(vec![
        Finding { check: "database integrity", faults: integrity },
        Finding {
            check: "stock against movements",
            faults: inventory::store::faults(&mut tx).await?,
        },
        Finding { check: "orders and payments", faults: order::store::faults(&mut tx).await? },
        Finding {
            check: "fulfilments and reservations",
            faults: fulfilment::store::faults(&mut tx).await?,
        },
        Finding { check: "ledger balance", faults: ledger::store::faults(&mut tx).await? },
        Finding { check: "sales by day", faults: sales::store::faults(&mut tx).await? },
        Finding { check: "customers of orders", faults: customer::store::faults(&mut tx).await? },
        Finding { check: "event sequences", faults: event_log::faults(&mut tx).await? },
        Finding { check: "vendors of variants and stock", faults: vendors },
    ])
}
