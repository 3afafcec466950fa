//! Every address of the shop, on one page.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use stoa_kernel::limits;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::state::Web;
use crate::{admin, api, health, middleware, storefront};

/// The whole shop.
pub fn router(web: Web) -> Router {
    Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(health::metrics))
        .merge(api::routes())
        .merge(storefront::routes())
        .merge(admin::routes())
        .fallback(api::fallback)
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES))
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::custom(middleware::panicked))
        .layer(axum::middleware::from_fn_with_state(web.clone(), middleware::around))
        .with_state(web)
}
