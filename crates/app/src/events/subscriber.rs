//! What a durable subscriber is, and the shop's own.

use std::sync::Arc;

use async_trait::async_trait;
use stoa_kernel::Ctx;
use stoa_sql::{SqlError, Tx};

use crate::entropy::EntropyError;
use crate::error::StoreError;
use crate::event_log::LoggedEvent;
use crate::shop::Shop;
use crate::{cart, customer, mail, sales, webhooks};

/// Why a subscriber could not take facts.
#[derive(Debug, thiserror::Error)]
pub enum SubscriberError {
    /// The store failed, or a fact cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gave no random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// It took too long, while others waited to write.
    #[error("it took longer than {0} s")]
    Slow(u64),
    /// The subscriber's own reason.
    #[error("{0}")]
    Failed(String),
}

impl From<SqlError> for SubscriberError {
    fn from(error: SqlError) -> Self {
        Self::Store(error.into())
    }
}

impl SubscriberError {
    /// Whether the same try, begun anew, may succeed at once.
    pub fn is_lost_race(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_lost_race())
    }
}

/// Somebody who does something because of facts. A subscriber without a row in `subscribers` begins
/// at the first fact; one that must not hear of what was before it gets its row in the migration
/// that brings it.
#[async_trait]
pub trait Subscriber: Send + Sync {
    /// Its name; never changes, since its offset is kept under it.
    fn name(&self) -> &'static str;

    /// Whether it wants facts of this type (`order.placed`).
    fn takes(&self, kind: &str) -> bool;

    /// Whether nothing that has happened so far is anything to it, so that the log need not be read.
    ///
    /// # Errors
    /// The store failed.
    async fn is_idle(&self, _: &mut Tx) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Takes facts it wants, in the order of the log. Somebody may have them brought again
    /// (`stoa events replay`), so that a second time must change nothing that matters. What it writes goes into `tx`, which commits it
    /// together with the offset, so that each fact has its effect in the store exactly once. On the
    /// embedded database nobody else writes meanwhile: it must be brief, and not ask the outside
    /// anything; what does that belongs in a job.
    ///
    /// # Errors
    /// It cannot go on. Nothing of `tx` is kept, and the same facts come again later.
    async fn take(
        &self,
        shop: &Shop,
        tx: &mut Tx,
        ctx: &mut Ctx,
        events: &[LoggedEvent],
    ) -> Result<(), SubscriberError>;
}

/// Everybody who takes facts of this shop.
pub fn subscribers() -> Vec<Arc<dyn Subscriber>> {
    vec![
        Arc::new(cart::abandoned::RecoveredCarts),
        Arc::new(customer::subscriber::Customers),
        Arc::new(mail::subscriber::Mails),
        Arc::new(sales::subscriber::SalesByDay),
        Arc::new(webhooks::subscriber::Webhooks),
    ]
}
