//! Price ranges with round ends that suit the prices at hand.

use stoa_kernel::{Currency, Money};
use stoa_ports::search::FacetValue;

/// Ranges aimed at.
const RANGES: usize = 6;
/// Fewer than this, and less round ends are tried.
const ENOUGH: usize = 5;

/// Cuts prices into at most seven ranges (`-4999`, `5000-9999`, `10000-`; both ends inclusive) of
/// about as many products each, none empty. All of them together hold every price once.
pub(super) fn ranges(mut prices: Vec<i64>, currency: Currency) -> Vec<FacetValue> {
    let (Some(min), Some(max)) = (prices.iter().min().copied(), prices.iter().max().copied())
    else {
        return Vec::new();
    };
    let quantiles = quantiles(&mut prices);
    let mut starts = Vec::new();
    for digits in 1..=i64::BITS {
        starts = quantiles
            .iter()
            .map(|price| round(*price, digits))
            .filter(|start| (min + 1..=max).contains(start))
            .collect();
        starts.sort_unstable();
        starts.dedup();
        // At some precision the ends are the prices themselves, and nothing is left to try.
        let exact = 10_i64.checked_pow(digits).is_none_or(|limit| max < limit);
        if starts.len() + 1 >= ENOUGH || exact {
            break;
        }
    }
    let mut counts = vec![0_u64; starts.len() + 1];
    for price in &prices {
        let range = starts.partition_point(|start| start <= price);
        if let Some(count) = counts.get_mut(range) {
            *count += 1;
        }
    }
    // A range without products grows into the next.
    let mut lower = None;
    let mut out: Vec<FacetValue> = Vec::new();
    let uppers = starts.iter().map(|start| Some(*start)).chain([None]);
    for (upper, count) in uppers.zip(counts) {
        if count == 0 && upper.is_some() {
            continue;
        }
        if count == 0 {
            break;
        }
        out.push(range(lower, upper, count, currency));
        lower = upper;
    }
    if out.len() == 1 {
        // One range says nothing with open ends.
        out = vec![range(Some(min), max.checked_add(1), prices.len() as u64, currency)];
    }
    out
}

fn quantiles(prices: &mut [i64]) -> Vec<i64> {
    let mut quantiles = Vec::new();
    let mut rest = prices;
    for still in (2..=RANGES).rev() {
        let index = rest.len() / still;
        if index >= rest.len() {
            break;
        }
        let (_, quantile, after) = rest.select_nth_unstable(index);
        quantiles.push(*quantile);
        rest = after;
    }
    quantiles
}

/// The nearest number with at most `digits` digits before the zeros. With one digit also the
/// halves 1.5, 2.5 and 7.5, which people find round.
fn round(price: i64, digits: u32) -> i64 {
    let mut scale = 1;
    while price / scale >= 10_i64.saturating_pow(digits) {
        scale *= 10;
    }
    if digits == 1 && scale >= 10 {
        const ROUND: [i64; 12] = [10, 15, 20, 25, 30, 40, 50, 60, 75, 80, 100, 150];
        let tenth = scale / 10;
        let nearest =
            ROUND.iter().map(|round| round * tenth).min_by_key(|round| round.abs_diff(price));
        return nearest.unwrap_or(price);
    }
    let half = scale / 2;
    price.saturating_add(half) / scale * scale
}

/// A range from `lower` (inclusive) to `upper` (exclusive).
fn range(lower: Option<i64>, upper: Option<i64>, count: u64, currency: Currency) -> FacetValue {
    let text = |price: Option<i64>| price.map(|price| price.to_string()).unwrap_or_default();
    let last = upper.map(|upper| upper - 1);
    let label = match (lower, upper) {
        (None, Some(upper)) => format!("Under {}", amount(upper, currency)),
        (Some(lower), None) => format!("{} and more", amount(lower, currency)),
        (Some(lower), Some(upper)) if lower == upper - 1 => amount(lower, currency),
        (Some(lower), Some(upper)) => {
            format!("{} – {}", amount(lower, currency), amount(upper - 1, currency))
        }
        (None, None) => "Any price".to_owned(),
    };
    FacetValue { value: format!("{}-{}", text(lower), text(last)), label, count }
}

/// `$1299`, `$12.99`, `CHF 5`: without decimals that are all zero.
fn amount(minor: i64, currency: Currency) -> String {
    let text = Money::new(minor, currency).to_major();
    let text = match text.split_once('.') {
        Some((whole, decimals)) if decimals.bytes().all(|byte| byte == b'0') => whole,
        _ => &text,
    };
    let symbol = currency.symbol();
    let space = if symbol.bytes().all(|byte| byte.is_ascii_alphabetic()) { " " } else { "" };
    format!("{symbol}{space}{text}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ends(value: &str) -> (i64, i64) {
        let (min, max) = value.split_once('-').unwrap();
        let end = |text: &str, open| match text {
            "" => open,
            text => text.parse().unwrap(),
        };
        (end(min, i64::MIN), end(max, i64::MAX))
    }

    #[test]
    fn ends_are_round() {
        let prices = (1..=1_000).map(|n| n * 137).collect();
        let ranges = ranges(prices, Currency::USD);
        let values: Vec<&str> = ranges.iter().map(|range| range.value.as_str()).collect();
        assert_eq!(values, ["-24999", "25000-49999", "50000-74999", "75000-99999", "100000-"]);
        assert_eq!(ranges[0].label, "Under $250");
        assert_eq!(ranges[1].label, "$250 – $499.99");
        assert_eq!(ranges[4].label, "$1000 and more");
    }

    #[test]
    fn few_or_equal_prices_give_few_ranges() {
        assert!(ranges(vec![], Currency::USD).is_empty());
        let one = ranges(vec![1_250; 7], Currency::USD);
        assert_eq!((one.len(), one[0].value.as_str(), one[0].count), (1, "1250-1250", 7));
        assert_eq!(one[0].label, "$12.50");
        assert_eq!(ranges(vec![5, 900], Currency::USD).len(), 2);
    }

    proptest! {
        #[test]
        fn every_price_lies_in_one_range(
            prices in proptest::collection::vec(prop_oneof![0..2_000_i64, 0..10_000_000_000_i64], 0..200)
        ) {
            let ranges = ranges(prices.clone(), Currency::USD);
            prop_assert!(ranges.len() <= 7);
            let counts: Vec<u64> = ranges
                .iter()
                .map(|range| {
                    let (min, max) = ends(&range.value);
                    prices.iter().filter(|price| (min..=max).contains(*price)).count() as u64
                })
                .collect();
            prop_assert!(ranges.iter().all(|range| range.count > 0));
            prop_assert_eq!(&counts, &ranges.iter().map(|range| range.count).collect::<Vec<_>>());
            prop_assert_eq!(counts.iter().sum::<u64>(), prices.len() as u64);
            let mut different = prices;
            different.sort_unstable();
            different.dedup();
            if different.len() >= 40 {
                prop_assert!(ranges.len() >= 5, "{:?}", ranges);
            }
        }
    }
}
