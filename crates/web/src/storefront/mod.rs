//! The storefront: pages for shoppers.

use axum::Router;

use crate::state::Web;

/// The routes of the storefront.
pub fn routes() -> Router<Web> {
    Router::new()
}
