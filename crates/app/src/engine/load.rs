//! Loads the world that a batch decides against.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use stoa_domain::Command;
use stoa_domain::cart::CartBody;
use stoa_domain::shop::ShopConfig;
use stoa_domain::world::{Wanted, World};
use stoa_kernel::{OrderId, TokenHash, VariantId};
use stoa_sql::Tx;

use super::carts::Carts;
use super::offers::Offers;
use crate::cart::store::CartKey;
use crate::error::StoreError;
use crate::idempotency::{self, KeyHash};
use crate::{cart, catalog, inventory, order};

/// A world, and which of its rows are in the store already.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) world: World,
    pub(super) stored: Stored,
    /// The keys whose answer is that of an order which the batch settles.
    pub(super) waiting: Vec<(OrderId, KeyHash)>,
}

/// Keys of rows that are in the store.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// With the body that is there.
    pub(super) carts: HashMap<TokenHash, Arc<CartBody>>,
    pub(super) orders: HashSet<OrderId>,
    pub(super) keys: HashSet<KeyHash>,
}

/// Keys that were asked for, found or not.
#[derive(Debug, Default)]
struct Asked {
    carts: HashSet<TokenHash>,
    orders: HashSet<OrderId>,
    variants: HashSet<VariantId>,
    stock: HashSet<VariantId>,
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

/// What a round of loading asks for, as far as carts, orders and what goes with them.
#[derive(Debug, Default)]
struct Round {
    carts: Vec<CartKey>,
    orders: Vec<OrderId>,
    /// Those of them that are settled: what waits for them gets its answer.
    settled: Vec<OrderId>,
    order_number: bool,
}

impl Round {
    /// Takes what is wanted and was not asked for before.
    fn take(
        wanted: &mut Wanted,
        commands: &[&Command],
        copies: &RefCell<Carts>,
        asked: &mut Asked,
    ) -> Self {
        let carts = fresh(std::mem::take(&mut wanted.carts), &mut asked.carts);
        let mut copies = copies.borrow_mut();
        let orders = fresh(std::mem::take(&mut wanted.orders), &mut asked.orders);
        let settles =
            |order: &OrderId| commands.iter().any(|command| settled_by(command) == Some(*order));
        Self {
            carts: carts.into_iter().map(|key| copies.get(key)).collect(),
            settled: orders.iter().copied().filter(settles).collect(),
            orders,
            order_number: wanted.order_number && !std::mem::replace(&mut asked.order_number, true),
        }
    }

    /// Sends for all of it at once.
    async fn ahead(&self, tx: &mut Tx) -> Result<(), StoreError> {
        if self.order_number {
            order::store::next_number_ahead(tx).await?;
        }
        cart::store::ahead(tx, &self.carts).await?;
        order::store::ahead(tx, &self.orders).await?;
        idempotency::waiting_ahead(tx, &self.settled).await
    }
}

/// The order that a command settles.
pub(super) const fn settled_by(command: &Command) -> Option<OrderId> {
    match command {
        Command::SettlePayment(settle) => Some(settle.order),
        Command::SettleRefund(settle) => Some(settle.order),
        _ => None,
    }
}

/// Sends for what the commands name, which [`world`] will load.
pub(super) async fn ahead(
    tx: &mut Tx,
    shop: &Arc<ShopConfig>,
    copies: &RefCell<Carts>,
    commands: &[&Command],
) -> Result<(), StoreError> {
    if !tx.sends_ahead() {
        return Ok(());
    }
    catalog::store::version_ahead(tx).await?;
    let world = World::new(Arc::clone(shop));
    let mut wanted = Wanted::default();
    commands.iter().for_each(|command| wanted.add(command, &world));
    Round::take(&mut wanted, commands, copies, &mut Asked::default()).ahead(tx).await
}

/// Loads every row the commands may touch: first what they name, then what that leads to. Two
/// rounds suffice (a cart, its variants); the loop ends when nothing new is wanted.
pub(super) async fn world(
    tx: &mut Tx,
    shop: &Arc<ShopConfig>,
    copies: &RefCell<Carts>,
    offers: &mut Offers,
    commands: &[&Command],
) -> Result<Loaded, StoreError> {
    let mut world = World::new(Arc::clone(shop));
    let mut stored = Stored::default();
    let mut waiting = Vec::new();
    let mut asked = Asked::default();
    offers.check(tx).await?;
    for n_rounds in 0.. {
        let mut wanted = Wanted::default();
        for command in commands {
            wanted.add(command, &world);
        }
        let round = Round::take(&mut wanted, commands, copies, &mut asked);
        // The first was sent for together with what the batch began with.
        if n_rounds > 0 {
            round.ahead(tx).await?;
        }
        let skus = fresh(wanted.skus, &mut asked.skus);
        let mut variants = wanted.variants;
        if wanted.locations && !asked.locations {
            asked.locations = true;
            let locations = inventory::store::locations(tx).await?;
            world.locations.extend(locations.into_iter().map(|(id, code)| (code, id)));
        }
        if round.order_number {
            world.next_order_number = order::store::next_number(tx).await?;
        }
        if !skus.is_empty() {
            variants.extend(offers.by_sku(tx, skus, shop.currency, &mut world).await?);
        }
        let variants = fresh(variants, &mut asked.variants);
        let stock = fresh(wanted.stock, &mut asked.stock);
        let Round { carts, orders, settled, .. } = round;
        if carts.is_empty() && orders.is_empty() && variants.is_empty() && stock.is_empty() {
            break;
        }
        let seen: Vec<VariantId> =
            variants.iter().filter(|id| !asked.stock.contains(id)).copied().collect();
        offers.ahead(tx, &variants, shop.currency).await?;
        inventory::store::levels_ahead(tx, &seen, &stock).await?;
        if !carts.is_empty() {
            for cart in cart::store::load(tx, &carts).await? {
                stored.carts.insert(cart.key, Arc::clone(&cart.body));
                world.carts.insert(cart.key, cart);
            }
        }
        if !orders.is_empty() {
            for order in order::store::load(tx, &orders).await? {
                stored.orders.insert(order.id);
                world.orders.insert(order.id, order);
            }
            waiting.extend(idempotency::waiting_for(tx, &settled).await?);
        }
        if !variants.is_empty() {
            offers.by_id(tx, &variants, shop.currency, &mut world).await?;
            for level in inventory::store::levels_seen(tx, &seen).await? {
                world.levels.entry(level.variant_id).or_default().push(level);
            }
        }
        if !stock.is_empty() {
            // What was only seen before may have changed until it was locked.
            for id in &stock {
                world.levels.remove(id);
            }
            for level in inventory::store::levels(tx, &stock).await? {
                world.levels.entry(level.variant_id).or_default().push(level);
            }
        }
    }
    Ok(Loaded { world, stored, waiting })
}
