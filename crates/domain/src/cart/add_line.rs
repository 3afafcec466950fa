//! A shopper puts something in the cart.

use stoa_kernel::{Ctx, TokenHash, limits};

use super::{CartBody, CartLine};
use crate::command::{Reply, VariantRef};
use crate::refusal::{Refusal, ShortLine};
use crate::world::{Changes, World};

/// Adds pieces of a variant; a line of the same variant grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddLine {
    /// The cart.
    pub cart: TokenHash,
    /// What is added.
    pub variant: VariantRef,
    /// Pieces, 1 to [`limits::LINE_QUANTITY`].
    pub quantity: i64,
}

pub(crate) fn decide(
    world: &World,
    ctx: &mut Ctx,
    command: &AddLine,
) -> Result<(Reply, Changes), Refusal> {
    let cart = world.cart(&command.cart)?;
    cart.must_be_open()?;
    if !(1..=limits::LINE_QUANTITY).contains(&command.quantity) {
        return Err(Refusal::field("/quantity", "1 to 10,000"));
    }
    let offer = world
        .offer(&command.variant)
        .filter(|offer| offer.on_sale)
        .ok_or(Refusal::NotFound("variant"))?;
    let Some(price) = offer.price else {
        return Err(Refusal::field("/variant_id", "it has no price in the currency of the cart"));
    };
    let mut body = CartBody::clone(&cart.body);
    let existing = body.lines.iter_mut().find(|line| line.variant_id == offer.variant_id);
    let wanted = existing.as_ref().map_or(0, |line| line.quantity) + command.quantity;
    if wanted > limits::LINE_QUANTITY {
        return Err(Refusal::field("/quantity", "at most 10,000 of one variant in a cart"));
    }
    let available = world.available(offer.variant_id);
    if wanted > available {
        return Err(Refusal::OutOfStock(vec![ShortLine {
            variant_id: offer.variant_id,
            sku: offer.sku.clone(),
            title: offer.title.clone(),
            wanted,
            available: available.max(0),
        }]));
    }
    if let Some(line) = existing {
        line.quantity = wanted;
        line.unit_price = price;
    } else {
        if body.lines.len() >= limits::CART_LINES {
            return Err(Refusal::field("/variant_id", "a cart has at most 200 lines"));
        }
        body.lines.push(CartLine {
            id: ctx.line_id(),
            variant_id: offer.variant_id,
            product_id: offer.product_id,
            quantity: wanted,
            unit_price: price,
            sku: offer.sku.clone(),
            title: offer.title.clone(),
            variant_title: offer.variant_title.clone(),
            handle: offer.handle.clone(),
        });
    }
    let cart = cart.with_body(body, ctx.now);
    cart.priced(&world.shop)?;
    Ok((Reply::Cart(cart.clone()), Changes { carts: vec![cart], ..Changes::default() }))
}
