//! Exact decimal numbers of catalogue attributes (sizes, weights, capacities). Never money.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number in millionths: six digits after the point, about ±9.2 × 10¹².
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i64);

const SCALE: i64 = 1_000_000;

/// A text that is not a decimal number in range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a number has digits, at most one point and no more than 12 digits before it")]
pub struct DecimalError;

impl Decimal {
    /// From millionths.
    pub const fn from_millionths(value: i64) -> Self {
        Self(value)
    }

    /// The number in millionths.
    pub const fn as_millionths(self) -> i64 {
        self.0
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    /// Digits after the sixth are cut off; an exponent is accepted as JSON writes it.
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let text = text.trim();
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                (mantissa, exponent.parse::<i32>().map_err(|_| DecimalError)?)
            }
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(DecimalError);
        }
        let mut value: i128 = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            if !byte.is_ascii_digit() || value > 1_i128 << 100 {
                return Err(DecimalError);
            }
            value = value * 10 + i128::from(byte - b'0');
        }
        let shift = exponent
            .checked_add(6)
            .and_then(|shift| shift.checked_sub(i32::try_from(fraction.len()).ok()?))
            .ok_or(DecimalError)?;
        let factor = 10_i128.checked_pow(shift.unsigned_abs());
        value = match (shift >= 0, factor) {
            (true, Some(factor)) => value.checked_mul(factor).ok_or(DecimalError)?,
            (true, None) if value != 0 => return Err(DecimalError),
            (false, Some(factor)) => value / factor,
            _ => 0,
        };
        let value = i64::try_from(value).map_err(|_| DecimalError)?;
        Ok(Self(if negative { -value } else { value }))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        let whole = magnitude / SCALE.unsigned_abs();
        let fraction = magnitude % SCALE.unsigned_abs();
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let digits = format!("{fraction:06}");
        write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Decimal {
    /// As a JSON string, because a JSON number is a float to most readers.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let text = match &value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Number(number) => number.to_string(),
            _ => return Err(serde::de::Error::custom(DecimalError)),
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_exactly() {
        for (text, shown) in [
            ("408230.0", "408230"),
            ("-0.5", "-0.5"),
            ("1.23456789", "1.234567"),
            ("1e3", "1000"),
            ("2.5E-3", "0.0025"),
            (".5", "0.5"),
            ("0e99", "0"),
        ] {
            assert_eq!(text.parse::<Decimal>().unwrap().to_string(), shown, "{text}");
        }
        for bad in ["", "-", ".", "1.2.3", "abc", "1e", "9223372036855", "1e400", "NaN"] {
            assert!(bad.parse::<Decimal>().is_err(), "{bad}");
        }
    }
}
