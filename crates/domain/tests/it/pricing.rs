//! Whatever is priced: parts sum to the whole, every share is exact, nothing is negative.

use proptest::prelude::*;
use stoa_domain::audit::check_sums;
use stoa_domain::pricing::price;
use stoa_domain::shop::{Discount, DiscountKind, ShippingMethod, TaxRate};
use stoa_kernel::{Currency, Money, Rate, limits};

/// Currencies with no, two and three digits.
fn currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(vec!["JPY", "USD", "EUR", "KWD"]).prop_map(|code| code.parse().unwrap())
}

/// Amounts of all sizes, the small ones that round badly as often as the large ones.
fn amount(most: i64) -> impl Strategy<Value = i64> {
    prop_oneof![0..=most.min(20), 0..=most.min(10_000), 0..=most]
}

fn rate() -> impl Strategy<Value = i64> {
    prop_oneof![
        prop::sample::select(vec![0_i64, 1, 70_000, 82_500, 190_000, 333_333, 1_000_000]),
        0..=1_000_000_i64,
    ]
}

#[derive(Debug, Clone)]
struct Case {
    currency: Currency,
    goods: Vec<(i64, i64)>,
    discount: Option<(DiscountSpec, Option<i64>)>,
    shipping: Option<(i64, Option<i64>)>,
    tax_ppm: Option<i64>,
    tax_included: bool,
}

#[derive(Debug, Clone)]
enum DiscountSpec {
    Percent(i64),
    Amount(i64),
}

fn case() -> impl Strategy<Value = Case> {
    let goods =
        prop::collection::vec((amount(limits::PRICE_MINOR), 1..=limits::LINE_QUANTITY), 0..12);
    let kind = prop_oneof![
        rate().prop_map(DiscountSpec::Percent),
        amount(limits::PRICE_MINOR).prop_map(DiscountSpec::Amount),
    ];
    let discount = prop::option::of((kind, prop::option::of(amount(100_000))));
    let shipping = prop::option::of((amount(100_000), prop::option::of(amount(1_000_000))));
    (currency(), goods, discount, shipping, prop::option::of(rate()), any::<bool>()).prop_map(
        |(currency, goods, discount, shipping, tax_ppm, tax_included)| Case {
            currency,
            goods,
            discount,
            shipping,
            tax_ppm,
            tax_included,
        },
    )
}

/// `|part × denominator − numerator| ≤ tolerance × denominator`, in whole numbers.
fn within(part: i64, numerator: i128, denominator: i128, halves: i128) -> bool {
    (i128::from(part) * denominator - numerator).abs() * 2 <= halves * denominator
}

/// Every part is less than one minor unit from its exact share of `whole`.
fn shares_are_exact(whole: i64, weights: &[i64], parts: &[i64]) -> bool {
    let total: i128 = weights.iter().copied().map(i128::from).sum();
    parts.iter().sum::<i64>() == whole
        && (total == 0
            || weights.iter().zip(parts).all(|(weight, part)| {
                let exact = i128::from(whole) * i128::from(*weight);
                (i128::from(*part) * total - exact).abs() < total
            }))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn totals_sum_and_shares_are_exact(case in case()) {
        let money = |minor| Money::new(minor, case.currency);
        let goods: Vec<(Money, i64)> =
            case.goods.iter().map(|(unit, pieces)| (money(*unit), *pieces)).collect();
        let discount = case.discount.as_ref().map(|(kind, min)| Discount {
            code: "CODE".to_owned(),
            kind: match kind {
                DiscountSpec::Percent(ppm) => DiscountKind::Percent(Rate::from_ppm(*ppm)),
                DiscountSpec::Amount(minor) => DiscountKind::Amount(money(*minor)),
            },
            min_subtotal: min.map(money),
        });
        let shipping = case.shipping.map(|(price, free_from)| ShippingMethod {
            code: "post".to_owned(),
            name: "Post".to_owned(),
            price: money(price),
            free_from: free_from.map(money),
            countries: Vec::new(),
            days: None,
        });
        let tax = case.tax_ppm.map(|ppm| TaxRate {
            country: "DE".to_owned(),
            region: None,
            name: "VAT".to_owned(),
            rate: Rate::from_ppm(ppm),
        });

        let priced = price(
            &goods,
            money(0),
            discount.as_ref(),
            shipping.as_ref(),
            tax.as_ref(),
            case.tax_included,
        )
        .expect("within the limits of a cart no sum leaves 64 bits");

        let totals = &priced.totals;
        prop_assert_eq!(
            check_sums(totals, &priced.lines, priced.shipping_tax, &priced.tax_lines),
            Ok(())
        );
        prop_assert_eq!(priced.lines.len(), goods.len());
        for (line, (unit, pieces)) in priced.lines.iter().zip(&case.goods) {
            prop_assert_eq!(line.subtotal.minor, unit * pieces);
            prop_assert!(line.discount.minor <= line.subtotal.minor);
        }

        // The discount: its own terms, on the goods alone, cut to them.
        let subtotal = totals.subtotal.minor;
        let applies = |min: Option<i64>| min.is_none_or(|min| subtotal >= min);
        match &case.discount {
            Some((DiscountSpec::Percent(ppm), min)) if applies(*min) => prop_assert!(within(
                totals.discount.minor,
                i128::from(subtotal) * i128::from(*ppm),
                1_000_000,
                1
            )),
            Some((DiscountSpec::Amount(minor), min)) if applies(*min) => {
                prop_assert_eq!(totals.discount.minor, *minor.min(&subtotal));
            }
            _ => prop_assert_eq!(totals.discount.minor, 0),
        }
        let weights: Vec<i64> = priced.lines.iter().map(|line| line.subtotal.minor).collect();
        let parts: Vec<i64> = priced.lines.iter().map(|line| line.discount.minor).collect();
        prop_assert!(shares_are_exact(totals.discount.minor, &weights, &parts));

        // Shipping: its price, or nothing from the value where it is free.
        let goods_after = subtotal - totals.discount.minor;
        let expected_shipping = case.shipping.map_or(0, |(price, free_from)| {
            if free_from.is_some_and(|from| goods_after >= from) { 0 } else { price }
        });
        prop_assert_eq!(totals.shipping.minor, expected_shipping);

        // Tax: rounded once on everything, then shared out by value.
        let taxable = i128::from(goods_after + totals.shipping.minor);
        let ppm = i128::from(case.tax_ppm.unwrap_or(0));
        let denominator = if case.tax_included { 1_000_000 + ppm } else { 1_000_000 };
        prop_assert!(within(totals.tax.minor, taxable * ppm, denominator, 1));
        let mut weights: Vec<i64> = priced
            .lines
            .iter()
            .map(|line| line.subtotal.minor - line.discount.minor)
            .collect();
        let mut parts: Vec<i64> = priced.lines.iter().map(|line| line.tax.minor).collect();
        weights.push(totals.shipping.minor);
        parts.push(priced.shipping_tax.minor);
        prop_assert!(shares_are_exact(totals.tax.minor, &weights, &parts));
    }

    #[test]
    fn an_amount_out_of_range_is_refused_and_never_wraps(
        unit in i64::MAX / 8..=i64::MAX,
        pieces in 9_i64..=limits::LINE_QUANTITY,
    ) {
        let goods = [(Money::new(unit, Currency::USD), pieces)];
        prop_assert!(price(&goods, Money::zero(Currency::USD), None, None, None, false).is_err());
    }
}
