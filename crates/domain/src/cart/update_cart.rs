//! A shopper says who they are, where the goods go and how.

use stoa_kernel::{Ctx, TokenHash};

use super::CartBody;
use crate::address::{self, Address};
use crate::catalog::FieldError;
use crate::command::Reply;
use crate::refusal::Refusal;
use crate::world::{Changes, World};

/// Changes the named parts of a cart and leaves the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateCart {
    /// The cart.
    pub cart: TokenHash,
    /// What changes.
    pub patch: CartPatch,
}

/// `None` leaves a part as it is, `Some(None)` empties it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct CartPatch {
    /// Where the confirmation goes.
    pub email: Option<Option<String>>,
    /// Where the goods go.
    pub shipping_address: Option<Option<Address>>,
    /// Where the bill goes.
    pub billing_address: Option<Option<Address>>,
    /// Code of a shipping method that goes to the shipping address.
    pub shipping_method: Option<Option<String>>,
    /// A discount code.
    pub discount_code: Option<Option<String>>,
}

pub(crate) fn decide(
    world: &World,
    ctx: &Ctx,
    command: &UpdateCart,
) -> Result<(Reply, Changes), Refusal> {
    let cart = world.cart(&command.cart)?;
    cart.must_be_open()?;
    let patch = &command.patch;
    let mut body = CartBody::clone(&cart.body);
    let mut errors = Vec::new();
    if let Some(email) = &patch.email {
        if email.as_deref().is_some_and(|email| !address::is_email(email)) {
            errors.push(FieldError::new("/email", "not an e-mail address"));
        }
        body.email.clone_from(email);
    }
    for (given, kept, pointer) in [
        (&patch.shipping_address, &mut body.shipping_address, "/shipping_address"),
        (&patch.billing_address, &mut body.billing_address, "/billing_address"),
    ] {
        if let Some(given) = given {
            if let Some(given) = given {
                address::check(given, pointer, &mut errors);
            }
            kept.clone_from(given);
        }
    }
    if let Some(method) = &patch.shipping_method {
        body.shipping_method.clone_from(method);
    }
    let country = body.shipping_address.as_ref().map(|address| address.country.clone());
    if let Some(code) = &body.shipping_method {
        let known = match &country {
            Some(country) => world.shop.shipping_method(code, country).is_some(),
            None => world.shop.shipping_methods.iter().any(|method| method.code == *code),
        };
        if !known && patch.shipping_method.is_some() {
            errors.push(FieldError::new(
                "/shipping_method",
                "no such shipping method, or it does not go to this country",
            ));
        } else if !known {
            body.shipping_method = None; // The new address is out of the old method's reach.
        }
    }
    if let Some(code) = &patch.discount_code {
        body.discount_code = match code.as_deref().map(str::trim).filter(|code| !code.is_empty()) {
            None => None,
            Some(code) => match world.shop.discount(code) {
                Some(discount) => Some(discount.code.clone()),
                None => {
                    errors.push(FieldError::new("/discount_code", "this code is not valid"));
                    None
                }
            },
        };
    }
    if !errors.is_empty() {
        return Err(Refusal::Invalid(errors));
    }
    let cart = cart.with_body(body, ctx.now);
    cart.priced(&world.shop)?;
    Ok((Reply::Cart(cart.clone()), Changes { carts: vec![cart], ..Changes::default() }))
}
