//! One batch, from the queue to the answers.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use stoa_domain::order::{OrderStatus, PaymentStatus};
use stoa_domain::shop::ShopConfig;
use stoa_domain::{Command, Refusal, Reply, decide};
use stoa_kernel::{Ctx, IdSource, Timestamp};
use stoa_sql::{Ahead, Db};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;

use super::apply::{self, Pending};
use super::copies::Remembered;
use super::load::{self, Loaded};
use super::offers::Offers;
use super::{Answering, EngineStats, Envelope, Outcome, Submission};
use crate::answer::Answer;
use crate::error::StoreError;
use crate::idempotency::{self, Idempotency, Kept, KeyHash};

/// How often a batch that met another process's is decided anew, on what that one left.
const RETRIES: usize = 5;

/// What a batch is decided with.
#[derive(Debug)]
pub(super) struct With<'a> {
    pub(super) db: &'a Db,
    pub(super) shop: &'a Arc<ShopConfig>,
    pub(super) clock: fn() -> Timestamp,
    pub(super) remembered: &'a RefCell<Remembered>,
    pub(super) offers: &'a mut Offers,
}

/// How a batch is answered.
#[derive(Debug)]
pub(super) struct Answers<'a> {
    /// Where those who wait run. Woken from there, all of them cost that runtime's threads one call; from
    /// another thread, one each.
    pub(super) given_on: &'a Handle,
    pub(super) stats: &'a Arc<EngineStats>,
    /// The right to a flush, given back when the commit is on disk.
    pub(super) flush: OwnedSemaphorePermit,
}

/// Runs a batch and answers everyone in it, once its commit is on disk.
pub(super) async fn run(
    mut with: With<'_>,
    ids: &mut IdSource,
    batch: &mut Vec<Envelope>,
    Answers { given_on, stats, flush }: Answers<'_>,
) {
    let clock = with.clock;
    let began = clock();
    let mut ctx = Ctx { now: began, ids: ids.clone() };
    let submissions: Vec<&Submission> = batch.iter().map(|(submission, _)| submission).collect();
    let mut outcome = transact(&mut with, &mut ctx, &submissions).await;
    for _ in 0..RETRIES {
        match &outcome {
            Err(error) if error.is_lost_race() => {
                tracing::debug!(%error, "a batch begins anew");
                outcome = transact(&mut with, &mut ctx, &submissions).await;
            }
            _ => break,
        }
    }
    *ids = ctx.ids;
    match outcome {
        Ok((outcomes, commit_began, ahead)) => {
            stats.batch(batch.len(), elapsed(began, clock()));
            let answers: Vec<_> = batch.drain(..).map(|(_, answer)| answer).collect();
            let (stats, given_on) = (Arc::clone(stats), given_on.clone());
            ahead.then(move |durable| {
                drop(flush);
                stats.committed(elapsed(commit_began, clock()));
                given_on.spawn(async move {
                    match durable {
                        Ok(()) => answer_all(answers.into_iter().zip(outcomes), &stats),
                        Err(error) => fail_all(answers, &error.into(), &stats),
                    }
                });
            });
        }
        Err(error) => fail_all(batch.drain(..).map(|(_, answer)| answer), &error, stats),
    }
}

fn answer_all(answers: impl Iterator<Item = (Answering, Outcome)>, stats: &EngineStats) {
    for (answer, outcome) in answers {
        match &outcome {
            Outcome::Refused(_) => stats.refused(),
            Outcome::Replayed(_) => stats.replayed(),
            _ => {}
        }
        // Who no longer listens has gone away; what was done stays done.
        let _gone = answer.send(outcome);
    }
}

fn fail_all(answers: impl IntoIterator<Item = Answering>, error: &StoreError, stats: &EngineStats) {
    if error.is_unavailable() {
        tracing::warn!(%error, "a batch could not be committed");
    } else {
        tracing::error!(%error, "a batch failed");
    }
    for answer in answers {
        stats.failed();
        let _gone = answer.send(Outcome::Unavailable);
    }
}

fn elapsed(from: Timestamp, to: Timestamp) -> std::time::Duration {
    let micros = to.as_micros().saturating_sub(from.as_micros());
    std::time::Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// Decides everything in one transaction; gives the outcomes, when the commit began, and the
/// commit, which may not be durable yet.
async fn transact(
    with: &mut With<'_>,
    ctx: &mut Ctx,
    submissions: &[&Submission],
) -> Result<(Vec<Outcome>, Timestamp, Ahead), StoreError> {
    let shop = with.shop;
    let mut tx = with.db.begin().await?;
    let commands: Vec<&Command> =
        submissions.iter().map(|submission| &submission.command).collect();
    let keys: Vec<KeyHash> = submissions
        .iter()
        .filter_map(|submission| submission.idempotency.as_ref())
        .map(|idempotency| idempotency.key)
        .collect();
    idempotency::ahead(&mut tx, &keys).await?;
    let sent = load::ahead(&mut tx, with, &commands).await?;
    let mut kept: HashMap<KeyHash, Kept> =
        idempotency::load(&mut tx, &keys).await?.into_iter().map(|kept| (kept.key, kept)).collect();
    let commands: Vec<&Command> = submissions
        .iter()
        .filter(|submission| !is_settled(submission, &kept))
        .map(|submission| &submission.command)
        .collect();
    let Loaded { mut world, mut stored, waiting } =
        load::world(&mut tx, with, &commands, &sent).await?;
    stored.keys.extend(kept.keys());

    let mut writes = Pending::default();
    let mut outcomes = Vec::with_capacity(submissions.len());
    for submission in submissions {
        if let Some(idempotency) = &submission.idempotency
            && let Some(known) = kept.get(&idempotency.key)
        {
            if known.fingerprint != idempotency.fingerprint {
                outcomes.push(Outcome::KeyReused);
                continue;
            }
            if let Some(answer) = &known.answer {
                outcomes.push(Outcome::Replayed(answer.clone()));
                continue;
            }
        }
        let decided = decide(&world, ctx, &submission.command);
        let result = decided.map(|(reply, changes)| {
            world.absorb(&changes);
            writes.take(changes);
            reply
        });
        let repeated = keep_key(submission, &result, shop, &mut kept, &mut writes);
        outcomes.push(match result {
            Ok(reply) => Outcome::Done { reply, repeated },
            Err(refusal) => Outcome::Refused(refusal),
        });
    }
    apply::write(&mut tx, ctx, &world, &stored, &waiting, &writes).await?;
    let commit_began = (with.clock)();
    let ahead = tx.commit_ahead().await?;
    let mut remembered = with.remembered.borrow_mut();
    remembered.carts(world.carts.values());
    remembered.orders(world.orders.values());
    Ok((outcomes, commit_began, ahead))
}

/// Whether the answer is known without deciding, so that nothing need be loaded.
fn is_settled(submission: &Submission, kept: &HashMap<KeyHash, Kept>) -> bool {
    submission
        .idempotency
        .as_ref()
        .and_then(|idempotency| kept.get(&idempotency.key))
        .is_some_and(|known| known.answer.is_some())
}

/// Keeps the key of a submission with its answer, or without one while the order it made waits for
/// its payment, or the one it cancelled for its refund; a settlement answers every key that waits
/// for its order. Says whether the key was there before.
fn keep_key(
    submission: &Submission,
    result: &Result<Reply, Refusal>,
    shop: &ShopConfig,
    kept: &mut HashMap<KeyHash, Kept>,
    pending: &mut Pending,
) -> bool {
    let waiting = match (&submission.command, result) {
        (_, Ok(Reply::Order(order))) if order.status == OrderStatus::Pending => Some(&**order),
        (Command::CancelOrder(_), Ok(Reply::Order(order)))
            if order.payment.status == PaymentStatus::RefundPending =>
        {
            Some(&**order)
        }
        _ => None,
    };
    let settled = load::settled_by(&submission.command);
    if let (Some(settled), Ok(_), None) = (settled, result, waiting) {
        for known in kept.values_mut() {
            if known.order_id == Some(settled) && known.answer.is_none() {
                known.answer = Some(Answer::of(result, shop));
            }
        }
        pending.settled.push(settled);
    }
    let Some(Idempotency { key, fingerprint }) = submission.idempotency else { return false };
    if let (Some(order), Command::PlaceOrder(place)) = (waiting, &submission.command)
        && order.payment.token.as_ref() != Some(&place.payment_token)
    {
        return false; // The order waits for other means of payment than this request's.
    }
    let answer = if waiting.is_some() { None } else { Some(Answer::of(result, shop)) };
    let new = Kept { key, fingerprint, order_id: waiting.map(|order| order.id), answer };
    pending.keys.insert(key, new.clone());
    kept.insert(key, new).is_some()
}
