//! An order as its shopper and the merchant's tools read it.

use serde::{Deserialize, Serialize};
use stoa_domain::fulfilment::{Fulfilment, OrderFulfilment};
use stoa_domain::order::Order;
use utoipa::ToSchema;

use super::{AddressView, MoneyView, TaxLineView, TotalsView};

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderView {
    /// Its id.
    pub id: String,
    /// The number people use; `null` until it is paid.
    pub number: Option<i64>,
    /// `pending`, `placed`, `failed` or `cancelled`.
    #[schema(example = "placed")]
    pub status: String,
    /// `pending`, `requires_action`, `paid`, `declined`, `refund_pending` or `refunded`.
    #[schema(example = "paid")]
    pub payment_status: String,
    /// What lets the shopper read the order; only in answers to whoever holds the cart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Counts its changes; what `If-Match` compares.
    pub version: i64,
    /// Who ordered.
    pub email: String,
    /// ISO 4217 code.
    pub currency: String,
    /// The goods.
    pub lines: Vec<OrderLineView>,
    /// The sums.
    pub totals: TotalsView,
    /// Tax by rate.
    pub tax_lines: Vec<TaxLineView>,
    /// Where the goods go.
    pub shipping_address: AddressView,
    /// Where the bill goes.
    pub billing_address: AddressView,
    /// Code of the shipping method.
    pub shipping_method: String,
    /// The discount code.
    pub discount_code: Option<String>,
    /// Its payment.
    pub payment: PaymentView,
    /// `unfulfilled`, `partially_fulfilled` or `fulfilled`.
    #[serde(default = "unfulfilled")]
    #[schema(example = "fulfilled")]
    pub fulfilment_status: String,
    /// What was sent of it, in the order in which it was.
    #[serde(default)]
    pub fulfilments: Vec<FulfilmentView>,
    /// When it was paid.
    pub placed_at: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderLineView {
    /// Its id.
    pub id: String,
    /// The variant.
    pub variant_id: String,
    /// Its product.
    pub product_id: String,
    /// SKU when it was bought.
    pub sku: String,
    /// Title when it was bought.
    pub title: String,
    /// Option values when it was bought.
    pub variant_title: String,
    /// Pieces.
    pub quantity: i64,
    /// Pieces of them that were sent.
    #[serde(default)]
    pub fulfilled: i64,
    /// Price of one.
    pub unit_price: MoneyView,
    /// Price × quantity, before discount.
    pub subtotal: MoneyView,
    /// This line's part of the discount.
    pub discount: MoneyView,
    /// This line's part of the tax.
    pub tax: MoneyView,
    /// What the line adds to the total.
    pub total: MoneyView,
}

/// A payment of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaymentView {
    /// Its id.
    pub id: String,
    /// Name of the provider.
    #[schema(example = "test")]
    pub provider: String,
    /// How much.
    pub amount: MoneyView,
    /// The provider's name for it, once the money is taken.
    pub reference: Option<String>,
}

/// What answers say that were kept before anything could be sent.
fn unfulfilled() -> String {
    OrderFulfilment::Unfulfilled.as_str().to_owned()
}

/// Pieces of an order that left together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FulfilmentView {
    /// Its id.
    pub id: String,
    /// Its place among those of the order, from 1.
    pub number: i64,
    /// `shipped` or `cancelled`.
    #[schema(example = "shipped")]
    pub status: String,
    /// How it is followed.
    pub tracking: TrackingView,
    /// What is in it.
    pub items: Vec<FulfilmentItemView>,
    /// When it left.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
}

/// How a parcel is followed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrackingView {
    /// The carrier's name, at most 100 bytes.
    #[schema(example = "DHL")]
    pub carrier: Option<String>,
    /// The carrier's number for the parcel, at most 100 bytes.
    #[schema(example = "00340434161094015902")]
    pub number: Option<String>,
    /// Where it is followed; for well-known carriers made from the number where none is given.
    pub url: Option<String>,
}

/// Pieces of a line in a fulfilment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FulfilmentItemView {
    /// The line of the order.
    pub line_id: String,
    /// Pieces, at least 1.
    pub quantity: i64,
}

impl FulfilmentView {
    fn new(order: &Order, fulfilment: &Fulfilment) -> Self {
        let tracking = &fulfilment.tracking;
        Self {
            id: fulfilment.id.to_string(),
            number: fulfilment.number,
            status: fulfilment.status.as_str().to_owned(),
            tracking: TrackingView {
                carrier: tracking.carrier.clone(),
                number: tracking.number.clone(),
                url: tracking.link(),
            },
            items: order
                .pieces(fulfilment)
                .map(|(line, quantity)| FulfilmentItemView {
                    line_id: line.id.to_string(),
                    quantity,
                })
                .collect(),
            created_at: fulfilment.created_at.to_string(),
            updated_at: fulfilment.updated_at.to_string(),
        }
    }
}

impl From<&Order> for OrderView {
    fn from(order: &Order) -> Self {
        Self {
            id: order.id.to_string(),
            number: order.number,
            status: order.status.as_str().to_owned(),
            payment_status: order.payment.status.as_str().to_owned(),
            token: None,
            version: order.version,
            email: order.email.clone(),
            currency: order.currency.code().to_owned(),
            lines: order
                .lines
                .iter()
                .map(|line| OrderLineView {
                    id: line.id.to_string(),
                    variant_id: line.variant_id.to_string(),
                    product_id: line.product_id.to_string(),
                    sku: line.sku.clone(),
                    title: line.title.clone(),
                    variant_title: line.variant_title.clone(),
                    quantity: line.quantity,
                    fulfilled: order.fulfilled(line.id),
                    unit_price: line.unit_price.into(),
                    subtotal: line.totals.subtotal.into(),
                    discount: line.totals.discount.into(),
                    tax: line.totals.tax.into(),
                    total: line.totals.total.into(),
                })
                .collect(),
            totals: TotalsView::from(&order.totals),
            tax_lines: order.details.tax_lines.iter().map(TaxLineView::from).collect(),
            shipping_address: AddressView::from(&order.details.shipping_address),
            billing_address: AddressView::from(&order.details.billing_address),
            shipping_method: order.details.shipping_method.clone(),
            discount_code: order.details.discount_code.clone(),
            payment: PaymentView {
                id: order.payment.id.to_string(),
                provider: order.payment.provider.clone(),
                amount: order.payment.amount.into(),
                reference: order.payment.reference.clone(),
            },
            fulfilment_status: order.fulfilment_status().as_str().to_owned(),
            fulfilments: order
                .fulfilments
                .iter()
                .map(|fulfilment| FulfilmentView::new(order, fulfilment))
                .collect(),
            placed_at: order.placed_at.map(|at| at.to_string()),
            created_at: order.created_at.to_string(),
            updated_at: order.updated_at.to_string(),
        }
    }
}

impl OrderView {
    /// The same with the token that lets its shopper read it.
    #[must_use]
    pub fn with_token(self, token: String) -> Self {
        Self { token: Some(token), ..self }
    }
}
