//! What an API token may do.

use std::fmt;
use std::str::FromStr;

/// One permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everything.
    Admin,
    /// Read products of every status.
    ProductsRead,
    /// Create, change and delete products.
    ProductsWrite,
    /// Set stock.
    StockWrite,
    /// Read orders.
    OrdersRead,
    /// Cancel orders.
    OrdersWrite,
    /// Read customers.
    CustomersRead,
    /// Change customers.
    CustomersWrite,
    /// Read vendors.
    VendorsRead,
    /// Make and change vendors.
    VendorsWrite,
    /// Speak for one vendor; the only scope of a vendor's token.
    Vendor,
    /// Read webhooks and their deliveries.
    WebhooksRead,
    /// Create, change and delete webhooks, and send deliveries again.
    WebhooksWrite,
}

/// A text that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no scope `{0}`; there are {all}", all = Scope::names())]
pub struct ScopeError(String);

impl Scope {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Admin,
        Self::ProductsRead,
        Self::ProductsWrite,
        Self::StockWrite,
        Self::OrdersRead,
        Self::OrdersWrite,
        Self::CustomersRead,
        Self::CustomersWrite,
        Self::VendorsRead,
        Self::VendorsWrite,
        Self::Vendor,
        Self::WebhooksRead,
        Self::WebhooksWrite,
    ];

    /// The name, which is never changed: it is stored and stands in other people's scripts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::ProductsRead => "products:read",
            Self::ProductsWrite => "products:write",
            Self::StockWrite => "stock:write",
            Self::OrdersRead => "orders:read",
            Self::OrdersWrite => "orders:write",
            Self::CustomersRead => "customers:read",
            Self::CustomersWrite => "customers:write",
            Self::VendorsRead => "vendors:read",
            Self::VendorsWrite => "vendors:write",
            Self::Vendor => "vendor",
            Self::WebhooksRead => "webhooks:read",
            Self::WebhooksWrite => "webhooks:write",
        }
    }

    fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// Who may change a thing may also read it. Nobody but a vendor speaks for one.
    const fn includes(self, other: Self) -> bool {
        if matches!(self, Self::Admin) {
            return !matches!(other, Self::Vendor);
        }
        matches!(
            (self, other),
            (Self::Vendor, Self::Vendor)
                | (Self::VendorsWrite, Self::VendorsWrite | Self::VendorsRead)
                | (Self::VendorsRead, Self::VendorsRead)
                | (Self::CustomersWrite, Self::CustomersWrite | Self::CustomersRead)
                | (Self::CustomersRead, Self::CustomersRead)
                | (Self::ProductsWrite, Self::ProductsWrite | Self::ProductsRead)
                | (Self::OrdersWrite, Self::OrdersWrite | Self::OrdersRead)
                | (Self::ProductsRead, Self::ProductsRead)
                | (Self::OrdersRead, Self::OrdersRead)
                | (Self::WebhooksWrite, Self::WebhooksWrite | Self::WebhooksRead)
                | (Self::WebhooksRead, Self::WebhooksRead)
                | (Self::StockWrite, Self::StockWrite)
        )
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.name() == text)
            .ok_or_else(|| ScopeError(text.chars().take(40).collect()))
    }
}

/// The permissions of one token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// A set of permissions.
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let mut scopes: Vec<Scope> = scopes.into_iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes)
    }

    /// Whether something that needs `wanted` is allowed.
    pub fn allow(&self, wanted: Scope) -> bool {
        self.0.iter().any(|scope| scope.includes(wanted))
    }

    /// Each permission.
    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }

    /// The stored form: a JSON array of names.
    pub(super) fn to_json(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(|scope| scope.name()).collect();
        serde_json::json!(names).to_string()
    }

    /// Reads the stored form. What this version does not know grants nothing.
    pub(super) fn from_json(json: &str) -> Self {
        let names: Vec<String> = serde_json::from_str(json).unwrap_or_default();
        Self::new(names.iter().filter_map(|name| name.parse().ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_allows_itself_and_what_it_needs_to_read() {
        for scope in Scope::ALL {
            assert_eq!(scope.name().parse::<Scope>().unwrap(), scope);
            assert!(Scopes::new([scope]).allow(scope), "{scope}");
            let by_admin = Scopes::new([Scope::Admin]).allow(scope);
            assert_eq!(by_admin, scope != Scope::Vendor, "{scope}");
            let by_vendor = Scopes::new([Scope::Vendor]).allow(scope);
            assert_eq!(by_vendor, scope == Scope::Vendor, "{scope}");
            assert!(!Scopes::new([]).allow(scope), "{scope}");
        }
        let writer = Scopes::new([Scope::OrdersWrite]);
        assert!(writer.allow(Scope::OrdersRead));
        for other in [Scope::Admin, Scope::ProductsRead, Scope::ProductsWrite, Scope::StockWrite] {
            assert!(!writer.allow(other), "{other}");
        }
        assert!(!Scopes::new([Scope::ProductsRead]).allow(Scope::ProductsWrite));
        assert!("everything".parse::<Scope>().is_err());
    }

    #[test]
    fn the_stored_form_round_trips_and_unknown_names_grant_nothing() {
        let scopes = Scopes::new([Scope::StockWrite, Scope::OrdersRead, Scope::StockWrite]);
        assert_eq!(Scopes::from_json(&scopes.to_json()), scopes);
        assert_eq!(
            Scopes::from_json(r#"["root","orders:read"]"#),
            Scopes::new([Scope::OrdersRead])
        );
        assert_eq!(Scopes::from_json("damaged"), Scopes::new([]));
    }
}
