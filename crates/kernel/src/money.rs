//! Money: integer minor units of an ISO 4217 currency. No float reaches it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An ISO 4217 currency code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Currency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[A-Z]{3}$" })
    }
}

/// What can go wrong with money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two currencies met in one sum.
    #[error("cannot combine {0} with {1}")]
    CurrencyMismatch(Currency, Currency),
    /// The amount leaves the range of 64 bits.
    #[error("the amount is out of range")]
    OutOfRange,
    /// Not a known ISO 4217 code.
    #[error("`{0}` is not a currency code of ISO 4217")]
    UnknownCurrency(String),
    /// Not an amount of the currency.
    #[error("`{0}` is not an amount of {1}")]
    BadAmount(String, Currency),
}

/// Active ISO 4217 codes whose minor unit is not the hundredth, with the digits it has.
const EXPONENTS: &[(&str, u32)] = &[
    ("BHD", 3),
    ("BIF", 0),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("IQD", 3),
    ("ISK", 0),
    ("JOD", 3),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("PYG", 0),
    ("RWF", 0),
    ("TND", 3),
    ("UGX", 0),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
];

/// Active ISO 4217 codes with two digits, in order.
#[rustfmt::skip]
const TWO_DIGITS: &[[u8; 3]] = &[
    *b"AED", *b"AFN", *b"ALL", *b"AMD", *b"ANG", *b"AOA", *b"ARS", *b"AUD", *b"AWG", *b"AZN",
    *b"BAM", *b"BBD", *b"BDT", *b"BGN", *b"BMD", *b"BND", *b"BOB", *b"BRL", *b"BSD", *b"BTN",
    *b"BWP", *b"BYN", *b"BZD", *b"CAD", *b"CDF", *b"CHF", *b"CNY", *b"COP", *b"CRC", *b"CUP",
    *b"CVE", *b"CZK", *b"DKK", *b"DOP", *b"DZD", *b"EGP", *b"ERN", *b"ETB", *b"EUR", *b"FJD",
    *b"FKP", *b"GBP", *b"GEL", *b"GHS", *b"GIP", *b"GMD", *b"GTQ", *b"GYD", *b"HKD", *b"HNL",
    *b"HTG", *b"HUF", *b"IDR", *b"ILS", *b"INR", *b"IRR", *b"JMD", *b"KES", *b"KGS", *b"KHR",
    *b"KPW", *b"KYD", *b"KZT", *b"LAK", *b"LBP", *b"LKR", *b"LRD", *b"LSL", *b"MAD", *b"MDL",
    *b"MGA", *b"MKD", *b"MMK", *b"MNT", *b"MOP", *b"MRU", *b"MUR", *b"MVR", *b"MWK", *b"MXN",
    *b"MYR", *b"MZN", *b"NAD", *b"NGN", *b"NIO", *b"NOK", *b"NPR", *b"NZD", *b"PAB", *b"PEN",
    *b"PGK", *b"PHP", *b"PKR", *b"PLN", *b"QAR", *b"RON", *b"RSD", *b"RUB", *b"SAR", *b"SBD",
    *b"SCR", *b"SDG", *b"SEK", *b"SGD", *b"SHP", *b"SLE", *b"SOS", *b"SRD", *b"SSP", *b"STN",
    *b"SVC", *b"SYP", *b"SZL", *b"THB", *b"TJS", *b"TMT", *b"TOP", *b"TRY", *b"TTD", *b"TWD",
    *b"TZS", *b"UAH", *b"USD", *b"UYU", *b"UZS", *b"VES", *b"WST", *b"XCD", *b"XCG", *b"YER",
    *b"ZAR", *b"ZMW", *b"ZWG",
];

impl Currency {
    /// United States dollar.
    pub const USD: Self = Self(*b"USD");
    /// Euro.
    pub const EUR: Self = Self(*b"EUR");

    /// The three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Digits after the point: 0, 2 or 3.
    pub fn exponent(self) -> u32 {
        EXPONENTS.iter().find(|(code, _)| *code == self.code()).map_or(2, |(_, digits)| *digits)
    }

    /// The sign shown before an amount, or the code and a space.
    pub fn symbol(&self) -> &str {
        match &self.0 {
            b"USD" => "$",
            b"EUR" => "€",
            b"GBP" => "£",
            b"JPY" => "¥",
            _ => self.code(),
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let unknown = || MoneyError::UnknownCurrency(text.chars().take(16).collect());
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| unknown())?;
        let known = TWO_DIGITS.binary_search(&code).is_ok()
            || EXPONENTS.iter().any(|(other, _)| other.as_bytes() == code);
        if known { Ok(Self(code)) } else { Err(unknown()) }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An amount of a currency, in minor units (cents). May be negative where a sum can be.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units: 1299 is 12.99 of a two-digit currency.
    #[serde(rename = "amount")]
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// An amount of minor units.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in this currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch(self.currency, other.currency))
        }
    }

    /// The sum.
    ///
    /// # Errors
    /// Different currencies, or a sum out of range.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::OutOfRange)?;
        Ok(Self { minor, ..self })
    }

    /// The difference.
    ///
    /// # Errors
    /// Different currencies, or a difference out of range.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_sub(other.minor).ok_or(MoneyError::OutOfRange)?;
        Ok(Self { minor, ..self })
    }

    /// The amount of `quantity` pieces at this price.
    ///
    /// # Errors
    /// The product is out of range.
    pub fn times(self, quantity: i64) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(quantity).ok_or(MoneyError::OutOfRange)?;
        Ok(Self { minor, ..self })
    }

    /// This share of the amount, rounded half away from zero to the minor unit.
    pub fn share(self, rate: Rate) -> Self {
        Self { minor: round_div(i128::from(self.minor) * i128::from(rate.0), MILLION), ..self }
    }

    /// The tax that is already inside an amount: `amount × rate ÷ (1 + rate)`, rounded half away
    /// from zero.
    pub fn included_share(self, rate: Rate) -> Self {
        let rate = i128::from(rate.0);
        Self { minor: round_div(i128::from(self.minor) * rate, MILLION + rate), ..self }
    }

    /// Splits the amount in proportion to `weights`, so that the parts sum to the whole: each part
    /// is rounded down, and what is left goes one minor unit at a time to the largest remainders,
    /// earlier parts first (Hamilton's method). All weights zero: everything goes to the first.
    /// Negative weights count as zero; no weights give no parts.
    pub fn allocate(self, weights: &[i64]) -> Vec<Self> {
        let clean: Vec<i128> = weights.iter().map(|weight| i128::from(*weight).max(0)).collect();
        let total: i128 = clean.iter().sum();
        if total == 0 {
            return (0..clean.len())
                .map(|index| if index == 0 { self } else { Self::zero(self.currency) })
                .collect();
        }
        let sign = i64::signum(self.minor);
        let whole = i128::from(self.minor).abs();
        let mut parts: Vec<(i128, i128)> =
            clean.iter().map(|weight| (whole * weight / total, whole * weight % total)).collect();
        let mut left = whole - parts.iter().map(|(part, _)| part).sum::<i128>();
        let mut order: Vec<usize> = (0..parts.len()).collect();
        order.sort_by_key(|index| std::cmp::Reverse(parts.get(*index).map_or(0, |part| part.1)));
        for index in order {
            if left == 0 {
                break;
            }
            if let Some(part) = parts.get_mut(index) {
                part.0 += 1;
                left -= 1;
            }
        }
        parts
            .into_iter()
            .map(|(part, _)| Self { minor: i64::try_from(part).unwrap_or(i64::MAX) * sign, ..self })
            .collect()
    }

    /// Reads an amount as people and exports write it: `12`, `12.5`, `12.99`. No sign, no
    /// thousands separators.
    ///
    /// # Errors
    /// Anything else, more digits than the currency has (unless zeros), or out of range.
    pub fn parse_major(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let bad = || MoneyError::BadAmount(text.chars().take(32).collect(), currency);
        let text_trimmed = text.trim();
        let (whole, fraction) = text_trimmed.split_once('.').unwrap_or((text_trimmed, ""));
        let digits = usize::try_from(currency.exponent()).map_err(|_| bad())?;
        if whole.is_empty() && fraction.is_empty() {
            return Err(bad());
        }
        let mut minor: i64 = 0;
        for byte in whole.bytes().chain(fraction.bytes().take(digits)) {
            if !byte.is_ascii_digit() {
                return Err(bad());
            }
            minor = minor
                .checked_mul(10)
                .and_then(|value| value.checked_add(i64::from(byte - b'0')))
                .ok_or(MoneyError::OutOfRange)?;
        }
        if fraction.bytes().skip(digits).any(|byte| byte != b'0') {
            return Err(bad());
        }
        for _ in fraction.len()..digits {
            minor = minor.checked_mul(10).ok_or(MoneyError::OutOfRange)?;
        }
        Ok(Self { minor, currency })
    }

    /// The amount without a currency sign: `12.99`, `-0.50`, `1200` for yen.
    pub fn to_major(self) -> String {
        let sign = if self.minor < 0 { "-" } else { "" };
        let magnitude = self.minor.unsigned_abs();
        let scale = 10_u64.pow(self.currency.exponent());
        if scale == 1 {
            return format!("{sign}{magnitude}");
        }
        let width = usize::try_from(self.currency.exponent()).unwrap_or(2);
        format!("{sign}{}.{:0width$}", magnitude / scale, magnitude % scale)
    }
}

impl fmt::Display for Money {
    /// For people: `$1,299.00`, `€12.99`, `CHF 5.00`, `-$3.00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.minor < 0 {
            f.write_str("-")?;
        }
        f.write_str(self.currency.symbol())?;
        if self.currency.symbol() == self.currency.code() {
            f.write_str("\u{a0}")?;
        }
        let plain = Self { minor: self.minor.saturating_abs(), ..*self }.to_major();
        let (whole, fraction) = match plain.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (plain.as_str(), None),
        };
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        match fraction {
            Some(fraction) => write!(f, ".{fraction}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_major(), self.currency)
    }
}

/// A share in parts per million: 190,000 is 19 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(i64);

const MILLION: i128 = 1_000_000;

impl Rate {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From parts per million, 0 to 1,000,000 (100 %); outside that range it is cut to it.
    pub fn from_ppm(ppm: i64) -> Self {
        Self(ppm.clamp(0, 1_000_000))
    }

    /// Parts per million.
    pub const fn ppm(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Rate {
    /// As a percentage: `19 %`, `8.25 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = crate::Decimal::from_millionths(self.0 * 100);
        write!(f, "{percent}\u{202f}%")
    }
}

/// `numerator ÷ denominator`, rounded half away from zero; `denominator` is positive.
fn round_div(numerator: i128, denominator: i128) -> i64 {
    let half = denominator / 2;
    let rounded = if numerator >= 0 {
        (numerator + half) / denominator
    } else {
        (numerator - half) / denominator
    };
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD)
    }

    #[test]
    fn parses_and_shows() {
        assert_eq!(Money::parse_major("12.9", Currency::USD).unwrap(), usd(1290));
        assert_eq!(Money::parse_major("10", Currency::USD).unwrap(), usd(1000));
        assert_eq!(Money::parse_major("0.500", Currency::USD).unwrap(), usd(50));
        let yen: Currency = "JPY".parse().unwrap();
        assert_eq!(Money::parse_major("500.00", yen).unwrap().to_string(), "¥500");
        for bad in ["", ".", "-1", "1.001", "1,000", "abc", "99999999999999999999"] {
            assert!(Money::parse_major(bad, Currency::USD).is_err(), "{bad}");
        }
        assert_eq!(usd(123_456_789).to_string(), "$1,234,567.89");
        assert_eq!(usd(-300).to_string(), "-$3.00");
        assert_eq!(Money::new(500, "CHF".parse().unwrap()).to_string(), "CHF\u{a0}5.00");
    }

    #[test]
    fn shares_round_half_away_from_zero() {
        assert_eq!(usd(1000).share(Rate::from_ppm(82_500)), usd(83));
        assert_eq!(usd(-1000).share(Rate::from_ppm(82_500)), usd(-83));
        assert_eq!(usd(11_900).included_share(Rate::from_ppm(190_000)), usd(1_900));
    }

    #[test]
    fn allocation_gives_leftovers_to_the_largest_remainders() {
        let parts = usd(100).allocate(&[1, 1, 1]);
        assert_eq!(parts, vec![usd(34), usd(33), usd(33)]);
        assert_eq!(usd(5).allocate(&[0, 0]), vec![usd(5), usd(0)]);
        assert_eq!(usd(-100).allocate(&[1, 2]), vec![usd(-33), usd(-67)]);
    }

    #[test]
    fn refuses_mixed_currencies_and_unknown_codes() {
        assert!(usd(1).plus(Money::new(1, Currency::EUR)).is_err());
        assert!(TWO_DIGITS.is_sorted());
        for code in ["USD", "EUR", "AED", "ZWG", "JPY", "KWD"] {
            assert_eq!(code.parse::<Currency>().unwrap().code(), code);
        }
        assert!("US".parse::<Currency>().is_err());
        assert!("usd".parse::<Currency>().is_err());
        assert!("D U".parse::<Currency>().is_err());
    }
}
