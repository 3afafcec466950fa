//! A shopper begins.

use std::sync::Arc;

use stoa_kernel::{Ctx, TokenHash};

use super::{Cart, CartState};
use crate::command::Reply;
use crate::refusal::Refusal;
use crate::world::{Changes, World};

/// Makes an empty cart; one that is there already stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateCart {
    /// Hash of the new token.
    pub key: TokenHash,
}

pub(crate) fn decide(
    world: &World,
    ctx: &Ctx,
    command: &CreateCart,
) -> Result<(Reply, Changes), Refusal> {
    // A key that is used again after its answer was forgotten leads to the cart of the first time.
    if let Some(cart) = world.carts.get(&command.key) {
        return Ok((Reply::Cart(cart.clone()), Changes::default()));
    }
    let cart = Cart {
        key: command.key,
        state: CartState::Open,
        version: 1,
        currency: world.shop.currency,
        body: Arc::default(),
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    Ok((Reply::Cart(cart.clone()), Changes { carts: vec![cart], ..Changes::default() }))
}
