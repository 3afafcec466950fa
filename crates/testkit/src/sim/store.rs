//! The durable state: what was committed, and nothing else, survives a crash.

use std::collections::BTreeMap;
use std::sync::Arc;

use stoa_domain::audit::{Audit, Violation};
use stoa_domain::world::{Changes, JobKind, Wanted, World};
use stoa_domain::{Command, Refusal, Reply};
use stoa_kernel::{OrderId, Timestamp};

/// What a request is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Decided(Box<Result<Reply, Refusal>>),
    /// The key was used for another request.
    KeyReused,
}

/// An idempotency key: what was asked with it and what was answered; nothing yet while a payment
/// is under way.
#[derive(Debug, Clone)]
pub(super) struct Keyed {
    pub(super) key: String,
    pub(super) requested: Command,
    pub(super) answer: Option<Answer>,
    /// The order whose payment will give the answer.
    pub(super) waits_for: Option<OrderId>,
}

/// What became of an order: the answer to every key that waits for it, whoever settled it. A key
/// left out would begin anew when its request is repeated, because the cart is open again.
#[derive(Debug, Clone)]
pub(super) struct Settled {
    pub(super) order: OrderId,
    pub(super) answer: Answer,
    /// Broken on purpose: only this key is answered.
    pub(super) only: Option<Option<String>>,
}

impl Settled {
    pub(super) fn answer_keys(&self, keys: &mut Keys) {
        for keyed in keys.values_mut() {
            let meant = self.only.as_ref().is_none_or(|key| key.as_ref() == Some(&keyed.key));
            if keyed.waits_for == Some(self.order) && meant {
                keyed.answer.get_or_insert_with(|| self.answer.clone());
            }
        }
    }
}

/// Keys and what they stand for.
pub(super) type Keys = BTreeMap<String, Keyed>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JobRow {
    pub(super) run_at: Timestamp,
    pub(super) attempts: u32,
}

/// What one transaction writes.
#[derive(Debug, Default)]
pub(super) struct Writes {
    pub(super) changes: Vec<Changes>,
    pub(super) keys: Vec<Keyed>,
    pub(super) settled: Vec<Settled>,
}

impl Writes {
    pub(super) fn write_keys(&self, keys: &mut Keys) {
        for keyed in &self.keys {
            keys.insert(keyed.key.clone(), keyed.clone());
        }
        for settled in &self.settled {
            settled.answer_keys(keys);
        }
    }
}

#[derive(Debug)]
pub(super) struct Store {
    pub(super) world: World,
    pub(super) audit: Audit,
    pub(super) jobs: BTreeMap<(JobKind, OrderId), JobRow>,
    pub(super) keys: Keys,
    /// Orders in the order in which they were committed.
    pub(super) orders: Vec<OrderId>,
}

impl Store {
    pub(super) fn new(world: World) -> Self {
        Self {
            audit: Audit::new(&world),
            world,
            jobs: BTreeMap::new(),
            keys: BTreeMap::new(),
            orders: Vec::new(),
        }
    }

    /// The rows that a batch of commands touches, loaded as the engine loads them.
    pub(super) fn load(&self, commands: &[&Command]) -> World {
        let stored = &self.world;
        let mut world = World::new(Arc::clone(&stored.shop));
        world.next_order_number = i64::MIN; // Would show if it were used unasked.
        loop {
            let before = (world.carts.len(), world.orders.len(), world.offers.len());
            let mut wanted = Wanted::default();
            for command in commands {
                wanted.add(command, &world);
            }
            for key in &wanted.carts {
                world.carts.extend(stored.carts.get(key).map(|cart| (*key, cart.clone())));
            }
            for id in &wanted.orders {
                world.orders.extend(stored.orders.get(id).map(|order| (*id, order.clone())));
            }
            for sku in &wanted.skus {
                world.skus.extend(stored.skus.get(sku).map(|id| (sku.clone(), *id)));
            }
            let by_sku = wanted.skus.iter().filter_map(|sku| stored.skus.get(sku));
            for id in wanted.variants.iter().chain(by_sku) {
                world.offers.extend(stored.offers.get(id).map(|offer| (*id, offer.clone())));
                world.levels.extend(stored.levels.get(id).map(|levels| (*id, levels.clone())));
            }
            for id in &wanted.stock {
                world.levels.extend(stored.levels.get(id).map(|levels| (*id, levels.clone())));
            }
            if wanted.locations {
                world.locations.clone_from(&stored.locations);
            }
            if wanted.order_number {
                world.next_order_number = stored.next_order_number;
            }
            if before == (world.carts.len(), world.orders.len(), world.offers.len()) {
                return world;
            }
        }
    }

    /// Commits: all of it, at once.
    pub(super) fn commit(&mut self, writes: &Writes) -> Result<(), Violation> {
        for changes in &writes.changes {
            self.audit.record(changes)?;
            for order in &changes.orders {
                if !self.world.orders.contains_key(&order.id) {
                    self.orders.push(order.id);
                }
            }
            self.world.absorb(changes);
            for job in &changes.finished_jobs {
                self.jobs.remove(job);
            }
            for job in &changes.jobs {
                let row = JobRow { run_at: job.run_at, attempts: 0 };
                self.jobs.entry((job.kind, job.order_id)).or_insert(row).run_at = job.run_at;
            }
        }
        writes.write_keys(&mut self.keys);
        Ok(())
    }
}
