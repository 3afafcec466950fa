//! A shopper changes how many, or takes something out.

use stoa_kernel::{Ctx, LineId, TokenHash, limits};

use super::CartBody;
use crate::command::Reply;
use crate::refusal::{Refusal, ShortLine};
use crate::world::{Changes, World};

/// Sets the quantity of a line; 0 removes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeLine {
    /// The cart.
    pub cart: TokenHash,
    /// The line.
    pub line: LineId,
    /// Pieces, 0 to [`limits::LINE_QUANTITY`].
    pub quantity: i64,
}

pub(crate) fn decide(
    world: &World,
    ctx: &Ctx,
    command: &ChangeLine,
) -> Result<(Reply, Changes), Refusal> {
    let cart = world.cart(&command.cart)?;
    cart.must_be_open()?;
    if !(0..=limits::LINE_QUANTITY).contains(&command.quantity) {
        return Err(Refusal::field("/quantity", "0 to 10,000; 0 removes the line"));
    }
    let mut body = CartBody::clone(&cart.body);
    let Some(line) = body.lines.iter_mut().find(|line| line.id == command.line) else {
        return Err(Refusal::NotFound("line"));
    };
    if command.quantity > line.quantity {
        let available = world.available(line.variant_id);
        if command.quantity > available {
            return Err(Refusal::OutOfStock(vec![ShortLine {
                variant_id: line.variant_id,
                sku: line.sku.clone(),
                title: line.title.clone(),
                wanted: command.quantity,
                available: available.max(0),
            }]));
        }
    }
    line.quantity = command.quantity;
    body.lines.retain(|line| line.quantity > 0);
    let cart = cart.with_body(body, ctx.now);
    cart.priced(&world.shop)?;
    Ok((Reply::Cart(cart.clone()), Changes { carts: vec![cart], ..Changes::default() }))
}
