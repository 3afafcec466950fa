//! What clients read: the JSON forms of carts, orders and errors.
//!
//! They live here and not in `web` because answers are kept with idempotency keys, so that their
//! form is data of the shop. Domain types never leave as they are.

mod cart;
mod order;
mod problem;

use serde::{Deserialize, Serialize};
use stoa_domain::address::Address;
use stoa_domain::pricing::{TaxLine, Totals};
use stoa_kernel::Money;
use utoipa::ToSchema;

pub use cart::{CartLineView, CartView};
pub use order::{
    FulfilmentItemView, FulfilmentView, OrderLineView, OrderView, PaymentView, TrackingView,
};
pub use problem::{Problem, ProblemField, ProblemLine};

/// An amount of money in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MoneyView {
    /// Minor units: 1299 is 12.99 of a two-digit currency.
    #[schema(example = 1299)]
    pub amount: i64,
    /// ISO 4217 code.
    #[schema(example = "USD")]
    pub currency: String,
}

impl From<Money> for MoneyView {
    fn from(money: Money) -> Self {
        Self { amount: money.minor, currency: money.currency.code().to_owned() }
    }
}

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressView {
    /// Who receives.
    pub name: String,
    /// Street and number.
    pub line1: String,
    /// Flat, floor, company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// Town.
    pub city: String,
    /// State, province, county.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postal code.
    #[serde(default)]
    pub postal_code: String,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "DE")]
    pub country: String,
}

impl From<&Address> for AddressView {
    fn from(address: &Address) -> Self {
        Self {
            name: address.name.clone(),
            line1: address.line1.clone(),
            line2: address.line2.clone(),
            city: address.city.clone(),
            region: address.region.clone(),
            postal_code: address.postal_code.clone(),
            country: address.country.clone(),
        }
    }
}

impl From<AddressView> for Address {
    /// Trims; empty optional parts vanish.
    fn from(view: AddressView) -> Self {
        let trimmed = |text: String| text.trim().to_owned();
        let optional = |text: Option<String>| text.map(trimmed).filter(|text| !text.is_empty());
        Self {
            name: trimmed(view.name),
            line1: trimmed(view.line1),
            line2: optional(view.line2),
            city: trimmed(view.city),
            region: optional(view.region),
            postal_code: trimmed(view.postal_code),
            country: trimmed(view.country).to_ascii_uppercase(),
        }
    }
}

/// The sums of a cart or order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TotalsView {
    /// Goods at their prices.
    pub subtotal: MoneyView,
    /// What is taken off the goods; not negative.
    pub discount: MoneyView,
    /// Shipping.
    pub shipping: MoneyView,
    /// Tax on goods and shipping.
    pub tax: MoneyView,
    /// Whether `tax` is already inside the prices.
    pub tax_included: bool,
    /// What is paid: subtotal − discount + shipping, plus tax unless it is included.
    pub total: MoneyView,
}

impl From<&Totals> for TotalsView {
    fn from(totals: &Totals) -> Self {
        Self {
            subtotal: totals.subtotal.into(),
            discount: totals.discount.into(),
            shipping: totals.shipping.into(),
            tax: totals.tax.into(),
            tax_included: totals.tax_included,
            total: totals.total.into(),
        }
    }
}

/// Tax of one rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaxLineView {
    /// What the tax is called.
    #[schema(example = "VAT")]
    pub name: String,
    /// The rate in parts per million: 190000 is 19 %.
    #[schema(example = 190_000)]
    pub rate_ppm: i64,
    /// The amount the rate was applied to.
    pub taxable: MoneyView,
    /// The tax.
    pub amount: MoneyView,
}

impl From<&TaxLine> for TaxLineView {
    fn from(line: &TaxLine) -> Self {
        Self {
            name: line.name.clone(),
            rate_ppm: line.rate_ppm,
            taxable: line.taxable.into(),
            amount: line.amount.into(),
        }
    }
}
