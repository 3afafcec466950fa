//! Writes mails for facts of the event log.
//!
//! Mails, their jobs and the offset are written in one transaction, so that each fact causes its
//! mail once, whatever happens. Of several processes one at a time: the offset's row
//! is locked. Mails are stored without their words, so that a busy shop writes little.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use stoa_domain::order::Order;
use stoa_kernel::{Ctx, OrderId};
use stoa_sql::{Db, SqlError};

use super::{MailKind, enqueue, new_mail, store};
use crate::entropy::EntropyError;
use crate::error::StoreError;
use crate::shop::Shop;
use crate::{entropy, event_log, order};

/// Why the follower stopped for a moment.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gave no random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl From<SqlError> for FollowError {
    fn from(error: SqlError) -> Self {
        Self::Store(error.into())
    }
}

/// Name of the offset.
const NAME: &str = "mail";
/// Facts read at once.
const CHUNK: i64 = 2_000;
/// How often to look for new facts. Nobody wakes it, so that a rush of orders is written down in few
/// transactions beside theirs.
const LOOK: Duration = Duration::from_millis(500);
/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Deserialize)]
struct OrderFact {
    order_id: OrderId,
}

/// The mail that a fact causes, if any.
fn caused(kind: &str) -> Option<MailKind> {
    Some(match kind {
        "order.placed" => MailKind::OrderConfirmation,
        "order.cancelled" => MailKind::OrderCancelled,
        "payment.refunded" => MailKind::Refund,
        _ => return None,
    })
}

/// Writes the mails of the next facts; says how many facts there were.
///
/// # Errors
/// The store failed; nothing was written.
pub async fn catch_up(shop: &Shop) -> Result<usize, FollowError> {
    let mut tx = shop.db.read().await?;
    let offset = store::offset(&mut tx, NAME).await?;
    let mut last = offset;
    let mut facts = Vec::new();
    let n = event_log::read(&mut tx, offset, CHUNK, |fact| {
        last = fact.offset;
        if let Some(kind) = caused(fact.kind) {
            facts.push((fact.offset, kind, serde_json::from_str::<OrderFact>(fact.data)));
        }
    })
    .await?;
    if n == 0 {
        return Ok(0);
    }
    let ids: Vec<OrderId> =
        facts.iter().filter_map(|(.., fact)| Some(fact.as_ref().ok()?.order_id)).collect();
    let orders = order::store::load(&mut tx, &ids).await?;
    drop(tx);
    let orders: BTreeMap<OrderId, Order> =
        orders.into_iter().map(|order| (order.id, order)).collect();

    let mut ctx = Ctx { now: (shop.clock)(), ids: entropy::ids()? };
    let mut tx = shop.db.begin().await?;
    if store::offset(&mut tx, NAME).await? != offset {
        return Ok(n); // Another process was faster.
    }
    for (offset, kind, fact) in facts {
        let Ok(OrderFact { order_id }) = fact else {
            tracing::error!(event.offset = offset, "an event cannot be read, so nobody is told");
            continue;
        };
        let Some(order) = orders.get(&order_id) else { continue };
        let country = order.details.shipping_address.country.as_str();
        let language = shop.mail.language_for(Some(country));
        let link = format!("order/{order_id}");
        let mail = new_mail(shop, &mut ctx, kind, language, &order.email, link);
        enqueue(&mut tx, &mut ctx, &mail).await?;
    }
    store::set_offset(&mut tx, NAME, last).await?;
    tx.commit().await?;
    Ok(n)
}

/// Begins at the newest fact, so that nobody is told of what happened before.
///
/// # Errors
/// The store failed.
pub async fn skip(db: &Db) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    let latest = event_log::latest(&mut tx).await?;
    store::set_offset(&mut tx, NAME, latest).await?;
    Ok(tx.commit().await?)
}

/// Writes mails as facts come, for ever.
pub async fn follow(shop: Arc<Shop>) {
    loop {
        match catch_up(&shop).await {
            Ok(0) => tokio::time::sleep(LOOK).await,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "mails cannot be written");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
