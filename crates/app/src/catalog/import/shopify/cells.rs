//! How values are written into cells, for the reader and the writer alike.

use serde::{Deserialize, Serialize};
use stoa_domain::catalog::AttributeValue;
use stoa_kernel::{Currency, Money};

/// Characters at which a spreadsheet takes a cell for a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Protects a text from being taken for a formula by the spreadsheet that opens the file: an
/// apostrophe before it, which [`unguard`] takes away.
pub(crate) fn guard(text: &str) -> String {
    let after = text.trim_start_matches('\'');
    if after.starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() }
}

/// What [`guard`] was given.
pub(crate) fn unguard(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(FORMULA) => rest,
        _ => cell,
    }
}

/// Separates words by a sign where none of them has it, and writes a JSON list otherwise.
pub(crate) fn join(words: &[String], separator: &str, sign: char) -> String {
    let plain = words.iter().all(|word| {
        !word.contains(sign) && word.trim() == word && !word.is_empty() && !word.starts_with('[')
    });
    if plain { words.join(separator) } else { serde_json::to_string(words).unwrap_or_default() }
}

/// Reads what [`join`] wrote, and what merchants write.
pub(crate) fn split(cell: &str, sign: char) -> Vec<String> {
    if cell.starts_with('[')
        && let Ok(words) = serde_json::from_str(cell)
    {
        return words;
    }
    let mut words: Vec<String> = Vec::new();
    for word in cell.split(sign).map(str::trim) {
        if !word.is_empty() && !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

/// Lower-case letters, digits and single underscores, at most 100.
pub(super) fn key_of(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for character in text.chars() {
        match character.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '_') => key.push(c),
            _ => key.push('_'),
        }
    }
    key.truncate(100);
    key
}

/// An attribute with its unit, or one whose text looks like another type.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exact {
    #[serde(flatten)]
    value: AttributeValue,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
}

/// A measure as Shopify writes it, e.g. `{"value":3.5,"unit":"MILLIMETERS"}`.
#[derive(Deserialize)]
struct Measure {
    value: stoa_kernel::Decimal,
    unit: String,
}

/// An attribute as a cell: as people write it where that reads back the same, else as JSON.
pub(crate) fn attribute(value: &AttributeValue, unit: Option<&str>) -> String {
    let simple = match (value, unit) {
        (_, Some(_)) => None,
        (AttributeValue::Text(text), None) => Some(text.clone()),
        (AttributeValue::Number(number), None) => Some(number.to_string()),
        (AttributeValue::Boolean(yes), None) => Some(yes.to_string()),
        (AttributeValue::List(items), None) => Some(items.join("; ")),
    };
    match simple {
        Some(cell) if parse_attribute(&cell) == Some((value.clone(), None)) => cell,
        _ => serde_json::to_string(&Exact { value: value.clone(), unit: unit.map(str::to_owned) })
            .unwrap_or_default(),
    }
}

/// The value and unit in a cell; `None` when it is blank.
///
/// JSON of ours and Shopify's measures first, JSON lists, `true` and `false`, plain numbers,
/// lists separated by `; `, and everything else as text.
pub(crate) fn parse_attribute(cell: &str) -> Option<(AttributeValue, Option<String>)> {
    let cell = cell.trim();
    if cell.is_empty() {
        return None;
    }
    if cell.starts_with('{') {
        if let Ok(exact) = serde_json::from_str::<Exact>(cell) {
            return Some((exact.value, exact.unit));
        }
        if let Ok(measure) = serde_json::from_str::<Measure>(cell) {
            let unit = short_unit(&measure.unit);
            return Some((AttributeValue::Number(measure.value), Some(unit)));
        }
    }
    if cell.starts_with('[')
        && let Ok(items) = serde_json::from_str(cell)
    {
        return Some((AttributeValue::List(items), None));
    }
    if cell.eq_ignore_ascii_case("true") || cell.eq_ignore_ascii_case("false") {
        let yes = cell.eq_ignore_ascii_case("true");
        return Some((AttributeValue::Boolean(yes), None));
    }
    if is_plain_number(cell)
        && let Ok(number) = cell.parse()
    {
        return Some((AttributeValue::Number(number), None));
    }
    if cell.contains("; ") {
        let items = cell.split(';').map(str::trim).filter(|item| !item.is_empty());
        return Some((AttributeValue::List(items.map(str::to_owned).collect()), None));
    }
    Some((AttributeValue::Text(cell.to_owned()), None))
}

/// Digits with at most one point and a sign; no leading zero, which part numbers have.
fn is_plain_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    all_digits(whole)
        && all_digits(fraction)
        && (whole == "0" || !whole.starts_with('0'))
        && whole.len() <= 12
        && fraction.len() <= 6
}

fn short_unit(name: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "millimeters" => "mm",
        "centimeters" => "cm",
        "meters" => "m",
        "inches" => "in",
        "feet" => "ft",
        "grams" => "g",
        "kilograms" => "kg",
        "ounces" => "oz",
        "pounds" => "lb",
        "milliliters" => "ml",
        "liters" => "l",
        other => return other.to_owned(),
    }
    .to_owned()
}

/// An amount as merchants write it: `12`, `12.50`, `1,299.00`, `$10`, `10 USD`.
///
/// # Errors
/// Anything else, for people: negative amounts, decimal commas, another currency.
pub(super) fn price(cell: &str, currency: Currency) -> Result<Money, String> {
    let bad = || format!("`{}` is not an amount of {currency}", shortened(cell));
    let mut text = cell.trim();
    let dollar = if currency.symbol() == "$" || currency.code().ends_with('D') {
        "$"
    } else {
        currency.symbol()
    };
    for sign in [currency.code(), currency.symbol(), dollar] {
        text = text.strip_prefix(sign).unwrap_or(text);
        text = text.strip_suffix(sign).unwrap_or(text).trim();
    }
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let mut digits = String::with_capacity(text.len());
    for (index, group) in whole.split(',').enumerate() {
        // `1,299` has thousands; `12,50` is a decimal comma, and guessing would cost money.
        let fits = if index == 0 {
            !whole.contains(',') || (1..=3).contains(&group.len())
        } else {
            group.len() == 3
        };
        if !fits {
            return Err(bad());
        }
        digits.push_str(group);
    }
    if let Some(fraction) = fraction {
        digits.push('.');
        digits.push_str(fraction);
    }
    Money::parse_major(&digits, currency).map_err(|_| bad())
}

/// At most 40 characters of a cell, for messages.
pub(super) fn shortened(cell: &str) -> String {
    let mut characters = cell.chars();
    let start: String = characters.by_ref().take(40).collect();
    if characters.next().is_some() { format!("{start}...") } else { start }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stoa_kernel::Decimal;

    use super::*;

    #[test]
    fn prices_as_merchants_write_them() {
        let usd = |cell| price(cell, Currency::USD).map(|money| money.minor);
        for (cell, minor) in [
            ("9.99", 999),
            ("10", 1_000),
            ("1,299.00", 129_900),
            ("1,234,567", 123_456_700),
            ("$10", 1_000),
            ("$ 1,299.5 ", 129_950),
            ("10 USD", 1_000),
            ("0", 0),
            ("10.000", 1_000),
        ] {
            assert_eq!(usd(cell), Ok(minor), "{cell}");
        }
        for cell in [
            "12,50", "1.299,00", "-5", "€10", "ten", "1,2,3", ",100", "10.005", "", "$", "1e3",
            "1 000",
        ] {
            assert!(usd(cell).is_err(), "{cell}");
        }
        let cad: Currency = "CAD".parse().unwrap();
        assert_eq!(price("$5", cad), Ok(Money::new(500, cad)));
        assert_eq!(price("€5.50", Currency::EUR), Ok(Money::new(550, Currency::EUR)));
        assert!(price("$5", Currency::EUR).is_err());
    }

    #[test]
    fn attributes_as_merchants_write_them() {
        let text = |text: &str| Some((AttributeValue::Text(text.to_owned()), None));
        let number = |text: &str, unit: Option<&str>| {
            let number: Decimal = text.parse().unwrap();
            Some((AttributeValue::Number(number), unit.map(str::to_owned)))
        };
        let list = |items: &[&str]| {
            let items = items.iter().map(|item| (*item).to_owned()).collect();
            Some((AttributeValue::List(items), None))
        };
        for (cell, value) in [
            ("", None),
            ("Oak", text("Oak")),
            ("00123", text("00123")),
            ("12.5", number("12.5", None)),
            ("TRUE", Some((AttributeValue::Boolean(true), None))),
            ("gold; silver", list(&["gold", "silver"])),
            ("[\"a\",\"b\"]", list(&["a", "b"])),
            ("[broken", text("[broken")),
            ("{\"value\":3.5,\"unit\":\"MILLIMETERS\"}", number("3.5", Some("mm"))),
            ("{\"type\":\"text\",\"value\":\"true\"}", text("true")),
        ] {
            assert_eq!(parse_attribute(cell), value, "{cell}");
        }
    }

    #[test]
    fn formulas_are_guarded() {
        assert_eq!(guard("=SUM(A1)"), "'=SUM(A1)");
        assert_eq!(guard("plain"), "plain");
        assert_eq!(unguard("'quoted"), "'quoted");
    }

    proptest! {
        #[test]
        fn guards_come_off(text in "['=+@-]{0,3}[a-z]{0,3}") {
            let guarded = guard(&text);
            prop_assert_eq!(unguard(&guarded), text);
        }

        #[test]
        fn attributes_read_back(text in any::<String>(), items in prop::collection::vec("[a-z;,\" \\[]{0,6}", 0..4), number in any::<i64>(), unit in prop::option::of("[a-z]{1,3}")) {
            let values = [
                AttributeValue::Text(text),
                AttributeValue::List(items),
                AttributeValue::Number(Decimal::from_millionths(number)),
                AttributeValue::Boolean(number % 2 == 0),
            ];
            for value in values {
                let cell = attribute(&value, unit.as_deref());
                prop_assert_eq!(parse_attribute(&cell), Some((value, unit.clone())));
            }
        }

        #[test]
        fn words_read_back(words in prop::collection::btree_set("[a-z,\\[\"]{1,5}", 0..5)) {
            let words: Vec<String> = words.into_iter().collect();
            prop_assert_eq!(split(&join(&words, ", ", ','), ','), words);
        }
    }
}
