//! Finds abandoned carts and sees which become orders nevertheless. Owns `abandoned_carts`.
//!
//! An edit of a cart writes nothing here, so that shoppers do not pay for it: a job looks through all
//! carts every hour.

pub mod store;

use std::collections::HashSet;

use async_trait::async_trait;
use stoa_kernel::{Ctx, TokenHash, limits};
use stoa_sql::Tx;

use crate::error::StoreError;
use crate::event_log::{self, LoggedEvent};
use crate::events::{Subscriber, SubscriberError};
use crate::jobs::{JobFailure, JobHandler, Run};
use crate::shop::Shop;
use crate::{cart, entropy};

/// Finds carts that were abandoned.
pub const FIND_ABANDONED: &str = "carts.find_abandoned";

/// Looks through all carts for those that were abandoned. `progress` hears how many were looked at.
///
/// # Errors
/// The store failed; what was found before is noted.
pub async fn find(shop: &Shop, progress: impl Fn(usize)) -> Result<(), SubscriberError> {
    let mut after: Option<TokenHash> = None;
    let mut seen = 0;
    loop {
        // Found beside the writer, which waits only for those that are abandoned indeed.
        let mut tx = shop.db.read().await?;
        let page = cart::store::page(&mut tx, after).await?;
        let Some(last) = page.last else { return Ok(()) };
        let since = (shop.clock)().plus_seconds(-limits::CART_ABANDONED_S);
        let left = store::left(&mut tx, after, last, since).await?;
        drop(tx);
        if !left.is_empty() {
            note(shop, &left).await?;
        }
        after = Some(last);
        seen += page.seen;
        progress(seen);
    }
}

/// Does so.
pub(crate) struct FindAbandoned;

#[async_trait]
impl JobHandler for FindAbandoned {
    async fn run(&self, shop: &Shop, run: &Run) -> Result<(), JobFailure> {
        let found = find(shop, |seen| run.progress(seen, None)).await;
        found.map_err(|error| JobFailure::Again(error.to_string()))
    }
}

/// Notes those of these carts that are abandoned, unless that is noted.
async fn note(shop: &Shop, carts: &[TokenHash]) -> Result<(), SubscriberError> {
    let mut ctx = Ctx { now: (shop.clock)(), ids: entropy::ids()? };
    let mut tx = shop.db.begin().await?;
    let keys: Vec<_> = carts.iter().copied().map(cart::store::CartKey::from).collect();
    let loaded = cart::store::load(&mut tx, &keys).await?;
    // Asked after the carts are locked: who notes another has the lock of its cart.
    let known: HashSet<TokenHash> = store::known(&mut tx, carts).await?.into_iter().collect();
    let (mut abandoned, mut events) = (Vec::new(), Vec::new());
    for cart in &loaded {
        if known.contains(&cart.key) || !cart.is_abandoned(ctx.now) {
            continue;
        }
        // A cart that cannot be added up cannot be bought either.
        if let Ok((cart, event)) = cart.abandon(&mut ctx, &shop.config) {
            abandoned.push(cart);
            events.push(event);
        }
    }
    if !abandoned.is_empty() {
        store::insert(&mut tx, &abandoned).await?;
        event_log::append(&mut tx, &mut ctx, &events).await?;
        tx.commit().await?;
        shop.wake.notify_waiters();
    }
    Ok(())
}

/// Name of the subscriber.
pub const NAME: &str = "carts";

/// Notes which abandoned carts have become orders.
#[derive(Debug, Clone, Copy)]
pub struct RecoveredCarts;

#[async_trait]
impl Subscriber for RecoveredCarts {
    fn name(&self) -> &'static str {
        NAME
    }

    fn takes(&self, kind: &str) -> bool {
        kind == "order.placed"
    }

    async fn is_idle(&self, tx: &mut Tx) -> Result<bool, StoreError> {
        Ok(!store::any_open(tx).await?)
    }

    async fn take(
        &self,
        _: &Shop,
        tx: &mut Tx,
        ctx: &mut Ctx,
        events: &[LoggedEvent],
    ) -> Result<(), SubscriberError> {
        let (mut recovered, mut facts) = (Vec::new(), Vec::new());
        for (mut cart, order) in store::of_orders(tx, event_log::orders_of(events)?).await? {
            facts.push(cart.recover(order));
            recovered.push(cart);
        }
        if !recovered.is_empty() {
            store::recover(tx, &recovered).await?;
            event_log::append(tx, ctx, &facts).await?;
        }
        Ok(())
    }
}
