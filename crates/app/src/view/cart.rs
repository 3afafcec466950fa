//! A cart as its shopper reads it.

use serde::{Deserialize, Serialize};
use stoa_domain::Refusal;
use stoa_domain::cart::{Cart, CartState};
use stoa_domain::shop::ShopConfig;
use utoipa::ToSchema;

use super::{AddressView, MoneyView, TaxLineView, TotalsView};

/// A cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CartView {
    /// The cart's token: whoever has it may change the cart.
    #[schema(example = "0v3k2m9q8e7r6t5y4w3z2x1c0b")]
    pub id: String,
    /// `open`, `paying` or `completed`.
    #[schema(example = "open")]
    pub status: String,
    /// The order it has become.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// ISO 4217 code.
    pub currency: String,
    /// Where the confirmation goes.
    pub email: Option<String>,
    /// Where the goods go.
    pub shipping_address: Option<AddressView>,
    /// Where the bill goes; the shipping address when there is none.
    pub billing_address: Option<AddressView>,
    /// Code of the shipping method.
    pub shipping_method: Option<String>,
    /// The discount code.
    pub discount_code: Option<String>,
    /// The goods.
    pub lines: Vec<CartLineView>,
    /// What it comes to, as far as address and shipping method are known.
    pub totals: TotalsView,
    /// Tax by rate.
    pub tax_lines: Vec<TaxLineView>,
    /// When it was made.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
}

/// A line of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CartLineView {
    /// Its id, for changing and removing it.
    pub id: String,
    /// The variant.
    pub variant_id: String,
    /// Its product.
    pub product_id: String,
    /// Its SKU.
    pub sku: String,
    /// Its product's title.
    pub title: String,
    /// Its option values; empty for a product without choice.
    pub variant_title: String,
    /// Its product's handle.
    pub handle: String,
    /// Pieces.
    pub quantity: i64,
    /// Price of one.
    pub unit_price: MoneyView,
    /// Price × quantity, before discount.
    pub subtotal: MoneyView,
    /// This line's part of the discount.
    pub discount: MoneyView,
    /// What the line adds to the total.
    pub total: MoneyView,
}

impl CartView {
    /// The cart, without its token: see [`CartView::with_id`].
    ///
    /// # Errors
    /// A sum leaves the range of 64 bits.
    pub fn new(cart: &Cart, shop: &ShopConfig) -> Result<Self, Refusal> {
        let priced = cart.priced(shop)?;
        let (status, order_id) = match cart.state {
            CartState::Open => ("open", None),
            CartState::Paying(id) => ("paying", Some(id.to_string())),
            CartState::Completed(id) => ("completed", Some(id.to_string())),
        };
        let body = &cart.body;
        Ok(Self {
            id: String::new(),
            status: status.to_owned(),
            order_id,
            currency: cart.currency.code().to_owned(),
            email: body.email.clone(),
            shipping_address: body.shipping_address.as_ref().map(AddressView::from),
            billing_address: body.billing_address.as_ref().map(AddressView::from),
            shipping_method: body.shipping_method.clone(),
            discount_code: body.discount_code.clone(),
            lines: body
                .lines
                .iter()
                .zip(&priced.lines)
                .map(|(line, totals)| CartLineView {
                    id: line.id.to_string(),
                    variant_id: line.variant_id.to_string(),
                    product_id: line.product_id.to_string(),
                    sku: line.sku.clone(),
                    title: line.title.clone(),
                    variant_title: line.variant_title.clone(),
                    handle: line.handle.clone(),
                    quantity: line.quantity,
                    unit_price: line.unit_price.into(),
                    subtotal: totals.subtotal.into(),
                    discount: totals.discount.into(),
                    total: totals.total.into(),
                })
                .collect(),
            totals: TotalsView::from(&priced.totals),
            tax_lines: priced.tax_lines.iter().map(TaxLineView::from).collect(),
            created_at: cart.created_at.to_string(),
            updated_at: cart.updated_at.to_string(),
        })
    }

    /// The same with the token, which only its holder and this answer know.
    #[must_use]
    pub fn with_id(self, id: String) -> Self {
        Self { id, ..self }
    }
}
