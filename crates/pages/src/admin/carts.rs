//! What was nearly sold.

use askama::Template;
use stoa_kernel::{Money, Timestamp};

use super::parts::{Badge, Pager, grouped, when};
use super::{Frame, OrderTab, Picture, icons};

pages!(CartListPage, CartPage);

/// An abandoned cart in the list.
#[derive(Debug, Clone)]
pub struct CartRow {
    /// Its page.
    pub href: String,
    /// Where its shopper can be reached.
    pub email: String,
    /// Who would receive it; empty when that is not known.
    pub customer: String,
    /// When it was found to be abandoned.
    pub at: Timestamp,
    /// Pieces.
    pub n_items: i64,
    /// What it came to.
    pub total: Money,
    /// `abandoned` or `recovered`.
    pub status: String,
}

/// The list of abandoned carts.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/carts.html")]
pub struct CartListPage {
    /// The frame.
    pub frame: Frame,
    /// The filters.
    pub tabs: Vec<OrderTab>,
    /// The status chosen; empty for all.
    pub status: String,
    /// The carts of this page.
    pub rows: Vec<CartRow>,
    /// Where the list goes on.
    pub pager: Pager,
}

/// A line of a cart.
#[derive(Debug, Clone)]
pub struct CartLine {
    /// The product's page in the back office; nothing when it was removed.
    pub href: Option<String>,
    /// Title when it was added.
    pub title: String,
    /// Option values when it was added.
    pub variant: String,
    /// SKU when it was added.
    pub sku: String,
    /// Its picture.
    pub picture: Picture,
    /// Pieces.
    pub quantity: i64,
    /// The price of one that the shopper saw.
    pub unit_price: Money,
}

/// One abandoned cart.
#[derive(Debug, Clone, Template)]
#[template(path = "admin/cart.html")]
pub struct CartPage {
    /// The frame.
    pub frame: Frame,
    /// Where its shopper can be reached; empty when they took it out again.
    pub email: String,
    /// The lines of the address it would go to; empty when that is not known.
    pub shipping_address: Vec<String>,
    /// When it was found to be abandoned.
    pub at: Timestamp,
    /// When its shopper last touched it.
    pub updated_at: Timestamp,
    /// The goods in it now.
    pub lines: Vec<CartLine>,
    /// What it came to.
    pub total: Money,
    /// `abandoned` or `recovered`.
    pub status: String,
    /// The order it has become: its page and its name.
    pub order: Option<(String, String)>,
}
