//! What surrounds every page.

use std::sync::Arc;

use serde_json::Value;

use super::Link;

/// What all pages of a shop share; built when settings or categories change.
#[derive(Debug, Clone, Default)]
pub struct Shop {
    /// Its name.
    pub name: String,
    /// One line that says what it is.
    pub tagline: String,
    /// A BCP 47 language tag, e.g. `en`.
    pub locale: String,
    /// A line above the header, e.g. about free shipping.
    pub announcement: Option<String>,
    /// The categories of the navigation, in order; about eight.
    pub categories: Vec<Link>,
    /// Further links of the footer, e.g. terms and privacy.
    pub footer: Vec<Link>,
}

/// The frame of one page.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// The shop.
    pub shop: Arc<Shop>,
    /// The title of the page, without the shop's name; empty on the home page.
    pub title: String,
    /// The description for search engines and previews; may be empty.
    pub description: String,
    /// The absolute address under which this page should be known.
    pub canonical: Option<String>,
    /// An absolute address of a picture for previews.
    pub image: Option<String>,
    /// Kept out of search engines: carts, checkouts, orders, searches.
    pub noindex: bool,
    /// Structured data; see [`crate::json_ld`].
    pub json_ld: Vec<Value>,
    /// The words in the search field.
    pub query: String,
    /// The address of the navigation entry this page belongs to.
    pub section: String,
}

impl Layout {
    /// A frame with this title; fill the other fields as the page needs.
    pub fn new(shop: Arc<Shop>, title: impl Into<String>) -> Self {
        Self { shop, title: title.into(), ..Self::default() }
    }

    /// The same for a page that search engines should leave out.
    pub fn private(shop: Arc<Shop>, title: impl Into<String>) -> Self {
        Self { noindex: true, ..Self::new(shop, title) }
    }

    /// The content of `<title>`.
    pub(crate) fn full_title(&self) -> String {
        match (self.title.is_empty(), self.shop.tagline.is_empty()) {
            (false, _) => format!("{} · {}", self.title, self.shop.name),
            (true, false) => format!("{}: {}", self.shop.name, self.shop.tagline),
            (true, true) => self.shop.name.clone(),
        }
    }

    /// The language of the page.
    pub(crate) fn lang(&self) -> &str {
        if self.shop.locale.is_empty() { "en" } else { &self.shop.locale }
    }

    /// Structured data, safe inside `script` elements.
    pub(crate) fn json_ld_scripts(&self) -> Vec<String> {
        self.json_ld.iter().map(crate::json_ld::script_text).collect()
    }
}
