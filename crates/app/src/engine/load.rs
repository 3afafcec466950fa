//! Loads the world that a batch decides against.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use stoa_domain::Command;
use stoa_domain::shop::ShopConfig;
use stoa_domain::world::{Wanted, World};
use stoa_kernel::{OrderId, TokenHash, VariantId};
use stoa_sql::Tx;

use super::offers::Offers;
use crate::error::StoreError;
use crate::idempotency::KeyHash;
use crate::{cart, inventory, order};

/// A world, and which of its rows are in the store already.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) world: World,
    pub(super) stored: Stored,
}

/// Keys of rows that are in the store.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub(super) carts: HashSet<TokenHash>,
    pub(super) orders: HashSet<OrderId>,
    pub(super) keys: HashSet<KeyHash>,
}

/// Keys that were asked for, found or not.
#[derive(Debug, Default)]
struct Asked {
    carts: HashSet<TokenHash>,
    orders: HashSet<OrderId>,
    variants: HashSet<VariantId>,
    skus: HashSet<String>,
    locations: bool,
    order_number: bool,
}

/// Sorted, without doubles and without what was asked before.
fn fresh<K: Ord + Hash + Clone>(mut keys: Vec<K>, asked: &mut HashSet<K>) -> Vec<K> {
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|key| asked.insert(key.clone()));
    keys
}

/// Loads every row the commands may touch: first what they name, then what that leads to. Three
/// rounds suffice (order, its cart, its variants); the loop ends when nothing new is wanted.
pub(super) async fn world(
    tx: &mut Tx,
    shop: &Arc<ShopConfig>,
    offers: &mut Offers,
    commands: &[&Command],
) -> Result<Loaded, StoreError> {
    let mut world = World::new(Arc::clone(shop));
    let mut stored = Stored::default();
    let mut asked = Asked::default();
    offers.check(tx).await?;
    loop {
        let mut wanted = Wanted::default();
        for command in commands {
            wanted.add(command, &world);
        }
        let carts = fresh(wanted.carts, &mut asked.carts);
        let orders = fresh(wanted.orders, &mut asked.orders);
        let skus = fresh(wanted.skus, &mut asked.skus);
        let mut variants = wanted.variants;
        if wanted.locations && !asked.locations {
            asked.locations = true;
            let locations = inventory::store::locations(tx).await?;
            world.locations.extend(locations.into_iter().map(|(id, code)| (code, id)));
        }
        if wanted.order_number && !asked.order_number {
            asked.order_number = true;
            world.next_order_number = order::store::next_number(tx).await?;
        }
        if !skus.is_empty() {
            variants.extend(offers.by_sku(tx, skus, shop.currency, &mut world).await?);
        }
        let variants = fresh(variants, &mut asked.variants);
        if carts.is_empty() && orders.is_empty() && variants.is_empty() {
            return Ok(Loaded { world, stored });
        }
        if !carts.is_empty() {
            for cart in cart::store::load(tx, &carts).await? {
                stored.carts.insert(cart.key);
                world.carts.insert(cart.key, cart);
            }
        }
        if !orders.is_empty() {
            for order in order::store::load(tx, &orders).await? {
                stored.orders.insert(order.id);
                world.orders.insert(order.id, order);
            }
        }
        if !variants.is_empty() {
            offers.by_id(tx, &variants, shop.currency, &mut world).await?;
            for level in inventory::store::levels(tx, &variants).await? {
                world.levels.entry(level.variant_id).or_default().push(level);
            }
        }
    }
}
