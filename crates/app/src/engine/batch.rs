//! One batch, from the queue to the answers.

use std::collections::HashMap;
use std::sync::Arc;

use stoa_domain::order::{OrderStatus, PaymentStatus};
use stoa_domain::shop::ShopConfig;
use stoa_domain::{Command, Refusal, Reply, decide};
use stoa_kernel::{Ctx, IdSource, Timestamp};
use stoa_sql::Db;

use super::apply::{self, Pending};
use super::load::{self, Loaded};
use super::{EngineStats, Envelope, Outcome, Submission};
use crate::answer::Answer;
use crate::error::StoreError;
use crate::idempotency::{self, Idempotency, Kept, KeyHash};

/// How often a batch that met another process's is decided anew, on what that one left.
const RETRIES: usize = 5;

/// Runs a batch and answers everyone in it.
pub(super) async fn run(
    db: &Db,
    shop: &Arc<ShopConfig>,
    clock: fn() -> Timestamp,
    ids: &mut IdSource,
    batch: &mut Vec<Envelope>,
    stats: &EngineStats,
) {
    let began = clock();
    let mut ctx = Ctx { now: began, ids: ids.clone() };
    let submissions: Vec<&Submission> = batch.iter().map(|(submission, _)| submission).collect();
    let mut outcome = transact(db, shop, &mut ctx, &submissions, clock).await;
    for _ in 0..RETRIES {
        match &outcome {
            Err(error) if error.is_lost_race() => {
                tracing::debug!(%error, "a batch begins anew");
                outcome = transact(db, shop, &mut ctx, &submissions, clock).await;
            }
            _ => break,
        }
    }
    *ids = ctx.ids;
    match outcome {
        Ok((outcomes, commit_began)) => {
            let ended = clock();
            stats.batch(batch.len(), elapsed(began, ended), elapsed(commit_began, ended));
            for ((_, answer), outcome) in batch.drain(..).zip(outcomes) {
                match &outcome {
                    Outcome::Refused(_) => stats.refused(),
                    Outcome::Replayed(_) => stats.replayed(),
                    _ => {}
                }
                // Who no longer listens has gone away; what was done stays done.
                let _gone = answer.send(outcome);
            }
        }
        Err(error) => {
            if error.is_unavailable() {
                tracing::warn!(%error, "a batch could not be committed");
            } else {
                tracing::error!(%error, "a batch failed");
            }
            stats.failed(batch.len());
            for (_, answer) in batch.drain(..) {
                let _gone = answer.send(Outcome::Unavailable);
            }
        }
    }
}

fn elapsed(from: Timestamp, to: Timestamp) -> std::time::Duration {
    let micros = to.as_micros().saturating_sub(from.as_micros());
    std::time::Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// Decides everything in one transaction; gives the outcomes, and when the commit began.
async fn transact(
    db: &Db,
    shop: &Arc<ShopConfig>,
    ctx: &mut Ctx,
    submissions: &[&Submission],
    clock: fn() -> Timestamp,
) -> Result<(Vec<Outcome>, Timestamp), StoreError> {
    let mut tx = db.begin().await?;
    let mut kept = load_keys(&mut tx, submissions).await?;
    let commands: Vec<&Command> = submissions
        .iter()
        .filter(|submission| !is_settled(submission, &kept))
        .map(|submission| &submission.command)
        .collect();
    let Loaded { mut world, mut stored } = load::world(&mut tx, shop, &commands).await?;
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
    apply::write(&mut tx, ctx, &world, &stored, &writes).await?;
    let commit_began = clock();
    tx.commit().await?;
    Ok((outcomes, commit_began))
}

async fn load_keys(
    tx: &mut stoa_sql::Tx,
    submissions: &[&Submission],
) -> Result<HashMap<KeyHash, Kept>, StoreError> {
    let keys: Vec<KeyHash> = submissions
        .iter()
        .filter_map(|submission| submission.idempotency.as_ref())
        .map(|idempotency| idempotency.key)
        .collect();
    let kept = idempotency::load(tx, &keys).await?;
    Ok(kept.into_iter().map(|kept| (kept.key, kept)).collect())
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
    let settled = match &submission.command {
        Command::SettlePayment(settle) => Some(settle.order),
        Command::SettleRefund(settle) => Some(settle.order),
        _ => None,
    };
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
