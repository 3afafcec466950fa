//! Completes carts: runs the stored checkout workflow of `stoa_domain::checkout` against the
//! payment providers.
//!
//! Statements, beside the engine's: none while a request is served. A request that ends early
//! (its client went away, the process died) leaves its job in the store; [`run_due_jobs`] takes it
//! up.

use std::sync::Arc;
use std::time::Duration;

use stoa_domain::cart::RefreshCart;
use stoa_domain::checkout::PlaceOrder;
use stoa_domain::checkout::workflow::{Follow, ProviderAnswer, Step, follow, next_step};
use stoa_domain::order::{Order, OrderStatus, PaymentStatus};
use stoa_domain::{Command, Refusal, Reply};
use stoa_kernel::{OrderId, Token, limits};
use stoa_ports::payment::{Charge, ChargeOutcome, PaymentError, PaymentProvider};

use crate::answer::Answer;
use crate::engine::{Outcome, Submission};
use crate::error::StoreError;
use crate::idempotency::{self, Idempotency};
use crate::shop::Shop;
use crate::{job, order};

/// How long a provider may take to answer once.
const PROVIDER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request waits for its payment before it is told to ask again.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(25);
/// Jobs that a worker takes up before it says so.
const WORKER_JOBS: usize = 50;

/// How a shopper pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentChoice {
    /// Name of the provider.
    pub provider: String,
    /// What the provider gave for the means of payment.
    pub token: String,
}

/// The token with which whoever completes this cart may read the order.
pub fn order_token(cart: &Token) -> Token {
    cart.derive("order")
}

/// What became of a cart that was completed.
#[derive(Debug)]
pub enum Completion {
    /// The order as it stands: placed, failed, or waiting for its shopper.
    Order {
        /// The order.
        order: Box<Order>,
        /// Whether the cart was an order before this request.
        existed: bool,
        /// Whether the idempotency key was seen before.
        repeated: bool,
    },
    /// What else the engine answered.
    Outcome(Outcome),
    /// The provider has not answered in time; the workflow goes on, and the same request gets its
    /// result.
    StillPending,
}

impl From<Outcome> for Completion {
    fn from(outcome: Outcome) -> Self {
        Self::Outcome(outcome)
    }
}

/// Orders what is in a cart and pays for it.
pub async fn complete_cart(
    shop: &Arc<Shop>,
    cart: Token,
    payment: PaymentChoice,
    idempotency: Option<Idempotency>,
) -> Completion {
    let Some(provider) = shop.providers.get(payment.provider.as_str()) else {
        let refusal = Refusal::field("/payment/provider", "there is no such payment provider");
        return Outcome::Refused(refusal).into();
    };
    if !provider.accepts_token(&payment.token) {
        let refusal = Refusal::field("/payment/token", "not a token of this payment provider");
        return Outcome::Refused(refusal).into();
    }
    // A cart may have an older attempt that waits for its shopper; another means of payment ends
    // that attempt, and then begins anew.
    for _ in 0..2 {
        let placed = shop.engine.submit(submission(&cart, &payment, idempotency)).await;
        let (order, repeated) = match placed {
            Outcome::Done { reply: Reply::Order(order), repeated } => (order, repeated),
            Outcome::Refused(Refusal::PriceChanged(lines)) => {
                let refresh = Command::RefreshCart(RefreshCart { cart: cart.hash() });
                if shop.engine.submit(refresh).await == Outcome::Unavailable {
                    return Outcome::Unavailable.into();
                }
                return Outcome::Refused(Refusal::PriceChanged(lines)).into();
            }
            other => return other.into(),
        };
        let existed = order.status == OrderStatus::Placed;
        let other_means = order.payment.status == PaymentStatus::RequiresAction
            && order.payment.token.as_ref() != Some(&payment.token);
        let shop_task = Arc::clone(shop);
        // On a task of its own, so that it goes on when the client goes away.
        let task = tokio::spawn(async move {
            let step = if other_means { Some(Step::Void) } else { None };
            drive(&shop_task, *order, step, 0).await
        });
        let order = match tokio::time::timeout(REQUEST_TIMEOUT, task).await {
            Ok(Ok(Driven::Settled(order))) => order,
            Ok(Ok(Driven::Unavailable)) => return Outcome::Unavailable.into(),
            Ok(Ok(Driven::Later { .. }) | Err(_)) | Err(_) => return Completion::StillPending,
        };
        if other_means && order.status == OrderStatus::Failed {
            continue;
        }
        if order.payment.status == PaymentStatus::RequiresAction
            && let Err(error) = answer_now(shop, idempotency, &order).await
        {
            tracing::warn!(%error, order.id = %order.id, "an answer could not be kept");
            return Outcome::Unavailable.into();
        }
        return Completion::Order { order, existed, repeated };
    }
    Completion::StillPending
}

/// Keeps what a request is told of an order that still waits for somebody outside, so that its
/// repeat is told the same, whatever becomes of the order.
///
/// # Errors
/// The store failed.
pub async fn answer_now(
    shop: &Shop,
    idempotency: Option<Idempotency>,
    order: &Order,
) -> Result<(), StoreError> {
    let Some(Idempotency { key, .. }) = idempotency else { return Ok(()) };
    let answer = Answer::of(&Ok(Reply::Order(Box::new(order.clone()))), &shop.config);
    let mut tx = shop.db.begin().await?;
    idempotency::answer_open(&mut tx, &key, &answer).await?;
    tx.commit().await?;
    Ok(())
}

fn submission(
    cart: &Token,
    payment: &PaymentChoice,
    idempotency: Option<Idempotency>,
) -> Submission {
    Submission {
        command: Command::PlaceOrder(PlaceOrder {
            cart: cart.hash(),
            order_token: order_token(cart).hash(),
            provider: payment.provider.clone(),
            payment_token: payment.token.clone(),
        }),
        idempotency,
    }
}

/// How far a workflow was driven.
#[derive(Debug)]
pub enum Driven {
    /// As far as it goes without the shopper or the merchant.
    Settled(Box<Order>),
    /// The provider has no answer yet; try again after so many milliseconds.
    Later {
        /// How long to wait.
        pause_ms: i64,
    },
    /// The engine could not take the command; try again soon.
    Unavailable,
}

/// Drives an order's workflow: calls the provider and records what it answers, until nothing is to
/// be done or the provider is to be asked again later. `first` overrides the first step.
pub async fn drive(
    shop: &Shop,
    mut order: Order,
    mut first: Option<Step>,
    attempts: u32,
) -> Driven {
    // A charge, then a void or an inquiry: no workflow has more steps in a row.
    for _ in 0..4 {
        let step = first.take().unwrap_or_else(|| next_step(&order, (shop.clock)()));
        if step == Step::Nothing {
            return Driven::Settled(Box::new(order));
        }
        let Some(provider) = shop.providers.get(order.payment.provider.as_str()) else {
            tracing::error!(order.id = %order.id, "no provider `{}`", order.payment.provider);
            return Driven::Later { pause_ms: 60_000 };
        };
        let answer = ask(&**provider, &order, step).await;
        match follow(&order, step, answer, attempts, (shop.clock)()) {
            Follow::Done => return Driven::Settled(Box::new(order)),
            // The shopper's turn: their answer comes through another request.
            Follow::RetryAfterMs(pause_ms) if step == Step::Inquire => {
                tracing::debug!(order.id = %order.id, pause_ms, "the shopper has not confirmed yet");
                return Driven::Settled(Box::new(order));
            }
            Follow::RetryAfterMs(pause_ms) => return Driven::Later { pause_ms },
            Follow::Submit(command) => {
                let submission = Submission { command, idempotency: None };
                match shop.engine.submit(submission).await {
                    Outcome::Done { reply: Reply::Order(settled), .. } => order = *settled,
                    Outcome::Refused(refusal) => {
                        tracing::error!(order.id = %order.id, %refusal, "a settlement was refused");
                        return Driven::Later { pause_ms: 60_000 };
                    }
                    _ => return Driven::Unavailable,
                }
                shop.wake.notify_waiters();
                if order.payment.status == PaymentStatus::RequiresAction {
                    return Driven::Settled(Box::new(order));
                }
            }
        }
    }
    Driven::Later { pause_ms: 1_000 }
}

/// What a payment of nothing is referred to by.
const NOTHING_TO_PAY: &str = "nothing-to-pay";

/// Asks the provider, once, for no longer than it may take. For nothing nobody is asked: providers
/// refuse such charges, and no money moves.
async fn ask(provider: &dyn PaymentProvider, order: &Order, step: Step) -> ProviderAnswer {
    let payment = &order.payment;
    if payment.amount.minor == 0 {
        return match step {
            Step::Refund => ProviderAnswer::Refunded,
            _ => ProviderAnswer::Captured { reference: NOTHING_TO_PAY.to_owned() },
        };
    }
    let call = async {
        match step {
            Step::Charge => {
                let charge = Charge {
                    payment_id: payment.id,
                    order_id: order.id,
                    amount: payment.amount,
                    token: payment.token.clone().unwrap_or_default(),
                };
                provider.charge(&charge).await.map(Some)
            }
            Step::Inquire => provider.outcome(payment.id).await,
            Step::Void => provider.void(payment.id).await.map(Some),
            Step::Refund => {
                provider.refund(payment.id, payment.amount).await?;
                return Ok(ProviderAnswer::Refunded);
            }
            Step::Nothing => return Ok(ProviderAnswer::Unknown),
        }
        .map(|outcome| outcome.map_or(ProviderAnswer::NotFound, answer_of))
    };
    match tokio::time::timeout(PROVIDER_TIMEOUT, call).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(PaymentError::UnknownToken)) => {
            ProviderAnswer::Refused { reason: "unknown_token".to_owned() }
        }
        Ok(Err(PaymentError::Refused(why))) => {
            tracing::warn!(order.id = %order.id, why, "the payment provider refused a request");
            ProviderAnswer::Refused { reason: "refused".to_owned() }
        }
        Ok(Err(PaymentError::Unavailable(why))) => {
            tracing::warn!(order.id = %order.id, why, "the payment provider did not answer");
            ProviderAnswer::Unknown
        }
        Err(_) => ProviderAnswer::Unknown,
    }
}

fn answer_of(outcome: ChargeOutcome) -> ProviderAnswer {
    match outcome {
        ChargeOutcome::Captured { reference } => ProviderAnswer::Captured { reference },
        ChargeOutcome::Declined { reason } => ProviderAnswer::Declined { reason },
        ChargeOutcome::RequiresAction { url } => ProviderAnswer::RequiresAction { url },
    }
}

/// Drives the workflow of an order that is in the store, e.g. after its shopper has confirmed the
/// payment or the merchant has cancelled it.
///
/// # Errors
/// The store failed.
pub async fn resume(shop: &Shop, id: OrderId, attempts: u32) -> Result<Option<Driven>, StoreError> {
    let mut tx = shop.db.read().await?;
    let found = order::store::find(&mut tx, id).await?;
    drop(tx);
    Ok(match found {
        Some(order) => Some(drive(shop, order, None, attempts).await),
        None => None,
    })
}

/// Takes up jobs that are due, one after the other; says how many. Called again and again by the
/// worker.
///
/// # Errors
/// The store failed.
pub async fn run_due_jobs(shop: &Shop) -> Result<usize, StoreError> {
    let mut n = 0;
    while n < WORKER_JOBS && run_due_job(shop).await? {
        n += 1;
    }
    Ok(n)
}

/// Takes up the job that has been due for longest, if any is. Only one is taken at a time, so that a
/// worker that dies keeps no more than that from the others.
async fn run_due_job(shop: &Shop) -> Result<bool, StoreError> {
    let now = (shop.clock)();
    let mut tx = shop.db.read().await?;
    if !job::any_due(&mut tx, now).await? {
        return Ok(false);
    }
    drop(tx);
    let mut tx = shop.db.begin().await?;
    let taken = job::take(&mut tx, now, now.plus_seconds(limits::JOB_LEASE_S), 1).await?;
    tx.commit().await?;
    let Some(taken) = taken.into_iter().next() else {
        return Ok(false); // Another worker was faster.
    };
    let attempts = u32::try_from(taken.attempts.max(1) - 1).unwrap_or(u32::MAX);
    let driven = resume(shop, taken.order_id, attempts).await?;
    let pause_ms = match driven {
        Some(Driven::Settled(order)) => match order.payment.status {
            PaymentStatus::RequiresAction => {
                let deadline = order.updated_at.plus_seconds(limits::PAYMENT_ACTION_S);
                let left = deadline.as_micros() - (shop.clock)().as_micros();
                (left / 1_000 + 1).clamp(1_000, 30_000)
            }
            _ => return Ok(true),
        },
        Some(Driven::Later { pause_ms }) => pause_ms,
        Some(Driven::Unavailable) => 1_000,
        None => return Ok(true),
    };
    let mut tx = shop.db.begin().await?;
    let run_at = (shop.clock)().plus_millis(pause_ms);
    let why = "the payment provider has not settled it yet";
    job::postpone(&mut tx, taken.kind, taken.order_id, run_at, why).await?;
    tx.commit().await?;
    Ok(true)
}
