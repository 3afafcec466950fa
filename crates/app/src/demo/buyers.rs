//! Invented people for demonstration orders and load tests, from `demo/buyers.toml`.

use serde::Deserialize;
use stoa_domain::address::Address;

const FILE: &str = include_str!("../../demo/buyers.toml");

/// A person with an address to ship to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buyer {
    /// Where the order confirmation would go: a domain reserved for examples.
    pub email: String,
    /// Where they live; its name is theirs.
    pub address: Address,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    buyers: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    email: String,
    address: Home,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Home {
    line1: String,
    line2: Option<String>,
    city: String,
    region: Option<String>,
    postal_code: String,
    country: String,
}

/// Everybody in the file, in its order.
///
/// # Errors
/// Where and why the file is not of the expected shape.
pub fn buyers() -> Result<Vec<Buyer>, toml::de::Error> {
    let file: File = toml::from_str(FILE)?;
    let buyer = |Entry { name, email, address }: Entry| Buyer {
        email,
        address: Address {
            name,
            line1: address.line1,
            line2: address.line2,
            city: address.city,
            region: address.region,
            postal_code: address.postal_code,
            country: address.country,
        },
    };
    Ok(file.buyers.into_iter().map(buyer).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use stoa_domain::address;

    use super::*;

    #[test]
    fn everybody_can_order_and_nobody_is_real() {
        let buyers = buyers().unwrap();
        assert!(buyers.len() >= 40, "{} buyers", buyers.len());
        let mut emails = BTreeSet::new();
        for buyer in &buyers {
            let email = &buyer.email;
            assert!(address::is_email(email), "{email}");
            assert!(email.ends_with("@example.com") || email.ends_with("@example.org"), "{email}");
            assert!(emails.insert(email), "{email} twice");
            let mut errors = Vec::new();
            address::check(&buyer.address, "/address", &mut errors);
            assert!(errors.is_empty(), "{email}: {errors:?}");
        }
        let countries: BTreeSet<_> = buyers.iter().map(|b| b.address.country.as_str()).collect();
        assert_eq!(countries, BTreeSet::from(["AT", "CA", "DE", "FR", "GB", "JP", "NL", "US"]));
    }
}
