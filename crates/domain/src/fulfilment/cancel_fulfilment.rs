//! The merchant takes a fulfilment back: the pieces are reserved again.

use stoa_kernel::{Ctx, FulfilmentId, OrderId};

use super::FulfilmentStatus;
use super::fulfil::move_item;
use crate::command::Reply;
use crate::event::EventBody;
use crate::inventory::MovementKind;
use crate::refusal::Refusal;
use crate::world::{Changes, World};

/// Takes a fulfilment back that was made by mistake. Cancelling a cancelled one changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelFulfilment {
    /// The order.
    pub order: OrderId,
    /// What its version must be now, where the caller says.
    pub expected_version: Option<i64>,
    /// Its fulfilment.
    pub fulfilment: FulfilmentId,
}

pub(crate) fn decide(
    world: &World,
    ctx: &mut Ctx,
    command: &CancelFulfilment,
) -> Result<(Reply, Changes), Refusal> {
    let mut order = world.order(command.order)?.clone();
    if command.expected_version.is_some_and(|expected| expected != order.version) {
        return Err(Refusal::Stale);
    }
    let place = order.fulfilment_place(command.fulfilment)?;
    let mut changes = Changes::default();
    let Some(fulfilment) = order.fulfilments.get_mut(place) else {
        return Err(Refusal::NotFound("fulfilment"));
    };
    if fulfilment.status == FulfilmentStatus::Cancelled {
        return Ok((Reply::Order(Box::new(order)), changes));
    }
    fulfilment.status = FulfilmentStatus::Cancelled;
    fulfilment.updated_at = ctx.now;
    let fulfilment = fulfilment.clone();
    for item in &fulfilment.items {
        move_item(world, ctx, &order, item, MovementKind::Unfulfil, &mut changes);
    }
    order.updated_at = ctx.now;
    let event = EventBody::FulfilmentCancelled {
        order_id: order.id,
        fulfilment_id: command.fulfilment,
        items: order.told(&fulfilment),
        fulfilment_status: order.fulfilment_status().as_str().to_owned(),
    };
    changes.events.push(order.record(event));
    changes.orders.push(order.clone());
    Ok((Reply::Order(Box::new(order)), changes))
}
