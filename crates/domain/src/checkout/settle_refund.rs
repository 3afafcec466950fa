//! Records that the provider gave the money back.

use stoa_kernel::{Ctx, OrderId};

use crate::command::Reply;
use crate::event::EventBody;
use crate::ledger::{self, EntryKind};
use crate::order::PaymentStatus;
use crate::refusal::Refusal;
use crate::world::{Changes, JobKind, World};

/// The provider confirmed the refund of an order's payment. Idempotent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettleRefund {
    /// The order.
    pub order: OrderId,
}

pub(crate) fn decide(
    world: &World,
    ctx: &mut Ctx,
    command: &SettleRefund,
) -> Result<(Reply, Changes), Refusal> {
    let mut order = world.order(command.order)?.clone();
    let mut changes = Changes::default();
    if order.payment.status != PaymentStatus::RefundPending {
        return Ok((Reply::Order(Box::new(order)), changes));
    }
    order.payment.status = PaymentStatus::Refunded;
    order.updated_at = ctx.now;
    changes.entries.extend(ledger::entry(ctx, EntryKind::Refund, &order));
    let refunded = EventBody::PaymentRefunded {
        order_id: order.id,
        payment_id: order.payment.id,
        amount: order.payment.amount,
    };
    changes.events.push(order.record(refunded));
    changes.finished_jobs.push((JobKind::Refund, order.id));
    changes.orders.push(order.clone());
    Ok((Reply::Order(Box::new(order)), changes))
}
