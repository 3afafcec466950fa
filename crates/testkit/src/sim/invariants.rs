//! What must hold after every step, between the books, the provider and what clients were told.

use std::collections::{BTreeMap, BTreeSet};

use stoa_domain::order::{Order, OrderStatus, PaymentStatus};
use stoa_domain::world::JobKind;
use stoa_domain::{Command, Refusal, Reply};
use stoa_kernel::{OrderId, TokenHash};

use super::buyer::Heard;
use super::process::Client;
use super::provider::{Charge, ChargeState, Provider};
use super::store::{Answer, Store};

macro_rules! ensure {
    ($holds:expr, $($message:tt)+) => {
        if !$holds {
            return Err(format!($($message)+));
        }
    };
}

/// What somebody was told about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Promise {
    Stands,
    Failed,
    Cancelled,
}

/// Everything that clients were told.
#[derive(Debug, Default)]
pub(super) struct Told {
    answers: BTreeMap<String, Answer>,
    orders: BTreeMap<String, OrderId>,
    promises: BTreeMap<OrderId, Promise>,
    carts: BTreeSet<TokenHash>,
}

impl Told {
    /// A client hears an answer: the first for its key, or the same again.
    pub(super) fn hear(&mut self, client: &Client, heard: &Heard) -> Result<(), String> {
        let key = &client.key;
        match heard {
            Heard::Answer(Answer::KeyReused) => {}
            Heard::Answer(answer) => {
                let first = self.answers.entry(key.clone()).or_insert_with(|| answer.clone());
                ensure!(first == answer, "key {key} was answered {first:?}, then {answer:?}");
                let Answer::Decided(decided) = answer else {
                    return Ok(());
                };
                match &**decided {
                    Ok(Reply::Cart(cart)) => {
                        self.carts.insert(cart.key);
                    }
                    Ok(Reply::Order(order)) => self.promise(order),
                    Err(Refusal::NotFound("cart")) => {
                        return Err(format!("key {key}: a cart that the client was given is gone"));
                    }
                    Ok(Reply::Stock(_)) | Err(_) => {}
                }
            }
            // The payment is under way, or waits for its shopper: the answer is still to come.
            Heard::Outcome(order) if order.status == OrderStatus::Pending => {}
            Heard::Outcome(order) => {
                let first = *self.orders.entry(key.clone()).or_insert(order.id);
                ensure!(first == order.id, "key {key} was answered {first}, then {}", order.id);
                self.promise(order);
            }
        }
        Ok(())
    }

    fn promise(&mut self, order: &Order) {
        let promise = match order.status {
            OrderStatus::Placed => Promise::Stands,
            OrderStatus::Failed => Promise::Failed,
            OrderStatus::Cancelled => Promise::Cancelled,
            OrderStatus::Pending => return,
        };
        // An answer from before a cancellation may arrive after it.
        let known = self.promises.entry(order.id).or_insert(promise);
        if *known == Promise::Stands {
            *known = promise;
        }
    }

    fn check(&self, store: &Store) -> Result<(), String> {
        for (id, promise) in &self.promises {
            let status = store.world.orders.get(id).map(|order| order.status);
            let kept = match promise {
                Promise::Stands => {
                    matches!(status, Some(OrderStatus::Placed | OrderStatus::Cancelled))
                }
                Promise::Failed => status == Some(OrderStatus::Failed),
                Promise::Cancelled => status == Some(OrderStatus::Cancelled),
            };
            ensure!(kept, "a client was told {promise:?} of {id}, it is {status:?}");
        }
        for key in &self.carts {
            ensure!(
                store.world.carts.contains_key(key),
                "a client was given cart {key:?}, it does not exist"
            );
        }
        Ok(())
    }
}

/// What must hold after every step.
pub(super) fn after_step(store: &Store, provider: &Provider, told: &Told) -> Result<(), String> {
    store.audit.check(&store.world).map_err(|violation| violation.0)?;
    for job in store.jobs.keys() {
        ensure!(store.audit.jobs().contains_key(job), "a job too many is stored: {job:?}");
    }
    for job in store.audit.jobs().keys() {
        ensure!(store.jobs.contains_key(job), "a job is not stored any more: {job:?}");
    }
    for (payment_id, charge) in &provider.charges {
        let Some(order) = store.world.orders.get(&charge.order_id) else {
            return Err(format!("{payment_id} was charged for an order that does not exist"));
        };
        ensure!(
            order.payment.id == *payment_id && order.payment.amount == charge.amount,
            "{payment_id} was charged {:?}, its order has {:?}",
            charge.amount,
            order.payment
        );
        check_charge(store, order, charge)?;
    }
    for id in &store.orders {
        let Some(order) = store.world.orders.get(id) else {
            return Err(format!("{id} was committed and is gone"));
        };
        let charge = provider.charges.get(&order.payment.id);
        let agrees = match order.payment.status {
            PaymentStatus::Paid => charge.is_some_and(Charge::holds_money),
            PaymentStatus::RefundPending => charge.is_some_and(|charge| charge.captures == 1),
            PaymentStatus::Refunded => charge.is_some_and(|charge| charge.refunds == 1),
            PaymentStatus::Declined => charge.is_none_or(|charge| charge.captures == 0),
            PaymentStatus::Pending | PaymentStatus::RequiresAction => true,
        };
        ensure!(agrees, "the payment of {id} is {:?}, at the provider: {charge:?}", order.payment);
    }
    told.check(store)
}

/// Nobody is charged without an order that stands, or a job that will settle it.
fn check_charge(store: &Store, order: &Order, charge: &Charge) -> Result<(), String> {
    let (id, status) = (order.id, order.payment.status);
    ensure!(
        charge.captures <= 1 && charge.refunds <= charge.captures,
        "{id} was charged {} times and refunded {} times",
        charge.captures,
        charge.refunds
    );
    let will_be_settled = || store.jobs.contains_key(&(JobKind::Charge, id));
    if charge.holds_money() {
        let accounted = match status {
            PaymentStatus::Paid | PaymentStatus::RefundPending => true,
            PaymentStatus::Pending | PaymentStatus::RequiresAction => will_be_settled(),
            PaymentStatus::Declined | PaymentStatus::Refunded => false,
        };
        ensure!(accounted, "{id} was charged, its payment is {status:?}");
    }
    if charge.refunds > 0 {
        ensure!(
            matches!(status, PaymentStatus::RefundPending | PaymentStatus::Refunded),
            "{id} was refunded, its payment is {status:?}"
        );
    }
    if charge.state == ChargeState::RequiresAction {
        ensure!(
            order.status == OrderStatus::Pending && will_be_settled(),
            "{id} is {:?}, and its shopper can still confirm the payment",
            order.status
        );
    }
    Ok(())
}

/// What must hold when everything that was under way has come to its end.
pub(super) fn at_rest(store: &Store, provider: &Provider) -> Result<(), String> {
    ensure!(store.jobs.is_empty(), "jobs are left: {:?}", store.jobs);
    for order in store.world.orders.values() {
        ensure!(order.status != OrderStatus::Pending, "{} is still pending", order.id);
        ensure!(
            order.payment.status != PaymentStatus::RefundPending,
            "{} is still not refunded",
            order.id
        );
    }
    let held: i128 = provider
        .charges
        .values()
        .filter(|charge| charge.holds_money())
        .map(|charge| i128::from(charge.amount.minor))
        .sum();
    let in_books = store.audit.held_by_providers();
    ensure!(held == in_books, "the provider holds {held}, by the books it is {in_books}");
    Ok(())
}

/// The order that a step of the workflow has settled. Its command is never refused: such a step
/// could never end.
pub(super) fn settled_order(answer: &Answer) -> Result<&Order, String> {
    match answer {
        Answer::Decided(decided) => match &**decided {
            Ok(Reply::Order(order)) => Ok(order),
            other => Err(format!("a workflow step was answered {other:?}")),
        },
        Answer::KeyReused => Err("a workflow step has no key".to_owned()),
    }
}

/// The name of a command, for traces and counts.
pub(super) const fn name(command: &Command) -> &'static str {
    match command {
        Command::CreateCart(_) => "create cart",
        Command::AddLine(_) => "add line",
        Command::ChangeLine(_) => "change line",
        Command::UpdateCart(_) => "update cart",
        Command::RefreshCart(_) => "refresh cart",
        Command::PlaceOrder(_) => "place order",
        Command::SettlePayment(_) => "settle payment",
        Command::SettleRefund(_) => "settle refund",
        Command::CancelOrder(_) => "cancel order",
        Command::Fulfil(_) => "fulfil",
        Command::ChangeTracking(_) => "change tracking",
        Command::CancelFulfilment(_) => "cancel fulfilment",
        Command::SetStock(_) => "set stock",
    }
}
