//! The merchant calls an order off: stock is free again, money goes back.

use stoa_kernel::{Ctx, OrderId, limits};

use super::{OrderStatus, PaymentStatus};
use crate::checkout::release_stock;
use crate::command::Reply;
use crate::event::EventBody;
use crate::fulfilment::OrderFulfilment;
use crate::refusal::Refusal;
use crate::world::{Changes, Job, JobKind, World};

/// Cancels a placed order of which nothing was sent, and asks for its refund. Cancelling a cancelled order changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelOrder {
    /// The order.
    pub order: OrderId,
    /// What its version must be now, where the caller says.
    pub expected_version: Option<i64>,
    /// Why, in a word or sentence.
    pub reason: String,
}

pub(crate) fn decide(
    world: &World,
    ctx: &mut Ctx,
    command: &CancelOrder,
) -> Result<(Reply, Changes), Refusal> {
    let mut order = world.order(command.order)?.clone();
    if command.expected_version.is_some_and(|expected| expected != order.version) {
        return Err(Refusal::Stale);
    }
    let mut changes = Changes::default();
    match order.status {
        OrderStatus::Cancelled => return Ok((Reply::Order(Box::new(order)), changes)),
        OrderStatus::Placed => {}
        OrderStatus::Pending | OrderStatus::Failed => {
            let status = order.status.as_str();
            return Err(Refusal::WrongState { what: "an order", status, verb: "cancelled" });
        }
    }
    // What was sent is not there to be sold to others, and may be with the customer.
    let sent = order.fulfilment_status();
    if sent != OrderFulfilment::Unfulfilled {
        let status = sent.as_str();
        return Err(Refusal::WrongState { what: "an order", status, verb: "cancelled" });
    }
    release_stock(world, ctx, &order, &mut changes);
    order.status = OrderStatus::Cancelled;
    order.updated_at = ctx.now;
    let event = EventBody::OrderCancelled { order_id: order.id, reason: command.reason.clone() };
    let event = order.record(event);
    changes.events.push(event);
    if order.payment.status == PaymentStatus::Paid {
        order.payment.status = PaymentStatus::RefundPending;
        let lease = ctx.now.plus_seconds(limits::JOB_LEASE_S);
        changes.jobs.push(Job::new(JobKind::Refund, order.id, lease));
    }
    changes.orders.push(order.clone());
    Ok((Reply::Order(Box::new(order)), changes))
}
