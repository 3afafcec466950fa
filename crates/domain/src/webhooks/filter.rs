//! Which events an endpoint takes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest filter, in bytes.
const FILTER_BYTES: usize = 100;

/// One filter of an endpoint: `*` takes every event, `order.*` the events of one kind of subject,
/// `order.placed` one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventFilter {
    /// `*`.
    All,
    /// `order.*`; holds `order.`, with the dot, so that `order.*` does not take `orders.placed`.
    Prefix(String),
    /// `order.placed`.
    Exact(String),
}

/// A text that is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an event type (`order.placed`), `order.*` or `*`")]
pub struct EventFilterError(String);

impl EventFilter {
    /// Whether it takes events of a type.
    pub fn takes(&self, kind: &str) -> bool {
        match self {
            Self::All => true,
            Self::Prefix(prefix) => kind.starts_with(prefix.as_str()),
            Self::Exact(exact) => kind == exact,
        }
    }
}

/// Whether a text is words of `a-z`, `0-9` and `_` with dots between them.
fn is_dotted_name(text: &str) -> bool {
    text.split('.').all(|word| {
        !word.is_empty()
            && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    })
}

impl FromStr for EventFilter {
    type Err = EventFilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || EventFilterError(text.chars().take(FILTER_BYTES).collect());
        if text == "*" {
            return Ok(Self::All);
        }
        if text.len() > FILTER_BYTES {
            return Err(refused());
        }
        match text.strip_suffix(".*") {
            Some(words) if is_dotted_name(words) => Ok(Self::Prefix(format!("{words}."))),
            None if text.contains('.') && is_dotted_name(text) => Ok(Self::Exact(text.to_owned())),
            _ => Err(refused()),
        }
    }
}

impl fmt::Display for EventFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
            Self::Exact(exact) => f.write_str(exact),
        }
    }
}

impl Serialize for EventFilter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_it_names() {
        let takes = |filter: &str, kind| filter.parse::<EventFilter>().unwrap().takes(kind);
        assert!(takes("*", "order.placed"));
        assert!(takes("order.*", "order.placed"));
        assert!(takes("order.placed", "order.placed"));
        assert!(!takes("order.*", "orders.placed"));
        assert!(!takes("order.placed", "order.placed_twice"));
        assert!(!takes("order.placed", "order.cancelled"));
    }

    #[test]
    fn refuses_what_can_take_nothing() {
        for text in ["", "order", "*.placed", "order.*.x", ".*", "Order.placed", "order.", "**"] {
            assert!(text.parse::<EventFilter>().is_err(), "{text}");
        }
        assert!("a.".repeat(60).parse::<EventFilter>().is_err());
    }

    #[test]
    fn is_written_as_it_was_read() {
        for text in ["*", "order.*", "order.placed"] {
            assert_eq!(text.parse::<EventFilter>().unwrap().to_string(), text);
        }
    }
}
