//! Turns a cart into a pending order with its stock reserved.

use stoa_kernel::{Ctx, TokenHash, limits};

use crate::cart::{Cart, CartState};
use crate::catalog::FieldError;
use crate::command::Reply;
use crate::event::EventBody;
use crate::inventory::{MovementKind, StockLevel, moved};
use crate::order::{
    Allocation, Order, OrderDetails, OrderLine, OrderStatus, Payment, PaymentStatus,
};
use crate::refusal::{Refusal, RepricedLine, ShortLine};
use crate::world::{Changes, Job, JobKind, World};

/// Orders what is in a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceOrder {
    /// The cart.
    pub cart: TokenHash,
    /// Hash of the token that will let the shopper see the order.
    pub order_token: TokenHash,
    /// Name of the payment provider.
    pub provider: String,
    /// The provider's token for the means of payment.
    pub payment_token: String,
}

/// Answers with the pending order. A cart that is already an order answers with that order and
/// changes nothing, so that a repeat can never pay twice.
pub(crate) fn decide(
    world: &World,
    ctx: &mut Ctx,
    command: &PlaceOrder,
) -> Result<(Reply, Changes), Refusal> {
    let cart = world.cart(&command.cart)?;
    if let CartState::Paying(id) | CartState::Completed(id) = cart.state {
        return Ok((Reply::Order(Box::new(world.order(id)?.clone())), Changes::default()));
    }
    let details = details(world, cart)?;
    check_lines(world, cart)?;
    let priced = cart.priced(&world.shop)?;

    let mut changes = Changes::default();
    let id = ctx.order_id();
    let mut lines = Vec::with_capacity(cart.body.lines.len());
    for (line, totals) in cart.body.lines.iter().zip(&priced.lines) {
        let mut allocations = Vec::with_capacity(1);
        let mut left = line.quantity;
        let mut levels = world.levels_of(line.variant_id).to_vec();
        for index in 0..levels.len() {
            let elsewhere: i64 = levels
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != index)
                .map(|(_, level)| StockLevel::available(level))
                .sum();
            let Some(level) = levels.get_mut(index) else {
                break;
            };
            let quantity = left.min(level.available());
            if quantity <= 0 {
                continue;
            }
            *level = moved(
                &mut changes,
                ctx,
                line.product_id,
                elsewhere,
                level,
                (MovementKind::Reserve, 0, quantity),
                Some(id),
            );
            allocations.push(Allocation { location_id: level.location_id, quantity });
            left -= quantity;
        }
        debug_assert_eq!(left, 0, "check_lines lets only what is available through");
        lines.push(OrderLine {
            id: line.id,
            variant_id: line.variant_id,
            product_id: line.product_id,
            vendor_id: world.offers.get(&line.variant_id).and_then(|offer| offer.vendor_id),
            sku: line.sku.clone(),
            title: line.title.clone(),
            variant_title: line.variant_title.clone(),
            quantity: line.quantity,
            unit_price: line.unit_price,
            totals: *totals,
            allocations,
        });
    }
    let mut order = Order {
        id,
        number: None,
        token_hash: command.order_token,
        cart_key: cart.key,
        status: OrderStatus::Pending,
        version: 0,
        currency: cart.currency,
        email: cart.body.email.clone().unwrap_or_default(),
        totals: priced.totals,
        shipping_tax: priced.shipping_tax,
        details: OrderDetails { tax_lines: priced.tax_lines, ..details },
        lines,
        fulfilments: Vec::new(),
        payment: Payment {
            id: ctx.payment_id(),
            provider: command.provider.clone(),
            status: PaymentStatus::Pending,
            amount: priced.totals.total,
            token: Some(command.payment_token.clone()),
            reference: None,
            detail: None,
        },
        placed_at: None,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    let event = EventBody::OrderPending { order_id: id, total: order.totals.total };
    let event = order.record(event);
    changes.events.push(event);
    changes.jobs.push(Job::new(JobKind::Charge, id, ctx.now.plus_seconds(limits::JOB_LEASE_S)));
    changes.carts.push(cart.with_state(CartState::Paying(id), ctx.now));
    changes.orders.push(order.clone());
    Ok((Reply::Order(Box::new(order)), changes))
}

/// What the order keeps of the cart, or everything that is missing.
fn details(world: &World, cart: &Cart) -> Result<OrderDetails, Refusal> {
    let body = &cart.body;
    if body.lines.is_empty() {
        return Err(Refusal::CartEmpty);
    }
    let mut missing = Vec::new();
    if body.email.is_none() {
        missing.push(FieldError::new("/email", "is missing"));
    }
    if body.shipping_address.is_none() {
        missing.push(FieldError::new("/shipping_address", "is missing"));
    }
    if body.shipping_method.is_none() {
        missing.push(FieldError::new("/shipping_method", "is missing"));
    }
    let (Some(_), Some(address), Some(code)) =
        (&body.email, &body.shipping_address, &body.shipping_method)
    else {
        return Err(Refusal::Invalid(missing));
    };
    let method = world.shop.shipping_method(code, &address.country).ok_or_else(|| {
        Refusal::field("/shipping_method", "is not offered for this country any more")
    })?;
    Ok(OrderDetails {
        shipping_address: address.clone(),
        billing_address: body.billing_address.clone().unwrap_or_else(|| address.clone()),
        shipping_method: method.code.clone(),
        shipping_method_name: method.name.clone(),
        discount_code: body.discount_code.clone(),
        tax_lines: Vec::new(),
    })
}

/// Refuses lines that cannot be had in the wanted quantity, then lines whose price has changed.
fn check_lines(world: &World, cart: &Cart) -> Result<(), Refusal> {
    let mut short = Vec::new();
    let mut repriced = Vec::new();
    for line in &cart.body.lines {
        let offer = world.offers.get(&line.variant_id).filter(|offer| offer.on_sale);
        let available = offer.map_or(0, |offer| world.available(offer.variant_id).max(0));
        if line.quantity > available {
            short.push(ShortLine {
                variant_id: line.variant_id,
                sku: line.sku.clone(),
                title: line.title.clone(),
                wanted: line.quantity,
                available,
            });
            continue;
        }
        match offer.and_then(|offer| offer.price) {
            Some(now) if now == line.unit_price => {}
            Some(now) => repriced.push(RepricedLine {
                variant_id: line.variant_id,
                sku: line.sku.clone(),
                title: line.title.clone(),
                seen: line.unit_price,
                now,
            }),
            None => short.push(ShortLine {
                variant_id: line.variant_id,
                sku: line.sku.clone(),
                title: line.title.clone(),
                wanted: line.quantity,
                available: 0,
            }),
        }
    }
    if !short.is_empty() {
        return Err(Refusal::OutOfStock(short));
    }
    if !repriced.is_empty() {
        return Err(Refusal::PriceChanged(repriced));
    }
    Ok(())
}
