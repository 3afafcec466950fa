//! Loads the world that a batch decides against.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use stoa_domain::Command;
use stoa_domain::cart::CartBody;
use stoa_domain::world::{Wanted, World};
use stoa_kernel::{Currency, OrderId, TokenHash, VariantId};
use stoa_sql::Tx;

use super::batch::With;
use super::offers::Offers;
use crate::cart::store::CartKey;
use crate::error::StoreError;
use crate::idempotency::{self, KeyHash};
use crate::order::store::OrderKey;
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
    catalogue: bool,
    locations: bool,
    order_number: bool,
}

impl Asked {
    /// Whether variants are wanted for the first time.
    fn catalogue(&mut self, wanted: &Wanted) -> bool {
        let is_wanted = !wanted.skus.is_empty() || !wanted.variants.is_empty();
        is_wanted && !std::mem::replace(&mut self.catalogue, true)
    }
}

/// Sorted, without doubles and without what was asked before.
fn fresh<K: Ord + Hash + Clone>(mut keys: Vec<K>, asked: &mut HashSet<K>) -> Vec<K> {
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|key| asked.insert(key.clone()));
    keys
}

/// What a round of loading asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Round {
    carts: Vec<CartKey>,
    orders: Vec<OrderKey>,
    /// Those of them that are settled: what waits for them gets its answer.
    settled: Vec<OrderId>,
    order_number: bool,
    variants: Vec<VariantId>,
    /// Those of them whose stock may change before the batch ends.
    seen: Vec<VariantId>,
    stock: Vec<VariantId>,
}

impl Round {
    /// Takes what is wanted and was not asked for before.
    fn take(wanted: Wanted, commands: &[&Command], with: &With<'_>, asked: &mut Asked) -> Self {
        let mut remembered = with.remembered.borrow_mut();
        let carts = fresh(wanted.carts, &mut asked.carts);
        let orders = fresh(wanted.orders, &mut asked.orders);
        let settles =
            |order: &OrderId| commands.iter().any(|command| settled_by(command) == Some(*order));
        let variants = fresh(wanted.variants, &mut asked.variants);
        let stock = fresh(wanted.stock, &mut asked.stock);
        Self {
            carts: carts.into_iter().map(|key| remembered.cart(key)).collect(),
            settled: orders.iter().copied().filter(settles).collect(),
            orders: orders.into_iter().map(|id| remembered.order(id)).collect(),
            order_number: wanted.order_number && !std::mem::replace(&mut asked.order_number, true),
            seen: variants.iter().filter(|id| !asked.stock.contains(id)).copied().collect(),
            variants,
            stock,
        }
    }

    const fn is_empty(&self) -> bool {
        self.carts.is_empty()
            && self.orders.is_empty()
            && self.variants.is_empty()
            && self.stock.is_empty()
    }

    /// Sends for all of it at once.
    async fn ahead(
        &self,
        tx: &mut Tx,
        offers: &Offers,
        currency: Currency,
    ) -> Result<(), StoreError> {
        if self.order_number {
            order::store::next_number_ahead(tx).await?;
        }
        cart::store::ahead(tx, &self.carts).await?;
        order::store::ahead(tx, &self.orders).await?;
        idempotency::waiting_ahead(tx, &self.settled).await?;
        offers.ahead(tx, &self.variants, currency).await?;
        inventory::store::levels_ahead(tx, &self.seen, &self.stock).await
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

fn wanted_by(commands: &[&Command], world: &World) -> Wanted {
    let mut wanted = Wanted::default();
    commands.iter().for_each(|command| wanted.add(command, world));
    wanted
}

/// Sends for what [`world`] will ask for if everything is as the engine remembers it, and gives the
/// rounds of that.
pub(super) async fn ahead(
    tx: &mut Tx,
    with: &With<'_>,
    commands: &[&Command],
) -> Result<Vec<Round>, StoreError> {
    let mut rounds = Vec::new();
    if !tx.sends_ahead() {
        return Ok(rounds);
    }
    let mut world = World::new(Arc::clone(with.shop));
    let mut asked = Asked::default();
    loop {
        let mut wanted = wanted_by(commands, &world);
        if asked.catalogue(&wanted) {
            catalog::store::version_ahead(tx).await?;
        }
        let skus = fresh(std::mem::take(&mut wanted.skus), &mut asked.skus);
        wanted.variants.extend(with.offers.known_skus(skus, &mut world));
        let round = Round::take(wanted, commands, with, &mut asked);
        if round.is_empty() {
            return Ok(rounds);
        }
        round.ahead(tx, with.offers, with.shop.currency).await?;
        let carts = round.carts.iter().filter_map(|cart| cart.copy.clone());
        world.carts.extend(carts.map(|cart| (cart.key, cart)));
        let orders = round.orders.iter().filter_map(|order| order.copy.as_deref().cloned());
        world.orders.extend(orders.map(|order| (order.id, order)));
        rounds.push(round);
    }
}

/// Loads every row the commands may touch: first what they name, then what that leads to. Two
/// rounds suffice (a cart, its variants); the loop ends when nothing new is wanted. `sent` are the
/// rounds that were sent for [`ahead`].
pub(super) async fn world(
    tx: &mut Tx,
    with: &mut With<'_>,
    commands: &[&Command],
    sent: &[Round],
) -> Result<Loaded, StoreError> {
    let currency = with.shop.currency;
    let mut world = World::new(Arc::clone(with.shop));
    let mut stored = Stored::default();
    let mut waiting = Vec::new();
    let mut asked = Asked::default();
    for n_rounds in 0.. {
        let mut wanted = wanted_by(commands, &world);
        if asked.catalogue(&wanted) {
            with.offers.check(tx).await?;
        }
        if wanted.locations && !asked.locations {
            asked.locations = true;
            let locations = inventory::store::locations(tx).await?;
            world.locations.extend(locations.into_iter().map(|(id, code)| (code, id)));
        }
        let skus = fresh(std::mem::take(&mut wanted.skus), &mut asked.skus);
        if !skus.is_empty() {
            wanted.variants.extend(with.offers.by_sku(tx, skus, currency, &mut world).await?);
        }
        let round = Round::take(wanted, commands, with, &mut asked);
        if round.is_empty() {
            break;
        }
        if sent.get(n_rounds) != Some(&round) {
            round.ahead(tx, with.offers, currency).await?;
        }
        if round.order_number {
            world.next_order_number = order::store::next_number(tx).await?;
        }
        if !round.carts.is_empty() {
            for cart in cart::store::load(tx, &round.carts).await? {
                stored.carts.insert(cart.key, Arc::clone(&cart.body));
                world.carts.insert(cart.key, cart);
            }
        }
        if !round.orders.is_empty() {
            for order in order::store::load(tx, &round.orders).await? {
                stored.orders.insert(order.id);
                world.orders.insert(order.id, order);
            }
            waiting.extend(idempotency::waiting_for(tx, &round.settled).await?);
        }
        if !round.variants.is_empty() {
            with.offers.by_id(tx, &round.variants, currency, &mut world).await?;
            for level in inventory::store::levels_seen(tx, &round.seen).await? {
                world.levels.entry(level.variant_id).or_default().push(level);
            }
        }
        if !round.stock.is_empty() {
            // What was only seen before may have changed until it was locked.
            for id in &round.stock {
                world.levels.remove(id);
            }
            for level in inventory::store::levels(tx, &round.stock).await? {
                world.levels.entry(level.variant_id).or_default().push(level);
            }
        }
    }
    Ok(Loaded { world, stored, waiting })
}
