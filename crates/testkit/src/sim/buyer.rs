//! Simulated shoppers: each goes through a purchase as a browser would, with retries, second
//! thoughts and mistakes.

use std::sync::Arc;

use stoa_domain::address::Address;
use stoa_domain::cart::{
    AddLine, Cart, CartPatch, ChangeLine, CreateCart, RefreshCart, UpdateCart,
};
use stoa_domain::checkout::PlaceOrder;
use stoa_domain::command::VariantRef;
use stoa_domain::order::{Order, OrderStatus, PaymentStatus};
use stoa_domain::world::Offer;
use stoa_domain::{Command, Refusal, Reply};
use stoa_kernel::{LineId, PaymentId, TokenHash, VariantId};

use super::rng::Rng;
use super::store::Answer;

/// What a request was answered with, as the client sees it.
#[derive(Debug, Clone)]
pub(super) enum Heard {
    Answer(Answer),
    /// What became of an order whose cart was completed.
    Outcome(Box<Order>),
}

/// A request that the shopper waits for.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) number: u64,
    pub(super) key: String,
    pub(super) command: Command,
    pub(super) tries: u32,
}

/// What a shopper does after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    GoOn,
    /// Confirms (or refuses) the payment and, perhaps, comes back to the shop.
    Confirm {
        payment_id: PaymentId,
        agrees: bool,
        returns: bool,
    },
    Leave,
}

#[derive(Debug)]
pub(super) struct Buyer {
    cart: Option<Cart>,
    lines_to_add: i64,
    fixes: Vec<Command>,
    must_order: bool,
    cards: Vec<&'static str>,
    actions_left: u32,
    pub(super) open: Option<Open>,
}

const CARDS: [&str; 10] = [
    "tok_ok",
    "tok_ok",
    "tok_ok",
    "tok_ok",
    "tok_declined",
    "tok_insufficient_funds",
    "tok_requires_action",
    "tok_requires_action",
    "tok_requires_action",
    "tok_unheard_of",
];

impl Buyer {
    pub(super) fn new(rng: &mut Rng) -> Self {
        Self {
            cart: None,
            lines_to_add: rng.between(1, 3),
            fixes: Vec::new(),
            must_order: false,
            cards: (0..3).filter_map(|_| rng.pick(&CARDS).copied()).collect(),
            actions_left: 25,
            open: None,
        }
    }

    /// The next request; none when the shopper has had enough.
    pub(super) fn next_command(&mut self, rng: &mut Rng, goods: &[Arc<Offer>]) -> Option<Command> {
        self.actions_left = self.actions_left.checked_sub(1)?;
        let Some(cart) = &self.cart else {
            // The shop makes the token.
            return Some(Command::CreateCart(CreateCart { key: TokenHash([0; 32]) }));
        };
        if let Some(fix) = self.fixes.pop() {
            return Some(fix);
        }
        if self.lines_to_add > 0 && !self.must_order {
            self.lines_to_add -= 1;
            let offer = rng.pick(goods)?;
            let variant = if rng.chance(500) {
                VariantRef::Id(offer.variant_id)
            } else {
                VariantRef::Sku(offer.sku.clone())
            };
            let quantity = if rng.chance(30) { -1 } else { rng.between(1, 3) };
            return Some(Command::AddLine(AddLine { cart: cart.key, variant, quantity }));
        }
        if !self.must_order
            && rng.chance(150)
            && let Some(line) = rng.pick(&cart.body.lines)
        {
            return Some(change(cart, line.id, rng.between(0, 4)));
        }
        if cart.body.email.is_none() || (!self.must_order && rng.chance(80)) {
            return Some(Command::UpdateCart(UpdateCart { cart: cart.key, patch: details(rng) }));
        }
        let payment_token = (*self.cards.last()?).to_owned();
        Some(Command::PlaceOrder(PlaceOrder {
            cart: cart.key,
            order_token: TokenHash([1; 32]),
            provider: "test".to_owned(),
            payment_token,
        }))
    }

    /// Takes in the answer to the open request.
    pub(super) fn hear(&mut self, rng: &mut Rng, heard: Heard) -> Mood {
        let asked = self.open.take().map(|open| open.command);
        match heard {
            Heard::Outcome(order) => self.outcome(rng, &order),
            Heard::Answer(Answer::KeyReused) => Mood::GoOn,
            Heard::Answer(Answer::Decided(decided)) => match *decided {
                Ok(Reply::Cart(cart)) => {
                    self.cart = Some(cart);
                    Mood::GoOn
                }
                Ok(Reply::Order(order)) => self.outcome(rng, &order),
                Ok(Reply::Stock(_)) => Mood::Leave,
                Err(refusal) => self.refused(asked.as_ref(), refusal),
            },
        }
    }

    fn outcome(&mut self, rng: &mut Rng, order: &Order) -> Mood {
        match (order.status, order.payment.status) {
            (OrderStatus::Failed, _) => {
                self.cards.pop();
                if self.cards.is_empty() { Mood::Leave } else { Mood::GoOn }
            }
            (OrderStatus::Pending, PaymentStatus::RequiresAction) if rng.chance(700) => {
                self.must_order = true;
                Mood::Confirm {
                    payment_id: order.payment.id,
                    agrees: rng.chance(850),
                    returns: rng.chance(700),
                }
            }
            // Rather another card than to confirm.
            (OrderStatus::Pending, PaymentStatus::RequiresAction)
                if self.cards.len() > 1 && rng.chance(600) =>
            {
                self.cards.pop();
                self.must_order = true;
                Mood::GoOn
            }
            // Bought; or a payment to confirm that the shopper turns away from.
            (OrderStatus::Placed | OrderStatus::Cancelled, _)
            | (OrderStatus::Pending, PaymentStatus::RequiresAction) => Mood::Leave,
            (OrderStatus::Pending, _) => {
                self.must_order = true;
                Mood::GoOn
            }
        }
    }

    fn refused(&mut self, asked: Option<&Command>, refusal: Refusal) -> Mood {
        let Some(cart) = &self.cart else {
            return Mood::Leave;
        };
        match refusal {
            Refusal::OutOfStock(short) if matches!(asked, Some(Command::PlaceOrder(_))) => {
                let line_of = |variant: VariantId| {
                    cart.body.lines.iter().find(|line| line.variant_id == variant)
                };
                self.fixes = short
                    .iter()
                    .filter_map(|short| Some((line_of(short.variant_id)?.id, short.available)))
                    .map(|(line, available)| change(cart, line, available))
                    .collect();
            }
            Refusal::PriceChanged(_) => {
                self.fixes = vec![Command::RefreshCart(RefreshCart { cart: cart.key })];
            }
            Refusal::CartEmpty => {
                self.must_order = false;
                self.lines_to_add = 1;
            }
            // Something the shopper gave up waiting for, or did twice, was done after all.
            Refusal::CartBeingPaid | Refusal::CartCompleted => {
                self.fixes.clear();
                self.must_order = true;
                if cart.body.email.is_none() {
                    return Mood::Leave;
                }
            }
            _ => {}
        }
        Mood::GoOn
    }
}

const fn change(cart: &Cart, line: LineId, quantity: i64) -> Command {
    Command::ChangeLine(ChangeLine { cart: cart.key, line, quantity })
}

fn details(rng: &mut Rng) -> CartPatch {
    let country = rng.pick(&["DE", "US", "FR"]).copied().unwrap_or("DE");
    let method = rng.pick(&["standard", "express"]).copied().unwrap_or("standard");
    let code = rng.pick(&["TEN", "FIVE", "ALL", "", "WRONG"]).copied().unwrap_or("");
    CartPatch {
        email: Some(Some("buyer@example.com".to_owned())),
        shipping_address: Some(Some(Address {
            name: "A Buyer".to_owned(),
            line1: "1 Way".to_owned(),
            city: "Town".to_owned(),
            postal_code: "12345".to_owned(),
            country: country.to_owned(),
            ..Address::default()
        })),
        billing_address: None,
        shipping_method: Some(Some(method.to_owned())),
        discount_code: Some(Some(code.to_owned())),
    }
}
