//! What a cart comes to: goods, discount, shipping, tax, total.
//!
//! Invariants, held by property tests: the parts of every line sum to its total; the lines, the
//! shipping line and what is allocated to them sum to the totals to the last minor unit; nothing
//! is negative.

use serde::{Deserialize, Serialize};
use stoa_kernel::{Money, MoneyError, Rate};

use crate::shop::{Discount, DiscountKind, ShippingMethod, TaxRate};

/// The sums of a cart or order. `total = subtotal − discount + shipping (+ tax unless included)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Goods at their prices.
    pub subtotal: Money,
    /// What is taken off the goods; not negative.
    pub discount: Money,
    /// Shipping.
    pub shipping: Money,
    /// Tax on goods and shipping.
    pub tax: Money,
    /// Whether `tax` is already inside the prices.
    pub tax_included: bool,
    /// What is paid.
    pub total: Money,
}

/// What one line of goods comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineTotals {
    /// Price × quantity.
    pub subtotal: Money,
    /// This line's part of the discount.
    pub discount: Money,
    /// This line's part of the tax.
    pub tax: Money,
    /// What this line adds to the order's total.
    pub total: Money,
}

/// Tax of one rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxLine {
    /// What the tax is called.
    pub name: String,
    /// Parts per million.
    pub rate_ppm: i64,
    /// The amount the rate was applied to.
    pub taxable: Money,
    /// The tax.
    pub amount: Money,
}

/// All sums of a cart or order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    /// The sums.
    pub totals: Totals,
    /// One entry for each line, in order.
    pub lines: Vec<LineTotals>,
    /// The part of the tax that is on shipping.
    pub shipping_tax: Money,
    /// At most one today; a list because orders may meet several rates.
    pub tax_lines: Vec<TaxLine>,
}

/// Prices goods (`(unit price, quantity)`, all in `zero`'s currency).
///
/// Discount: a share of the subtotal rounded half away from zero, or an amount cut to the
/// subtotal; allocated to the lines by value. Tax: computed once on the sum of goods after
/// discount and shipping, rounded half away from zero, then allocated to lines and shipping by
/// value (largest remainder), so that no line rounding can make the parts differ from the whole.
///
/// # Errors
/// A sum leaves the range of 64 bits.
pub fn price(
    goods: &[(Money, i64)],
    zero: Money,
    discount: Option<&Discount>,
    shipping: Option<&ShippingMethod>,
    tax: Option<&TaxRate>,
    prices_include_tax: bool,
) -> Result<Priced, MoneyError> {
    let mut subtotals = Vec::with_capacity(goods.len());
    let mut subtotal = zero;
    for (unit, quantity) in goods {
        let line = unit.times(*quantity)?;
        subtotal = subtotal.plus(line)?;
        subtotals.push(line);
    }
    let discount_total = match discount {
        Some(discount) if discount.min_subtotal.is_none_or(|min| subtotal.minor >= min.minor) => {
            match discount.kind {
                DiscountKind::Percent(rate) => subtotal.share(rate),
                DiscountKind::Amount(amount) => {
                    Money { minor: amount.minor.clamp(0, subtotal.minor), ..subtotal }
                }
            }
        }
        _ => zero,
    };
    let weights: Vec<i64> = subtotals.iter().map(|money| money.minor).collect();
    let discounts = discount_total.allocate(&weights);
    let goods_after = subtotal.minus(discount_total)?;
    let shipping_total = shipping.map_or(zero, |method| method.price_for(goods_after));

    let taxable = goods_after.plus(shipping_total)?;
    let rate = tax.map_or(Rate::ZERO, |tax| tax.rate);
    let tax_total =
        if prices_include_tax { taxable.included_share(rate) } else { taxable.share(rate) };
    let mut nets = Vec::with_capacity(subtotals.len() + 1);
    for (line, off) in subtotals.iter().zip(&discounts) {
        nets.push(line.minus(*off)?);
    }
    let mut tax_weights: Vec<i64> = nets.iter().map(|money| money.minor).collect();
    tax_weights.push(shipping_total.minor);
    let mut taxes = tax_total.allocate(&tax_weights);
    let shipping_tax = taxes.pop().unwrap_or(zero);

    let mut lines = Vec::with_capacity(subtotals.len());
    for (((line, off), net), tax) in subtotals.iter().zip(&discounts).zip(&nets).zip(&taxes) {
        let total = if prices_include_tax { *net } else { net.plus(*tax)? };
        lines.push(LineTotals { subtotal: *line, discount: *off, tax: *tax, total });
    }
    let total = if prices_include_tax { taxable } else { taxable.plus(tax_total)? };
    let tax_lines = tax
        .map(|tax| TaxLine {
            name: tax.name.clone(),
            rate_ppm: tax.rate.ppm(),
            taxable,
            amount: tax_total,
        })
        .into_iter()
        .collect();
    Ok(Priced {
        totals: Totals {
            subtotal,
            discount: discount_total,
            shipping: shipping_total,
            tax: tax_total,
            tax_included: prices_include_tax,
            total,
        },
        lines,
        shipping_tax,
        tax_lines,
    })
}
