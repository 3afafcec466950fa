//! Abandoned carts: those whose shopper could be reached and has gone.
//!
//! Table: `abandoned_carts`. A cart is abandoned once at most, however often its shopper comes back and
//! goes: whoever is told may write to the shopper, and writes once.

use stoa_kernel::{AbandonedCartId, Ctx, Money, OrderId, Timestamp, TokenHash, limits};

use super::{Cart, CartState};
use crate::event::{CartItem, Event, EventBody};
use crate::refusal::Refusal;
use crate::shop::ShopConfig;

/// A cart that was abandoned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbandonedCart {
    /// Its id, which opens nothing.
    pub id: AbandonedCartId,
    /// The key of the cart.
    pub key: TokenHash,
    /// What it came to then.
    pub total: Money,
    /// When it was found to be abandoned.
    pub abandoned_at: Timestamp,
    /// The order that came of it nevertheless.
    pub recovered: Option<OrderId>,
}

impl Cart {
    /// Whether its shopper can be reached and has gone for [`limits::CART_ABANDONED_S`].
    pub fn is_abandoned(&self, now: Timestamp) -> bool {
        self.state == CartState::Open
            && self.body.email.is_some()
            && !self.body.lines.is_empty()
            && self.updated_at <= now.plus_seconds(-limits::CART_ABANDONED_S)
    }

    /// Finds it abandoned, and says so.
    ///
    /// # Errors
    /// A sum leaves the range of 64 bits.
    pub fn abandon(
        &self,
        ctx: &mut Ctx,
        shop: &ShopConfig,
    ) -> Result<(AbandonedCart, Event), Refusal> {
        let total = self.priced(shop)?.totals.total;
        let id = ctx.abandoned_cart_id();
        let abandoned =
            AbandonedCart { id, key: self.key, total, abandoned_at: ctx.now, recovered: None };
        let items = self.body.lines.iter().map(|line| CartItem {
            variant_id: line.variant_id,
            sku: line.sku.clone(),
            quantity: line.quantity,
            unit_price: line.unit_price,
        });
        let body = EventBody::CartAbandoned { cart_id: id, total, items: items.collect() };
        let event = Event { subject: abandoned.subject(), sequence: 1, body };
        Ok((abandoned, event))
    }
}

impl AbandonedCart {
    fn subject(&self) -> String {
        format!("cart/{}", self.id)
    }

    /// An order came of it nevertheless.
    pub fn recover(&mut self, order_id: OrderId) -> Event {
        self.recovered = Some(order_id);
        let body = EventBody::CartRecovered { cart_id: self.id, order_id };
        Event { subject: self.subject(), sequence: 2, body }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use stoa_kernel::{Currency, IdSource};

    use super::*;
    use crate::cart::{CartBody, CartLine};

    fn cart() -> Cart {
        let mut ctx = Ctx { now: Timestamp::from_micros(0), ids: IdSource::seeded(1) };
        let line = CartLine {
            id: ctx.line_id(),
            variant_id: ctx.variant_id(),
            product_id: ctx.product_id(),
            quantity: 2,
            unit_price: Money::new(2_400, Currency::EUR),
            sku: "MUG".to_owned(),
            title: "Mug".to_owned(),
            variant_title: String::new(),
            handle: "mug".to_owned(),
        };
        let email = Some("ada@example.com".to_owned());
        Cart {
            key: TokenHash([7; 32]),
            state: CartState::Open,
            version: 3,
            currency: Currency::EUR,
            body: Arc::new(CartBody { email, lines: vec![line], ..CartBody::default() }),
            created_at: ctx.now,
            updated_at: ctx.now,
        }
    }

    fn shop() -> ShopConfig {
        ShopConfig {
            name: "Test".to_owned(),
            currency: Currency::EUR,
            prices_include_tax: true,
            shipping_methods: Vec::new(),
            tax_rates: Vec::new(),
            discounts: Vec::new(),
        }
    }

    #[test]
    fn only_an_open_cart_with_goods_and_an_address_that_nobody_touches_is_abandoned() {
        let hour = Timestamp::from_micros(limits::CART_ABANDONED_S * 1_000_000);
        assert!(cart().is_abandoned(hour));
        assert!(!cart().is_abandoned(Timestamp::from_micros(hour.as_micros() - 1)));
        let mut ctx = Ctx { now: hour, ids: IdSource::seeded(2) };
        let order = ctx.order_id();
        let changes: [fn(&mut Cart, OrderId); 4] = [
            |cart, _| Arc::make_mut(&mut cart.body).email = None,
            |cart, _| Arc::make_mut(&mut cart.body).lines.clear(),
            |cart, order| cart.state = CartState::Paying(order),
            |cart, order| cart.state = CartState::Completed(order),
        ];
        for change in changes {
            let mut cart = cart();
            change(&mut cart, order);
            assert!(!cart.is_abandoned(hour), "{cart:?}");
        }
    }

    #[test]
    fn its_facts_are_numbered_and_say_nothing_of_the_shopper() {
        let mut ctx = Ctx { now: Timestamp::from_micros(9), ids: IdSource::seeded(2) };
        let (mut abandoned, first) = cart().abandon(&mut ctx, &shop()).unwrap();
        assert_eq!(abandoned.total, Money::new(4_800, Currency::EUR));
        let order = ctx.order_id();
        let second = abandoned.recover(order);
        assert_eq!(abandoned.recovered, Some(order));
        assert_eq!((first.sequence, second.sequence), (1, 2));
        assert_eq!(first.subject, second.subject);
        let data = serde_json::to_string(&first.body).unwrap();
        assert!(!data.contains("ada") && data.contains("MUG"), "{data}");
    }
}
