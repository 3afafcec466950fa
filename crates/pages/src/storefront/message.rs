//! Pages that say why there is no page.

use askama::Template;

use super::{Layout, Link};

/// An error page.
#[derive(Debug, Clone, Template)]
#[template(path = "storefront/error.html")]
pub struct ErrorPage {
    /// The frame.
    pub layout: Layout,
    /// The HTTP status.
    pub status: u16,
    /// What happened, in a few words.
    pub heading: String,
    /// What to do now.
    pub message: String,
    /// Ways on.
    pub links: Vec<Link>,
    /// What support can look the request up by.
    pub request_id: Option<String>,
}

impl ErrorPage {
    /// The page with the usual words for this status.
    pub fn new(layout: Layout, status: u16) -> Self {
        let (heading, message) = match status {
            404 | 410 => (
                "This page is not here",
                "The product may have sold out for good, or the address has a typing error. \
                 Search for it, or start from a category.",
            ),
            400..=499 => (
                "That did not work",
                "The request could not be understood. Go back, check what you entered and try \
                 again.",
            ),
            503 => (
                "Back in a moment",
                "The shop is being updated or very busy. Nothing is lost: your cart is kept. \
                 Please try again in a minute.",
            ),
            _ => (
                "Something broke on our side",
                "It is not your fault, and nothing was charged that is not shown as an order. \
                 Please try again.",
            ),
        };
        Self {
            layout: Layout { title: heading.to_owned(), noindex: true, ..layout },
            status,
            heading: heading.to_owned(),
            message: message.to_owned(),
            links: Vec::new(),
            request_id: None,
        }
    }
}

pages!(ErrorPage);
