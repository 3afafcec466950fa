//! Everything a browser is sent: view structs, their templates, style sheets, scripts, generated
//! pictures. No I/O, no clock, no rules: a page shows what it is given.
//!
//! Pages are cached as bytes for everyone, so nothing personal is in them. The header leaves
//! [`CART_COUNT_SLOT`] where the server puts [`cart_badge`] for each request.

pub mod admin;
pub mod assets;
pub mod docs;
pub mod icons;
pub mod json_ld;
pub mod picture;
pub mod storefront;

use askama::Template;

/// What stands in every cached page where the number of pieces in the cart belongs.
pub const CART_COUNT_SLOT: &str = "<!--cart-count-->";

/// The markup that takes the place of [`CART_COUNT_SLOT`].
pub fn cart_badge(count: u64) -> String {
    let hidden = if count == 0 { " hidden" } else { "" };
    let noun = if count == 1 { "item" } else { "items" };
    let shown = if count > 999 { "999+".to_owned() } else { count.to_string() };
    format!(
        "<span class=\"cart-count\" data-cart-count=\"{count}\"{hidden}>{shown}\
         <span class=\"visually-hidden\"> {noun}</span></span>"
    )
}

/// Renders into a string. A template writes to memory and so fails only when a value's own
/// `Display` does; the page then says so rather than being cut off.
pub(crate) fn render<T: Template>(template: &T) -> String {
    template.render().unwrap_or_else(|error| {
        format!("<!doctype html><title>Error</title><p>This page could not be shown: {error}.")
    })
}
