//! Carts: what a shopper means to buy. A cart is one row; its lines belong to nobody else.
//!
//! Table: `carts`. Whoever holds the cart's token may change it. A cart is open until an order is
//! made of it, and open again when that order's payment fails.

pub mod abandoned;
pub mod add_line;
pub mod change_line;
pub mod create_cart;
pub mod refresh_cart;
pub mod update_cart;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stoa_kernel::{Currency, LineId, Money, OrderId, ProductId, Timestamp, TokenHash, VariantId};

use crate::address::Address;
use crate::pricing::{self, Priced};
use crate::refusal::Refusal;
use crate::shop::ShopConfig;

pub use abandoned::AbandonedCart;
pub use add_line::AddLine;
pub use change_line::ChangeLine;
pub use create_cart::CreateCart;
pub use refresh_cart::RefreshCart;
pub use update_cart::{CartPatch, UpdateCart};

/// Where a cart is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CartState {
    /// Can be changed.
    Open,
    /// An order was made of it and waits for its payment.
    Paying(OrderId),
    /// It has become an order.
    Completed(OrderId),
}

/// A cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart {
    /// Hash of the token that grants access: its primary key.
    pub key: TokenHash,
    /// Where it is on its way.
    pub state: CartState,
    /// Counts its changes, from 1.
    pub version: i64,
    /// The currency of its prices.
    pub currency: Currency,
    /// Everything the shopper has entered. Versions that differ in nothing of it share one.
    pub body: Arc<CartBody>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a shopper has entered; stored as one JSON document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartBody {
    /// Where the confirmation goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Where the goods go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping_address: Option<Address>,
    /// Where the bill goes; the shipping address when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_address: Option<Address>,
    /// Code of the shipping method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping_method: Option<String>,
    /// A discount code, as the shop writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount_code: Option<String>,
    /// The goods.
    pub lines: Vec<CartLine>,
}

/// A line of a cart, with what the shopper saw when it was added or last refreshed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLine {
    /// Its id.
    pub id: LineId,
    /// What is bought.
    pub variant_id: VariantId,
    /// The product it belongs to.
    pub product_id: ProductId,
    /// Pieces, at least 1.
    pub quantity: i64,
    /// The price the shopper saw.
    pub unit_price: Money,
    /// SKU when it was added.
    pub sku: String,
    /// Product title when it was added.
    pub title: String,
    /// Option values, e.g. `Large / Red`; empty for a product without choice.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant_title: String,
    /// Product handle when it was added.
    pub handle: String,
}

impl Cart {
    /// Refuses unless the cart can be changed.
    pub(crate) const fn must_be_open(&self) -> Result<(), Refusal> {
        match self.state {
            CartState::Open => Ok(()),
            CartState::Paying(_) => Err(Refusal::CartBeingPaid),
            CartState::Completed(_) => Err(Refusal::CartCompleted),
        }
    }

    /// Pieces in all lines.
    pub fn n_items(&self) -> i64 {
        self.body.lines.iter().map(|line| line.quantity).sum()
    }

    /// What the cart comes to, as far as address and shipping method are known.
    ///
    /// # Errors
    /// A sum leaves the range of 64 bits.
    pub fn priced(&self, shop: &ShopConfig) -> Result<Priced, Refusal> {
        let body = &self.body;
        let goods: Vec<(Money, i64)> =
            body.lines.iter().map(|line| (line.unit_price, line.quantity)).collect();
        let address = body.shipping_address.as_ref();
        let shipping = address
            .zip(body.shipping_method.as_deref())
            .and_then(|(address, code)| shop.shipping_method(code, &address.country));
        let tax =
            address.and_then(|address| shop.tax_rate(&address.country, address.region.as_deref()));
        let discount = body.discount_code.as_deref().and_then(|code| shop.discount(code));
        Ok(pricing::price(
            &goods,
            Money::zero(self.currency),
            discount,
            shipping,
            tax,
            shop.prices_include_tax,
        )?)
    }

    /// The next version of the cart with another body.
    pub(crate) fn with_body(&self, body: CartBody, now: Timestamp) -> Self {
        let body = Arc::new(body);
        Self { version: self.version + 1, body, updated_at: now, ..self.clone() }
    }

    /// The next version of the cart in another state.
    pub(crate) fn with_state(&self, state: CartState, now: Timestamp) -> Self {
        Self { state, version: self.version + 1, updated_at: now, ..self.clone() }
    }
}
