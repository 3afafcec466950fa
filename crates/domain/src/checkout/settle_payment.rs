//! Records what became of a payment.

use stoa_kernel::{Ctx, OrderId, TokenHash, limits};

use super::release_stock;
use crate::cart::CartState;
use crate::command::Reply;
use crate::event::{EventBody, OrderedItem};
use crate::ledger::{self, EntryKind};
use crate::order::{OrderStatus, PaymentStatus};
use crate::refusal::Refusal;
use crate::world::{Changes, Job, JobKind, World};

/// What the provider answered for an order's payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettlePayment {
    /// The order.
    pub order: OrderId,
    /// The cart it was made of.
    pub cart: TokenHash,
    /// The answer.
    pub settlement: Settlement,
}

/// A provider's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// The money is taken.
    Captured {
        /// The provider's name for it.
        reference: String,
    },
    /// Nothing was taken and nothing will be.
    Declined {
        /// Why, in a word.
        reason: String,
    },
    /// The shopper must confirm first.
    RequiresAction {
        /// Where.
        url: String,
    },
}

/// Idempotent: an order that is settled already answers as it stands.
pub(crate) fn decide(
    world: &World,
    ctx: &mut Ctx,
    command: &SettlePayment,
) -> Result<(Reply, Changes), Refusal> {
    let mut order = world.order(command.order)?.clone();
    let mut changes = Changes::default();
    if order.status != OrderStatus::Pending {
        return Ok((Reply::Order(Box::new(order)), changes));
    }
    let already_waits = order.payment.status == PaymentStatus::RequiresAction
        && matches!(command.settlement, Settlement::RequiresAction { .. });
    if already_waits {
        return Ok((Reply::Order(Box::new(order)), changes));
    }
    let cart = world.cart(&order.cart_key)?;
    order.updated_at = ctx.now;
    match &command.settlement {
        Settlement::Captured { reference } => {
            let number = world.next_order_number;
            order.status = OrderStatus::Placed;
            order.number = Some(number);
            order.placed_at = Some(ctx.now);
            order.payment.status = PaymentStatus::Paid;
            order.payment.token = None;
            order.payment.detail = None;
            order.payment.reference = Some(reference.clone());
            changes.entries.extend(ledger::entry(ctx, EntryKind::Capture, &order));
            let captured = EventBody::PaymentCaptured {
                order_id: order.id,
                payment_id: order.payment.id,
                amount: order.payment.amount,
                reference: reference.clone(),
            };
            let placed = EventBody::OrderPlaced {
                order_id: order.id,
                number,
                total: order.totals.total,
                items: order
                    .lines
                    .iter()
                    .map(|line| OrderedItem {
                        variant_id: line.variant_id,
                        sku: line.sku.clone(),
                        quantity: line.quantity,
                        total: line.totals.total,
                    })
                    .collect(),
            };
            changes.events.push(order.record(captured));
            changes.events.push(order.record(placed));
            changes.carts.push(cart.with_state(CartState::Completed(order.id), ctx.now));
            changes.next_order_number = Some(number + 1);
            changes.finished_jobs.push((JobKind::Charge, order.id));
        }
        Settlement::Declined { reason } => {
            release_stock(world, ctx, &order, &mut changes);
            order.status = OrderStatus::Failed;
            order.payment.status = PaymentStatus::Declined;
            order.payment.token = None;
            order.payment.detail = Some(reason.clone());
            let declined = EventBody::PaymentDeclined {
                order_id: order.id,
                payment_id: order.payment.id,
                reason: reason.clone(),
            };
            changes.events.push(order.record(declined));
            changes.carts.push(cart.with_state(CartState::Open, ctx.now));
            changes.finished_jobs.push((JobKind::Charge, order.id));
        }
        Settlement::RequiresAction { url } => {
            order.payment.status = PaymentStatus::RequiresAction;
            order.payment.detail = Some(url.clone());
            let required = EventBody::PaymentActionRequired {
                order_id: order.id,
                payment_id: order.payment.id,
            };
            changes.events.push(order.record(required));
            // The worker asks now and then, should the shopper confirm and never come back.
            let next_look = ctx.now.plus_seconds(limits::JOB_LEASE_S);
            changes.jobs.push(Job::new(JobKind::Charge, order.id, next_look));
        }
    }
    changes.orders.push(order.clone());
    Ok((Reply::Order(Box::new(order)), changes))
}
