//! One JSON object in the order its fields were written: that is the order to show them in.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use stoa_domain::catalog::attribute_key;
use stoa_kernel::Decimal;

/// The fields of one product.
pub(super) struct Fields {
    fields: Vec<(String, Value)>,
    /// The keys of the typed attributes, asked for many times by the rules.
    keys: HashSet<String>,
}

impl Fields {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// A text; empty where it is absent or of another type.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn number(&self, name: &str) -> Option<Decimal> {
        match self.get(name)? {
            Value::Number(number) => number.to_string().parse().ok(),
            _ => None,
        }
    }

    /// The typed attributes: type letter, name without prefix, value.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (char, &str, &Value)> {
        self.fields.iter().filter_map(|(key, value)| {
            let (kind, name) = key.strip_prefix("attr_")?.split_once('_')?;
            Some((kind.chars().next()?, name, value))
        })
    }

    pub(super) fn has_attribute(&self, wanted: &str) -> bool {
        self.keys.contains(wanted)
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with the fields of a product")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                let mut product = Fields { fields, keys: HashSet::new() };
                let keys = product.attributes().map(|(_, name, _)| attribute_key(name)).collect();
                product.keys = keys;
                Ok(product)
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}
