//! What the shop's process holds in memory, and what a crash takes with it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stoa_domain::checkout::workflow::Step;
use stoa_domain::order::Order;
use stoa_domain::world::JobKind;
use stoa_domain::{Command, decide};
use stoa_kernel::{Ctx, IdSource, OrderId, Timestamp};

use super::Sabotage;
use super::rng::Rng;
use super::store::{Answer, Keyed, Store, Writes};

pub(super) type JobKey = (JobKind, OrderId);

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    Buyer(usize),
    Merchant,
}

/// A request by its sender, number and idempotency key.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) caller: Caller,
    pub(super) number: u64,
    pub(super) key: String,
}

/// Who waits for a command.
#[derive(Debug, Clone)]
pub(super) enum Waits {
    Client(Client),
    Worker(JobKey),
}

#[derive(Debug)]
struct Queued {
    waits: Waits,
    /// As the client sent it; what the idempotency key stands for.
    requested: Command,
    command: Command,
}

/// A batch that is decided and not committed yet.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) writes: Writes,
    pub(super) answers: Vec<(Waits, Answer)>,
}

/// A call to the provider whose answer may still come.
#[derive(Debug, Clone)]
pub(super) struct OpenCall {
    /// As it was when the step was chosen.
    pub(super) order: Order,
    pub(super) step: Step,
    pub(super) job: JobKey,
    pub(super) attempts: u32,
    /// The worker has gone on without the answer.
    pub(super) given_up: bool,
}

#[derive(Debug)]
pub(super) struct Process {
    pub(super) up: bool,
    /// Counts starts; a message to an earlier process reaches nobody.
    pub(super) epoch: u32,
    ids: IdSource,
    queue: VecDeque<Queued>,
    /// Whether the engine has taken, or will take, what waits.
    pub(super) engine_runs: bool,
    pub(super) batch: Option<Batch>,
    pub(super) calls: BTreeMap<u64, OpenCall>,
    pub(super) running: BTreeSet<JobKey>,
    /// Who waits for the payment of an order.
    pub(super) waiting: BTreeMap<OrderId, Vec<Client>>,
    /// Idempotency keys of a process that does not store them.
    kept_keys: BTreeMap<String, Keyed>,
}

impl Process {
    pub(super) fn started(epoch: u32, seed: u64) -> Self {
        Self {
            up: true,
            epoch,
            ids: IdSource::seeded(seed),
            queue: VecDeque::new(),
            engine_runs: false,
            batch: None,
            calls: BTreeMap::new(),
            running: BTreeSet::new(),
            waiting: BTreeMap::new(),
            kept_keys: BTreeMap::new(),
        }
    }

    /// All that it held is lost.
    pub(super) fn crash(&mut self) {
        *self = Self { up: false, ..Self::started(self.epoch, 0) };
    }

    pub(super) fn has_work(&self) -> bool {
        !self.queue.is_empty()
    }

    pub(super) fn enqueue_request(&mut self, rng: &mut Rng, client: Client, requested: Command) {
        let mut command = requested.clone();
        if let Command::CreateCart(create) = &mut command {
            create.key = rng.token().hash(); // The token is the shop's, not the client's.
        }
        self.queue.push_back(Queued { waits: Waits::Client(client), requested, command });
    }

    pub(super) fn enqueue_step(&mut self, job: JobKey, command: Command) {
        let requested = command.clone();
        self.queue.push_back(Queued { waits: Waits::Worker(job), requested, command });
    }

    /// Takes what waits, up to `most`, and decides it: the engine, without its commit.
    pub(super) fn decide_batch(
        &mut self,
        store: &Store,
        now: Timestamp,
        most: usize,
        sabotage: Option<Sabotage>,
    ) -> Batch {
        let taken: Vec<Queued> = self.queue.drain(..most.min(self.queue.len())).collect();
        let commands: Vec<&Command> = taken.iter().map(|queued| &queued.command).collect();
        let mut world = store.load(&commands);
        let mut ctx = Ctx { now, ids: self.ids.clone() };
        let mut batch = Batch::default();
        for queued in taken {
            let key = match &queued.waits {
                Waits::Client(client) => Some(client.key.clone()),
                Waits::Worker(_) => None,
            };
            let earlier = key.as_ref().and_then(|key| {
                let in_batch = batch.writes.keys.iter().find(|keyed| keyed.key == *key);
                in_batch.or_else(|| store.keys.get(key)).or_else(|| self.kept_keys.get(key))
            });
            if let Some(earlier) = earlier {
                let answer = if earlier.requested == queued.requested {
                    earlier.answer.clone()
                } else {
                    Answer::KeyReused
                };
                batch.answers.push((queued.waits, answer));
                continue;
            }
            let decided = decide(&world, &mut ctx, &queued.command).map(|(reply, changes)| {
                if sabotage != Some(Sabotage::BatchDecidesBlindly) {
                    world.absorb(&changes);
                }
                batch.writes.changes.push(changes);
                reply
            });
            let answer = Answer::Decided(Box::new(decided));
            if let Some(key) = key {
                let requested = queued.requested;
                let keyed = Keyed { key: key.clone(), requested, answer: answer.clone() };
                if sabotage == Some(Sabotage::KeysAreForgotten) {
                    self.kept_keys.insert(key, keyed);
                } else {
                    batch.writes.keys.push(keyed);
                }
            }
            batch.answers.push((queued.waits, answer));
        }
        self.ids = ctx.ids;
        batch
    }
}
