//! Writes what a batch has changed, each row once, however many commands changed it.

use std::collections::{BTreeMap, BTreeSet};

use stoa_domain::event::Event;
use stoa_domain::inventory::Movement;
use stoa_domain::ledger::LedgerEntry;
use stoa_domain::world::{Changes, Job, JobKind, World};
use stoa_kernel::{Ctx, LocationId, OrderId, TokenHash, VariantId};
use stoa_sql::Tx;

use super::load::Stored;
use crate::answer::Answer;
use crate::error::StoreError;
use crate::idempotency::{self, Kept, KeyHash};
use crate::{cart, event_log, inventory, job, ledger, order};

/// What a batch will write. Rows that exist are named by key and taken from the world at the end;
/// rows that are only added gather here.
#[derive(Debug, Default)]
pub(super) struct Pending {
    carts: BTreeSet<TokenHash>,
    orders: BTreeSet<OrderId>,
    levels: BTreeSet<(VariantId, LocationId)>,
    movements: Vec<Movement>,
    entries: Vec<LedgerEntry>,
    jobs: Vec<Job>,
    finished_jobs: Vec<(JobKind, OrderId)>,
    events: Vec<Event>,
    order_number: bool,
    pub(super) keys: BTreeMap<KeyHash, Kept>,
    /// Orders whose payment is decided: the keys that wait for them get their answer.
    pub(super) settled: Vec<OrderId>,
}

impl Pending {
    /// Takes what one command has changed.
    pub(super) fn take(&mut self, changes: Changes) {
        self.carts.extend(changes.carts.iter().map(|cart| cart.key));
        self.orders.extend(changes.orders.iter().map(|order| order.id));
        let levels = changes.levels.iter().map(|level| (level.variant_id, level.location_id));
        self.levels.extend(levels);
        self.movements.extend(changes.movements);
        self.entries.extend(changes.entries);
        self.jobs.extend(changes.jobs);
        self.finished_jobs.extend(changes.finished_jobs);
        self.events.extend(changes.events);
        self.order_number |= changes.next_order_number.is_some();
    }
}

/// Writes everything, in an order that satisfies foreign keys.
pub(super) async fn write(
    tx: &mut Tx,
    ctx: &mut Ctx,
    world: &World,
    stored: &Stored,
    waiting: &[(OrderId, KeyHash)],
    pending: &Pending,
) -> Result<(), StoreError> {
    let carts: Vec<_> = pending.carts.iter().filter_map(|key| world.carts.get(key)).collect();
    cart::store::save(tx, &carts, |key| stored.carts.get(key)).await?;
    let orders: Vec<_> = pending.orders.iter().filter_map(|id| world.orders.get(id)).collect();
    order::store::save(tx, &orders, |id| !stored.orders.contains(&id)).await?;
    let levels: Vec<_> = pending
        .levels
        .iter()
        .filter_map(|(variant, location)| {
            world.levels_of(*variant).iter().find(|level| level.location_id == *location)
        })
        .collect();
    inventory::store::save_levels(tx, &levels, ctx.now).await?;
    inventory::store::add_movements(tx, &pending.movements).await?;
    ledger::store::add(tx, &pending.entries).await?;
    job::store(tx, &pending.jobs).await?;
    job::finish(tx, &pending.finished_jobs).await?;
    if pending.order_number {
        order::store::set_next_number(tx, world.next_order_number).await?;
    }
    let keys: Vec<&Kept> = pending.keys.values().collect();
    idempotency::keep(tx, &keys, |key| !stored.keys.contains(key), ctx.now).await?;
    // Those that are kept by now, and those that this batch keeps.
    let new = keys.iter().filter(|kept| kept.answer.is_none());
    let new = new.filter_map(|kept| kept.order_id.map(|order| (order, kept.key)));
    let answered = waiting.iter().copied().chain(new);
    let answers =
        answered.filter(|(order, _)| pending.settled.contains(order)).filter_map(|(order, key)| {
            world.orders.get(&order).map(|order| (key, Answer::to_order(order)))
        });
    idempotency::answer(tx, &answers.collect::<Vec<_>>()).await?;
    event_log::append(tx, ctx, &pending.events).await?;
    Ok(())
}
