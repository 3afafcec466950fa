//! The cart.

use askama::Template;
use stoa_kernel::Money;

use super::{Layout, Notice, Picture, ProductCard, Totals};

/// A line of the cart.
#[derive(Debug, Clone)]
pub struct CartLine {
    /// Its id; forms go to `/cart/lines/{id}` and `/cart/lines/{id}/remove`.
    pub id: String,
    /// The product's page.
    pub href: String,
    /// The product's name.
    pub title: String,
    /// The option values of the variant, e.g. `Black / M`; empty when there is no choice.
    pub variant: String,
    /// What it looks like.
    pub picture: Picture,
    /// What one piece costs.
    pub unit_price: Money,
    /// The former price of one piece.
    pub compare_at: Option<Money>,
    /// How many.
    pub quantity: i64,
    /// The most that can be had now.
    pub max_quantity: i64,
    /// What the line costs.
    pub total: Money,
    /// Out of stock, price changed, fewer left than wanted.
    pub notice: Option<Notice>,
}

/// A discount code that counts.
#[derive(Debug, Clone, Default)]
pub struct AppliedCode {
    /// The code.
    pub code: String,
    /// What it gives.
    pub label: String,
}

/// `/cart`
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/cart.html")]
pub struct CartPage {
    /// The frame.
    pub layout: Layout,
    /// Messages about the cart as a whole.
    pub notices: Vec<Notice>,
    /// What is in it.
    pub lines: Vec<CartLine>,
    /// Codes that count.
    pub codes: Vec<AppliedCode>,
    /// The code as typed, when it was refused.
    pub code_value: String,
    /// Why it was refused.
    pub code_error: Option<String>,
    /// What it costs; nothing when the cart is empty.
    pub totals: Option<Totals>,
    /// A line below the total, e.g. when tax and shipping are worked out.
    pub note: Option<String>,
    /// Whether the checkout can start; otherwise the lines say why not.
    pub can_checkout: bool,
    /// Other products.
    pub related: Vec<ProductCard>,
}

impl CartPage {
    fn pieces(&self) -> i64 {
        self.lines.iter().fold(0, |sum, line| sum.saturating_add(line.quantity))
    }
}

pages!(CartPage);
