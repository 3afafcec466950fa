//! The merchant sends pieces of an order.

use std::collections::BTreeSet;

use stoa_kernel::{Ctx, LineId, OrderId};

use super::{Fulfilment, FulfilmentItem, FulfilmentStatus, Tracking};
use crate::catalog::FieldError;
use crate::command::Reply;
use crate::event::EventBody;
use crate::inventory::{MovementKind, move_at};
use crate::order::{Order, OrderStatus};
use crate::refusal::Refusal;
use crate::world::{Changes, World};

/// Sends pieces of a placed order: they leave the stock they were reserved from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fulfil {
    /// The order.
    pub order: OrderId,
    /// What its version must be now, where the caller says.
    pub expected_version: Option<i64>,
    /// Lines and pieces; everything that still waits where there are none.
    pub items: Vec<(LineId, i64)>,
    /// How the parcel is followed.
    pub tracking: Tracking,
    /// Whether the customer is to be told.
    pub notify_customer: bool,
}

pub(crate) fn decide(
    world: &World,
    ctx: &mut Ctx,
    command: &Fulfil,
) -> Result<(Reply, Changes), Refusal> {
    let mut order = world.order(command.order)?.clone();
    if command.expected_version.is_some_and(|expected| expected != order.version) {
        return Err(Refusal::Stale);
    }
    if order.status != OrderStatus::Placed {
        let status = order.status.as_str();
        return Err(Refusal::WrongState { what: "an order", status, verb: "fulfilled" });
    }
    let mut errors = Vec::new();
    let tracking = command.tracking.clone().trimmed();
    tracking.check("/tracking", &mut errors);
    let items = chosen(world, &order, &command.items, &mut errors);
    if !errors.is_empty() {
        return Err(Refusal::Invalid(errors));
    }
    if items.is_empty() {
        let status = order.fulfilment_status().as_str();
        return Err(Refusal::WrongState { what: "an order", status, verb: "fulfilled again" });
    }
    let mut changes = Changes::default();
    for item in &items {
        move_item(world, ctx, &order, item, MovementKind::Fulfil, &mut changes);
    }
    let fulfilment = Fulfilment {
        id: ctx.fulfilment_id(),
        number: i64::try_from(order.fulfilments.len()).unwrap_or(i64::MAX).saturating_add(1),
        status: FulfilmentStatus::Shipped,
        tracking,
        items,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    let (fulfilment_id, carrier) = (fulfilment.id, fulfilment.tracking.carrier.clone());
    let items = order.told(&fulfilment);
    order.fulfilments.push(fulfilment);
    order.updated_at = ctx.now;
    let event = EventBody::FulfilmentCreated {
        order_id: order.id,
        fulfilment_id,
        items,
        carrier,
        fulfilment_status: order.fulfilment_status().as_str().to_owned(),
        notify_customer: command.notify_customer,
    };
    changes.events.push(order.record(event));
    changes.orders.push(order.clone());
    Ok((Reply::Order(Box::new(order)), changes))
}

/// The pieces that are meant, by line and location, as far as they can be sent.
fn chosen(
    world: &World,
    order: &Order,
    wanted: &[(LineId, i64)],
    errors: &mut Vec<FieldError>,
) -> Vec<FulfilmentItem> {
    let everything: Vec<(LineId, i64)>;
    let wanted = if wanted.is_empty() {
        let open =
            order.lines.iter().map(|line| (line.id, line.quantity - order.fulfilled(line.id)));
        everything = open.filter(|(_, quantity)| *quantity > 0).collect();
        &everything
    } else {
        wanted
    };
    let mut items = Vec::new();
    let mut seen = BTreeSet::new();
    for (place, (line_id, quantity)) in wanted.iter().enumerate() {
        let mut fault = |field: &str, detail: String| {
            errors.push(FieldError::new(format!("/items/{place}/{field}"), detail));
        };
        let Some(line) = order.lines.iter().find(|line| line.id == *line_id) else {
            fault("line_id", "this order has no such line".to_owned());
            continue;
        };
        if !seen.insert(*line_id) {
            fault("line_id", "name each line once".to_owned());
            continue;
        }
        let open = order.open(line);
        let n_open: i64 = open.iter().map(|allocation| allocation.quantity).sum();
        if !(1..=n_open).contains(quantity) {
            fault("quantity", format!("{n_open} of {} wait to be sent", line.sku));
            continue;
        }
        let mut left = *quantity;
        for allocation in open {
            let quantity = allocation.quantity.min(left);
            if quantity == 0 {
                break;
            }
            left -= quantity;
            // A level that is gone went with its variant: there is nothing to take from.
            let levels = world.levels_of(line.variant_id);
            let level = levels.iter().find(|level| level.location_id == allocation.location_id);
            if let Some(level) = level.filter(|level| level.on_hand < quantity) {
                let detail = format!(
                    "{} of {} are on hand where they are reserved, {quantity} are to be sent; \
                     count the stock first",
                    level.on_hand, line.sku
                );
                fault("quantity", detail);
            }
            let location_id = allocation.location_id;
            items.push(FulfilmentItem { line_id: *line_id, location_id, quantity });
        }
    }
    items
}

/// Takes the pieces of an item from stock, or gives them back.
pub(super) fn move_item(
    world: &World,
    ctx: &mut Ctx,
    order: &Order,
    item: &FulfilmentItem,
    kind: MovementKind,
    changes: &mut Changes,
) {
    let Some(line) = order.lines.iter().find(|line| line.id == item.line_id) else { return };
    let sign = if kind == MovementKind::Fulfil { -1 } else { 1 };
    let delta = sign * item.quantity;
    let place = (line.variant_id, item.location_id);
    move_at(world, ctx, line.product_id, place, (kind, delta, delta), order.id, changes);
}
