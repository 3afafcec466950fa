//! Where people live and how they are written to.

use serde::{Deserialize, Serialize};

use crate::catalog::FieldError;

/// A postal address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Who receives.
    pub name: String,
    /// Street and number.
    pub line1: String,
    /// Flat, floor, company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// Town.
    pub city: String,
    /// State, province, county.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postal code; empty only where the country has none.
    #[serde(default)]
    pub postal_code: String,
    /// ISO 3166-1 alpha-2, upper case.
    pub country: String,
}

/// Countries whose addresses have no postal code (Universal Postal Union, 2024).
const WITHOUT_POSTAL_CODE: &[&str] = &[
    "AE", "AG", "AO", "AW", "BF", "BI", "BJ", "BO", "BS", "BW", "BZ", "CD", "CF", "CG", "CI", "CM",
    "DJ", "DM", "ER", "FJ", "GA", "GD", "GH", "GM", "GN", "GQ", "GY", "HK", "JM", "KI", "KM", "KN",
    "KP", "LC", "ML", "MO", "MR", "MW", "NR", "QA", "RW", "SB", "SC", "SL", "SR", "ST", "SY", "TD",
    "TG", "TK", "TL", "TO", "TV", "UG", "VU", "YE", "ZW",
];

/// Checks an address; every fault is reported under `pointer`.
pub fn check(address: &Address, pointer: &str, errors: &mut Vec<FieldError>) {
    let mut text = |name: &str, value: &str, required: bool| {
        let at = format!("{pointer}/{name}");
        if required && value.trim().is_empty() {
            errors.push(FieldError::new(at, "must not be empty"));
        } else if value.len() > 200 {
            errors.push(FieldError::new(at, "at most 200 bytes"));
        } else if value.chars().any(char::is_control) {
            errors.push(FieldError::new(at, "must be one line without control characters"));
        }
    };
    text("name", &address.name, true);
    text("line1", &address.line1, true);
    text("line2", address.line2.as_deref().unwrap_or(""), false);
    text("city", &address.city, true);
    text("region", address.region.as_deref().unwrap_or(""), false);
    text(
        "postal_code",
        &address.postal_code,
        !WITHOUT_POSTAL_CODE.contains(&address.country.as_str()),
    );
    let is_code =
        address.country.len() == 2 && address.country.bytes().all(|b| b.is_ascii_uppercase());
    if !is_code {
        errors.push(FieldError::new(
            format!("{pointer}/country"),
            "two upper-case letters of ISO 3166-1, e.g. DE",
        ));
    }
}

/// Whether a text can be an e-mail address: one `@`, something on both sides, a dot in the domain,
/// no spaces, at most 254 bytes (RFC 5321). Whether it exists, only a message can tell.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    text.len() <= 254
        && !local.is_empty()
        && local.len() <= 64
        && !local.contains('@')
        && domain.contains('.')
        && domain.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        })
        && !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ','))
}

/// One spelling for one mailbox: no blanks around it, lower case.
pub fn canonical_email(email: &str) -> String {
    email.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_addresses_from_other_text() {
        for good in ["a@example.com", "first.last+tag@mail.example.org"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["", "@", "a@", "@b.c", "a@b", "a b@c.de", "a@b..c", "a@b.c\n", "<a@b.c>"] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn hong_kong_needs_no_postal_code_and_germany_does() {
        let mut address = Address {
            name: "A".into(),
            line1: "B 1".into(),
            city: "C".into(),
            country: "HK".into(),
            ..Address::default()
        };
        let mut errors = Vec::new();
        check(&address, "/shipping_address", &mut errors);
        assert!(errors.is_empty(), "{errors:?}");
        address.country = "DE".into();
        check(&address, "/shipping_address", &mut errors);
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].pointer, "/shipping_address/postal_code");
    }
}
