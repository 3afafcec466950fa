//! Stores a delivery for each fact and each endpoint that wants it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use stoa_kernel::Ctx;
use stoa_sql::Tx;

use super::store;
use crate::error::StoreError;
use crate::event_log::LoggedEvent;
use crate::events::{Subscriber, SubscriberError, matches};
use crate::shop::Shop;

/// Name of the subscriber.
pub const NAME: &str = "webhooks";

/// Tells endpoints.
#[derive(Debug, Clone, Copy)]
pub struct Webhooks;

#[async_trait]
impl Subscriber for Webhooks {
    fn name(&self) -> &'static str {
        NAME
    }

    fn takes(&self, _: &str) -> bool {
        true
    }

    async fn is_idle(&self, tx: &mut Tx) -> Result<bool, StoreError> {
        Ok(store::unlocked(tx).await?.iter().all(|webhook| !webhook.is_enabled))
    }

    async fn take(
        &self,
        _: &Shop,
        tx: &mut Tx,
        ctx: &mut Ctx,
        events: &[LoggedEvent],
    ) -> Result<(), SubscriberError> {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(()) };
        for webhook in store::unlocked(tx).await? {
            if !webhook.is_enabled || webhook.breaker.is_gone {
                continue;
            }
            let wanted = |event: &&LoggedEvent| {
                event.offset > webhook.from_offset
                    && webhook.events.iter().any(|pattern| matches(pattern, &event.kind))
            };
            let mut wanted: Vec<&LoggedEvent> = events.iter().filter(wanted).collect();
            if wanted.is_empty() {
                continue;
            }
            let known = store::known(tx, webhook.id, first.offset, last.offset).await?;
            let known: BTreeSet<i64> = known.into_iter().collect();
            wanted.retain(|event| !known.contains(&event.offset));
            store::add_deliveries(tx, ctx, webhook.id, &wanted).await?;
        }
        Ok(())
    }
}
