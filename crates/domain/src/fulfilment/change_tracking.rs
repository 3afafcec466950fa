//! The merchant says how a parcel is followed.

use stoa_kernel::{Ctx, FulfilmentId, OrderId};

use super::{FulfilmentStatus, Tracking};
use crate::command::Reply;
use crate::event::EventBody;
use crate::refusal::Refusal;
use crate::world::{Changes, World};

/// Sets how a fulfilment is followed. What is so already changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeTracking {
    /// The order.
    pub order: OrderId,
    /// What its version must be now, where the caller says.
    pub expected_version: Option<i64>,
    /// Its fulfilment.
    pub fulfilment: FulfilmentId,
    /// How it is followed from now on.
    pub tracking: Tracking,
}

pub(crate) fn decide(
    world: &World,
    ctx: &mut Ctx,
    command: &ChangeTracking,
) -> Result<(Reply, Changes), Refusal> {
    let mut order = world.order(command.order)?.clone();
    if command.expected_version.is_some_and(|expected| expected != order.version) {
        return Err(Refusal::Stale);
    }
    let place = order.fulfilment_place(command.fulfilment)?;
    let tracking = command.tracking.clone().trimmed();
    let mut errors = Vec::new();
    tracking.check("/tracking", &mut errors);
    if !errors.is_empty() {
        return Err(Refusal::Invalid(errors));
    }
    let mut changes = Changes::default();
    let Some(fulfilment) = order.fulfilments.get_mut(place) else {
        return Err(Refusal::NotFound("fulfilment"));
    };
    if fulfilment.status == FulfilmentStatus::Cancelled {
        let status = fulfilment.status.as_str();
        return Err(Refusal::WrongState { what: "a fulfilment", status, verb: "changed" });
    }
    if fulfilment.tracking == tracking {
        return Ok((Reply::Order(Box::new(order)), changes));
    }
    let carrier = tracking.carrier.clone();
    fulfilment.tracking = tracking;
    fulfilment.updated_at = ctx.now;
    order.updated_at = ctx.now;
    let event = EventBody::FulfilmentUpdated {
        order_id: order.id,
        fulfilment_id: command.fulfilment,
        carrier,
    };
    changes.events.push(order.record(event));
    changes.orders.push(order.clone());
    Ok((Reply::Order(Box::new(order)), changes))
}
