//! The back office: pages for those who run the shop.
//!
//! | module | addresses |
//! | --- | --- |
//! | [`set_up`] | `/admin/setup/{token}`: the first administrator |
//! | [`sign_in`] | `/admin/sign-in`, `/admin/sign-out` |
//! | [`dashboard`] | `/admin` |
//! | [`orders`], [`order`] | `/admin/orders`, `/admin/orders/{id}` |
//! | [`products`], [`product`], [`stock`] | `/admin/products`, `/admin/products/{id}` |
//! | [`system`] | `/admin/system` |
//!
//! [`gate`] lets in: a handler that reads takes a [`gate::Staff`], one that changes something an
//! [`gate::Action`], which exists only for a form that a page of this session sent. A form is
//! answered by a redirect, or by the same page with what is wrong.

mod answer;
pub mod dashboard;
pub mod gate;
pub mod order;
pub mod orders;
pub mod product;
mod product_form;
pub mod products;
pub mod set_up;
pub mod sign_in;
pub mod stock;
pub mod system;

use axum::Router;
use axum::routing::{get, post};

use crate::state::Web;

/// The routes of the back office, under `/admin`.
pub fn routes() -> Router<Web> {
    Router::new()
        .route("/admin", get(dashboard::show))
        .route("/admin/setup/{token}", get(set_up::show).post(set_up::create))
        .route("/admin/sign-in", get(sign_in::show).post(sign_in::enter))
        .route("/admin/sign-out", post(sign_in::leave))
        .route("/admin/orders", get(orders::list))
        .route("/admin/orders/{id}", get(order::show))
        .route("/admin/orders/{id}/cancel", get(order::ask_cancel).post(order::cancel))
        .route("/admin/products", get(products::list))
        .route("/admin/products/new", get(product::new).post(product::create))
        .route("/admin/products/{id}", get(product::show).post(product::save))
        .route("/admin/products/{id}/stock", post(stock::save))
        .route("/admin/products/{id}/delete", get(product::ask_delete).post(product::delete))
        .route("/admin/system", get(system::show))
}
