//! What the merchant has set: currency, shipping methods, tax rates, discount codes.

use serde::{Deserialize, Serialize};
use stoa_kernel::{Currency, Money, Rate};

/// The settings that decisions depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopConfig {
    /// The shop's name on pages and in documents.
    pub name: String,
    /// The currency of carts and orders.
    pub currency: Currency,
    /// Whether catalogue prices and shipping prices already contain tax.
    pub prices_include_tax: bool,
    /// Ways to ship, in the order they are offered.
    pub shipping_methods: Vec<ShippingMethod>,
    /// Tax by country; a country without a rate is not taxed.
    pub tax_rates: Vec<TaxRate>,
    /// Codes that lower the price.
    pub discounts: Vec<Discount>,
}

/// A way to ship at a flat price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippingMethod {
    /// Its name in API and orders, e.g. `standard`.
    pub code: String,
    /// What people read.
    pub name: String,
    /// What it costs.
    pub price: Money,
    /// Free from this value of goods after discount.
    pub free_from: Option<Money>,
    /// Where it goes (ISO 3166-1 alpha-2); empty means everywhere.
    pub countries: Vec<String>,
    /// How long it takes, in working days.
    pub days: Option<(u16, u16)>,
}

impl ShippingMethod {
    /// Whether it goes to a country.
    pub fn serves(&self, country: &str) -> bool {
        self.countries.is_empty() || self.countries.iter().any(|code| code == country)
    }

    /// What it costs for goods of this value.
    pub fn price_for(&self, goods: Money) -> Money {
        match self.free_from {
            Some(from) if goods.minor >= from.minor => Money::zero(self.price.currency),
            _ => self.price,
        }
    }
}

/// The tax of a country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxRate {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// State or province; `None` holds for the whole country.
    pub region: Option<String>,
    /// What the tax is called, e.g. `VAT`.
    pub name: String,
    /// How much.
    pub rate: Rate,
}

/// A code that lowers the price of the goods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discount {
    /// What shoppers type; compared without regard to ASCII case.
    pub code: String,
    /// What it does.
    pub kind: DiscountKind,
    /// Smallest value of goods.
    pub min_subtotal: Option<Money>,
}

/// What a discount code takes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiscountKind {
    /// A share of the goods.
    Percent(#[serde(with = "rate_ppm")] Rate),
    /// An amount, at most the value of the goods.
    Amount(Money),
}

mod rate_ppm {
    use serde::{Deserialize, Deserializer, Serializer};
    use stoa_kernel::Rate;

    pub(super) fn serialize<S: Serializer>(rate: &Rate, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(rate.ppm())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Rate, D::Error> {
        Ok(Rate::from_ppm(i64::deserialize(deserializer)?))
    }
}

impl ShopConfig {
    /// The method with this code that goes to this country.
    pub fn shipping_method(&self, code: &str, country: &str) -> Option<&ShippingMethod> {
        self.shipping_methods.iter().find(|method| method.code == code && method.serves(country))
    }

    /// The methods that go to this country.
    pub fn shipping_methods_to<'a>(
        &'a self,
        country: &'a str,
    ) -> impl Iterator<Item = &'a ShippingMethod> {
        self.shipping_methods.iter().filter(move |method| method.serves(country))
    }

    /// The tax at an address: the region's own rate before the country's.
    pub fn tax_rate(&self, country: &str, region: Option<&str>) -> Option<&TaxRate> {
        let of_country = || self.tax_rates.iter().filter(|rate| rate.country == country);
        of_country()
            .find(|rate| rate.region.is_some() && rate.region.as_deref() == region)
            .or_else(|| of_country().find(|rate| rate.region.is_none()))
    }

    /// The discount with this code.
    pub fn discount(&self, code: &str) -> Option<&Discount> {
        self.discounts.iter().find(|discount| discount.code.eq_ignore_ascii_case(code))
    }
}
