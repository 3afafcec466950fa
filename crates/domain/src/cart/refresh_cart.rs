//! After a price changed, the cart shows the new one, so that the shopper can agree to it.

use stoa_kernel::{Ctx, TokenHash};

use super::CartBody;
use crate::command::Reply;
use crate::refusal::Refusal;
use crate::world::{Changes, World};

/// Sets the prices of all lines to those of today. Lines that cannot be bought any more stay as
/// they are: the shopper removes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshCart {
    /// The cart.
    pub cart: TokenHash,
}

pub(crate) fn decide(
    world: &World,
    ctx: &Ctx,
    command: &RefreshCart,
) -> Result<(Reply, Changes), Refusal> {
    let cart = world.cart(&command.cart)?;
    cart.must_be_open()?;
    let mut body = CartBody::clone(&cart.body);
    for line in &mut body.lines {
        if let Some(price) = world.offers.get(&line.variant_id).and_then(|offer| offer.price) {
            line.unit_price = price;
        }
    }
    let cart = cart.with_body(body, ctx.now);
    Ok((Reply::Cart(cart.clone()), Changes { carts: vec![cart], ..Changes::default() }))
}
