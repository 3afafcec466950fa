//! What the shop's process holds in memory, and what a crash takes with it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stoa_domain::checkout::workflow::Step;
use stoa_domain::order::{Order, OrderStatus, PaymentStatus};
use stoa_domain::world::JobKind;
use stoa_domain::{Command, Reply, decide};
use stoa_kernel::{Ctx, IdSource, OrderId, Timestamp};

use super::Sabotage;
use super::rng::Rng;
use super::store::{Answer, Keyed, Keys, Settled, Store, Writes};

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
    Step(StepFor),
}

/// A step of the workflow, and for whom it is done.
#[derive(Debug, Clone)]
pub(super) struct StepFor {
    pub(super) job: JobKey,
    /// The shopper whose request set it going; none for the worker.
    pub(super) client: Option<Client>,
    /// What the shopper asked for, when this step ends an older attempt to pay first.
    pub(super) again: Option<Box<Command>>,
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
    pub(super) whose: StepFor,
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
    /// What the worker is at.
    pub(super) running: BTreeSet<JobKey>,
    /// Idempotency keys of a process that does not store them.
    kept_keys: Keys,
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
            kept_keys: Keys::new(),
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

    pub(super) fn enqueue_step(&mut self, whose: StepFor, command: Command) {
        let requested = command.clone();
        self.queue.push_back(Queued { waits: Waits::Step(whose), requested, command });
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
        let mut kept: Keys = taken
            .iter()
            .filter_map(|queued| match &queued.waits {
                Waits::Client(client) => Some(&client.key),
                Waits::Step(_) => None,
            })
            .filter_map(|key| store.keys.get(key).or_else(|| self.kept_keys.get(key)))
            .map(|keyed| (keyed.key.clone(), keyed.clone()))
            .collect();
        for Queued { waits, requested, command } in taken {
            let key = match &waits {
                Waits::Client(client) => Some(client.key.clone()),
                Waits::Step(_) => None,
            };
            if let Some(known) = key.as_ref().and_then(|key| kept.get(key)) {
                if known.requested != requested {
                    batch.answers.push((waits, Answer::KeyReused));
                    continue;
                }
                if let Some(answer) = &known.answer {
                    batch.answers.push((waits, answer.clone()));
                    continue;
                }
            }
            let decided = decide(&world, &mut ctx, &command).map(|(reply, changes)| {
                if sabotage != Some(Sabotage::BatchDecidesBlindly) {
                    world.absorb(&changes);
                }
                batch.writes.changes.push(changes);
                reply
            });
            let order = match &decided {
                Ok(Reply::Order(order)) => Some((**order).clone()),
                _ => None,
            };
            let under_way = order.as_ref().filter(|order| order.status == OrderStatus::Pending);
            let waits_for = under_way.filter(|order| !other_means(order, &requested));
            let waits_for = waits_for.map(|order| order.id);
            let known = under_way.is_none();
            let answer = Answer::Decided(Box::new(decided));
            if let (Waits::Step(whose), Some(order), true) = (&waits, &order, known) {
                let one_key = sabotage == Some(Sabotage::SettlementAnswersOneKey);
                let only = one_key.then(|| whose.client.as_ref().map(|client| client.key.clone()));
                let settled = Settled { order: order.id, answer: answer.clone(), only };
                // A repeat later in this batch must find the answer too.
                if sabotage != Some(Sabotage::RepeatOvertakesSettlement) {
                    settled.answer_keys(&mut kept);
                }
                batch.writes.settled.push(settled);
            }
            if let Some(key) = key {
                let answer = known.then(|| answer.clone());
                let keyed = Keyed { key: key.clone(), requested, answer, waits_for };
                batch.writes.keys.push(keyed.clone());
                kept.insert(key, keyed);
            }
            batch.answers.push((waits, answer));
        }
        if sabotage == Some(Sabotage::KeysAreForgotten) {
            batch.writes.write_keys(&mut self.kept_keys);
            batch.writes.keys.clear();
        }
        self.ids = ctx.ids;
        batch
    }
}

/// Whether a request brings another means of payment than the one that waits for its shopper. It
/// ends that older attempt, and its own answer is not what becomes of it.
pub(super) fn other_means(order: &Order, requested: &Command) -> bool {
    order.payment.status == PaymentStatus::RequiresAction
        && matches!(
            requested,
            Command::PlaceOrder(place) if Some(&place.payment_token) != order.payment.token.as_ref()
        )
}
