//! The back office: pages for those who run the shop.
//!
//! | module | addresses |
//! | --- | --- |
//! | [`set_up`] | `/admin/setup/{token}`: the first administrator |
//! | [`sign_in`] | `/admin/sign-in`, `/admin/sign-out` |
//! | [`dashboard`] | `/admin` |
//! | [`orders`], [`order`] | `/admin/orders`, `/admin/orders/{id}` |
//! | [`fulfilments`] | `/admin/orders/{id}/fulfilments/...` |
//! | [`carts`] | `/admin/carts`, `/admin/carts/{id}`: those that were abandoned |
//! | [`products`], [`product`], [`stock`] | `/admin/products`, `/admin/products/{id}` |
//! | [`events`] | `/admin/events`, `/admin/events/{offset}`, `/admin/events/subscribers` |
//! | [`webhooks`] | `/admin/webhooks`, `/admin/webhooks/{id}`, `/admin/webhooks/{id}/deliveries/{id}` |
//! | [`customers`] | `/admin/customers`, `/admin/customers/{id}` |
//! | [`vendors`] | `/admin/vendors`, `/admin/vendors/{id}` |
//! | [`jobs`] | `/admin/jobs`, `/admin/jobs/{id}` |
//! | [`mails`] | `/admin/mails`, `/admin/mails/templates` |
//! | [`people`] | `/admin/people`, `/admin/forgot`, `/admin/reset/{token}`, `/admin/invitation/{token}` |
//! | [`system`] | `/admin/system` |
//!
//! [`gate`] lets in: a handler that reads takes a [`gate::Staff`], one that changes something an
//! [`gate::Action`], which exists only for a form that a page of this session sent. A form is
//! answered by a redirect, or by the same page with what is wrong.

mod answer;
pub mod carts;
pub mod customers;
pub mod dashboard;
pub mod events;
pub mod fulfilments;
pub mod gate;
mod goods;
pub mod jobs;
pub mod mails;
pub mod order;
pub mod orders;
pub mod people;
pub mod product;
mod product_form;
pub mod products;
pub mod set_up;
pub mod sign_in;
pub mod stock;
pub mod system;
pub mod vendors;
pub mod webhooks;

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
        .route("/admin/orders/{id}/fulfilments", post(fulfilments::create))
        .route(
            "/admin/orders/{id}/fulfilments/{fulfilment}",
            get(fulfilments::show).post(fulfilments::save),
        )
        .route("/admin/orders/{id}/fulfilments/{fulfilment}/cancel", post(fulfilments::cancel))
        .route("/admin/orders/{id}/cancel", get(order::ask_cancel).post(order::cancel))
        .route("/admin/carts", get(carts::list))
        .route("/admin/carts/{id}", get(carts::show))
        .route("/admin/customers", get(customers::list))
        .route("/admin/customers/{id}", get(customers::show).post(customers::save))
        .route("/admin/products", get(products::list))
        .route("/admin/products/new", get(product::new).post(product::create))
        .route("/admin/products/{id}", get(product::show).post(product::save))
        .route("/admin/products/{id}/stock", post(stock::save))
        .route("/admin/products/{id}/delete", get(product::ask_delete).post(product::delete))
        .route("/admin/events", get(events::list))
        .route("/admin/events/subscribers", get(events::subscribers))
        .route("/admin/events/subscribers/{name}/retry", post(events::retry))
        .route("/admin/events/{offset}", get(events::show))
        .route("/admin/webhooks", get(webhooks::list))
        .route("/admin/webhooks/new", get(webhooks::new).post(webhooks::create))
        .route("/admin/webhooks/{id}", get(webhooks::show).post(webhooks::save))
        .route("/admin/webhooks/{id}/resume", post(webhooks::resume))
        .route("/admin/webhooks/{id}/rotate-secret", post(webhooks::rotate_secret))
        .route("/admin/webhooks/{id}/replay", post(webhooks::replay_range))
        .route("/admin/webhooks/{id}/delete", get(webhooks::ask_delete).post(webhooks::delete))
        .route("/admin/webhooks/{id}/deliveries/{delivery}", get(webhooks::delivery))
        .route("/admin/webhooks/{id}/deliveries/{delivery}/replay", post(webhooks::replay_delivery))
        .route("/admin/vendors", get(vendors::list).post(vendors::create))
        .route("/admin/vendors/{id}", get(vendors::show).post(vendors::save))
        .route("/admin/jobs", get(jobs::list))
        .route("/admin/jobs/rebuild-search", post(jobs::rebuild_search))
        .route("/admin/jobs/schedules/{name}", post(jobs::run_schedule))
        .route("/admin/jobs/{id}", get(jobs::show))
        .route("/admin/jobs/{id}/retry", post(jobs::retry))
        .route("/admin/jobs/{id}/discard", post(jobs::discard))
        .route("/admin/jobs/{id}/run", post(jobs::run))
        .route("/admin/mails", get(mails::list))
        .route("/admin/mails/templates", get(mails::templates))
        .route("/admin/mails/templates/{kind}/{language}", get(mails::edit).post(mails::save))
        .route("/admin/mails/templates/{kind}/{language}/reset", post(mails::reset))
        .route(
            "/admin/mails/templates/{kind}/{language}/preview",
            get(mails::preview).post(mails::preview_entered),
        )
        .route("/admin/mails/{id}", get(mails::show))
        .route("/admin/mails/{id}/html", get(mails::html))
        .route("/admin/mails/{id}/send", post(mails::send))
        .route("/admin/people", get(people::list).post(people::invite))
        .route("/admin/people/revoke", post(people::revoke))
        .route("/admin/forgot", get(people::forgot).post(people::send_reset))
        .route("/admin/reset/{token}", get(people::new_password).post(people::set_password))
        .route("/admin/invitation/{token}", get(people::invitation).post(people::join))
        .route("/admin/system", get(system::show))
}
