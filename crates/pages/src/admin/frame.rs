//! What surrounds every page of the back office.

use super::icons;
use crate::storefront::Notice;

/// The parts of the back office, as the navigation lists them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Section {
    /// Today at a glance.
    #[default]
    Dashboard,
    /// What was sold.
    Orders,
    /// What was nearly sold.
    Carts,
    /// What is on sale.
    Products,
    /// Who buys.
    Customers,
    /// Others who sell here.
    Vendors,
    /// What readers are told.
    Mails,
    /// Who runs the shop.
    People,
    /// What has happened, and who is told.
    Events,
    /// Programs elsewhere that are told.
    Webhooks,
    /// What is done in the background.
    Jobs,
    /// How the shop itself is.
    System,
}

impl Section {
    const ALL: [Self; 12] = [
        Self::Dashboard,
        Self::Orders,
        Self::Carts,
        Self::Products,
        Self::Customers,
        Self::Vendors,
        Self::Mails,
        Self::People,
        Self::Events,
        Self::Webhooks,
        Self::Jobs,
        Self::System,
    ];

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Dashboard => "Dashboard",
            Self::Orders => "Orders",
            Self::Carts => "Abandoned carts",
            Self::Products => "Products",
            Self::Customers => "Customers",
            Self::Vendors => "Vendors",
            Self::Mails => "Mails",
            Self::People => "People",
            Self::Events => "Events",
            Self::Webhooks => "Webhooks",
            Self::Jobs => "Jobs",
            Self::System => "System",
        }
    }

    pub(crate) const fn href(self) -> &'static str {
        match self {
            Self::Dashboard => "/admin",
            Self::Orders => "/admin/orders",
            Self::Carts => "/admin/carts",
            Self::Products => "/admin/products",
            Self::Customers => "/admin/customers",
            Self::Vendors => "/admin/vendors",
            Self::Mails => "/admin/mails",
            Self::People => "/admin/people",
            Self::Events => "/admin/events",
            Self::Webhooks => "/admin/webhooks",
            Self::Jobs => "/admin/jobs",
            Self::System => "/admin/system",
        }
    }

    pub(crate) fn icon(self) -> &'static str {
        icons::svg(match self {
            Self::Dashboard => "dashboard",
            Self::Orders => "orders",
            Self::Carts => "cart",
            Self::Products => "products",
            Self::Customers => "customers",
            Self::Vendors => "shop",
            Self::Mails => "mails",
            Self::People => "people",
            Self::Events => "events",
            Self::Webhooks => "webhooks",
            Self::Jobs => "jobs",
            Self::System => "system",
        })
    }
}

/// The frame of one page for one signed-in user.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// The shop's name.
    pub shop: String,
    /// The user's name.
    pub user: String,
    /// The address the user signed in with.
    pub email: String,
    /// What forms must carry.
    pub csrf: String,
    /// Where in the navigation the page is.
    pub section: Section,
    /// Orders that need someone's attention.
    pub n_attention: i64,
    /// What the last action came to.
    pub notice: Option<Notice>,
}

impl Frame {
    pub(crate) fn sections(&self) -> [Section; 12] {
        Section::ALL
    }
}
