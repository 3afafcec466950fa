//! Sets stock outside the engine, within a transaction of the caller: a batch of one.

use std::sync::Arc;

use stoa_domain::command::VariantRef;
use stoa_domain::event::Event;
use stoa_domain::inventory::{SetStock, StockLevel};
use stoa_domain::shop::ShopConfig;
use stoa_domain::world::World;
use stoa_domain::{Command, Refusal, Reply, decide};
use stoa_kernel::{Ctx, VariantId};
use stoa_sql::Tx;

use super::store;
use crate::catalog::{self, SaveError};
use crate::error::StoreError;
use crate::event_log;

/// Sets what is on hand of the variant with a SKU, as far as the transaction sees it, and appends the
/// fact. The caller commits, or drops the transaction after an error.
///
/// # Errors
/// There is no such variant or location, the count is not the expected one or out of range, or the
/// store failed.
pub async fn set_stock_in(
    tx: &mut Tx,
    shop: &Arc<ShopConfig>,
    ctx: &mut Ctx,
    sku: &str,
    count: impl FnOnce(VariantRef) -> SetStock,
) -> Result<StockLevel, SaveError> {
    let offers = catalog::store::offers_by_sku(tx, &[sku.to_owned()], shop.currency).await?;
    let variant = offers.first().ok_or(Refusal::NotFound("variant"))?.variant_id;
    let levels = store::levels(tx, &[variant]).await?;
    let commands = [count(VariantRef::Id(variant))];
    let mut events = Vec::new();
    let after = set_counts(tx, shop, ctx, &[variant], levels, &commands, &mut events).await?;
    event_log::append(tx, ctx, &events).await?;
    let level = after.into_iter().next();
    Ok(level.ok_or_else(|| StoreError::bad_row("stock_levels", "nothing"))?)
}

/// Decides counts of these variants, of which `levels` are stored, one after the other; writes what
/// changes and gathers the facts. Gives each command's level as it is then.
///
/// # Errors
/// The first refusal, or the store failed.
pub(crate) async fn set_counts(
    tx: &mut Tx,
    shop: &Arc<ShopConfig>,
    ctx: &mut Ctx,
    variants: &[VariantId],
    levels: Vec<StockLevel>,
    commands: &[SetStock],
    events: &mut Vec<Event>,
) -> Result<Vec<StockLevel>, SaveError> {
    let mut world = World::new(Arc::clone(shop));
    for level in levels {
        world.levels.entry(level.variant_id).or_default().push(level);
    }
    let locations = store::locations(tx).await?;
    world.locations.extend(locations.into_iter().map(|(id, code)| (code, id)));
    for offer in catalog::store::offers(tx, variants, shop.currency).await? {
        world.offers.insert(offer.variant_id, offer);
    }
    let mut after = Vec::with_capacity(commands.len());
    for command in commands {
        let (reply, changes) = decide(&world, ctx, &Command::SetStock(command.clone()))?;
        world.absorb(&changes);
        let levels: Vec<_> = changes.levels.iter().collect();
        store::save_levels(tx, &levels, ctx.now).await?;
        store::add_movements(tx, &changes.movements).await?;
        events.extend(changes.events);
        if let Reply::Stock(level) = reply {
            after.push(level);
        }
    }
    Ok(after)
}
