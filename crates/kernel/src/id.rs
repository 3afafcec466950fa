//! Typed identifiers: `UUIDv7` (RFC 9562) inside, `prefix_` + 26 Crockford characters outside.
//!
//! Ids sort by creation time and are not secrets. Whatever grants access is a [`crate::Token`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form `{prefix}_` and 26 characters")]
pub struct IdError {
    /// The prefix the id should have carried.
    pub prefix: &'static str,
    /// What was given, shortened to 64 characters.
    pub text: String,
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Writes 128 bits as 26 lower-case characters of Crockford's base 32, most significant first.
pub(crate) fn encode(value: u128) -> [u8; 26] {
    let mut out = [b'0'; 26];
    let mut rest = value;
    for slot in out.iter_mut().rev() {
        let digit = usize::try_from(rest & 31).unwrap_or(0);
        *slot = ALPHABET.get(digit).copied().unwrap_or(b'0');
        rest >>= 5;
    }
    out
}

/// Reads what [`encode`] wrote; upper case and the look-alikes `i l o` are accepted.
pub(crate) fn decode(text: &str) -> Option<u128> {
    if text.len() != 26 {
        return None;
    }
    let mut value: u128 = 0;
    for (position, byte) in text.bytes().enumerate() {
        let lower = match byte.to_ascii_lowercase() {
            b'i' | b'l' => b'1',
            b'o' => b'0',
            other => other,
        };
        let digit = ALPHABET.iter().position(|candidate| *candidate == lower)?;
        if position == 0 && digit > 7 {
            return None; // 26 characters hold 130 bits; the first two must be zero.
        }
        value = (value << 5) | u128::try_from(digit).ok()?;
    }
    Some(value)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The prefix of the text form, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps a UUID that is known to be of this kind.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let digits = encode(self.0.as_u128());
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(std::str::from_utf8(&digits).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(|value| Self(Uuid::from_u128(value)))
                    .ok_or_else(|| IdError { prefix: $prefix, text: text.chars().take(64).collect() })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": concat!("^", $prefix, "_[0-9a-z]{26}$"),
                })
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A product: what a page shows; its variants are what is sold.
    ProductId = "prod";
    /// A variant: one sellable combination of a product's options.
    VariantId = "var";
    /// A category of the catalogue tree.
    CategoryId = "cat";
    /// A place that holds stock.
    LocationId = "loc";
    /// A cart that was abandoned. It names the cart and opens nothing.
    AbandonedCartId = "acart";
    /// An order.
    OrderId = "ord";
    /// A line of a cart or an order.
    LineId = "line";
    /// One attempt to pay for one order; also the provider's idempotency key.
    PaymentId = "pay";
    /// Pieces of an order that left together.
    FulfilmentId = "ful";
    /// A balanced entry of the ledger.
    LedgerEntryId = "led";
    /// A change of a stock level.
    MovementId = "mov";
    /// A fact in the event log.
    EventId = "evt";
    /// A person who signs in to the back office.
    UserId = "usr";
    /// A job of the background.
    JobId = "job";
    /// A mail to one reader.
    MailId = "mail";
    /// Somebody who buys.
    CustomerId = "cus";
    /// A vendor who sells in the shop.
    VendorId = "vnd";
    /// An endpoint that is told of events.
    WebhookId = "whk";
    /// An event on its way to one endpoint; the same at every try.
    DeliveryId = "dlv";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_and_refuses_other_kinds() {
        let id = OrderId::from_uuid(Uuid::from_u128(u128::MAX));
        let text = id.to_string();
        assert_eq!(text.len(), 30);
        assert_eq!(text.parse::<OrderId>().unwrap(), id);
        assert!(text.parse::<ProductId>().is_err());
        assert!("ord_zzzzzzzzzzzzzzzzzzzzzzzzzz".parse::<OrderId>().is_err());
        assert!("ord_".parse::<OrderId>().is_err());
        assert!("ord_é".parse::<OrderId>().is_err());
    }
}
