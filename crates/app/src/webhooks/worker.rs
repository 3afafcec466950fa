//! Sends deliveries that are due: of each endpoint and subject one at a time, the oldest first.
//!
//! Deliveries are taken and their results stored together, in few transactions. A delivery belongs to
//! the process that took it until its lease ends; one whose result came after that is not written
//! down, since somebody else may be sending it. So a receiver may get a delivery twice, under the
//! same id, but never one before an older one of its subject is over.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use stoa_domain::webhooks::breaker::{self, Breaker, State};
use stoa_domain::webhooks::{Outcome, retry};
use stoa_kernel::{DeliveryId, Timestamp, WebhookId, limits};
use stoa_ports::webhook::{Call, CallAnswer, CallError, Sender};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::sign;
use super::store::{self, Attempt, DeliveryResult, DeliveryState, DueDelivery, Webhook};
use crate::entropy::{self, EntropyError};
use crate::error::StoreError;
use crate::events::CloudEvent;
use crate::shop::Shop;

/// How often to look for what is due.
const LOOK: Duration = Duration::from_millis(250);
/// How long results are gathered before they are stored.
const GATHER: Duration = Duration::from_millis(20);
/// Results that are stored at once without waiting for more.
const GATHERED: usize = 256;
/// How long to wait when the store fails.
const PAUSE: Duration = Duration::from_secs(2);
/// Deliveries to one endpoint that are taken ahead of being sent.
const AHEAD: usize = 128;
/// What is due within this time may be a probe, in seconds: longer than any wait between tries.
const SOME_DAY_S: i64 = 30 * 86_400;
/// Milliseconds that must be left of a lease for a try to begin: its time-out, and some to store.
const LEASE_LEFT_MS: i64 = 25_000;

/// A delivery that this process has taken.
#[derive(Debug)]
struct Claim {
    webhook: Arc<Webhook>,
    delivery: DueDelivery,
    lease: Uuid,
    until: Timestamp,
    /// Not a probe before its time.
    was_due: bool,
}

/// A try that has ended.
#[derive(Debug)]
struct Tried {
    claim: Claim,
    at: Timestamp,
    took: Duration,
    answer: Result<CallAnswer, CallError>,
}

impl Tried {
    fn outcome(&self) -> Outcome {
        match &self.answer {
            Ok(answer) if (200..300).contains(&answer.status) => Outcome::Taken,
            Ok(answer) if answer.status == 410 => Outcome::Gone,
            Ok(answer) => Outcome::Failed { retry_after_s: answer.retry_after_s },
            Err(_) => Outcome::Failed { retry_after_s: None },
        }
    }

    fn attempt(&self) -> Attempt {
        let (status, error, answer) = match &self.answer {
            Ok(answer) => (Some(i64::from(answer.status)), None, answer.body.clone()),
            Err(error) => (None, Some(error.to_string()), String::new()),
        };
        Attempt {
            number: self.claim.delivery.tries + 1,
            at: self.at,
            status,
            error,
            answer,
            duration_ms: i64::try_from(self.took.as_millis()).unwrap_or(i64::MAX),
        }
    }

    /// How the delivery stands now. A probe before its time that fails does not count as a try of
    /// the schedule, so that nothing is given up because its endpoint is probed often.
    fn result(&self, outcome: Outcome, now: Timestamp) -> DeliveryResult {
        let DueDelivery { id, attempts, tries, next_at, .. } = self.claim.delivery;
        let waiting = |attempts, next_at| DeliveryResult {
            id,
            state: DeliveryState::Waiting,
            attempts,
            tries: tries + 1,
            next_at,
            finished_at: None,
        };
        let over = |state| DeliveryResult {
            state,
            finished_at: Some(now),
            ..waiting(attempts + 1, next_at)
        };
        match retry::next(outcome, attempts + 1, now, entropy::number()) {
            retry::Next::Delivered => over(DeliveryState::Delivered),
            _ if !self.claim.was_due => waiting(attempts, next_at),
            retry::Next::At(at) => waiting(attempts + 1, at),
            retry::Next::GivenUp => over(DeliveryState::Failed),
        }
    }
}

/// What one process sends to one endpoint.
#[derive(Debug, Default)]
struct Lane {
    queue: VecDeque<Claim>,
    n_under_way: usize,
}

/// What one process sends.
pub struct Worker {
    shop: Arc<Shop>,
    sender: Arc<dyn Sender>,
    lanes: BTreeMap<WebhookId, Lane>,
    under_way: JoinSet<Tried>,
    /// Tries that are not stored yet.
    tried: Vec<Tried>,
}

/// Whether an endpoint may be called.
fn passes(webhook: &Webhook, now: Timestamp) -> bool {
    webhook.is_enabled && webhook.breaker.lets_pass(now)
}

/// Whether a delivery still belongs to the process that took it so.
fn is_held(held: &BTreeMap<DeliveryId, Option<Uuid>>, claim: &Claim) -> bool {
    held.get(&claim.delivery.id) == Some(&Some(claim.lease))
}

/// What counts as due for an endpoint: for one that is probed, everything.
fn due_at(webhook: &Webhook, now: Timestamp) -> Timestamp {
    match webhook.breaker.state(now) {
        State::Closed => now,
        State::Open | State::Disabled | State::Gone => now.plus_seconds(SOME_DAY_S),
    }
}

impl Worker {
    /// Nothing is taken yet.
    pub fn new(shop: Arc<Shop>, sender: Arc<dyn Sender>) -> Self {
        Self { shop, sender, lanes: BTreeMap::new(), under_way: JoinSet::new(), tried: Vec::new() }
    }

    /// How many more deliveries to an endpoint can be taken.
    fn room(&self, webhook: &Webhook, now: Timestamp) -> usize {
        let lane = self.lanes.get(&webhook.id);
        let n = lane.map_or(0, |lane| lane.queue.len() + lane.n_under_way);
        match webhook.breaker.state(now) {
            State::Closed if n <= AHEAD / 2 => AHEAD - n,
            State::Open | State::Disabled if n == 0 => 1,
            _ => 0,
        }
    }

    /// Stores results, takes what is due and begins to send it; says whether it did anything.
    ///
    /// # Errors
    /// The store failed. Results are kept for the next time.
    pub async fn step(&mut self) -> Result<bool, StepError> {
        let now = (self.shop.clock)();
        let mut tx = self.shop.db.read().await.map_err(StoreError::from)?;
        let mut has_due = false;
        for webhook in store::unlocked(&mut tx).await? {
            if !has_due && passes(&webhook, now) && self.room(&webhook, now) > 0 {
                has_due = store::any_due(&mut tx, webhook.id, due_at(&webhook, now), now).await?;
            }
        }
        drop(tx);
        if !has_due && self.tried.is_empty() {
            return Ok(false);
        }
        let taken = self.store(now).await?;
        let did = !taken.is_empty() || !self.tried.is_empty();
        self.tried.clear();
        for claim in taken {
            self.lanes.entry(claim.webhook.id).or_default().queue.push_back(claim);
        }
        self.send();
        Ok(did)
    }

    /// The transaction: results in, deliveries out.
    async fn store(&mut self, now: Timestamp) -> Result<Vec<Claim>, StepError> {
        let shop = Arc::clone(&self.shop);
        let mut tx = shop.db.begin().await.map_err(StoreError::from)?;
        let mut webhooks = store::list(&mut tx).await?;
        let mut changed: BTreeMap<WebhookId, Breaker> = BTreeMap::new();
        self.store_results(&mut tx, &mut webhooks, &mut changed, now).await?;

        let lease = entropy::ids()?.next_uuid(now);
        let until = now.plus_seconds(limits::WEBHOOK_LEASE_S);
        let mut taken: Vec<Claim> = Vec::new();
        let known: Vec<WebhookId> = webhooks.iter().map(|webhook| webhook.id).collect();
        for webhook in webhooks.into_iter().map(Arc::new) {
            if !passes(&webhook, now) {
                self.lanes.entry(webhook.id).or_default().queue.clear();
                continue;
            }
            let room = i64::try_from(self.room(&webhook, now)).unwrap_or(0);
            if room == 0 {
                continue;
            }
            let due = store::due(&mut tx, webhook.id, due_at(&webhook, now), now, room).await?;
            if !due.is_empty() && webhook.breaker.state(now) != State::Closed {
                // Nobody else probes meanwhile.
                changed.insert(webhook.id, Breaker { probe_at: Some(until), ..webhook.breaker });
            }
            taken.extend(due.into_iter().map(|delivery| Claim {
                webhook: Arc::clone(&webhook),
                was_due: delivery.next_at <= now,
                delivery,
                lease,
                until,
            }));
        }
        let ids: Vec<DeliveryId> = taken.iter().map(|claim| claim.delivery.id).collect();
        store::lease(&mut tx, ids, lease, until).await?;
        let changed: Vec<_> = changed.into_iter().collect();
        store::set_breakers(&mut tx, &changed).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.lanes.retain(|id, lane| lane.n_under_way > 0 || known.contains(id));
        Ok(taken)
    }

    /// Writes down what tries ended with, and gives back what is not to be sent any more.
    async fn store_results(
        &self,
        tx: &mut stoa_sql::Tx,
        webhooks: &mut [Webhook],
        changed: &mut BTreeMap<WebhookId, Breaker>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let ids: Vec<DeliveryId> = {
            let queued = self.lanes.values().flat_map(|lane| &lane.queue);
            let tried = self.tried.iter().map(|tried| &tried.claim);
            tried.chain(queued).map(|claim| claim.delivery.id).collect()
        };
        let held: BTreeMap<DeliveryId, Option<Uuid>> =
            store::held(tx, ids).await?.into_iter().collect();

        let mut attempts = Vec::new();
        let mut results = Vec::new();
        let mut woken = Vec::new();
        for tried in self.tried.iter().filter(|tried| is_held(&held, &tried.claim)) {
            let id = tried.claim.delivery.id;
            let outcome = tried.outcome();
            attempts.push((id, tried.attempt()));
            results.push(tried.result(outcome, now));
            let webhook = tried.claim.webhook.id;
            let Some(webhook) = webhooks.iter_mut().find(|w| w.id == webhook) else { continue };
            let before = webhook.breaker;
            webhook.breaker = before.after(outcome, now);
            if webhook.breaker != before {
                changed.insert(webhook.id, webhook.breaker);
            }
            if outcome == Outcome::Taken && before.failures >= breaker::OPENS_AFTER {
                woken.push(webhook.id);
            }
        }
        for webhook in webhooks.iter().filter(|webhook| !passes(webhook, now)) {
            let queue = self.lanes.get(&webhook.id).map(|lane| &lane.queue);
            for claim in queue.into_iter().flatten().filter(|claim| is_held(&held, claim)) {
                let DueDelivery { id, attempts, tries, next_at, .. } = claim.delivery;
                let state = DeliveryState::Waiting;
                results.push(DeliveryResult {
                    id,
                    state,
                    attempts,
                    tries,
                    next_at,
                    finished_at: None,
                });
            }
        }
        let attempts: Vec<_> = attempts.iter().map(|(id, attempt)| (*id, attempt)).collect();
        store::add_attempts(tx, &attempts).await?;
        store::set_results(tx, &results).await?;
        for webhook in woken {
            store::wake(tx, webhook, now).await?;
        }
        Ok(())
    }

    /// Begins to send what is taken, of each endpoint in turn, as far as there is room.
    fn send(&mut self) {
        let now = (self.shop.clock)();
        let mut goes_on = true;
        while goes_on {
            goes_on = false;
            for lane in self.lanes.values_mut() {
                if self.under_way.len() >= limits::WEBHOOKS_AT_ONCE
                    || lane.n_under_way >= limits::WEBHOOKS_AT_ONCE_EACH
                {
                    continue;
                }
                let Some(claim) = lane.queue.pop_front() else { continue };
                goes_on = true;
                // What has waited too long is left to whoever takes it when its lease has ended.
                if now.plus_millis(LEASE_LEFT_MS) < claim.until {
                    lane.n_under_way += 1;
                    let (shop, sender) = (Arc::clone(&self.shop), Arc::clone(&self.sender));
                    self.under_way.spawn(attempt(shop, sender, claim));
                }
            }
        }
    }

    /// Waits for a try to end, until `end`; false when none did.
    async fn gather(&mut self, end: tokio::time::Instant) -> bool {
        let ended = if self.under_way.is_empty() {
            tokio::time::sleep_until(end).await;
            return false;
        } else {
            tokio::time::timeout_at(end, self.under_way.join_next()).await
        };
        match ended {
            Ok(Some(Ok(tried))) => {
                if let Some(lane) = self.lanes.get_mut(&tried.claim.webhook.id) {
                    lane.n_under_way = lane.n_under_way.saturating_sub(1);
                }
                self.tried.push(tried);
                self.send();
                true
            }
            Ok(Some(Err(error))) => {
                tracing::error!(%error, "a delivery of a webhook ended badly");
                true
            }
            Ok(None) | Err(_) => false,
        }
    }

    /// Waits for results that are to be stored, or until it is time to look for what is due.
    pub async fn wait(&mut self) {
        if !self.gather(tokio::time::Instant::now() + LOOK).await {
            return;
        }
        let end = tokio::time::Instant::now() + GATHER;
        while self.tried.len() < GATHERED && !self.under_way.is_empty() && self.gather(end).await {}
    }
}

/// Why nothing could be taken or stored.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gave no random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// One try.
async fn attempt(shop: Arc<Shop>, sender: Arc<dyn Sender>, claim: Claim) -> Tried {
    let at = (shop.clock)();
    let begun = Instant::now();
    let event = CloudEvent::new(&shop.mail.public_url, claim.delivery.event.clone());
    let body = event.and_then(|event| serde_json::to_string(&event));
    let answer = match body {
        Ok(body) => sender.post(call(&shop, &claim, at, body)).await,
        Err(error) => Err(CallError::Unreachable(format!("the event cannot be written: {error}"))),
    };
    Tried { claim, at, took: begun.elapsed(), answer }
}

fn call(shop: &Shop, claim: &Claim, at: Timestamp, body: String) -> Call {
    let id = claim.delivery.id.to_string();
    let at_s = at.as_micros() / 1_000_000;
    let signature = sign::signatures(&shop.secret, &claim.webhook, &id, at, at_s, &body);
    Call {
        url: claim.webhook.url.clone(),
        headers: vec![
            ("content-type", "application/cloudevents+json; charset=utf-8".to_owned()),
            ("user-agent", concat!("Stoa/", env!("CARGO_PKG_VERSION")).to_owned()),
            ("webhook-id", id),
            ("webhook-timestamp", at_s.to_string()),
            ("webhook-signature", signature),
        ],
        body,
    }
}

/// Sends what is due, for ever. What is on the way when this is dropped is sent again.
pub async fn run(shop: Arc<Shop>, sender: Arc<dyn Sender>) {
    let mut worker = Worker::new(shop, sender);
    loop {
        worker.wait().await;
        match worker.step().await {
            Ok(_) => {}
            Err(StepError::Store(error)) if error.is_lost_race() => {}
            Err(error) => {
                tracing::warn!(%error, "webhooks cannot be sent");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
