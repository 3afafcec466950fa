//! The storefront: pages for shoppers, complete without scripts.
//!
//! Pages of the catalogue come from [`crate::page_cache`]; carts, checkouts and orders are made for
//! each request and kept by nobody. Every form is posted ([`request::Form`] refuses those of other
//! sites) and answered by a redirect, or by the same page with what is wrong.
//!
//! | module | addresses |
//! | --- | --- |
//! | [`home`] | `/`, `/categories` |
//! | [`listing`] | `/categories/{handle}`, `/search` |
//! | [`product`] | `/products/{handle}` |
//! | [`cart`] | `/cart` |
//! | [`checkout`] | `/checkout` |
//! | [`payment`] | `/pay/test/{id}`: the test provider's page |
//! | [`orders`] | `/orders` |
//! | [`files`] | assets, drawn pictures |
//! | [`robots`] | `/robots.txt`, `/sitemap.xml` |
//! | [`api_docs`] | `/api/docs` |

pub mod api_docs;
pub mod cart;
pub mod checkout;
mod cookies;
pub mod countries;
pub mod errors;
pub mod files;
mod frame;
pub mod home;
pub mod listing;
pub mod orders;
pub mod payment;
pub mod product;
pub mod request;
pub mod robots;
mod views;

use axum::Router;
use axum::routing::{get, post};

use crate::state::Web;

/// The routes of the storefront.
pub fn routes() -> Router<Web> {
    Router::new()
        .route("/", get(home::home))
        .route("/categories", get(home::categories))
        .route("/categories/{handle}", get(listing::category))
        .route("/search", get(listing::search))
        .route("/products/{handle}", get(product::show))
        .route("/cart", get(cart::show))
        .route("/cart/lines", post(cart::add_line))
        .route("/cart/lines/{id}", post(cart::change_line))
        .route("/cart/lines/{id}/remove", post(cart::remove_line))
        .route("/cart/discount", post(cart::apply_discount))
        .route("/cart/discount/remove", post(cart::remove_discount))
        .route("/checkout", get(checkout::begin))
        .route("/checkout/address", get(checkout::address::show).post(checkout::address::save))
        .route("/checkout/shipping", get(checkout::shipping::show).post(checkout::shipping::save))
        .route("/checkout/payment", get(checkout::payment::show).post(checkout::payment::save))
        .route("/checkout/review", get(checkout::review::show).post(checkout::review::place))
        .route("/checkout/complete", post(checkout::review::place))
        .route("/pay/test/{payment}", get(payment::show).post(payment::answer))
        .route("/orders", get(orders::to_lookup))
        .route("/orders/lookup", get(orders::lookup).post(orders::find))
        .route("/orders/{id}", get(orders::show))
        .route("/assets/{*path}", get(files::asset))
        .route("/favicon.svg", get(files::favicon))
        .route("/favicon.ico", get(files::favicon))
        .route("/media/products/{file}", get(files::product_picture))
        .route("/media/categories/{file}", get(files::category_picture))
        .route("/robots.txt", get(robots::robots))
        .route("/sitemap.xml", get(robots::sitemap_index))
        .route("/sitemaps/categories.xml", get(robots::category_sitemap))
        .route("/sitemaps/products.xml", get(robots::product_sitemap))
        .route("/api/docs", get(api_docs::show))
        .method_not_allowed_fallback(crate::api::method_not_allowed)
}
